"""The pages say what is true: their links and places exist, their words are unique, their metrics are measured."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from chassis.telemetry import Telemetry
from chassis.telemetry.metrics import Metrics

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TERMS_MIN = 80


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))

    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


def test_the_glossary_has_each_vietnamese_word_once_and_enough_of_them() -> None:
    text = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|", text, re.MULTILINE)
    terms = [vietnamese for vietnamese, _ in rows if vietnamese not in ("tiếng Việt", "---")]

    assert len(terms) >= TERMS_MIN
    assert [term for term, count in Counter(terms).items() if count > 1] == []
    assert all(english.strip() for _, english in rows)


def test_every_place_of_the_unverified_page_exists() -> None:
    text = (ROOT / "docs/unverified.md").read_text(encoding="utf-8")
    places = re.findall(r"\| `([a-z_]+/[^`]*)` \|$", text, re.MULTILINE)

    assert len(places) > 20
    assert [place for place in places if not (ROOT / place).exists()] == []


def test_every_metric_of_the_operations_page_is_measured_and_the_other_way_round() -> None:
    metrics = Metrics("test")
    telemetry = Telemetry("test")
    metrics.watch(lambda: telemetry.counts)
    measured = {re.sub(r"_(total|info)$", "", family.name) for family in metrics.registry.collect()}
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    table = text.partition("Metrics, each with")[2].partition("Alarms ship")[0]

    told = {re.sub(r"_(total|info)$", "", name) for name in re.findall(r"`([a-z_]+)`", table)}

    assert told == measured


def test_decisions_are_numbered_without_a_gap_and_headed_by_their_number() -> None:
    pages = sorted((ROOT / "docs/decisions").glob("*.md"))

    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    assert all(page.read_text(encoding="utf-8").startswith(f"# {page.name[:4]}") for page in pages)


def test_code_refers_only_to_decisions_that_exist() -> None:
    known = {page.name[:4] for page in (ROOT / "docs/decisions").glob("*.md")}
    asked: dict[str, str] = {}
    for path in [*ROOT.glob("*/**/*.py"), ROOT / "pyproject.toml"]:
        if ".venv" in path.parts or "lienthong" in path.relative_to(ROOT).parts:
            continue
        for number in re.findall(r"decisions?[/ ](\d{4})", path.read_text(encoding="utf-8")):
            asked[number] = str(path)

    assert asked
    assert {number: path for number, path in asked.items() if number not in known} == {}
