"""Words for what a chip check found: for a clerk, in Vietnamese and English."""

from __future__ import annotations

from identity_svc.domain.chip import GROUPS_CONTRADICT, ISSUER_OF_OTHER_COUNTRY
from standards.icao.security_object import ChipFault, ChipOutcome

Words = tuple[str, str]
"""Vietnamese, English."""

_OUTCOMES: dict[ChipOutcome, Words] = {
    ChipOutcome.VALID: (
        "Chip thật: dữ liệu nguyên vẹn và do cơ quan cấp thẻ ký.",
        "The chip is genuine: its data are whole and signed by the issuer.",
    ),
    ChipOutcome.INTACT_BUT_ISSUER_UNKNOWN: (
        "Dữ liệu trong chip nguyên vẹn, nhưng hệ thống chưa có chứng thư của cơ quan cấp để xác nhận thẻ thật.",
        "The chip's data are whole, but the issuer's certificate is not installed here, so it may still be a forgery.",
    ),
}
_CHANGED: Words = (
    "Dữ liệu trong chip không khớp với chữ ký: thẻ có thể bị sửa hoặc làm giả. Hãy đọc lại; vẫn khám bệnh bình thường.",
    "The chip's data do not fit its signature: the card may be altered or forged. Read it again; care goes on.",
)
_WEAK: Words = (
    "Chữ ký của chip dùng thuật toán không còn an toàn nên không được chấp nhận; hãy quét mã QR trên thẻ.",
    "The chip's signature uses means that are no longer safe and is not accepted; scan the card's QR code.",
)
_SIGNER: Words = (
    "Chứng thư ký thẻ không hợp lệ hoặc không thuộc cơ quan cấp thẻ; thẻ có thể là giả. Vẫn khám bệnh bình thường.",
    "The certificate that signed the card does not hold or is not the issuer's; the card may be forged. Care goes on.",
)
_DAYS: Words = (
    "Chứng thư ký thẻ hết hạn hoặc chưa có hiệu lực; hãy kiểm tra ngày giờ của máy chủ và báo quản trị hệ thống.",
    "The certificate that signed the card is expired or not yet valid; check the server's clock and tell the operator.",
)
_FAULTS: dict[str, Words] = {
    ChipFault.WEAK_DIGEST: _WEAK,
    ChipFault.WEAK_KEY: _WEAK,
    ChipFault.SIGNER_CERTIFICATE_MISSING: _SIGNER,
    ChipFault.SIGNER_USAGE_WRONG: _SIGNER,
    ChipFault.CHAIN_SIGNATURE_WRONG: _SIGNER,
    ISSUER_OF_OTHER_COUNTRY: _SIGNER,
    ChipFault.SIGNER_EXPIRED: _DAYS,
    ChipFault.SIGNER_NOT_YET_VALID: _DAYS,
    ChipFault.ISSUER_NOT_VALID: _DAYS,
    ChipFault.SIGNER_REVOKED: (
        "Chứng thư ký thẻ đã bị thu hồi; hãy giữ thông tin và báo công an cấp xã. Vẫn khám bệnh bình thường.",
        "The certificate that signed the card was revoked; keep the details and tell the commune police. Care goes on.",
    ),
    GROUPS_CONTRADICT: (
        "Dữ liệu trong cùng một chip nói về hai người khác nhau; thẻ có thể là giả. Vẫn khám bệnh bình thường.",
        "Parts of one chip tell of two people; the card may be forged. Care goes on.",
    ),
}
_CHECKS: dict[str, Words] = {
    "NAME_ACCENTS_LOST": (
        "Họ tên chỉ khác dấu; một bên không có dấu.",
        "The names differ in accents only; one of them has none.",
    ),
    "NAME_LACKS_WORDS": ("Hai họ tên hơn kém nhau tên đệm.", "The names differ by a middle name."),
    "NAME_DIFFERS": (
        "Họ tên trong chip khác; hãy xem lại thẻ.",
        "The name in the chip is another; look at the card.",
    ),
    "BIRTH_DATE_COARSER": (
        "Một bên chỉ có năm hoặc tháng sinh; phần có đều khớp.",
        "One of them tells only year or month of birth; what is told agrees.",
    ),
    "BIRTH_DATE_DIFFERS": ("Ngày sinh trong chip khác.", "The birth date in the chip is another."),
    "GENDER_DIFFERS": ("Giới tính trong chip khác.", "The gender in the chip is another."),
    "ADDRESS_DIFFERS": (
        "Địa chỉ trong chip khác; hãy hỏi nơi ở hiện nay.",
        "The address in the chip is another; ask where the person lives now.",
    ),
    "ISSUE_DATE_DIFFERS": (
        "Ngày cấp khác nhau; có thể là hai thẻ cấp ở hai thời điểm.",
        "The days of issue differ; these may be two cards of different times.",
    ),
}


def explain_outcome(outcome: ChipOutcome, fault: str) -> Words:
    """Give words for the result of a chip check and what to do."""
    return _OUTCOMES.get(outcome) or _FAULTS.get(fault, _CHANGED)


def explain_difference(reason: str) -> Words:
    """Give words for a difference between a chip and what else is known; empty for none."""
    return _CHECKS.get(reason, ("", ""))
