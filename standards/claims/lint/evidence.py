"""Checks of the claim against the evidence of the card look-ups."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from standards.claims.lint.case import NOT_INSURED, Case, Hit, amount, of_summary, values


def check_evidence(case: Case) -> Iterator[Hit]:
    """The claim says what the look-ups proved."""
    known = case.context.coverage
    if known is None or case.subject in ("", NOT_INSURED):
        return
    found = known.get(case.link)
    if found is None:
        yield of_summary("EVIDENCE_MISSING", "MA_THE_BHYT")
        return
    if not found.is_valid:
        yield of_summary("EVIDENCE_NOT_VALID", "MA_THE_BHYT")
    cards = values(case.summary.get("MA_THE_BHYT", ""))
    if found.card_number and cards and all(_is_other_card(card, found.card_number) for card in cards):
        yield of_summary("EVIDENCE_OTHER_CARD", "MA_THE_BHYT")
    if case.day and (
        (found.valid_from and case.day < found.valid_from) or (found.valid_to and case.day > found.valid_to)
    ):
        yield of_summary("EVIDENCE_OTHER_PERIOD", "GT_THE_DEN")
    if found.benefit_rate_pct is not None:
        yield from _check_rate(case, found.benefit_rate_pct)


def _check_rate(case: Case, allowed: Decimal) -> Iterator[Hit]:
    for table in ("XML2", "XML3"):
        for number, row in case.numbered(table):
            rate = amount(row.get("MUC_HUONG", ""))
            if rate is not None and rate > allowed:
                facts = {"found": str(rate), "allowed": str(allowed)}
                yield Hit(
                    rule_id="RATE_ABOVE_EVIDENCE", table=table, row=number, field="MUC_HUONG", facts=facts
                )


def _is_other_card(one: str, other: str) -> bool:
    """Whether two numbers are of two cards: the last ten of fifteen are the insurance number; the personal number of
    twelve digits has nothing in common with either, so it proves nothing against them."""
    if len(one) == len(other):
        return one != other
    return 12 not in (len(one), len(other)) and one[-10:] != other[-10:]
