"""Check a version of a claim as a reviewer would, with the evidence of the look-ups beside it."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from chassis.clock import Clock
from chassis.db import Database, Tx
from chassis.rpc.context import Caller
from insurance_svc.domain.claim_facts import day_of
from insurance_svc.domain.claim_values import ClaimVersion
from insurance_svc.domain.model import INSURED, Coverage, StoredSplit
from insurance_svc.domain.tables import Rules
from insurance_svc.operations.claims.desk import ClaimDesk
from insurance_svc.operations.claims.facts import FactsReader
from standards.claims import read_claim_file
from standards.claims.lint import CodeLists, CoverageEvidence, LintContext, Report, lint

EXPECTED = frozenset({"FILE_NOT_SIGNED"})
"""Findings about what is done after the check."""


class LintClaims:
    """The verb behind LintClaim, and the check before a claim is handed over."""

    def __init__(
        self,
        *,
        db: Database,
        desk: ClaimDesk,
        facts: FactsReader,
        code_lists: CodeLists,
        rules: Rules,
        clock: Clock,
    ) -> None:
        self._base_salaries = sorted(
            (rule.valid_from_date, rule.vnd_per_month) for rule in rules.reference_levels
        )
        self._db = db
        self._desk = desk
        self._facts = facts
        self._code_lists = code_lists
        self._clock = clock

    async def newest(self, visit_id: str, caller: Caller) -> tuple[ClaimVersion, Report]:
        """Check the newest version of a visit's claim; raises ClaimNotFound."""

        async def work(tx: Tx) -> tuple[ClaimVersion, LintContext]:
            claim = await self._desk.need(tx, visit_id, caller)
            return await self._desk.version(tx, claim), await self.context(
                tx, visit_id, claim.link_id, caller
            )

        version, context = await self._db.read(work)
        return version, await self.check(version.file, context)

    async def context(self, tx: Tx, visit_id: str, link_id: str, caller: Caller) -> LintContext:
        """What is known beside the claim: the operator's lists, the evidence, the day."""
        coverage, split = await self._facts.covered(tx, visit_id, caller)
        evidence = {} if coverage is None else {link_id: _evidence(coverage, split)}
        return LintContext(
            code_lists=self._code_lists,
            coverage=evidence,
            today=day_of(self._clock.now()),
            base_salaries=self._base_salaries,
        )

    async def check(self, file: bytes, context: LintContext) -> Report:
        """Run the rules in a thread: a long stay takes part of a second."""
        return await asyncio.to_thread(_checked, file, context)


def _checked(file: bytes, context: LintContext) -> Report:
    return lint(read_claim_file(file), context, leave_out=EXPECTED)


def _evidence(coverage: Coverage, split: StoredSplit | None) -> CoverageEvidence:
    card = coverage.finding.card
    return CoverageEvidence(
        is_valid=coverage.finding.outcome in INSURED,
        card_number=card.number if card else "",
        valid_from=card.valid_from_date if card else None,
        valid_to=card.valid_to_date if card else None,
        benefit_rate_pct=_highest_rate(split),
    )


def _highest_rate(split: StoredSplit | None) -> Decimal | None:
    """The most that a line of the split was given: some lines may stand under another card or an exemption."""
    if split is None:
        return None
    rates = [line.benefit.rate_pct for line in split.split.lines if line.benefit]
    return max([split.split.benefit.rate_pct, *rates])
