"""Each service can be installed without its siblings: its program loads with their packages blocked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("identity_svc", "emr_svc", "insurance_svc", "payment_svc", "gateway", "sandbox", "cli")
BLOCKED_START = """
import importlib.abc, runpy, sys

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(name + " is not installed here")

sys.meta_path.insert(0, Blocked())
sys.argv = [{package!r}, "--help"]
runpy.run_module({package!r}, run_name="__main__")
"""


@pytest.mark.parametrize("package", PROGRAMS)
def test_a_program_starts_with_its_siblings_blocked(package: str) -> None:
    needed = {"cli": {"sandbox"}}.get(package, set())
    blocked = {*PROGRAMS, "station", "tests"} - {package} - needed

    done = subprocess.run(
        [sys.executable, "-c", BLOCKED_START.format(blocked=blocked, package=package)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout
