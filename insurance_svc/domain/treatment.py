"""A treatment of several days: which card counts on which day, and what a later look-up means for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

from insurance_svc.domain.model import INSURED, Finding, InsuranceCard, Outcome

GRACE_DAYS = 15
"""Days after its end for which a card still pays an inpatient treatment (Decree 188/2025, art. 50 k4)."""
ENDED_DURING_TREATMENT = "ENDED_DURING_TREATMENT"
CONTRADICTS_ARRIVAL = "CONTRADICTS_ARRIVAL"


def grace_end_date(card: InsuranceCard) -> date | None:
    """The last day a card pays for an inpatient treatment begun while it counted; None for an open end."""
    return None if card.valid_to_date is None else card.valid_to_date + timedelta(days=GRACE_DAYS)


def card_on(
    cards: Iterable[InsuranceCard], day: date, *, admit_date: date, is_inpatient: bool
) -> InsuranceCard | None:
    """The card that pays for a day of a treatment, None when none does.

    A new card counts from its first day (art. 21 k2), so the one begun last is taken; without any that counts, an
    inpatient's card that counted on the day of admission goes on for GRACE_DAYS.
    Source: Decree 188/2025/NĐ-CP, art. 21 k2 and art. 50 k4, in force from 01/07/2025.
    """
    held = sorted(cards, key=lambda card: card.valid_from_date or date.min, reverse=True)
    for card in held:
        if card.counts_on(day):
            return card
    if not is_inpatient or day < admit_date:
        return None
    for card in held:
        end = grace_end_date(card)
        if card.counts_on(admit_date) and end is not None and day <= end:
            return card
    return None


def during_treatment(before: Finding, now: Finding) -> Finding:
    """What a later look-up says of a treatment whose beginning was found insured.

    A right that was proven at arrival is not taken away by a code that names no day: the insurance office has to say
    from when; until then the coverage is DISPUTED and the split provisional. This reading is ours, no rule covers it.
    """
    was_proven = before.outcome in INSURED or before.reason in (ENDED_DURING_TREATMENT, CONTRADICTS_ARRIVAL)
    if not was_proven or now.outcome in (*INSURED, Outcome.UNVERIFIED, Outcome.DISPUTED):
        return now
    ended = now.outcome is Outcome.NOT_VALID
    return replace(
        now,
        outcome=Outcome.DISPUTED,
        reason=ENDED_DURING_TREATMENT if ended else CONTRADICTS_ARRIVAL,
        card=before.card,
        cards=before.cards,
        explanation_vi=(
            "Lúc đến khám thẻ hợp lệ, nay cổng BHXH trả lời khác: "
            f"{now.explanation_vi} Tiếp tục điều trị; đề nghị cơ quan BHXH xác nhận giá trị thẻ theo ngày."
        ),
        explanation_en=f"The card was valid at arrival and is not now. {now.explanation_en} Ask the insurance office.",
    )
