"""The look-up of the co-pay a person has accumulated (TraCuuTienMCCT), pure.

Source: annex of letter 1839/CNTT-PM of 18 August 2026, as quoted in several public hospital systems.
"""

from __future__ import annotations

from datetime import date, datetime

from sandbox.person import JsonObject, PastVisit, Person
from sandbox.population import Population
from sandbox.portal.lookup import find_person, is_card_form, parse_birth


def _day(stamp: str) -> str:
    return datetime.strptime(stamp[:8], "%Y%m%d").strftime("%d/%m/%Y")  # noqa: DTZ007 - a calendar day, no moment


LONG_ILL_EVERY = 20
"""One person in so many pays through the year, and has passed six base salaries by July."""
_LONG_ILL_CO_PAY_VND = 2_700_000


def _visits_this_year(person: Person, today: date) -> tuple[PastVisit, ...]:
    """A stay in each month gone by, at most six, for the people who are long ill."""
    if person.index % LONG_ILL_EVERY or person.portal is None:
        return ()
    return tuple(
        PastVisit(
            record_number=f"{today.year % 100:02d}{person.index:06d}{month:02d}",
            facility_code="19999",
            admit_text=f"{today.year}{month:02d}050730",
            leave_text=f"{today.year}{month:02d}091000",
            reason_code="1.1",
            co_pay_vnd=_LONG_ILL_CO_PAY_VND,
        )
        for month in range(1, min(today.month, 7))
    )


def co_pay_reply(population: Population, document: JsonObject, today: date) -> JsonObject:
    """Answer one co-pay look-up: MaKetQua 200 with rows, 204 when nothing is known, 400 for a wrong request.

    Amounts are whole dong; `tBNCCTLuyKe` is the running sum up to and with its row.
    """
    card_text, full_name, birth_text = (document.get(field, "") for field in ("maThe", "hoTen", "ngaySinh"))
    is_well_formed = all(isinstance(text, str) and text for text in (card_text, full_name, birth_text))
    if not is_well_formed or not is_card_form(card_text) or (asked := parse_birth(birth_text)) is None:
        return _reply("400", "Tham số không đúng định dạng")
    person = find_person(population, card_text)
    if person is None or person.portal is None:
        return _reply("204", "Không có dữ liệu")
    entry = person.portal
    held = parse_birth(entry.birth_text)
    assert held is not None, "seeded birth dates have a known form"
    if entry.full_name.casefold() != full_name.casefold() or held[-len(asked) :] != asked[-len(held) :]:
        return _reply("204", "Không có dữ liệu")
    total_vnd = 0
    rows: list[JsonObject] = []
    for number, visit in enumerate((*entry.visits, *_visits_this_year(person, today)), start=1):
        total_vnd += visit.co_pay_vnd
        rows.append(
            {
                "Id": number,
                "ngayTraCuu": f"{today:%d/%m/%Y}",
                "maThe": entry.card.number,
                "maCskcb": visit.facility_code,
                "ngayVao": _day(visit.admit_text),
                "ngayRa": _day(visit.leave_text),
                "maDoiTuongKCB": visit.reason_code,
                "tBNCCTMCCT": visit.co_pay_vnd,
                "tBNCCTLuyKe": total_vnd,
                "ngayNhanCong": "",
                "ngayNhan": "",
                **{f"duPhong{spare}": "" for spare in range(1, 6)},
            }
        )
    about = {
        "hoTen": entry.full_name,
        "ngaySinh": entry.birth_text,
        "ngayKetThuc": f"{entry.card.valid_to_date:%d/%m/%Y}",
        "maBhxh": entry.social_number,
    }
    return {
        "MaKetQua": "200" if rows else "204",
        "GhiChu": f"Dữ liệu tính đến {today:%d/%m/%Y}" if rows else "Không có dữ liệu",
        "DataCCT": rows,
        "ThongTinSoThe": about,
    }


def _reply(code: str, note: str) -> JsonObject:
    return {"MaKetQua": code, "GhiChu": note, "DataCCT": [], "ThongTinSoThe": None}
