"""Starts programs, waits until each listens, and leaves none behind."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_POLL_S = 0.02
_PORTS = range(12_000, 32_000)
"""Below the range (32768 and up on Linux) from which connections take their own ports: a client that calls a dead
process there may be given the very port it calls, and the restarted process finds it taken."""
_dice = random.SystemRandom()


class DidNotStart(Exception):
    """A program ended or did not listen in time; the text names its log."""


def free_port(wanted: int = 0) -> int:
    """`wanted` when nobody listens there, else any free port that no connection takes for itself."""
    port = wanted or _dice.choice(_PORTS)
    while not _is_free(port):
        port = _dice.choice(_PORTS)
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program of the suite."""

    name: str
    arguments: tuple[str, ...]
    """The module and its arguments, as ("emr_svc", "serve")."""
    environment: Mapping[str, str]
    """Added to this process's environment."""
    ports: tuple[int, ...]
    """Ports that have to listen before the program counts as started."""


class Processes:
    """The running programs of one suite, by name."""

    def __init__(self, log_dir: Path, *, start_timeout_s: float = 60.0) -> None:
        self._log_dir = log_dir
        self._start_timeout_s = start_timeout_s
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._programs: dict[str, Program] = {}

    def start(self, programs: Sequence[Program]) -> None:
        """Start programs side by side and return when all listen.

        Raises:
            DidNotStart: when one ended or did not listen in time; all of them are stopped then.
        """
        try:
            for program in programs:
                self._spawn(program)
            for program in programs:
                self._wait_until_listening(program)
        except BaseException:
            self.stop()
            raise

    def run_to_end(self, programs: Sequence[Program]) -> None:
        """Run programs side by side that end by themselves, such as migrations.

        Raises:
            DidNotStart: when one ended with a failure.
        """
        for program in programs:
            self._spawn(program)
        for program in programs:
            if self._running.pop(program.name).wait(self._start_timeout_s) != 0:
                raise DidNotStart(f"{program.name} failed; see {self.log_file(program.name)}")

    def log_file(self, name: str) -> Path:
        """Where a program's output goes."""
        return self._log_dir / f"{name}.log"

    def pid(self, name: str) -> int:
        """The process id of a running program."""
        return self._running[name].pid

    def alive(self) -> list[str]:
        """Names of the programs that are running."""
        return [name for name, process in self._running.items() if process.poll() is None]

    def kill(self, name: str) -> None:
        """End a program at once, as a power cut would (SIGKILL)."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def restart(self, name: str) -> None:
        """Start a killed program again and wait until it listens."""
        program = self._programs[name]
        self._spawn(program)
        self._wait_until_listening(program)

    def stop(self, *, grace_s: float = 15.0) -> None:
        """Ask every program to end, then end it; last started, first stopped."""
        stopping = list(reversed(self._running.values()))
        for process in stopping:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + grace_s
        for process in stopping:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()

    def _spawn(self, program: Program) -> None:
        self._log_dir.mkdir(parents=True, exist_ok=True)
        with self.log_file(program.name).open("ab") as log:
            self._running[program.name] = subprocess.Popen(
                [sys.executable, "-m", "station.child", *program.arguments],
                env={**os.environ, **program.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Its own group, so that Ctrl-C reaches us alone and we stop them in order.
                start_new_session=True,
            )
        self._programs[program.name] = program

    def _wait_until_listening(self, program: Program) -> None:
        deadline = time.monotonic() + self._start_timeout_s
        for port in program.ports:
            while not _listens(port):
                if self._running[program.name].poll() is not None:
                    raise DidNotStart(f"{program.name} ended; see {self.log_file(program.name)}")
                if time.monotonic() > deadline:
                    raise DidNotStart(f"{program.name} does not listen; see {self.log_file(program.name)}")
                time.sleep(_POLL_S)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0
