"""Generates `lienthong/` from the protos; with --check compares, lints and looks for breaking changes."""

from __future__ import annotations

import argparse
import filecmp
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import google.api.annotations_pb2

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "protos"
RELEASED = SOURCES / "released.binpb"
GOOGLE = Path(google.api.annotations_pb2.__file__).parent.parent.parent
BUF = str(Path(sys.executable).parent / "buf")


def protoc(*arguments: str) -> None:
    """Run the pinned protoc over every source of ours."""
    files = sorted(str(path.relative_to(SOURCES)) for path in SOURCES.glob("lienthong/**/*.proto"))
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{SOURCES}", f"-I{GOOGLE}", *arguments, *files]
    # protoc looks its plugins up by name, and they stand beside the interpreter.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    subprocess.run(command, cwd=ROOT, check=True, stderr=subprocess.DEVNULL, env={**os.environ, "PATH": path})


def generate(target: Path) -> None:
    """Write the messages, the gRPC code and the type stubs of both below `target`."""
    protoc(*(f"--{kind}_out={target}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")))


def image(target: Path) -> None:
    """Write the descriptors with their comments, as buf reads them."""
    protoc("--include_imports", "--include_source_info", f"--descriptor_set_out={target}")


def differences(made: Path) -> list[str]:
    """Names of generated files that are missing, extra or other than the committed ones."""
    fresh = {path.relative_to(made) for path in made.rglob("*_pb2*.py*")}
    kept = {path.relative_to(ROOT) for path in (ROOT / "lienthong").rglob("*_pb2*.py*")}
    kept = {path for path in kept if path.suffix in (".py", ".pyi")}
    changed = {path for path in fresh & kept if not filecmp.cmp(made / path, ROOT / path, shallow=False)}
    return sorted(str(path) for path in (fresh ^ kept) | changed)


def check() -> int:
    """Compare, lint, and look for breaking changes; the number of checks that failed."""
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        generate(made)
        if stale := differences(made):
            print("lienthong/ is not what the protos say; run `python3 dev.py protos`:", *stale, sep="\n  ")
            failed += 1
        current = made / "image.binpb"
        image(current)
        config = ["--config", str(SOURCES / "buf.yaml")]
        failed += subprocess.call([BUF, "lint", str(current), *config], cwd=SOURCES) != 0
        failed += (
            subprocess.call([BUF, "breaking", str(current), "--against", str(RELEASED), *config], cwd=SOURCES)
            != 0
        )
    print(
        "protos: generated code, lint and compatibility are fine"
        if not failed
        else f"protos: {failed} checks failed"
    )
    return failed


def main() -> int:
    """Read the command line; 0 when all is well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare and lint, write nothing")
    parser.add_argument(
        "--release", action="store_true", help="keep today's descriptors as the ones not to break"
    )
    chosen = parser.parse_args()
    if chosen.check:
        return check()
    generate(ROOT)
    if chosen.release:
        image(RELEASED)
    return 0


if __name__ == "__main__":
    sys.exit(main())
