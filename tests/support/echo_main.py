"""The echo service as a program, as a service's own __main__.py would be, for tests of its life."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import ClassVar

from chassis.lifecycle import Assembly, Dial, ServiceMain, main
from chassis.settings import ProcessSettings, setting
from chassis.telemetry import Telemetry
from tests.support.echo_service import EchoReply, EchoServicer, bindings_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ProcessSettings):
    """The frame's settings and what a test wants to go wrong."""

    PREFIX: ClassVar[str] = "ECHO_"

    fail_after_ms: int = setting(default=0, doc="A worker fails after this many milliseconds; 0 never.")
    answer_ms: int = setting(default=0, doc="How long the handler takes, milliseconds.")


async def assemble(settings: Settings, dial: Dial, telemetry: Telemetry) -> Assembly:
    """One servicer, one worker, one closer, each telling its end."""
    del dial, telemetry
    servicer = EchoServicer()

    async def slow(request: object) -> object:
        await asyncio.sleep(settings.answer_ms / 1000)
        return EchoReply(text="served")

    async def worker() -> None:
        try:
            await asyncio.sleep(settings.fail_after_ms / 1000 if settings.fail_after_ms else 3_600)
            raise ValueError("planted 099200000017")
        finally:
            print("worker ended", flush=True)

    async def closer() -> None:
        print("closed", flush=True)

    servicer.on_call = slow
    return Assembly(name="echo", bindings=bindings_of(servicer), workers=[worker], close=[closer])


if __name__ == "__main__":
    sys.exit(
        main(
            ServiceMain(
                name="echo", settings_class=Settings, assemble=assemble, package="tests.support.echo_main"
            )
        )
    )
