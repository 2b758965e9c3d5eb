"""Lets one system listen on its port, and stop listening for real when it shall be down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

_SHUTDOWN_S = 0.1


class Listener:
    """One system on one port; while down the port refuses connections and old ones are cut."""

    def __init__(self, create_app: Callable[[], web.Application], *, host: str, port: int) -> None:
        self.host = host
        self.port = port
        """0 until the first start when the system may choose; fixed from then on."""
        self._create_app = create_app
        self._runner: web.AppRunner | None = None
        self._change = asyncio.Lock()

    @property
    def is_listening(self) -> bool:
        """True while connections are taken."""
        return self._runner is not None

    @property
    def url(self) -> str:
        """Base address without a closing slash."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    async def start(self) -> None:
        """Listen; nothing happens when it listens already.

        Raises:
            OSError: the port is taken.
        """
        async with self._change:
            if self._runner is not None:
                return
            # A call that nobody waits for any more is cancelled, or a hung one would outlive its caller.
            runner = web.AppRunner(
                self._create_app(), access_log=None, handler_cancellation=True, shutdown_timeout=_SHUTDOWN_S
            )
            await runner.setup()
            try:
                await web.TCPSite(runner, self.host, self.port, reuse_address=True).start()
            except BaseException:
                await runner.cleanup()
                raise
            self.port = runner.addresses[0][1]
            self._runner = runner

    async def stop(self) -> None:
        """Refuse new connections and cut the old ones; nothing happens when it is down already."""
        async with self._change:
            if self._runner is not None:
                runner, self._runner = self._runner, None
                await runner.cleanup()
