"""Breaks: the named differences between the bank and our books, and how each may be resolved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class BreakCode(StrEnum):
    """Kinds of difference; names as in the contract."""

    MISSING_IN_BANK = "MISSING_IN_BANK"
    MISSING_IN_LEDGER = "MISSING_IN_LEDGER"
    UNIDENTIFIED_RECEIPT = "UNIDENTIFIED_RECEIPT"
    AMOUNT_UNDER = "AMOUNT_UNDER"
    AMOUNT_OVER = "AMOUNT_OVER"
    DUPLICATE_PAYMENT = "DUPLICATE_PAYMENT"
    LATE_PAYMENT = "LATE_PAYMENT"
    AMBIGUOUS = "AMBIGUOUS"
    BALANCE_BREAK = "BALANCE_BREAK"
    INVALID_LINE = "INVALID_LINE"
    UNEXPLAINED_DEBIT = "UNEXPLAINED_DEBIT"
    AMOUNT_MISMATCH = "AMOUNT_MISMATCH"
    SIGNATURE_INVALID = "SIGNATURE_INVALID"


class Resolution(StrEnum):
    """How a break ended; NONE while it is open."""

    NONE = ""
    AUTO_CLEARED = "AUTO_CLEARED"
    APPLIED = "APPLIED"
    REFUND_PAYABLE = "REFUND_PAYABLE"
    EXPLAINED = "EXPLAINED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A difference that somebody has to explain, or that later data explained."""

    break_id: str
    """Derived from code and cause, so that one difference is one break."""
    facility_code: str
    """Empty when nobody can tell whose it is (a forged notification); every facility then sees it."""
    code: BreakCode
    amount_vnd: int
    """Money at risk, at least 0."""
    account: str
    bank_reference: str
    visit_id: str
    collection_id: str
    """The money concerned, or empty."""
    create_time: datetime
    resolution: Resolution
    resolve_time: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether somebody has to look at it."""
        return self.resolution is Resolution.NONE


_WITH_MONEY = frozenset({Resolution.APPLIED, Resolution.REFUND_PAYABLE})
_PERSON_EXPLAINS = frozenset({Resolution.EXPLAINED})

ALLOWED: dict[BreakCode, frozenset[Resolution]] = {
    BreakCode.UNIDENTIFIED_RECEIPT: _WITH_MONEY,
    BreakCode.AMOUNT_OVER: _WITH_MONEY,
    BreakCode.AMBIGUOUS: _WITH_MONEY,
    # The money stands in refunds payable already; resolving says that the refund is under way.
    BreakCode.DUPLICATE_PAYMENT: frozenset({Resolution.REFUND_PAYABLE}),
    **dict.fromkeys(
        (
            BreakCode.MISSING_IN_BANK,
            BreakCode.MISSING_IN_LEDGER,
            BreakCode.AMOUNT_UNDER,
            BreakCode.LATE_PAYMENT,
            BreakCode.BALANCE_BREAK,
            BreakCode.INVALID_LINE,
            BreakCode.UNEXPLAINED_DEBIT,
            BreakCode.AMOUNT_MISMATCH,
            BreakCode.SIGNATURE_INVALID,
        ),
        _PERSON_EXPLAINS,
    ),
}
"""What a person may choose: money that stands unapplied has to go somewhere, the rest has to be explained."""

EXPLANATIONS: dict[BreakCode, tuple[str, str]] = {
    BreakCode.MISSING_IN_BANK: (
        "Ngân hàng đã báo có nhưng sao kê không có dòng này; hãy tra soát với ngân hàng.",
        "The bank told of this money but no statement line shows it; ask the bank.",
    ),
    BreakCode.MISSING_IN_LEDGER: (
        "Sao kê có tiền với mã hợp lệ nhưng không nhận được thông báo; hệ thống đã tự ghi nhận.",
        "A line with a valid code came without its notification; it was posted from the line.",
    ),
    BreakCode.UNIDENTIFIED_RECEIPT: (
        "Có tiền vào nhưng không có mã nhận dạng; hãy tìm phiếu thu phí để gán, hoặc trả lại.",
        "Money came without a usable reference; apply it to a bill or give it back.",
    ),
    BreakCode.AMOUNT_UNDER: (
        "Tiền về ít hơn số phải trả; hãy thu phần còn lại.",
        "Less than due came; collect the rest.",
    ),
    BreakCode.AMOUNT_OVER: (
        "Tiền về nhiều hơn số phải trả; phần dư đang chờ, hãy gán cho phiếu khác hoặc trả lại.",
        "More than due came; the rest waits: apply it to another bill or give it back.",
    ),
    BreakCode.DUPLICATE_PAYMENT: (
        "Khoản đã trả đủ lại được trả lần nữa; tiền nằm ở khoản phải trả lại, hãy làm thủ tục hoàn tiền.",
        "A satisfied bill was paid again; the money stands in refunds payable, start the refund.",
    ),
    BreakCode.LATE_PAYMENT: (
        "Tiền về sau khi mã QR hết hạn; hệ thống vẫn ghi nhận cho phiếu còn nợ.",
        "Money came after the QR had expired; it was still applied to the open bill.",
    ),
    BreakCode.AMBIGUOUS: (
        "Có từ hai cách khớp ngang nhau; hãy xem và tự chọn, hệ thống không tự khớp.",
        "Two or more equal solutions exist; decide, the system does not guess.",
    ),
    BreakCode.BALANCE_BREAK: (
        "Số dư đầu, các dòng và số dư cuối của sao kê không khớp; hãy tải lại sao kê.",
        "Opening balance, lines and closing balance do not fit; export the statement again.",
    ),
    BreakCode.INVALID_LINE: (
        "Một dòng sao kê không đọc được, đã giữ nguyên văn; hãy kiểm tra với ngân hàng.",
        "A statement line could not be read; its raw text is kept, check with the bank.",
    ),
    BreakCode.UNEXPLAINED_DEBIT: (
        "Tiền ra khỏi tài khoản mà sổ sách không giải thích được; hãy kiểm tra.",
        "Money left the account and nothing in our books explains it; look into it.",
    ),
    BreakCode.AMOUNT_MISMATCH: (
        "Thông báo và sao kê của cùng một giao dịch khác số tiền; sao kê là đúng, hãy đối chiếu.",
        "Notification and statement differ in amount for one payment; the statement is right, compare them.",
    ),
    BreakCode.SIGNATURE_INVALID: (
        "Thông báo ngân hàng sai chữ ký, không ghi nhận; hãy báo bộ phận an toàn thông tin.",
        "A notification failed its signature check and was not posted; tell the security officer.",
    ),
}
"""Vietnamese and English advice for each kind."""
