"""Tell which right counts for a visit on any day, and why every other one does not; nothing about a person is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from insurance_svc.domain.benefit import Judgement, judge_best
from insurance_svc.domain.benefit_cases import VisitFacts
from insurance_svc.domain.benefit_copay import exemption_of, low_cost_limit_vnd, reference_level_on
from insurance_svc.domain.model import InsuranceCard
from insurance_svc.domain.tables import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What the rules of a day say."""

    judged: Judgement
    reference_level_vnd: int
    """0 when not known."""
    low_cost_limit_vnd: int
    copay_threshold: Fraction | None


class EvaluateBenefit:
    """The verb behind EvaluateBenefit."""

    def __init__(self, *, rules: Rules) -> None:
        self._rules = rules

    def __call__(self, facts: VisitFacts, cards: Sequence[InsuranceCard]) -> Evaluation:
        """Judge a visit that need not exist; raises VisitCodeUnknown."""
        day = facts.service_date
        judged = judge_best(cards or (None,), facts, self._rules, with_candidates=True)
        level = reference_level_on(self._rules, day)
        exemption, _ = exemption_of(judged.card, facts.circumstances.copay, day, self._rules)
        return Evaluation(
            judged=judged,
            reference_level_vnd=level.vnd_per_month if level is not None else 0,
            low_cost_limit_vnd=low_cost_limit_vnd(self._rules, day) or 0,
            copay_threshold=exemption.threshold if exemption is not None else None,
        )
