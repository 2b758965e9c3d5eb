"""Checks against the operator's lists: licensed staff, facilities, approved drugs, services and supplies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from standards.claims.lint.case import Case, Hit, amount, of_summary, values
from standards.claims.lint.code_lists import Catalogue, CatalogueItem
from standards.claims.model import Row

_STAFF_FIELDS = {
    "XML2": ("MA_BAC_SI",),
    "XML3": ("MA_BAC_SI", "NGUOI_THUC_HIEN"),
    "XML4": ("MA_BS_DOC_KQ",),
    "XML5": ("NGUOI_THUC_HIEN",),
}
_SUFFIX = re.compile(r"\.(?:TX|HD|CG)\.[0-9A-Z]{5}$|\.[0-9]{12}$|\s*\([^)]*\)$")
"""Remote support, mobilised, technology transfer; who is still in training, with the tutor's licence before it."""
_SUFFIX_BROKEN = re.compile(
    r"\.(TX|CG)(?!\.[0-9]{2}[0-9A-Z]{3}$)(\.|$)|\.HD(?!\.[0-9]{2}([0-9A-Z]{3}|XXX)$)(\.|$)"
)
_CITIZEN = re.compile("[0-9]{12}")
"""Who needs no licence is named by the personal number (Decree 96/2023/NĐ-CP, article 40)."""
_CODE_MAX_CHARS = 50
_STAFF_MAX_CHARS = 1_000
"""What is longer is told as too long; the patterns above are not for millions of brackets."""
_LINES = (
    ("XML2", "MA_THUOC", "drugs", "DON_GIA", "TEN_THUOC"),
    ("XML3", "MA_DICH_VU", "services", "DON_GIA_BH", "TEN_DICH_VU"),
    ("XML3", "MA_VAT_TU", "supplies", "DON_GIA_BH", "TEN_VAT_TU"),
)


def check_staff(case: Case) -> Iterator[Hit]:
    """Whoever ordered or did something has a licence on the operator's list, with a well-formed suffix."""
    staff = case.context.code_lists.staff
    for table, fields in _STAFF_FIELDS.items():
        for number, row in case.numbered(table):
            for field in fields:
                people = values(row.get(field, "")[:_STAFF_MAX_CHARS])
                if any(_SUFFIX_BROKEN.search(person) for person in people):
                    yield Hit(rule_id="STAFF_SUFFIX_MALFORMED", table=table, row=number, field=field)
                elif staff is not None and not all(_is_known(person, staff) for person in people):
                    yield Hit(rule_id="STAFF_UNKNOWN", table=table, row=number, field=field)


def _is_known(person: str, staff: frozenset[str]) -> bool:
    # Who comes from elsewhere (TX, HD, CG) is licensed there.
    return (
        bool(_CITIZEN.fullmatch(person))
        or person in staff
        or _SUFFIX.sub("", person) in staff
        or bool(re.search(r"\.(TX|HD|CG)\.", person))
    )


def check_facilities(case: Case) -> Iterator[Hit]:
    """Facilities stand on the operator's list."""
    facilities = case.context.code_lists.facilities
    for field in ("MA_CSKCB", "MA_NOI_DI", "MA_NOI_DEN"):
        code = case.summary.get(field, "")
        if code and facilities is not None and code not in facilities:
            yield of_summary("FACILITY_UNKNOWN", field, code=code[:_CODE_MAX_CHARS])


def check_catalogues(case: Case) -> Iterator[Hit]:
    """Codes stand in the approved catalogue, as the same product, and no price is above it."""
    lists: dict[str, Catalogue | None] = {
        "drugs": case.context.code_lists.drugs,
        "services": case.context.code_lists.services,
        "supplies": case.context.code_lists.supplies,
    }
    for table, field, name, price, title in _LINES:
        catalogue = lists[name]
        if catalogue is None:
            continue
        for number, row in case.numbered(table):
            code = row.get(field, "")
            # Beside a supply the service's code only says in which service it was used.
            if not code or (field == "MA_DICH_VU" and row.get("MA_VAT_TU")):
                continue
            # A suffix tells how the service was done; the catalogue has the service itself.
            items = catalogue.get(code) or catalogue.get(code.partition("_")[0]) or ()
            for rule_id, wrong, facts in _item_faults(items, row, price, title, is_drug=table == "XML2"):
                yield Hit(
                    rule_id=rule_id,
                    table=table,
                    row=number,
                    field=wrong or field,
                    facts={"code": code[:_CODE_MAX_CHARS], **facts},
                )


def _item_faults(
    items: tuple[CatalogueItem, ...], row: Row, price: str, title: str, *, is_drug: bool
) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Rule, field ("" for the code's) and facts of what no item of the code allows."""
    if not items:
        yield "ITEM_UNKNOWN", "", {}
        return
    differences = [_difference(item, row, title, is_drug=is_drug) for item in items]
    same = [item for item, differs in zip(items, differences, strict=True) if not differs]
    if not same:
        yield "ITEM_DIFFERS", max(filter(None, differences), key=_COMPARED.index, default=title), {}
        return
    limits = [amount(item.max_price) for item in same]
    found = amount(row.get(price, ""))
    if found is not None and all(limit is not None and found > limit for limit in limits):
        most = max(limit for limit in limits if limit is not None)
        yield "PRICE_ABOVE_CATALOGUE", price, {"found": str(found), "allowed": str(most)}


_COMPARED = ("TEN_THUOC", "TEN_DICH_VU", "TEN_VAT_TU", "HAM_LUONG", "SO_DANG_KY", "TT_THAU")
"""In this order: of several items the one that agrees the longest tells the difference."""


def _difference(item: CatalogueItem, row: Row, title: str, *, is_drug: bool) -> str:
    """The first field in which a line is not the item; "" where they agree as far as the list says."""
    wanted = {title: item.name, "TT_THAU": item.tender}
    if is_drug:
        wanted |= {"HAM_LUONG": item.strength, "SO_DANG_KY": item.registration}
    for field in _COMPARED:
        if wanted.get(field) and _plain(row.get(field, "")) != _plain(wanted[field]):
            return field
    return ""


def _plain(text: str) -> str:
    """Without case, double spaces and the part in brackets that tells how a service was done."""
    return " ".join(text.partition("[")[0].casefold().split())
