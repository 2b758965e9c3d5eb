"""The README says what is true: its tables of settings are those of the programs, its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

from station.settings_table import BEGIN, END, tables

ROOT = Path(__file__).resolve().parents[2]


def test_the_tables_of_settings_are_todays() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")

    shown = text.partition(BEGIN)[2].partition(END)[0].strip()

    assert shown == tables(), "run `.venv/bin/python -m station settings`"


def test_every_link_leads_to_a_file() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)\)", text)

    assert links
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_every_folder_of_the_project_is_in_the_map() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert [package for package in packages if f"`{package}`" not in text] == []
