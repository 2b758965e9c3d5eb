"""Give a split the copayments that the portal has published, where the five-year exemption may hang on them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from chassis.db import Tx
from insurance_svc.domain.copayment import copay_record
from insurance_svc.domain.model import INSURED, Finding, SplitCommand
from insurance_svc.domain.tables import Rules
from insurance_svc.ports import EvidenceBook


class PublishedCopay:
    """Fills what the caller did not tell; what the caller told, such as a certificate, is left alone."""

    def __init__(self, book: EvidenceBook, rules: Rules) -> None:
        self._book = book
        self._rules = rules

    async def fill(
        self, tx: Tx, command: SplitCommand, finding: Finding | None, *, citizen_id: str
    ) -> SplitCommand:
        """The command with the published sum of the year; one read, and only once five years are complete."""
        if finding is None or finding.outcome not in INSURED or command.circumstances.copay is not None:
            return command
        card = finding.card
        if card is None or card.five_year_date is None or card.five_year_date > command.service_date:
            return command
        kept = await self._book.newest_copayments(tx, citizen_id=citizen_id, visit_id=command.visit_id)
        if kept is None:
            return command
        record = copay_record(
            kept.copayments,
            service_date=command.service_date,
            change_date=self._change_date(command.service_date),
        )
        return replace(command, circumstances=replace(command.circumstances, copay=record))

    def _change_date(self, day: date) -> date | None:
        """From when the year's second base salary counts, None in a year with one."""
        first_days = [rule.valid_from_date for rule in self._rules.reference_levels]
        inside = [first for first in first_days if first.year == day.year and first != date(day.year, 1, 1)]
        return max(inside, default=None)
