"""Programs are started, waited for, killed, restarted and never left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from station.processes import DidNotStart, Processes, Program, free_port

LISTENS = (
    "import os, signal, socket, time\n"
    "server = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))\n"
    "print('up', flush=True)\n"
    "if os.environ.get('STUBBORN'): signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "time.sleep(600)\n"
)


MODULES = {
    "listens": LISTENS,
    "ends": "print('why')\nraise SystemExit(3)\n",
    "silent": "import time\ntime.sleep(60)\n",
    "fails": "raise SystemExit(1)\n",
}
ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path), str(ROOT))))


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    made = Processes(tmp_path / "logs", start_timeout_s=10)
    yield made
    made.stop(grace_s=0)


def listening(name: str, **environment: str) -> Program:
    port = free_port(0)
    return Program(
        name=name,
        arguments=("listens",),
        environment={"PORT": str(port), **environment},
        ports=(port,),
    )


def connects(program: Program) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", program.ports[0])) == 0


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_start_returns_when_every_program_listens(processes: Processes) -> None:
    programs = [listening("a"), listening("b")]

    processes.start(programs)

    assert all(connects(program) for program in programs)
    assert processes.alive() == ["a", "b"]


def test_a_killed_program_is_restarted_at_its_port(processes: Processes) -> None:
    program = listening("a")
    processes.start([program])
    first = processes.pid("a")

    processes.kill("a")
    was_gone = not connects(program)
    processes.restart("a")

    assert was_gone
    assert connects(program)
    assert processes.pid("a") != first


def test_a_program_that_ends_at_once_is_told_with_its_log_and_the_others_are_stopped(
    processes: Processes,
) -> None:
    good = listening("good")
    bad = Program(
        name="bad",
        arguments=("ends",),
        environment={},
        ports=(free_port(0),),
    )

    with pytest.raises(DidNotStart, match=r"bad ended; see .*bad\.log"):
        processes.start([good, bad])

    assert processes.alive() == []
    assert not connects(good)
    assert processes.log_file("bad").read_text() == "why\n"


def test_a_program_that_never_listens_is_given_up(tmp_path: Path) -> None:
    processes = Processes(tmp_path, start_timeout_s=0.4)
    silent = Program(name="silent", arguments=("silent",), environment={}, ports=(free_port(0),))

    with pytest.raises(DidNotStart, match="does not listen"):
        processes.start([silent])

    assert processes.alive() == []


def test_a_failed_migration_is_told(processes: Processes) -> None:
    program = Program(name="migrate", arguments=("fails",), environment={}, ports=())

    with pytest.raises(DidNotStart, match="migrate failed"):
        processes.run_to_end([program])


def test_stop_ends_programs_that_do_not_listen_to_it(processes: Processes) -> None:
    processes.start([listening("a"), listening("deaf", STUBBORN="1")])
    pids = [processes.pid("a"), processes.pid("deaf")]
    time.sleep(0.2)

    processes.stop(grace_s=0.5)

    assert all(is_gone(pid) for pid in pids)
    assert processes.alive() == []


def test_the_children_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    program = listening("child")
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom station.processes import Processes, Program\n"
        f"processes = Processes(Path({str(tmp_path)!r}))\n"
        f"processes.start([Program(name='child', arguments=('listens',), "
        f"environment={dict(program.environment)!r}, ports={program.ports!r})])\n"
        "print(processes.pid('child'), flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())

        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        until = time.monotonic() + 10
        while not is_gone(child) and time.monotonic() < until:
            time.sleep(0.02)

    assert is_gone(child)


def test_a_taken_port_gives_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])

        assert free_port(port) != port
