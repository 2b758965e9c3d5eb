"""Keeps what was expected beside what was seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from chassis.errors import AppError
from cli import tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One outcome of one patient."""

    patient: str
    what: str
    seen: str
    expected: str
    is_met: bool


class Expectations:
    """All outcomes of a demonstration, in order."""

    def __init__(self) -> None:
        self._patient = ""
        self._all: list[Expectation] = []

    @contextmanager
    def patient(self, number: int, title: str) -> Iterator[None]:
        """What follows is about this patient; a refusal that nobody expected is an unmet outcome."""
        self._patient = f"{number} {title.rstrip('.')}"
        try:
            yield
        except AppError as error:
            self._add("no refusal", error.reason, "none", is_met=False)
        except TimeoutError:
            self._add("in time", "too late", "in time", is_met=False)

    def equal(self, what: str, seen: object, expected: object) -> None:
        """Expect a value."""
        self._add(what, str(seen), str(expected), is_met=seen == expected)

    def true(self, what: str, seen: bool, detail: object = "") -> None:
        """Expect a statement to hold."""
        self._add(what, str(detail) if detail != "" else str(seen), "holds", is_met=bool(seen))

    @property
    def all_met(self) -> bool:
        """Whether every outcome was the expected one, and there were some."""
        return bool(self._all) and all(row.is_met for row in self._all)

    def table(self) -> Table:
        """Every outcome as a row."""
        table = tables.plain("", "Patient", "Outcome", "Seen", title="Outcomes")
        shown = ""
        for row in self._all:
            mark = Text("✓", style="green") if row.is_met else Text("✗", style="bold red")
            seen = row.seen if row.is_met else f"{row.seen} (expected {row.expected})"
            table.add_row(mark, row.patient if row.patient != shown else "", row.what, seen)
            shown = row.patient
        return table

    def verdict(self, seconds: float) -> Text:
        """The last line."""
        unmet = sum(not row.is_met for row in self._all)
        if self.all_met:
            return Text(f"all {len(self._all)} outcomes as expected, {seconds:.1f} s", style="bold green")
        return Text(f"{unmet} of {len(self._all)} outcomes not as expected", style="bold red")

    def _add(self, what: str, seen: str, expected: str, *, is_met: bool) -> None:
        self._all.append(
            Expectation(patient=self._patient, what=what, seen=seen, expected=expected, is_met=is_met)
        )
