"""Checks of diagnosis codes: known, fit to be principal, to the patient's sex and age, and in their pairs.

Source: Decision 4469/QĐ-BYT (28/10/2020), annexes A1 to A4; the lists come from a file that the operator names.
"""

from __future__ import annotations

from collections.abc import Iterator

from standards.claims.lint.case import Case, Hit, of_summary, values
from standards.claims.lint.code_lists import AgeRange, Icd10, plain_code

_MALE, _FEMALE = "1", "2"
_CODE_MAX_CHARS = 10
_TRADITIONAL_FIRST = ("U5", "U6", "U7", "U8", "U9")
"""Codes of traditional medicine begin at U50; they belong into MA_BENH_YHCT."""


def check_diagnoses(case: Case) -> Iterator[Hit]:
    """The summary's codes against each other and the patient."""
    principal = case.summary.get("MA_BENH_CHINH", "").strip()
    others = values(case.summary.get("MA_BENH_KT", ""))
    if principal and plain_code(principal).startswith(_TRADITIONAL_FIRST):
        yield _hit("PRINCIPAL_TRADITIONAL", "MA_BENH_CHINH", principal)
    every = [plain_code(code) for code in (principal, *others) if code]
    if len(set(every)) < len(every):
        yield of_summary("DIAGNOSIS_TWICE", "MA_BENH_KT")
    icd10 = case.context.code_lists.icd10
    if icd10 is None:
        return
    if plain_code(principal) in icd10.not_principal:
        yield _hit("PRINCIPAL_NOT_ALLOWED", "MA_BENH_CHINH", principal)
    for field, codes in (("MA_BENH_CHINH", [principal]), ("MA_BENH_KT", others)):
        for code in filter(None, codes):
            yield from _check_code(case, icd10, field, code)
    yield from _check_pairs(icd10, principal, others)
    for number, row in case.numbered("XML3"):
        for code in values(row.get("MA_BENH", "")):
            if plain_code(code) not in icd10.codes:
                yield Hit(
                    rule_id="DIAGNOSIS_UNKNOWN", table="XML3", row=number, field="MA_BENH", facts=_fact(code)
                )


def _check_code(case: Case, icd10: Icd10, field: str, code: str) -> Iterator[Hit]:
    plain, sex = plain_code(code), case.summary.get("GIOI_TINH", "")
    if plain not in icd10.codes:
        yield _hit("DIAGNOSIS_UNKNOWN", field, code)
    if (plain in icd10.only_male and sex == _FEMALE) or (plain in icd10.only_female and sex == _MALE):
        yield _hit("DIAGNOSIS_SEX", field, code)
    spans, ages = icd10.ages.get(plain, ()), case.ages_days
    if spans and ages and not any(_fits(span, *ages) for span in spans):
        yield _hit("DIAGNOSIS_AGE", field, code)


def _fits(span: AgeRange, youngest: int, oldest: int) -> bool:
    return span.first_day <= oldest and (span.last_day is None or youngest <= span.last_day)


def _check_pairs(icd10: Icd10, principal: str, others: list[str]) -> Iterator[Hit]:
    """An asterisk code stands beside one of its dagger codes, and the annex says which of them is the principal one."""
    present = {plain_code(code) for code in (principal, *others)}
    for field, codes in (("MA_BENH_CHINH", [principal]), ("MA_BENH_KT", others)):
        for code in filter(None, codes):
            daggers = icd10.pairs.get(plain_code(code))
            if daggers and not daggers & present:
                yield _hit("DIAGNOSIS_PAIR_MISSING", field, code)
    first = plain_code(principal)
    for (dagger, asterisk), chosen in icd10.pair_principals.items():
        if first in (dagger, asterisk) and first != chosen and {dagger, asterisk} <= present:
            yield _hit("DIAGNOSIS_PAIR_ORDER", "MA_BENH_CHINH", chosen)


def _hit(rule_id: str, field: str, code: str) -> Hit:
    return of_summary(rule_id, field, **_fact(code))


def _fact(code: str) -> dict[str, str]:
    return {"code": code[:_CODE_MAX_CHARS]}
