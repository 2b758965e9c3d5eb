"""What a finished ladder of portal calls says about a citizen's insurance; what contradicts is never VALID."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from insurance_svc.domain.codes import CodeClass, CodeRule, PortalCodes
from insurance_svc.domain.ladder import Asked, is_number_unknown
from insurance_svc.domain.model import INSURED, Finding, InsuranceCard, Outcome, Question
from insurance_svc.domain.reply import Reply
from insurance_svc.domain.treatment import grace_end_date
from standards.errors import FormatError
from standards.names import NameClass, compare_names

STAFF_NOT_REGISTERED = "STAFF_NOT_REGISTERED"
LOGIN_REFUSED = "PORTAL_LOGIN_REFUSED"
CODE_UNKNOWN = "PORTAL_CODE_UNKNOWN"
REQUEST_REFUSED = "PORTAL_REQUEST_REFUSED"
PORTAL_ERROR = "PORTAL_ERROR"
ANSWERED_BADLY = frozenset({STAFF_NOT_REGISTERED, LOGIN_REFUSED, CODE_UNKNOWN, REQUEST_REFUSED})
"""Degraded reasons that time alone does not mend: somebody has to look, so repeats are counted and end."""
_SAME_PERSON = frozenset({NameClass.SAME, NameClass.EQUIVALENT})
_GRACE_RULE_VI = "khoản 4 Điều 50 Nghị định 188/2025/NĐ-CP"
_OFFLINE_RULE_VI = "khoản 2 Điều 38 Nghị định 188/2025/NĐ-CP"

SELF_PAY = Finding(
    outcome=Outcome.SELF_PAY,
    explanation_vi="Người bệnh chọn tự chi trả; không tra cứu BHYT.",
    explanation_en="The citizen chose to pay without insurance; nothing was asked.",
)


def conclude(question: Question, asked: Sequence[Asked], codes: PortalCodes, *, today: date) -> Finding:
    """The outcome of the calls, told by the last one.

    Args:
        question: What was to be found out.
        asked: Every call in order, at least one.
        codes: The table of result codes.
        today: The day in Asia/Ho_Chi_Minh as of which the portal answered.
    """
    last = asked[-1]
    if last.reply is None:
        return _unheard(last.call.failure_reason)
    rule = codes.rule(last.reply.code)
    degraded = _degraded_reason(rule)
    if degraded:
        return _answered_badly(rule, degraded)
    if is_number_unknown(rule):
        # Another number was tried after the portal had said something about the person: that stands.
        asked = _up_to_the_last_word(asked, codes)
        last = asked[-1]
    assert last.reply is not None, "a last word is a reply"
    rule = codes.rule(last.reply.code)
    doubt = _contradiction(question, last)
    if doubt:
        return _disputed(rule, doubt)
    if rule.cls is CodeClass.OK or rule.code == "010":
        finding = _by_dates(question, asked, rule, today=today)
    elif rule.cls is CodeClass.CARD_CHANGED:
        finding = _by_choice(question, last.reply, rule)
    else:
        finding = _plain(last.reply, rule)
    if finding.outcome not in INSURED or (len(asked) == 1 and last.reply.new_card is None):
        return finding
    return replace(finding, cards=_cards(finding, asked, codes))


def _up_to_the_last_word(asked: Sequence[Asked], codes: PortalCodes) -> Sequence[Asked]:
    """The calls up to the last one that named a state of the citizen's card; all of them where none did."""
    for count in range(len(asked), 0, -1):
        reply = asked[count - 1].reply
        if reply is not None and codes.rule(reply.code).cls is CodeClass.REJECT:
            return asked[:count]
    return asked


def _cards(finding: Finding, asked: Sequence[Asked], codes: PortalCodes) -> tuple[InsuranceCard, ...]:
    """Every card that the replies name with its days, the one that counts first; a card told twice stands once."""
    vouching = (CodeClass.OK, CodeClass.OK_MANUAL, CodeClass.CARD_CHANGED, CodeClass.MANUAL)
    told = [
        card
        for each in reversed(asked)
        if each.reply is not None
        and (codes.rule(each.reply.code).cls in vouching or each.reply.code == "010")
        for card in (each.reply.new_card, each.reply.card)
        # A card without days would count on every day.
        if card is not None and card.valid_to_date is not None
    ]
    cards: dict[tuple[str, date | None], InsuranceCard] = {}
    for card in (finding.card, *told, finding.replaced_card):
        if card is not None:
            # The same card comes with 10 or 15 characters (domain page, section 3.1); the longer one tells more.
            key = (_tail(card) or card.number, card.valid_from_date)
            known = cards.setdefault(key, card)
            if len(card.number) > len(known.number) and known is not finding.card:
                cards[key] = card
    return tuple(cards.values()) if len(cards) > 1 else ()


def _unheard(reason: str) -> Finding:
    return Finding(
        outcome=Outcome.UNVERIFIED,
        explanation_vi=(
            "Chưa tra cứu được cổng BHXH. Tiếp nhận người bệnh, ghi lại số thẻ theo "
            f"{_OFFLINE_RULE_VI}; hệ thống sẽ tự tra lại."
        ),
        explanation_en=(
            "The portal did not answer in its budget. Admit the patient (Decree 188/2025, art. 38 k2); "
            "the check repeats by itself."
        ),
        degraded_reason=reason,
        needs_recheck=True,
    )


def _degraded_reason(rule: CodeRule) -> str:
    """Why a reply says nothing about the citizen; empty when it does."""
    if rule.cls is CodeClass.BAD_INPUT and rule.sub_class == "PARAM":
        return REQUEST_REFUSED
    return {
        CodeClass.CONFIG: STAFF_NOT_REGISTERED,
        CodeClass.TRANSIENT: PORTAL_ERROR,
        CodeClass.AUTH: LOGIN_REFUSED,
        CodeClass.UNKNOWN: CODE_UNKNOWN,
    }.get(rule.cls, "")


def _answered_badly(rule: CodeRule, reason: str) -> Finding:
    return Finding(
        outcome=Outcome.UNVERIFIED,
        portal_code=rule.code,
        explanation_vi=f"{rule.meaning_vi}. {rule.action_vi}",
        explanation_en=f"Portal code {rule.code}: {rule.meaning_en}. Admit the patient unverified.",
        degraded_reason=reason,
        # The same parameters would be refused again, and blind repeats may restrict the account.
        needs_recheck=reason != REQUEST_REFUSED,
    )


def _disputed(rule: CodeRule, doubt: str) -> Finding:
    vi = {
        "number": "Cổng BHXH trả về số thẻ của người khác",
        "name": "Họ tên cổng BHXH trả về khác giấy tờ",
        "birth_date": "Ngày sinh cổng BHXH trả về khác giấy tờ",
        "dates": "Mã trả lời và thời hạn thẻ của cổng BHXH mâu thuẫn nhau",
        "person": "Cổng BHXH báo kết quả nhưng không nêu tên người có thẻ",
        "new_card": "Cổng BHXH báo đã cấp thẻ mới nhưng không cho biết thẻ mới",
    }[doubt]
    return Finding(
        outcome=Outcome.DISPUTED,
        portal_code=rule.code,
        reason=doubt.upper(),
        explanation_vi=f"{vi}. Tiếp nhận và điều trị; đối chiếu giấy tờ và đề nghị cơ quan BHXH điều chỉnh.",
        explanation_en=(
            f"Portal code {rule.code}, but its answer contradicts itself or our facts ({doubt}). "
            "Care goes on; compare the papers and ask the insurance office to correct."
        ),
    )


def _by_dates(question: Question, asked: Sequence[Asked], rule: CodeRule, *, today: date) -> Finding:
    """000 and 010 speak of today; the day of the service decides by the card's own days."""
    last = asked[-1]
    assert last.reply is not None
    card = last.reply.card
    says_valid = rule.cls is CodeClass.OK
    if card is None:
        return _disputed(rule, "person") if says_valid else _plain(last.reply, rule)
    has_days = card.valid_to_date is not None
    if has_days and card.counts_on(today) is not says_valid:
        return _disputed(rule, "dates")
    covers = card.counts_on(question.service_date) if has_days or says_valid else False
    if not covers:
        return _expired(rule, card, question.service_date)
    before = _card_before(asked)
    if before is not None:
        return _changed(rule, card=card, replaced=before)
    ended = card.valid_to_date is not None and card.valid_to_date < today
    year_only = last.rung.form.endswith("/date-year") and len(question.birth_date) > 4
    note_vi = " Cổng BHXH chỉ khớp năm sinh; hướng dẫn điều chỉnh ngày sinh." if year_only else ""
    when_vi = f" {_ended_vi(card)}" if ended else ""
    return Finding(
        outcome=Outcome.VALID,
        portal_code=rule.code,
        explanation_vi=f"Thẻ BHYT hợp lệ. Tiếp nhận khám BHYT.{when_vi}{note_vi}",
        explanation_en="The card is valid on the day of the service."
        + (f" {_ended_en(card)}" if ended else "")
        + (" The portal knows the birth year only." if year_only else ""),
        card=card,
    )


def _ended_vi(card: InsuranceCard) -> str:
    last, grace = card.valid_to_date, grace_end_date(card)
    assert last is not None, "an ended card has an end"
    assert grace is not None, "an ended card has a grace"
    return (
        f"Thẻ còn hạn vào ngày khám và hết hạn ngày {last:%d/%m/%Y}; nếu đang điều trị nội trú thì được hưởng "
        f"đến hết ngày {grace:%d/%m/%Y} ({_GRACE_RULE_VI})."
    )


def _ended_en(card: InsuranceCard) -> str:
    return (
        f"It ended on {card.valid_to_date}; an inpatient treatment begun before is paid for until "
        f"{grace_end_date(card)} at most."
    )


def _by_choice(question: Question, reply: Reply, rule: CodeRule) -> Finding:
    """003 and 004: the card that counts on the day of the service."""
    new, old = reply.new_card, reply.card
    if new is None or new.valid_from_date is None or new.valid_to_date is None:
        return _disputed(rule, "new_card")
    if new.counts_on(question.service_date):
        return _changed(rule, card=new, replaced=old)
    if old is not None and old.valid_to_date is not None and old.counts_on(question.service_date):
        return Finding(
            outcome=Outcome.VALID,
            portal_code=rule.code,
            explanation_vi=(
                f"Vào ngày khám thẻ cũ vẫn còn hạn; thẻ mới có giá trị từ {new.valid_from_date:%d/%m/%Y}."
            ),
            explanation_en="The old card still counts on the day; the new one begins later or ended before.",
            card=old,
        )
    return _expired(rule, new, question.service_date)


def _changed(rule: CodeRule, *, card: InsuranceCard, replaced: InsuranceCard | None) -> Finding:
    return Finding(
        outcome=Outcome.CARD_CHANGED,
        portal_code=rule.code,
        explanation_vi="Thẻ đã được đổi; dùng thẻ mới cho lượt khám này và giữ lại số thẻ cũ.",
        explanation_en="The card was replaced; the new card counts on the day of the service.",
        card=card,
        replaced_card=replaced,
    )


def _expired(rule: CodeRule, card: InsuranceCard, service_date: date) -> Finding:
    begins_later = card.valid_from_date is not None and service_date < card.valid_from_date
    return Finding(
        outcome=Outcome.NOT_VALID,
        portal_code=rule.code,
        reason="NOT_YET_VALID" if begins_later else "EXPIRED",
        explanation_vi=(
            "Thẻ BHYT không có giá trị vào ngày khám. Thu phí trực tiếp; hướng dẫn gia hạn thẻ. "
            "Người đang điều trị nội trú được hưởng tối đa 15 ngày."
        ),
        explanation_en="The card does not count on the day of the service.",
    )


_OUTCOMES = {
    CodeClass.OK_MANUAL: Outcome.VALID_MANUAL,
    CodeClass.MANUAL: Outcome.VALID_MANUAL,
    CodeClass.REJECT: Outcome.NOT_VALID,
    CodeClass.NOT_FOUND: Outcome.NOT_FOUND,
    CodeClass.BAD_INPUT: Outcome.NOT_FOUND,
    CodeClass.MISMATCH: Outcome.PERSON_MISMATCH,
}


def _plain(reply: Reply, rule: CodeRule) -> Finding:
    """Codes that decide by themselves."""
    outcome = _OUTCOMES[rule.cls]
    card = reply.card if outcome is Outcome.VALID_MANUAL else None
    if rule.cls is CodeClass.MANUAL and card is None:
        # A child under six is group TE, level 1, with or without the paper (Decree 188/2025, art. 50 k1).
        card = InsuranceCard(number="", object_group="TE", benefit_level=1)
    return Finding(
        outcome=outcome,
        portal_code=rule.code,
        reason="" if outcome is Outcome.VALID_MANUAL else rule.sub_class,
        explanation_vi=f"{rule.meaning_vi}. {rule.action_vi}",
        explanation_en=f"Portal code {rule.code}: {rule.meaning_en}.",
        card=card,
    )


def _card_before(asked: Sequence[Asked]) -> InsuranceCard | None:
    """The card an earlier reply told to be replaced by the one asked last."""
    if not asked[-1].rung.form.startswith("new-"):
        return None
    cards = [each.reply.card for each in asked[:-1] if each.reply and each.reply.new_card]
    return cards[-1] if cards else None


def _contradiction(question: Question, last: Asked) -> str:
    """What in the reply belongs to another person, "" when nothing does.

    Only answers that carry a person can contradict; a refusal such as 050 or 060 carries none.
    """
    reply = last.reply
    assert reply is not None
    numbers = {reply.bhxh_number, _tail(reply.card), _tail(reply.new_card), _tail_of(last.rung.identifier)}
    if len({number for number in numbers if len(number) == 10}) > 1:
        return "number"
    citizen_numbers = {reply.bhxh_number, last.rung.identifier} | {
        card.number for card in (reply.card, reply.new_card) if card is not None
    }
    if len({number for number in citizen_numbers if len(number) == 12}) > 1:
        return "number"
    names = filter(None, (question.full_name, question.printed_name))
    if reply.full_name and not any(_is_same_name(name, reply.full_name) for name in names):
        return "name"
    if reply.birth_date and not _dates_agree(question.birth_date, reply.birth_date):
        return "birth_date"
    return "person" if reply.code in ("000", "003", "004") and not reply.full_name else ""


def _is_same_name(asked: str, told: str) -> bool:
    try:
        return compare_names(asked, told).cls in _SAME_PERSON
    except FormatError:
        return False


def _dates_agree(asked: str, told: str) -> bool:
    """Two FHIR dates agree as far as both are known."""
    length = min(len(asked), len(told))
    return asked[:length] == told[:length]


def _tail(card: InsuranceCard | None) -> str:
    return "" if card is None else _tail_of(card.number)


def _tail_of(number: str) -> str:
    """The 10-digit insurance number inside 10 or 15 characters."""
    return number[-10:] if len(number) in (10, 15) else ""
