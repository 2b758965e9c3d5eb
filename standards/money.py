"""Splitting whole dong so that the parts always add up."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal

# int64 amounts times a rate of a few digits must stay exact; the default context of 28 digits is too near.
_EXACT = Context(prec=60)


def round_half_up(amount: Decimal) -> int:
    """Round to whole dong, half a dong away from zero."""
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP, context=_EXACT))


def split_by_rate(total_vnd: int, rate_pct: int | Decimal) -> tuple[int, int]:
    """Split a covered cost between the insurance fund and the patient.

    Args:
        total_vnd: Covered cost, whole dong, at least 0.
        rate_pct: Benefit rate in percent, 0 to 100; a Decimal for rates such as 47.5.
    Returns:
        The fund's and the patient's share in whole dong; they always add up to total_vnd.
    Source: Health Insurance Law art. 22 gives the rates; which rounding the split uses was not found, so
        half a dong going to the fund is our choice, and a patient never pays a dong more than the exact
        share plus one half.
    """
    assert total_vnd >= 0, "total_vnd is negative"
    assert 0 <= rate_pct <= 100, "rate_pct is outside 0 to 100"
    fund_vnd = round_half_up(
        _EXACT.divide(_EXACT.multiply(Decimal(total_vnd), Decimal(rate_pct)), Decimal(100))
    )
    patient_vnd = total_vnd - fund_vnd
    assert fund_vnd + patient_vnd == total_vnd
    assert patient_vnd >= 0
    return fund_vnd, patient_vnd


def allocate(total_vnd: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Share an amount by weights with the largest-remainder method.

    Args:
        total_vnd: Whole dong, at least 0.
        weights: At least one; each at least 0, their sum above 0.
    Returns:
        One whole-dong part per weight, within one dong of the exact share; the parts add up to total_vnd.
        Equal remainders go to the earlier part, so the answer depends on the order and on nothing else.
        Weight 0 gets 0.
    """
    assert total_vnd >= 0, "total_vnd is negative"
    assert all(weight >= 0 for weight in weights), "a weight is negative"
    weight_sum = sum(weights)
    assert weight_sum > 0, "the weights add up to nothing"
    parts = [total_vnd * weight // weight_sum for weight in weights]
    left_vnd = total_vnd - sum(parts)
    by_remainder = sorted(range(len(weights)), key=lambda index: -(total_vnd * weights[index] % weight_sum))
    for index in by_remainder[:left_vnd]:
        parts[index] += 1
    assert sum(parts) == total_vnd
    return tuple(parts)


def split_evenly(total_vnd: int, part_count: int) -> tuple[int, ...]:
    """Share an amount into equal parts; the first ones carry the odd dong, so no two differ by more than
    one."""
    assert part_count >= 1, "part_count is below 1"
    return allocate(total_vnd, [1] * part_count)
