"""The named classes of dirt: each spoils one clean draft in the way real data are spoiled."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from sandbox.communes import load_communes
from sandbox.draft import Draft
from sandbox.person import InsuranceCard
from sandbox.vietnamese import fold_marks

Spoil = Callable[[Draft, Random], None]

_TONE_PAIRS = (("Hòa", "Hoà"), ("Thúy", "Thuý"), ("Thủy", "Thuỷ"), ("Khỏe", "Khoẻ"), ("Thùy", "Thuỳ"))


def _given_replaced(full_name: str, given: str) -> str:
    return " ".join((*full_name.split()[:-1], given))


def _old_address(draft: Draft, rng: Random) -> None:
    """Former Bắc Kạn: address, province part and registered facility are all of the old vintage."""
    draft.move_to(rng.choice([commune for commune in load_communes() if commune.old_province_code == "06"]))
    draft.use_old_address()
    draft.recode_insurance(group="DT", level="2", province="06")
    draft.insurance = replace(draft.insurance, facility_code="06999")


def _old_commune(draft: Draft, rng: Random) -> None:
    here = [row for row in load_communes() if row.old_province_code == "19" and not row.is_split]
    draft.move_to(rng.choice(here))
    draft.use_old_address()


def _split_commune(draft: Draft, rng: Random) -> None:
    draft.move_to(rng.choice([commune for commune in load_communes() if commune.is_split]))
    draft.use_old_address()


def _bare_address(draft: Draft, rng: Random) -> None:
    """Names of units without their kind, as many printed cards have them."""
    del rng
    draft.use_old_address()
    commune = draft.commune
    names = (commune.old_ward, commune.old_district, commune.old_province)
    kinds = ("Phường ", "Xã ", "Thị trấn ", "Thành phố ", "Thành Phố ", "Huyện ", "Quận ", "Thị xã ", "Tỉnh ")
    bare = [next((name[len(kind) :] for kind in kinds if name.startswith(kind)), name) for name in names]
    draft.card_address = ", ".join((draft.place, *bare))


def _tone_placement(draft: Draft, rng: Random) -> None:
    held, printed = rng.choice(_TONE_PAIRS)
    draft.rename(_given_replaced(draft.card_name, held))
    draft.card_name = _given_replaced(draft.card_name, printed)


def _name_mismatch(draft: Draft, rng: Random) -> None:
    """Register and portal hold another given name whose first letter differs: portal 060."""
    del rng
    draft.rename(_given_replaced(draft.card_name, "Sơn" if draft.gender == "Nam" else "Sen"))
    other = _given_replaced(draft.card_name, "Quyết" if draft.gender == "Nam" else "Quyên")
    draft.register_name = draft.portal_name = other


def _name_initials(draft: Draft, rng: Random) -> None:
    """The portal's name differs but keeps its first letters: portal 061."""
    del rng
    draft.rename(_given_replaced(draft.card_name, "Lân"))
    draft.portal_name = _given_replaced(draft.card_name, "Lan")


def _birth_date_mismatch(draft: Draft, rng: Random) -> None:
    """The portal has day and month of another day: portal 070."""
    other = draft.birth_date + timedelta(days=rng.randint(20, 300))
    draft.portal_birth = f"{other:%d/%m/%Y}"


def _disputed(draft: Draft, rng: Random) -> None:
    """Name and birth date differ in the register; the portal follows the card, so care and cover go on."""
    draft.rename(_given_replaced(draft.card_name, "Tuấn" if draft.gender == "Nam" else "Tuyết"))
    draft.register_name = _given_replaced(draft.card_name, "Bình")
    draft.register_birth = (draft.birth_date - timedelta(days=rng.randint(400, 3000))).isoformat()


def _accentless_name(draft: Draft, rng: Random) -> None:
    del rng
    draft.card_name = fold_marks(draft.card_name).upper()


def _missing_middle_name(draft: Draft, rng: Random) -> None:
    """The portal lost the middle name: portal 060."""
    del rng
    words = draft.portal_name.split()
    draft.portal_name = f"{words[0]} {words[-1]}"


def _year_only_birth(draft: Draft, rng: Random) -> None:
    """Only the year is known; the card prints 1 January."""
    draft.birth_date = date(rng.randint(1935, 1955), 1, 1)
    draft.register_birth = draft.portal_birth = str(draft.birth_date.year)


def _nfd_text(draft: Draft, rng: Random) -> None:
    """The scanner gives decomposed letters."""
    del rng
    draft.card_name = unicodedata.normalize("NFD", draft.card_name)
    draft.card_address = unicodedata.normalize("NFD", draft.card_address)


def _lookalike_letters(draft: Draft, rng: Random) -> None:
    """Đ is written with the Icelandic letter U+00D0."""
    del rng
    draft.rename(_given_replaced(draft.card_name, "Đức"))
    draft.card_name = draft.card_name.replace("Đ", "\u00d0")


def _odd_spaces(draft: Draft, rng: Random) -> None:
    """No-break and zero-width spaces stand between the words of the name."""
    del rng
    first, *rest = draft.card_name.split()
    draft.card_name = f"{first}\u00a0" + " \u200b".join(rest)


def _scanner_damaged(draft: Draft, rng: Random) -> None:
    """A keyboard-wedge scanner turned every marked letter into a question mark."""
    del rng
    draft.card_name = "".join(letter if letter.isascii() else "?" for letter in draft.card_name)
    draft.card_address = "".join(letter if letter.isascii() else "?" for letter in draft.card_address)


def _one_word_name(draft: Draft, rng: Random) -> None:
    draft.rename(rng.choice(("Giàng", "Lầu", "Vừ", "Sùng")))


def _not_in_register(draft: Draft, rng: Random) -> None:
    del rng
    draft.is_in_register = False


def _not_insured(draft: Draft, rng: Random) -> None:
    del rng
    draft.is_in_portal = False


def _expired(draft: Draft, rng: Random) -> None:
    del rng
    draft.insurance = replace(
        draft.insurance,
        valid_from_date=date(draft.year - 1, 1, 1),
        valid_to_date=date(draft.year - 1, 12, 31),
    )


def _next_card(draft: Draft, year: int) -> InsuranceCard:
    return InsuranceCard(
        number=f"HN219{draft.social_number}",
        valid_from_date=date(year, 1, 1),
        valid_to_date=date(year, 12, 31),
        facility_code="19999",
    )


def _card_replaced(draft: Draft, rng: Random) -> None:
    """The old card ended with last year, the new one is valid: portal 003."""
    _expired(draft, rng)
    draft.recode_insurance(group="GD", level="4", province="06")
    draft.new_insurance = _next_card(draft, draft.year)


def _new_card_valid_old(draft: Draft, rng: Random) -> None:
    """The old card holds until the end of this year, the new one starts after it: portal 004."""
    del rng
    draft.recode_insurance(group="GD", level="4", province="06")
    draft.new_insurance = _next_card(draft, draft.year + 1)


def _province_recoded(draft: Draft, rng: Random) -> None:
    """The patient's card still carries 06, the portal already 19: 052 for the printed number."""
    del rng
    draft.recode_insurance(group="GD", level="4", province="19")
    draft.printed_number = f"GD406{draft.social_number}"


def _level_recoded(draft: Draft, rng: Random) -> None:
    """Near-poor went from level 3 to 2 on 1 January 2026 (Resolution 261/2025/QH15): 053 as printed."""
    del rng
    draft.recode_insurance(group="CN", level="2", province="19")
    draft.printed_number = f"CN319{draft.social_number}"


def _child_no_card(draft: Draft, rng: Random) -> None:
    """A child under six without a card: portal 130."""
    draft.birth_date = date(draft.year - 3, rng.randint(1, 12), rng.randint(1, 28))
    draft.register_birth = draft.birth_date.isoformat()
    draft.portal_birth = f"{draft.birth_date:%d/%m/%Y}"
    draft.former_number = ""
    draft.recode_insurance(group="TE", level="1", province="19")
    draft.status_code = "130"


def _status(code: str, group: str = "") -> Spoil:
    def spoil(draft: Draft, rng: Random) -> None:
        del rng
        draft.status_code = code
        if group:
            draft.recode_insurance(group=group, level="5", province="97")

    return spoil


def _clean(draft: Draft, rng: Random) -> None:
    del draft, rng


DIRT: dict[str, Spoil] = {
    "clean": _clean,
    "old_address": _old_address,
    "old_commune": _old_commune,
    "split_commune": _split_commune,
    "bare_address": _bare_address,
    "tone_placement": _tone_placement,
    "name_mismatch": _name_mismatch,
    "name_initials": _name_initials,
    "birth_date_mismatch": _birth_date_mismatch,
    "disputed": _disputed,
    "accentless_name": _accentless_name,
    "missing_middle_name": _missing_middle_name,
    "year_only_birth": _year_only_birth,
    "nfd_text": _nfd_text,
    "lookalike_letters": _lookalike_letters,
    "odd_spaces": _odd_spaces,
    "scanner_damaged": _scanner_damaged,
    "one_word_name": _one_word_name,
    "not_in_register": _not_in_register,
    "not_insured": _not_insured,
    "expired": _expired,
    "card_replaced": _card_replaced,
    "new_card_valid_old": _new_card_valid_old,
    "province_recoded": _province_recoded,
    "level_recoded": _level_recoded,
    "child_no_card": _child_no_card,
    "army": _status("001", "QN"),
    "police": _status("002", "CA"),
    "ledger_error": _status("100"),
    "server_error": _status("101"),
    "withdrawn": _status("110"),
    "reduced": _status("120"),
    "moved": _status("121"),
    "moved_inside": _status("122"),
    "re_added": _status("123"),
    "stopped": _status("124"),
    "unlisted_code": _status("090"),
}

SLOTS: tuple[tuple[str, ...], ...] = (
    *((name,) for name in DIRT),
    ("old_address", "tone_placement"),
    ("old_address", "card_replaced"),
    ("old_address", "disputed"),
    ("old_address", "not_insured"),
    ("year_only_birth", "accentless_name"),
)
"""Person i gets slot i; only append here, or the first person of a class changes for every reader."""
