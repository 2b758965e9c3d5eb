"""Checks of the form of single values: numbers of persons, cards and facilities, codes, weights, residence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache

from standards.admin_units import Vintage, resolve_province, resolve_ward
from standards.claims.lint.case import Case, Hit, amount, values
from standards.claims.model import Row
from standards.errors import ProvinceCodeUnknown, WardCodeUnknown

_CARD = re.compile("[A-Z]{2}[1-5][0-9]{12}|[0-9]{10}|[0-9]{12}")
_CHILD_CARD = re.compile("TE1[0-9]{12}")
_PERSON = re.compile("[0-9]{9}|[0-9]{12}|[A-Z][0-9]{7,8}")
_FACILITY = re.compile("[0-9]{2}[0-9A-Z]{3}")
_FACILITY_FIELDS = ("MA_CSKCB", "MA_NOI_DI", "MA_NOI_DEN", "MA_CSKCB_DI", "MA_CSKCB_DEN", "MA_DKBD")
_FORMS: dict[str, tuple[re.Pattern[str], str, str]] = {
    "GOI_VTYT": (re.compile("G[1-9][0-9]?"), "FIELD_FORM_WRONG", "G1, G2, …"),
    "MA_CSKCB_THUOC": (
        re.compile("(C|K|M|H|HC)\\.[0-9]{2}[0-9A-Z]{3}"),
        "FIELD_FORM_WRONG",
        "C.XXXXX, K.XXXXX, M.XXXXX, H.XXXXX",
    ),
    "MA_NGHE_NGHIEP": (re.compile("[0-9]{2}|[0-9]{5}"), "FIELD_FORM_WRONG", "NN"),
    "MATINH_CU_TRU": (re.compile("[0-9]{2}"), "FIELD_FORM_WRONG", "NN"),
    "CAN_NANG": (re.compile("[0-9]{1,3}(\\.[0-9]{1,2})?"), "FIELD_FORM_WRONG", "NN.NN"),
    "MA_DANTOC": (re.compile("[0-9]{2}"), "FIELD_FORM_DOUBTFUL", "NN"),
    "MA_QUOCTICH": (re.compile("[0-9A-Z]{3}"), "FIELD_FORM_DOUBTFUL", "NNN"),
    "MA_KHOA": (re.compile("K[0-9]{2}(\\.[0-9]{1,2})?"), "FIELD_FORM_DOUBTFUL", "KNN"),
    "MA_PTTT_QT": (re.compile("[0-9]{2}(\\.?[0-9]{1,2})?"), "FIELD_FORM_DOUBTFUL", "NN.NN"),
    "DUONG_DUNG": (re.compile("[0-9]\\.[0-9]{2}"), "FIELD_FORM_DOUBTFUL", "N.NN"),
    "DIEN_THOAI": (re.compile("\\+?[0-9]{8,14}"), "FIELD_FORM_DOUBTFUL", "0NNNNNNNNN"),
}
"""Field to the form of each of its values, the rule, and the form as it is shown."""
_CODE_MAX_CHARS = 255
_KG = (Decimal("0.3"), Decimal(400))
_NEWBORN_GRAMS = (Decimal(300), Decimal(9_000))


def check_forms(case: Case) -> Iterator[Hit]:
    """Codes whose form is known while their list is not."""
    for name, rows in case.record.tables.items():
        known = [field for field in _FORMS if field in case.schema.tables[name].by_name]
        for number, row in enumerate(rows, start=1):
            for field in known:
                text = row.get(field)
                if text and (len(text) > _CODE_MAX_CHARS or not _fits(field, text)):
                    _, rule_id, form = _FORMS[field]
                    yield Hit(rule_id=rule_id, table=name, row=number, field=field, facts={"form": form})
    yield from _weights(case)


@lru_cache(maxsize=4_096)
def _fits(field: str, text: str) -> bool:
    return all(_FORMS[field][0].fullmatch(part) for part in values(text))


def _weights(case: Case) -> Iterator[Hit]:
    """Kilograms of the patient and grams of the newborn are not each other's."""
    places = [("XML1", row, number, "CAN_NANG", _KG) for number, row in case.numbered("XML1")]
    for table in ("XML1", "XML9"):
        places += [
            (table, row, number, "CAN_NANG_CON", _NEWBORN_GRAMS) for number, row in case.numbered(table)
        ]
    for table, row, number, field, (least, most) in places:
        weights = [amount(part) for part in values(row.get(field, ""))]
        if any(weight is not None and not least <= weight <= most for weight in weights):
            facts = {"least": str(least), "most": str(most)}
            yield Hit(rule_id="WEIGHT_DOUBTFUL", table=table, row=number, field=field, facts=facts)


def check_numbers(case: Case) -> Iterator[Hit]:
    """Numbers of persons, cards and facilities have their forms."""
    for name, rows in case.record.tables.items():
        facilities = [field for field in _FACILITY_FIELDS if field in case.schema.tables[name].by_name]
        for number, row in enumerate(rows, start=1):
            for field, rule_id in _wrong_numbers(name, row):
                yield Hit(rule_id=rule_id, table=name, row=number, field=field)
            for field in facilities:
                if any(not _FACILITY.fullmatch(part) for part in values(row.get(field, ""))):
                    yield Hit(rule_id="FACILITY_CODE_MALFORMED", table=name, row=number, field=field)


def _wrong_numbers(table: str, row: Row) -> Iterator[tuple[str, str]]:
    for field in ("SO_CCCD", "SO_CCCD_NND"):
        if any(not _PERSON.fullmatch(part) for part in values(row.get(field, ""))):
            yield field, "PERSON_NUMBER_MALFORMED"
    for field in ("MA_THE_BHYT", "MA_THE_NND"):
        if any(not _CARD.fullmatch(part) for part in values(row.get(field, ""))):
            yield field, "CARD_NUMBER_MALFORMED"
    card = row.get("MA_THE_TAM", "")
    # On the other papers it may also be the temporary card of somebody who gave an organ.
    if card and not (_CHILD_CARD if table == "XML9" else _CARD).fullmatch(card):
        yield "MA_THE_TAM", "CHILD_CARD_MALFORMED" if table == "XML9" else "CARD_NUMBER_MALFORMED"


def check_residence(case: Case) -> Iterator[Hit]:
    """Province and commune stand in the register, before or after 1 July 2025."""
    for table in ("XML1", "XML9"):
        for number, row in case.numbered(table):
            for field, is_known in (("MATINH_CU_TRU", _is_province), ("MAXA_CU_TRU", _is_ward)):
                code = row.get(field, "")
                if (
                    len(code) <= _CODE_MAX_CHARS
                    and code.isascii()
                    and code.isdecimal()
                    and not is_known(code)
                ):
                    yield Hit(rule_id="RESIDENCE_UNKNOWN", table=table, row=number, field=field)


@lru_cache(maxsize=4_096)
def _is_ward(code: str) -> bool:
    for vintage in Vintage:
        try:
            resolve_ward(code, vintage)
        except WardCodeUnknown:
            continue
        return True
    return False


@lru_cache(maxsize=128)
def _is_province(code: str) -> bool:
    for vintage in Vintage:
        try:
            resolve_province(code, vintage)
        except ProvinceCodeUnknown:
            continue
        return True
    return False
