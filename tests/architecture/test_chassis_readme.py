"""The README of the frame names each module, and none that is gone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CHASSIS = Path(__file__).parents[2] / "chassis"


def modules_of(folder: Path) -> set[str]:
    files = {path.name for path in folder.glob("*.py") if path.name != "__init__.py"}
    packages = {f"{path.parent.name}/" for path in folder.glob("*/__init__.py")}
    return files | packages


def tables_of(text: str) -> list[dict[str, str]]:
    parts = text.split("| module | what it does |")[1:]
    return [dict(re.findall(r"^\| `([^`]+)` \| (.+) \|$", part, re.MULTILINE)) for part in parts]


@pytest.mark.parametrize(("number", "folder"), [(0, CHASSIS), (1, CHASSIS / "rpc")])
def test_the_readme_names_each_module_in_one_line(number, folder):
    table = tables_of((CHASSIS / "README.md").read_text())[number]

    assert set(table) == modules_of(folder)
    assert all(line.endswith(".") and len(line) <= 110 for line in table.values())
    assert list(table) == sorted(table)


def test_every_module_opens_with_a_sentence():
    for path in CHASSIS.rglob("*.py"):
        first = path.read_text().split("\n", 1)[0]
        assert first.startswith('"""'), path
        assert len(first) > 20, path
