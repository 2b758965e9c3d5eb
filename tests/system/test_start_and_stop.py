"""The suite starts by one command and leaves nobody behind, however it is ended."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 30.0


def start(folder: Path, *arguments: str) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """Start the suite and return it with all its processes once it prints its addresses."""
    suite = subprocess.Popen(
        [sys.executable, "-u", "-m", "station", "up", "--any-ports", "--state-dir", str(folder), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert suite.stdout is not None
    deadline = time.monotonic() + START_TIMEOUT_S
    for line in suite.stdout:
        if "Ctrl-C" in line or time.monotonic() > deadline:
            break
    children = psutil.Process(suite.pid).children(recursive=True)
    return suite, children


def all_gone(processes: list[psutil.Process]) -> bool:
    """Whether every process has ended in time."""
    _, alive = psutil.wait_procs(processes, timeout=STOP_TIMEOUT_S)
    return not alive


@pytest.mark.parametrize(
    ("arguments", "count", "how"),
    [((), 6, signal.SIGINT), ((), 6, signal.SIGKILL), (("--one-process",), 2, signal.SIGTERM)],
    ids=["ctrl-c", "kill-9", "one-process"],
)
def test_ending_the_suite_leaves_no_process(
    tmp_path: Path, arguments: tuple[str, ...], count: int, how: signal.Signals
) -> None:
    suite, children = start(tmp_path, *arguments)
    assert len(children) == count

    suite.send_signal(how)

    assert all_gone(children)
    suite.wait(STOP_TIMEOUT_S)


def test_a_second_start_keeps_keys_and_data(tmp_path: Path) -> None:
    suite, _ = start(tmp_path)
    suite.send_signal(signal.SIGINT)
    suite.wait(STOP_TIMEOUT_S)
    keys = {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()}

    suite, children = start(tmp_path)
    suite.send_signal(signal.SIGINT)

    assert all_gone(children)
    assert {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()} == keys
    assert suite.wait(STOP_TIMEOUT_S) == 0
