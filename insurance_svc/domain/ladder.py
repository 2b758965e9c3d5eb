"""Which form of the question goes to the portal next; pure, so that every path can be tried without a portal.

Accounts that ask blindly may be put on a restricted list (letter 1839/CNTT-PM of 18/08/2026), hence at most four calls.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from insurance_svc.domain.codes import CodeClass, CodeRule, PortalCodes
from insurance_svc.domain.errors import BirthDateMalformed, NameMissing, PersonalNumberMissing
from insurance_svc.domain.model import PortalCall, Question, Rung
from insurance_svc.domain.reply import Reply, ReplyUnreadable, bare_reply, number_form, read_reply
from standards.errors import FormatError
from standards.insurance_card import InsuranceNumber, parse_insurance_number
from standards.names import normalise_name

CALLS_MAX = 4
RESET = "PORTAL_RESET"
"""Failure reason of a connection that broke: common on kept-alive ones, so it is tried once more."""
PERSONAL_DIGITS = 12
_ORDER = (PERSONAL_DIGITS, 10, 15)
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


def make_question(
    *,
    identifier: str,
    full_name: str,
    birth_date: str,
    service_date: date,
    other_identifiers: Sequence[str] = (),
    printed_name: str = "",
) -> Question:
    """A question from what the caller knows; a number loses separators, a name its spare spaces.

    Of several numbers the personal number is asked first, then the 10-digit one, then cards: re-coded provinces spoil
    them in the opposite order. A further number that is none is left out: it must not keep anybody from care.

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
    name, printed = _one_spaced(full_name), _one_spaced(printed_name) if printed_name else ""
    normalise_name(name)  # refuses what no person is called
    if printed:
        normalise_name(printed)
    numbers: tuple[str, ...] = (parse_insurance_number(identifier).text,)
    if other_identifiers:
        others = (number.text for number in map(_number, other_identifiers) if number is not None)
        numbers = _in_order((*numbers, *others))
    return Question(
        identifier=numbers[0],
        full_name=name,
        birth_date=birth_date,
        service_date=service_date,
        other_identifiers=numbers[1:],
        printed_name="" if printed == name else printed,
    )


def with_numbers(question: Question, numbers: Iterable[str]) -> Question:
    """The question with more numbers to fall back to; what is no insurance number is left out."""
    known = (number.text for number in map(_number, numbers) if number is not None)
    fallbacks = _in_order((*question.other_identifiers, *known))
    return replace(
        question, other_identifiers=tuple(each for each in fallbacks if each != question.identifier)
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


def next_ask(question: Question, asked: Sequence[Asked], codes: PortalCodes) -> NextAsk | None:
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
        if rung is None and rule.sub_class.startswith("REDUCED"):
            rung = _number_rung(question, asked, personal_only=True)
    elif is_number_unknown(rule):
        rung = _number_rung(question, asked)
    elif rule.cls is CodeClass.MISMATCH:
        rung = _year_rung(last.rung) if rule.sub_class == "DOB" else _name_rung(question, asked)
    if rung is None or any(rung == each.rung for each in asked):
        return None
    return NextAsk(rung=rung)


def is_number_unknown(rule: CodeRule) -> bool:
    """Whether the portal knows nobody by the number asked: another number may still be known."""
    return rule.cls is CodeClass.NOT_FOUND or (rule.cls is CodeClass.BAD_INPUT and rule.sub_class != "PARAM")


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


def _number_rung(question: Question, asked: Sequence[Asked], *, personal_only: bool = False) -> Rung | None:
    """Ask with the next number of the citizen: given, inside a longer one, or told by a reply."""
    last = asked[-1].rung
    told = (each.reply.bhxh_number for each in asked if each.reply)
    known = [
        number
        for number in map(_number, (question.identifier, *question.other_identifiers, *told))
        if number is not None
    ]
    tried = {each.rung.identifier for each in asked}
    texts = [text for each in known for text in (each.text, each.bhxh_number) if text]
    for number in _in_order(texts):
        if number not in tried and (len(number) == PERSONAL_DIGITS or not personal_only):
            return _with_form(replace(last, identifier=number), place=0, name=number_form(number))
    return None


def _year_rung(rung: Rung) -> Rung | None:
    year = rung.birth_text[-4:]
    if rung.birth_text == year:
        return None
    return _with_form(replace(rung, birth_text=year), place=2, name="date-year")


def _name_rung(question: Question, asked: Sequence[Asked]) -> Rung | None:
    """Ask with the next spelling: the other place of the tone mark, then the name on the paper that was shown."""
    last = asked[-1].rung
    tried = {each.rung.full_name for each in asked if each.rung.identifier == last.identifier}
    printed = (question.printed_name, "name-on-paper") if question.printed_name else None
    for spelling in (name_variant(question.full_name), printed):
        if spelling is not None and spelling[0] not in tried:
            return _with_form(replace(last, full_name=spelling[0]), place=1, name=spelling[1])
    return None


def _one_spaced(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).split())


def _number(text: str) -> InsuranceNumber | None:
    """An insurance number taken apart, None for what is none."""
    try:
        return parse_insurance_number(text)
    except FormatError:
        return None


def _in_order(numbers: Iterable[str]) -> tuple[str, ...]:
    """Different numbers, the personal number first, then 10 digits, then cards; ties as they came."""
    return tuple(sorted(dict.fromkeys(numbers), key=lambda number: _ORDER.index(len(number))))


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
    if reply.code != call.code:
        reply = replace(reply, code=call.code)
    return Asked(rung=rung, call=call, reply=reply)
