"""Sets the project up and runs it: `python3 dev.py demo | up | test | check | protos | compose`.

Uses the standard library alone, so that a machine with Python 3.11 needs nothing else prepared.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
OLDEST_PYTHON = (3, 11)

TYPED = (
    "chassis", "standards", "identity_svc", "emr_svc", "insurance_svc", "payment_svc", "gateway",
    "station", "deploy", "sandbox", "cli", "bench", "dev.py",
)  # fmt: skip


def say(text: str) -> None:
    """Tell the person at the terminal what happens now."""
    print(f"\033[1m• {text}\033[0m" if sys.stdout.isatty() else f"• {text}", flush=True)


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Run a command to its end; a failure ends this program with the command's own code."""
    code = subprocess.call([str(part) for part in command], cwd=cwd)
    if code != 0:
        raise SystemExit(code)


def set_up(extra: str) -> None:
    """Make `.venv` and install the project with one extra, unless that was done for these very files."""
    if sys.version_info < OLDEST_PYTHON:
        raise SystemExit(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")
    requirements = (ROOT / "pyproject.toml").read_bytes() + (ROOT / "constraints.txt").read_bytes()
    fingerprint = hashlib.sha256(requirements + sys.version.encode() + str(ROOT).encode()).hexdigest()
    stamps = [VENV / f"installed-{name}" for name in ([extra] if extra == "dev" else ["dev", extra])]
    if PYTHON.exists() and any(stamp.exists() and stamp.read_text() == fingerprint for stamp in stamps):
        return
    started = time.monotonic()
    uv = shutil.which("uv")
    if not PYTHON.exists():
        say("making .venv")
        maker = [uv, "venv", "--python", sys.executable] if uv else [sys.executable, "-m", "venv"]
        run(*maker, VENV)
    say(f"installing the pinned packages ({'uv' if uv else 'pip'}); the first time takes a minute or two")
    target = f"{ROOT}[{extra}]"
    installer: list[str | Path] = (
        [uv, "pip", "install", "--python", PYTHON]
        if uv
        else [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "on"]
    )
    run(*installer, "--quiet", "--editable", target, "--constraint", ROOT / "constraints.txt")
    (VENV / f"installed-{extra}").write_text(fingerprint)
    say(f"installed in {time.monotonic() - started:.0f} s")


def become(*arguments: str) -> None:
    """Replace this process by the installed interpreter, so that Ctrl-C reaches the suite itself."""
    os.chdir(ROOT)
    os.execv(PYTHON, [str(PYTHON), *arguments])  # noqa: S606 - our own interpreter, no shell


def demo(rest: list[str]) -> None:
    """Start the suite as separate processes and play the patients of the README through it."""
    set_up("otlp")
    become("-m", "station", "demo", *rest)


def up(rest: list[str]) -> None:
    """Start the suite, print its addresses and keep it running until Ctrl-C."""
    set_up("otlp")
    become("-m", "station", "up", *rest)


def test(rest: list[str]) -> None:
    """Run the tests."""
    set_up("dev")
    become("-m", "pytest", "-q", *(rest or ["-m", "not slow"]))


def check(_: list[str]) -> None:
    """Run every check that is not a test: format, lint, types, import directions, protos."""
    set_up("dev")
    binaries = PYTHON.parent
    run(binaries / "ruff", "format", "--check", ".")
    run(binaries / "ruff", "check", ".")
    run(binaries / "mypy", *TYPED)
    run(binaries / "lint-imports")
    protos(["--check"])


def protos(rest: list[str]) -> None:
    """Generate `lienthong/` from `protos/`; with --check only compare, lint and look for breaking changes."""
    set_up("dev")
    run(PYTHON, ROOT / "protos" / "generate.py", *rest)


def compose(_: list[str]) -> None:
    """Build the image and bring the composed suite up, where a container engine runs."""
    run("bash", ROOT / "docs" / "compose-check.sh")


COMMANDS = {"demo": demo, "up": up, "test": test, "check": check, "protos": protos, "compose": compose}


def main() -> None:
    """Read the command line and run one command."""
    parser = argparse.ArgumentParser(prog="dev.py", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, function in COMMANDS.items():
        commands.add_parser(name, help=function.__doc__, add_help=False)
    chosen, rest = parser.parse_known_args()
    COMMANDS[chosen.command](rest)


if __name__ == "__main__":
    main()
