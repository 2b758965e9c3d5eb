"""Which form of the question goes to the portal next; pure, so that every path can be tried without a portal.

Accounts that ask blindly may be put on a restricted list (letter 1839/CNTT-PM of 18/08/2026), hence at most four calls.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from insurance_svc.domain.codes import CodeClass, PortalCodes
from insurance_svc.domain.errors import BirthDateMalformed, NameMissing, PersonalNumberMissing
from insurance_svc.domain.model import PortalCall, Question, Rung
from insurance_svc.domain.reply import Reply, ReplyUnreadable, bare_reply, number_form, read_reply
from standards.insurance_card import parse_insurance_number
from standards.names import normalise_name

CALLS_MAX = 4
RESET = "PORTAL_RESET"
"""Failure reason of a connection that broke: common on kept-alive ones, so it is tried once more."""
_BIRTH = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?(?:-([0-9]{2}))?")
_DATE_FORMS = {3: "date-full", 2: "date-month", 1: "date-year"}
_TONES = frozenset("\u0300\u0301\u0303\u0309\u0323")
_TWO_PLACES = frozenset({("o", "a"), ("o", "e"), ("u", "y")})
"""Open syllable ends whose tone mark is written on either letter: hòa and hoà, khỏe and khoẻ, thủy and thuỷ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One call with the form it was made in and the reply as read; reply is None when there was none."""

    rung: Rung
    call: PortalCall
    reply: Reply | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NextAsk:
    """The next call: its form, and the sign-in that must no longer be used."""

    rung: Rung
    stale_login: int | None = None


def make_question(*, identifier: str, full_name: str, birth_date: str, service_date: date) -> Question:
    """A question from what the caller knows; the number loses separators, the name its spare spaces.

    Raises:
        PersonalNumberMissing, NameMissing, BirthDateMalformed: there is nothing to ask with.
        FormatError: the number is none of the three forms, or the name is too long.
    """
    if not identifier.strip():
        raise PersonalNumberMissing
    if not full_name.strip():
        raise NameMissing
    if _BIRTH.fullmatch(birth_date) is None:
        raise BirthDateMalformed
    normalise_name(full_name)  # refuses what no person is called
    return Question(
        identifier=parse_insurance_number(identifier).text,
        full_name=" ".join(unicodedata.normalize("NFC", full_name).split()),
        birth_date=birth_date,
        service_date=service_date,
    )


def first_rung(question: Question) -> Rung:
    """The question as it came: the identifier given, the name as printed, the date as full as it is known."""
    parts, text = _birth_text(question.birth_date)
    return Rung(
        identifier=question.identifier,
        full_name=question.full_name,
        birth_text=text,
        form=f"{number_form(question.identifier)}/name-as-printed/{_DATE_FORMS[parts]}",
    )


def next_ask(asked: Sequence[Asked], codes: PortalCodes) -> NextAsk | None:
    """The call after these, or None when another one would tell nothing new."""
    assert asked, "the first rung needs no answer"
    if len(asked) >= CALLS_MAX:
        return None
    last = asked[-1]
    if last.reply is None:
        resets = sum(each.call.failure_reason == RESET for each in asked)
        return NextAsk(rung=last.rung) if last.call.failure_reason == RESET and resets == 1 else None
    rule = codes.rule(last.reply.code)
    if rule.cls is CodeClass.AUTH:
        refusals = sum(codes.rule(each.call.code).cls is CodeClass.AUTH for each in asked if each.call.code)
        return NextAsk(rung=last.rung, stale_login=last.call.login_serial) if refusals == 1 else None
    rung: Rung | None = None
    if rule.cls in (CodeClass.CARD_CHANGED, CodeClass.REJECT):
        rung = _new_card_rung(last, has_card=rule.cls is CodeClass.CARD_CHANGED)
    elif rule.cls is CodeClass.NOT_FOUND or (rule.cls is CodeClass.BAD_INPUT and rule.sub_class != "PARAM"):
        rung = _ten_digit_rung(asked)
    elif rule.cls is CodeClass.MISMATCH:
        rung = _year_rung(last.rung) if rule.sub_class == "DOB" else _name_rung(last.rung)
    if rung is None or any(rung == each.rung for each in asked):
        return None
    return NextAsk(rung=rung)


def name_variant(full_name: str) -> tuple[str, str] | None:
    """Another spelling of the same name with the form's name, or None when the name has only one."""
    canonical = normalise_name(full_name)
    if canonical != full_name:
        return canonical, "name-canonical"
    other = " ".join(map(_other_place, canonical.split()))
    return (other, "name-other-placement") if other != canonical else None


def _new_card_rung(last: Asked, *, has_card: bool) -> Rung | None:
    """Ask with the new card's number when the reply names it and not its days."""
    assert last.reply is not None
    new = last.reply.new_card
    if new is None or new.number == last.rung.identifier:
        return None
    is_complete = new.valid_from_date is not None and new.valid_to_date is not None
    if has_card and is_complete:
        return None
    return _with_form(
        replace(last.rung, identifier=new.number), place=0, name=f"new-{number_form(new.number)}"
    )


def _ten_digit_rung(asked: Sequence[Asked]) -> Rung | None:
    """Ask with the 10-digit number: from the given card, or from any reply."""
    last = asked[-1]
    known = parse_insurance_number(last.rung.identifier).bhxh_number
    told = [each.reply.bhxh_number for each in asked if each.reply and len(each.reply.bhxh_number) == 10]
    number = known or (told[-1] if told else None)
    if number is None or number == last.rung.identifier:
        return None
    return _with_form(replace(last.rung, identifier=number), place=0, name="number10")


def _year_rung(rung: Rung) -> Rung | None:
    year = rung.birth_text[-4:]
    if rung.birth_text == year:
        return None
    return _with_form(replace(rung, birth_text=year), place=2, name="date-year")


def _name_rung(rung: Rung) -> Rung | None:
    if "/name-as-printed/" not in rung.form:
        return None
    variant = name_variant(rung.full_name)
    if variant is None:
        return None
    return _with_form(replace(rung, full_name=variant[0]), place=1, name=variant[1])


def _with_form(rung: Rung, *, place: int, name: str) -> Rung:
    parts = rung.form.split("/")
    parts[place] = name
    return replace(rung, form="/".join(parts))


def _birth_text(birth_date: str) -> tuple[int, str]:
    """How many parts of a FHIR date are known, and the portal's way of writing them."""
    match = _BIRTH.fullmatch(birth_date)
    assert match is not None, "the question was checked when it was made"
    known = [part for part in match.groups() if part is not None]
    return len(known), "/".join(reversed(known))


def _other_place(word: str) -> str:
    """The word with its tone mark on the other letter of an open oa, oe or uy."""
    if len(word) < 2:
        return word
    first, second = unicodedata.normalize("NFD", word[-2]), unicodedata.normalize("NFD", word[-1])
    if (first[0].lower(), second[0].lower()) not in _TWO_PLACES or word[-3:-2].lower() == "q":
        return word
    first_tone = "".join(mark for mark in first[1:] if mark in _TONES)
    second_tone = "".join(mark for mark in second[1:] if mark in _TONES)
    if bool(first_tone) == bool(second_tone):
        return word
    bare_first, bare_second = first.replace(first_tone, ""), second.replace(second_tone, "")
    moved = bare_first + second_tone + bare_second + first_tone
    return word[:-2] + unicodedata.normalize("NFC", moved)


def read_asked(rung: Rung, call: PortalCall) -> Asked:
    """A call with its reply as read; a refused sign-in may come with a code and a body that is no reply."""
    if not call.code:
        return Asked(rung=rung, call=call, reply=None)
    try:
        reply = read_reply(call.reply)
    except ReplyUnreadable:
        reply = bare_reply(call.code)
    # The adapter's code counts: a status of 401 is a refusal whatever the body says.
    return Asked(rung=rung, call=call, reply=replace(reply, code=call.code))
