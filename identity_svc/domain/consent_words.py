"""Consents, delegations and rulings in plain sentences, Vietnamese and English."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from identity_svc.domain.authority import Action, Basis, Delegation, Denial, Kind, Relationship, Ruling
from identity_svc.domain.consent import Channel, Consent, ConsentAnswer, Refusal
from identity_svc.domain.consent_texts import Purpose, Scope
from identity_svc.domain.model import VIETNAM

K = TypeVar("K", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One thing said in both languages."""

    vi: str
    en: str


def _w(vi: str, en: str) -> Words:
    return Words(vi=vi, en=en)


PURPOSES: Mapping[Purpose, Words] = {
    Purpose.TREATMENT: _w("khám bệnh, chữa bệnh", "examination and treatment"),
    Purpose.INSURANCE_CLAIM: _w("thanh toán bảo hiểm y tế", "health insurance claims"),
    Purpose.SHARING: _w("chia sẻ hồ sơ cho cơ sở khác", "sharing the record with another facility"),
    Purpose.RESEARCH: _w("nghiên cứu", "research"),
    Purpose.CHIP_READING: _w("đọc chip thẻ căn cước", "reading the citizen card's chip"),
    Purpose.CONTACT: _w("nhắn tin, gọi điện", "messages and calls"),
    Purpose.PAPER_COPY: _w("lưu bản sao giấy tờ", "keeping copies of papers"),
}
SCOPES: Mapping[Scope, Words] = {
    Scope.PATIENT: _w("thông tin cá nhân", "personal details"),
    Scope.ENCOUNTER: _w("lượt khám", "visits"),
    Scope.CONDITION: _w("chẩn đoán", "diagnoses"),
    Scope.OBSERVATION: _w("kết quả xét nghiệm", "test results"),
    Scope.MEDICATION: _w("thuốc", "medicines"),
    Scope.PROCEDURE: _w("phẫu thuật, thủ thuật", "operations and procedures"),
    Scope.IMMUNIZATION: _w("tiêm chủng", "vaccinations"),
    Scope.ALLERGY: _w("dị ứng", "allergies"),
    Scope.DOCUMENT: _w("giấy tờ", "papers"),
    Scope.COVERAGE: _w("bảo hiểm y tế", "health insurance"),
    Scope.CONTACT_POINT: _w("số điện thoại, địa chỉ liên lạc", "telephone number and contact address"),
    Scope.CARD_CHIP: _w("dữ liệu trong chip", "data on the chip"),
}
CHANNELS: Mapping[Channel, Words] = {
    Channel.KIOSK: _w("tại kiosk", "at a kiosk"),
    Channel.DESK_PAPER: _w("bằng giấy tại quầy", "on paper at a desk"),
    Channel.APP: _w("trong ứng dụng", "in the app"),
    Channel.PHONE: _w("qua điện thoại", "by telephone"),
}
GIVERS: Mapping[Basis, Words] = {
    Basis.SELF: _w("Chính người này", "The person"),
    Basis.GUARDIAN: _w("Người giám hộ", "The guardian"),
    Basis.DELEGATE: _w("Người được ủy quyền", "The delegate"),
    Basis.PROXY_CODE: _w("Người mang mã đi thay", "The bearer of a proxy code"),
}
ACTIONS: Mapping[Action, Words] = {
    Action.CHECK_IN: _w("đăng ký khám", "check in"),
    Action.SEE_RECORD: _w("xem hồ sơ sức khỏe", "see the record"),
    Action.COLLECT_RESULTS: _w("nhận kết quả, đơn thuốc", "collect results and prescriptions"),
    Action.PAY: _w("thanh toán", "pay"),
    Action.BOOK: _w("đặt lịch khám", "book appointments"),
    Action.SEE_IDENTITY: _w("xem thông tin định danh", "see identity data"),
    Action.REQUEST_CORRECTION: _w("yêu cầu sửa thông tin", "ask for corrections"),
    Action.GIVE_CONSENT: _w("đồng ý hoặc rút lại sự đồng ý", "give and withdraw consents"),
    Action.DELEGATE: _w("ủy quyền cho người khác", "choose delegates"),
}
RELATIONSHIPS: Mapping[Relationship, Words] = {
    Relationship.PARENT: _w("cha hoặc mẹ", "father or mother"),
    Relationship.GRANDPARENT: _w("ông hoặc bà", "grandparent"),
    Relationship.SIBLING: _w("anh, chị hoặc em", "brother or sister"),
    Relationship.SPOUSE: _w("vợ hoặc chồng", "husband or wife"),
    Relationship.CHILD: _w("con", "son or daughter"),
    Relationship.APPOINTED_GUARDIAN: _w("người giám hộ được chỉ định", "appointed guardian"),
    Relationship.OTHER: _w("người quen biết", "somebody they know"),
}
REFUSALS: Mapping[Refusal, Words] = {
    Refusal.NO_CONSENT: _w(
        "Chưa có sự đồng ý nào được ghi nhận cho mục đích này.", "No consent is recorded for this purpose."
    ),
    Refusal.CONSENT_WITHDRAWN: _w("Sự đồng ý đã được rút lại trước đó.", "The consent had been withdrawn."),
    Refusal.CONSENT_EXPIRED: _w("Sự đồng ý đã hết hạn.", "The consent had expired."),
    Refusal.CONSENT_LATER: _w(
        "Sự đồng ý được ghi nhận sau thời điểm này.", "The consent was given after this moment."
    ),
    Refusal.OTHER_FACILITY: _w(
        "Sự đồng ý chỉ dành cho cơ sở khác.", "The consent is for another facility only."
    ),
    Refusal.SCOPE_NOT_COVERED: _w(
        "Sự đồng ý không bao gồm đủ các loại dữ liệu này.", "The consent does not cover all of this data."
    ),
}
DENIALS: Mapping[Denial, Words] = {
    Denial.NO_RELATION: _w(
        "Không có giám hộ hay ủy quyền nào giữa hai người.", "There is no delegation between the two."
    ),
    Denial.TOO_YOUNG: _w(
        "Người này chưa đủ tuổi tự làm việc này; cần cha, mẹ hoặc người giám hộ.",
        "The person is too young to do this alone; a guardian has to.",
    ),
    Denial.CITIZEN_OF_AGE: _w(
        "Người được giám hộ đã đủ 18 tuổi; quyền giám hộ đã hết.", "The child has come of age."
    ),
    Denial.NOT_YET_VALID: _w("Ủy quyền chưa có hiệu lực vào lúc đó.", "The delegation had not begun."),
    Denial.EXPIRED: _w("Ủy quyền đã hết hạn.", "The delegation had ended."),
    Denial.REVOKED: _w("Ủy quyền đã bị hủy.", "It had been revoked."),
    Denial.ACTION_NOT_DELEGATED: _w("Việc này không nằm trong ủy quyền.", "This is not among the actions."),
    Denial.OTHER_FACILITY: _w(
        "Mã đi thay được dùng tại cơ sở khác.", "The proxy code was taken at another facility."
    ),
    Denial.CODE_NOT_TAKEN: _w("Mã đi thay chưa được quét tại quầy.", "No desk had taken the proxy code."),
    Denial.VISIT_OVER: _w("Lượt đi thay đã kết thúc.", "The visit of the proxy code was over."),
    Denial.ACCOUNT_NOT_LINKED: _w(
        "Tài khoản chưa liên kết với người nào.", "The account is linked to nobody."
    ),
}
_ALLOWED: Mapping[Basis, Words] = {
    Basis.SELF: _w("Được phép: chính người này.", "Allowed: it is the person."),
    Basis.GUARDIAN: _w("Được phép: là người giám hộ.", "Allowed: it is a guardian."),
    Basis.DELEGATE: _w("Được phép: là người được ủy quyền.", "Allowed: it is a delegate."),
    Basis.PROXY_CODE: _w(
        "Được phép: mang mã đi thay cho lượt khám này.", "Allowed: by a proxy code for this visit."
    ),
}


def tell_ruling(ruling: Ruling) -> Words:
    """Whether somebody may act, in a sentence."""
    if ruling.basis is not None:
        return _ALLOWED[ruling.basis]
    assert ruling.denial is not None, "a denial has its reason"
    return DENIALS[ruling.denial]


def tell_answer(answer: ConsentAnswer) -> Words:
    """Whether a use is permitted, in a sentence."""
    if answer.refusal is not None:
        return REFUSALS[answer.refusal]
    if answer.consent is None:
        return _w(
            f"Được phép theo luật ({answer.legal_reference}); không cần xin đồng ý.",
            f"Permitted by law ({answer.legal_reference}); no consent is needed.",
        )
    given = _day(answer.consent.grant_time)
    return _w(f"Được phép theo sự đồng ý ngày {given}.", f"Permitted by the consent of {given}.")


def tell_consent(consent: Consent) -> Words:
    """A consent in a sentence: who, how, when, for what, which data, for whom, until when."""
    giver, purpose, channel = (
        GIVERS[consent.given_as],
        PURPOSES[consent.purpose],
        CHANNELS[consent.channel],
    )
    scopes = _listed(consent.scopes, SCOPES)
    given = _day(consent.grant_time)
    where = consent.facility_code
    facility = (
        _w(f"cho cơ sở {where}", f"for facility {where}")
        if where
        else _w("cho mọi cơ sở trong tỉnh", "for every facility of the province")
    )
    end = _end_of(consent)
    return _w(
        f"{giver.vi} đồng ý {channel.vi} ngày {given}: {purpose.vi} ({scopes.vi}), {facility.vi}. {end.vi}",
        f"{giver.en} agreed {channel.en} on {given}: {purpose.en} ({scopes.en}), {facility.en}. {end.en}",
    )


def tell_delegation(delegation: Delegation, *, end_time: datetime | None) -> Words:
    """A delegation in a sentence; `end_time` is when it ends by itself, birthday included."""
    who = RELATIONSHIPS[delegation.relationship]
    since = _day(delegation.start_time)
    if delegation.kind is Kind.GUARDIAN:
        what = _w(
            f"Người giám hộ ({who.vi}) được làm mọi việc thay từ ngày {since}.",
            f"A guardian ({who.en}) may do everything since {since}.",
        )
    else:
        actions = _listed(delegation.actions, ACTIONS)
        what = _w(
            f"Người được ủy quyền ({who.vi}) được: {actions.vi}, từ ngày {since}.",
            f"A delegate ({who.en}) may: {actions.en}, since {since}.",
        )
    if delegation.revoke_time is not None:
        day = _day(delegation.revoke_time)
        return _w(f"{what.vi} Đã chấm dứt ngày {day}.", f"{what.en} Ended on {day}.")
    if end_time is None:
        return what
    return _w(f"{what.vi} Hết hạn lúc {_minute(end_time)}.", f"{what.en} Ends at {_minute(end_time)}.")


def _end_of(consent: Consent) -> Words:
    if consent.withdraw_time is not None and consent.is_replaced:
        day = _day(consent.withdraw_time)
        return _w(f"Được thay bằng sự đồng ý mới ngày {day}.", f"Replaced by a newer consent on {day}.")
    if consent.withdraw_time is not None:
        return _w(
            f"Đã rút lại lúc {_minute(consent.withdraw_time)}.",
            f"Withdrawn at {_minute(consent.withdraw_time)}.",
        )
    if consent.expire_time is not None:
        return _w(
            f"Hết hạn lúc {_minute(consent.expire_time)}.", f"Expires at {_minute(consent.expire_time)}."
        )
    return _w("Còn hiệu lực đến khi rút lại.", "Stands until withdrawn.")


def _listed(keys: Iterable[K], words: Mapping[K, Words]) -> Words:
    found = [words[key] for key in keys]
    return _w("; ".join(each.vi for each in found), "; ".join(each.en for each in found))


def _day(moment: datetime) -> str:
    return moment.astimezone(VIETNAM).strftime("%d/%m/%Y")


def _minute(moment: datetime) -> str:
    return moment.astimezone(VIETNAM).strftime("%H:%M %d/%m/%Y")
