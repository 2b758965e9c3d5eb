"""The four services have the same shape, and no folder is a drawer for leftovers."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("identity_svc", "emr_svc", "insurance_svc", "payment_svc")
NAMES = {
    "__init__.py",
    "__main__.py",
    "config.py",
    "server",
    "servicer",
    "codec",
    "operations",
    "ports.py",
    "domain",
    "store",
    "external",
    "peers",
}
GROWING = {"operations", "server", "servicer", "codec"}
"""A module until it passes 400 lines, then a package of that name."""
STORE_NAMES = {"__init__.py", "store.py", "queries.sql", "schema.sql", "migrations"}
PACKAGES = (*SERVICES, "gateway", "chassis", "standards", "sandbox", "station", "cli")
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "shared", "lib", "base"}
CHARTER_WORDS = ("Owns:", "Never touches:", "Is called by:", "Calls:")


def names_in(folder: Path) -> set[str]:
    """Names in a folder; a package counts as the module it grew from."""
    names = {path.name for path in folder.iterdir() if path.name != "__pycache__"}
    return {name.removesuffix(".py") if name.removesuffix(".py") in GROWING else name for name in names}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_exactly_the_names_of_the_design(service: str) -> None:
    found = names_in(ROOT / service)

    assert {name for name in found if not name.startswith("README")} == NAMES
    assert {"__init__.py", *names_in(ROOT / service / "store")} >= STORE_NAMES


@pytest.mark.parametrize("package", [*SERVICES, "gateway", "station"])
def test_a_package_begins_with_its_charter(package: str) -> None:
    charter = ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))) or ""

    assert [word for word in CHARTER_WORDS if word not in charter] == []


def test_the_gateway_keeps_no_store() -> None:
    assert not (ROOT / "gateway" / "store").exists()
    assert {"journeys", "http", "peers", "domain"} <= names_in(ROOT / "gateway")


@pytest.mark.parametrize("package", PACKAGES)
def test_there_is_no_drawer_for_leftovers(package: str) -> None:
    found = [
        path
        for path in (ROOT / package).rglob("*")
        if path.stem in DRAWERS and "__pycache__" not in path.parts
    ]

    assert found == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_says_what_it_is_for(package: str) -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in (ROOT / package).rglob("*.py")
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]

    assert silent == []


@pytest.mark.parametrize("package", PACKAGES)
def test_functions_end_at_70_lines_and_files_at_500(package: str) -> None:
    too_long: list[str] = []
    for path in (ROOT / package).rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if len(text.splitlines()) > 500:
            too_long.append(str(path.relative_to(ROOT)))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > 70:
                    too_long.append(f"{path.relative_to(ROOT)}:{node.name} ({lines})")

    assert too_long == []


@pytest.mark.parametrize("service", SERVICES)
def test_domain_never_waits_and_never_reads_a_clock(service: str) -> None:
    faults: list[str] = []
    for path in (ROOT / service / "domain").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Await | ast.AsyncFunctionDef | ast.AsyncFor | ast.AsyncWith):
                faults.append(f"{path.relative_to(ROOT)}:{node.lineno} waits")
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {
                "now", "today", "utcnow", "time_ns", "monotonic",
            }:  # fmt: skip
                faults.append(f"{path.relative_to(ROOT)}:{node.lineno} reads a clock")

    assert faults == []
