"""A service as a program: it starts, says what is wrong with its settings, drains and ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import urllib.request
from pathlib import Path

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chassis.lifecycle import Assembly, ServiceMain, main, run
from chassis.rpc.context import acting_as
from chassis.rpc.dial import dial
from chassis.settings import ProcessSettings
from chassis.telemetry import Telemetry
from chassis.telemetry.metrics import Metrics
from tests.support.echo_service import EchoRequest, EchoServicer, EchoStub, bindings_of

ROOT = Path(__file__).parents[3]


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


class Program:
    """The echo service in a process of its own."""

    def __init__(self, keys, **environ: str) -> None:
        self.port = free_port()
        self.metrics_port = free_port()
        self.environ = {
            **os.environ,
            "ECHO_LISTEN": f"127.0.0.1:{self.port}",
            "ECHO_METRICS_LISTEN": f"127.0.0.1:{self.metrics_port}",
            "ECHO_TOKEN_KEY_FILE": str(keys.public),
            "ECHO_DRAIN_MS": "0",
            **environ,
        }

    async def start(self, command: str = "serve") -> asyncio.subprocess.Process:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.support.echo_main",
            command,
            cwd=ROOT,
            env=self.environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        return self.process

    async def ready(self) -> None:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self.port}") as raw:
            await health_pb2_grpc.HealthStub(raw).Check(
                health_pb2.HealthCheckRequest(), wait_for_ready=True, timeout=20
            )

    async def end(self) -> tuple[int, str, str]:
        out, err = await asyncio.wait_for(self.process.communicate(), 20)
        assert self.process.returncode is not None
        return self.process.returncode, out.decode(), err.decode()


async def test_a_signal_ends_a_service_in_order_and_without_error(keys):
    program = Program(keys)
    process = await program.start()
    await program.ready()
    page = await asyncio.to_thread(
        lambda: urllib.request.urlopen(f"http://127.0.0.1:{program.metrics_port}/metrics").read().decode()
    )
    process.send_signal(signal.SIGTERM)
    code, out, err = await program.end()

    assert code == 0, err
    assert out.splitlines() == ["worker ended", "closed"]
    events = [json.loads(line)["event"] for line in err.splitlines() if line.startswith("{")]
    assert events == ["serving", "ending", "ended"]
    assert 'service_info{service="echo"} 1.0' in page


async def test_a_call_under_way_is_answered_before_the_end(keys):
    program = Program(keys, ECHO_ANSWER_MS="400")
    process = await program.start()
    await program.ready()
    telemetry = Telemetry("test", enabled=False)
    async with dial("echo", f"127.0.0.1:{program.port}", telemetry=telemetry, sender="test") as channel:
        with acting_as(keys.caller()):
            call = asyncio.create_task(EchoStub(channel).Echo(EchoRequest(), timeout=5))
            await asyncio.sleep(0.2)
            process.send_signal(signal.SIGTERM)
            reply = await call
    code, _, err = await program.end()

    assert (code, reply.text) == (0, "served"), err


async def test_a_second_signal_ends_it_at_once(keys):
    program = Program(keys, ECHO_DRAIN_MS="30000")
    process = await program.start()
    await program.ready()
    process.send_signal(signal.SIGTERM)
    await asyncio.sleep(0.3)
    assert process.returncode is None
    process.send_signal(signal.SIGTERM)
    code, out, _ = await program.end()

    assert (code, out) == (128 + signal.SIGTERM, "")


async def test_a_failed_worker_ends_the_service_with_an_error_and_no_text(keys):
    program = Program(keys, ECHO_FAIL_AFTER_MS="300")
    await program.start()
    code, out, err = await program.end()

    assert code == 1
    assert out.splitlines() == ["worker ended", "closed"]
    assert '"error_type":"ValueError"' in err.replace(" ", "")
    assert "099200000017" not in err
    assert "planted" not in err


async def test_a_taken_port_ends_the_service_with_an_error(keys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        program = Program(keys, ECHO_LISTEN=f"127.0.0.1:{taken.getsockname()[1]}")
        await program.start()
        code, out, _ = await program.end()

    assert code == 1
    assert "closed" in out


async def test_check_config_tells_all_faults_and_exits_two(keys):
    program = Program(keys, ECHO_TOKEN_KEY_FILE="", ECHO_DRAIN_MS="-1", ECHO_LISTEN="0.0.0.0:1")
    await program.start("check-config")
    code, out, err = await program.end()

    assert (code, out) == (2, "")
    assert "ECHO_TOKEN_KEY_FILE is required" in err
    assert "ECHO_DRAIN_MS: '-1' is too small" in err
    assert "ECHO_LISTEN leaves this machine" in err
    assert len(err.splitlines()) == 3


async def test_check_config_says_when_all_is_well(keys):
    program = Program(keys)
    await program.start("check-config")

    assert await program.end() == (0, "echo: the settings are complete\n", "")


def test_a_service_without_a_database_has_nothing_to_migrate(keys, monkeypatch, capsys):
    monkeypatch.setenv("TOKEN_KEY_FILE", str(keys.public))
    service = ServiceMain(name="echo", settings_class=ProcessSettings, assemble=None, package="echo")

    assert main(service, ["migrate"]) == 0
    assert capsys.readouterr().out == "echo has no database\n"


async def test_stores_are_closed_after_everything_that_may_write(keys):
    order: list[str] = []

    class Store:
        """Notes when it is closed."""

        async def read(self, work):
            return []

        async def write(self, work):
            return 0

        async def close(self) -> None:
            order.append("database")

    async def worker() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            order.append("worker")

    async def closer() -> None:
        order.append("closer")

    stop = asyncio.Event()
    assembly = Assembly(
        name="echo",
        bindings=bindings_of(EchoServicer()),
        workers=[worker],
        close=[closer],
        databases=[Store()],
    )
    settings = ProcessSettings(token_key_file=keys.public, drain_ms=0)
    running = asyncio.create_task(
        run(assembly, settings, telemetry=Telemetry("echo"), metrics=Metrics("echo"), stop=stop)
    )
    await asyncio.sleep(0.1)
    assert order == []
    stop.set()
    await asyncio.wait_for(running, 5)

    assert order == ["worker", "closer", "database"]


async def test_a_worker_that_returns_ends_the_service(keys):
    async def done() -> None:
        return None

    assembly = Assembly(name="echo", bindings=bindings_of(EchoServicer()), workers=[done])
    settings = ProcessSettings(token_key_file=keys.public, drain_ms=0)
    with pytest.raises(ExceptionGroup) as caught:
        await asyncio.wait_for(
            run(assembly, settings, telemetry=Telemetry("echo"), metrics=Metrics("echo")), 5
        )

    assert type(caught.value.exceptions[0]).__name__ == "WorkerEnded"
