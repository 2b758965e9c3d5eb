"""Checks of diagnosis codes: known, fit to be principal, to the patient's sex and age, and in their pairs.

Source: Decision 4469/QĐ-BYT (28/10/2020), annexes A1 to A4; the lists come from a file that the operator names.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from standards.claims.lint.case import Case, Hit, moment, values
from standards.claims.lint.code_lists import AgeRange, Icd10, plain_code

_MALE, _FEMALE = "1", "2"
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
        yield _hit("DIAGNOSIS_TWICE", "MA_BENH_KT", "")
    icd10 = case.context.code_lists.icd10
    if icd10 is None:
        return
    if plain_code(principal) in icd10.not_principal:
        yield _hit("PRINCIPAL_NOT_ALLOWED", "MA_BENH_CHINH", principal)
    for field, codes in (("MA_BENH_CHINH", [principal]), ("MA_BENH_KT", others)):
        for code in filter(None, codes):
            yield from _check_code(case, icd10, field, code)
    yield from _check_pairs(icd10, principal, others)
    for number, row in enumerate(case.rows("XML3"), start=1):
        for code in values(row.get("MA_BENH", "")):
            if plain_code(code) not in icd10.codes:
                facts = {"code": code[:10]}
                yield Hit(rule_id="DIAGNOSIS_UNKNOWN", table="XML3", row=number, field="MA_BENH", facts=facts)


def _check_code(case: Case, icd10: Icd10, field: str, code: str) -> Iterator[Hit]:
    plain, sex = plain_code(code), case.summary.get("GIOI_TINH", "")
    if plain not in icd10.codes:
        yield _hit("DIAGNOSIS_UNKNOWN", field, code)
    if (plain in icd10.only_male and sex == _FEMALE) or (plain in icd10.only_female and sex == _MALE):
        yield _hit("DIAGNOSIS_SEX", field, code)
    birth = moment(case.summary.get("NGAY_SINH", "")[:8].replace("0000", "0701"))
    spans = icd10.ages.get(plain, ())
    if birth and case.day and spans and not any(_fits(span, birth.date(), case.day) for span in spans):
        yield _hit("DIAGNOSIS_AGE", field, code)


def _fits(span: AgeRange, birth: date, day: date) -> bool:
    age_days = (day - birth).days
    return span.first_day <= age_days and (span.last_day is None or age_days <= span.last_day)


def _check_pairs(icd10: Icd10, principal: str, others: list[str]) -> Iterator[Hit]:
    """An asterisk code needs one of its dagger codes beside it, as the principal diagnosis or before it."""
    present = {plain_code(code) for code in (principal, *others)}
    for field, codes in (("MA_BENH_CHINH", [principal]), ("MA_BENH_KT", others)):
        for code in filter(None, codes):
            daggers = icd10.pairs.get(plain_code(code))
            if daggers and not daggers & present:
                yield _hit("DIAGNOSIS_PAIR_MISSING", field, code)


def _hit(rule_id: str, field: str, code: str) -> Hit:
    facts = {"code": code[:10]} if code else {}
    return Hit(rule_id=rule_id, table="XML1", row=1, field=field, facts=facts)
