"""What payment_svc refuses, one class for one reason."""

from __future__ import annotations

from chassis.errors import AppError, Kind


class BillNotFound(AppError):
    """No bill of this visit at the caller's facility."""

    kind = Kind.NOT_FOUND
    reason = "BILL_NOT_FOUND"
    vi = "Không tìm thấy phiếu thu phí của lượt khám này; hãy kiểm tra lại mã lượt khám."

    def __init__(self) -> None:
        super().__init__("Open the bill first, or check the visit.", field="visit")


class BillOfOtherCitizen(AppError):
    """The visit's bill belongs to another citizen than the request names."""

    kind = Kind.PRECONDITION
    reason = "BILL_OF_OTHER_CITIZEN"
    vi = "Lượt khám này thuộc người bệnh khác; hãy kiểm tra lại."

    def __init__(self) -> None:
        super().__init__("Read the bill of the visit and name its citizen.", field="citizen")


class BillAlreadyIssued(AppError):
    """The bill was issued before; an issued bill does not change."""

    kind = Kind.PRECONDITION
    reason = "BILL_ALREADY_ISSUED"
    vi = "Phiếu thu phí đã phát hành, không thể sửa; hãy xem phiếu hiện có."

    def __init__(self) -> None:
        super().__init__("Read the issued bill; corrections are separate entries.", field="visit")


class BillNotIssued(AppError):
    """The bill is still a draft, so nothing can be paid on it."""

    kind = Kind.PRECONDITION
    reason = "BILL_NOT_ISSUED"
    vi = "Phiếu thu phí chưa phát hành; hãy phát hành trước khi thu tiền."

    def __init__(self) -> None:
        super().__init__("Issue the bill before money is asked for.", field="visit")


class NothingDue(AppError):
    """The patient owes nothing (any more)."""

    kind = Kind.PRECONDITION
    reason = "NOTHING_DUE"
    vi = "Người bệnh không còn phải trả khoản nào."

    def __init__(self) -> None:
        super().__init__("No intent is needed.", field="visit")


class NoBankAccount(AppError):
    """The facility has no registered account, and money never goes to anybody else's."""

    kind = Kind.PRECONDITION
    reason = "NO_BANK_ACCOUNT"
    vi = "Cơ sở chưa đăng ký tài khoản nhận tiền; hãy báo quản trị hệ thống."

    def __init__(self, facility_code: str) -> None:
        super().__init__("Register the facility's own account in the settings.", facility=facility_code)


class SharesDoNotAddUp(AppError):
    """A line's total is not the sum of its payers' shares, or a share is negative."""

    kind = Kind.INVALID_ARGUMENT
    reason = "SHARES_DO_NOT_ADD_UP"
    vi = "Các phần chi trả của một dòng không bằng tổng; hãy chia lại chi phí."

    def __init__(self, *, line_index: int, difference_vnd: int) -> None:
        super().__init__(
            "Send shares of at least 0 that add up to the line's total.",
            field=f"lines[{line_index}]",
            difference_vnd=difference_vnd,
        )


class TooManyLines(AppError):
    """A bill has 1 to 2,000 lines."""

    kind = Kind.INVALID_ARGUMENT
    reason = "TOO_MANY_LINES"
    vi = "Số dòng của phiếu phải từ 1 đến 2.000."

    def __init__(self, line_count: int, max_count: int) -> None:
        super().__init__(
            "Send 1 to max_count lines.", field="lines", line_count=line_count, max_count=max_count
        )


class AmountTooLarge(AppError):
    """An amount is beyond what a bill of one visit can be."""

    kind = Kind.INVALID_ARGUMENT
    reason = "AMOUNT_TOO_LARGE"
    vi = "Số tiền vượt quá giới hạn của hệ thống; hãy kiểm tra lại."

    def __init__(self, max_vnd: int) -> None:
        super().__init__("Check the amounts.", field="lines", max_vnd=max_vnd)


class ProviderUnknown(AppError):
    """No reader for this form of notification."""

    kind = Kind.INVALID_ARGUMENT
    reason = "PROVIDER_UNKNOWN"
    vi = "Không nhận dạng được ngân hàng gửi thông báo."

    def __init__(self) -> None:
        super().__init__('Name a provider this service reads: "hdbank".', field="provider")


class EventTooLarge(AppError):
    """A bank's notification is at most 64 KiB."""

    kind = Kind.INVALID_ARGUMENT
    reason = "BANK_EVENT_TOO_LARGE"
    vi = "Thông báo của ngân hàng quá lớn."

    def __init__(self, size_bytes: int, max_bytes: int) -> None:
        super().__init__(
            "Send the notification alone.", field="raw", size_bytes=size_bytes, max_bytes=max_bytes
        )


class StatementUnreadable(AppError):
    """The whole file is not in the form it claims; nothing was imported."""

    kind = Kind.INVALID_ARGUMENT
    reason = "STATEMENT_UNREADABLE"
    vi = "Không đọc được tệp sao kê; hãy chọn đúng định dạng và tải lại từ ngân hàng."

    def __init__(self, cause: str) -> None:
        super().__init__("Choose the right form and export the file again.", field="content", cause=cause)


class StatementTooLarge(AppError):
    """The file is larger than the setting allows; nothing was imported."""

    kind = Kind.INVALID_ARGUMENT
    reason = "STATEMENT_TOO_LARGE"
    vi = "Tệp sao kê quá lớn; hãy chia nhỏ theo ngày rồi tải lại."

    def __init__(self, max_bytes: int) -> None:
        super().__init__("Export shorter periods.", field="content", max_bytes=max_bytes)


class StatementAccountUnknown(AppError):
    """The account of the statement is not the caller's facility's."""

    kind = Kind.PRECONDITION
    reason = "STATEMENT_ACCOUNT_UNKNOWN"
    vi = "Sao kê không thuộc tài khoản của cơ sở; hãy kiểm tra lại số tài khoản."

    def __init__(self) -> None:
        super().__init__("Import statements of the facility's registered account only.", field="account")


class StatementHeaderMissing(AppError):
    """The stream began without its header, or had a second one."""

    kind = Kind.INVALID_ARGUMENT
    reason = "STATEMENT_HEADER_MISSING"
    vi = "Thiếu phần đầu của tệp sao kê; hãy tải lại."

    def __init__(self) -> None:
        super().__init__("Send the header once, first, then the content.", field="header")


class BreakNotFound(AppError):
    """No such break at the caller's facility."""

    kind = Kind.NOT_FOUND
    reason = "BREAK_NOT_FOUND"
    vi = "Không tìm thấy chênh lệch này; hãy tải lại danh sách."

    def __init__(self) -> None:
        super().__init__("List the breaks again.", field="name")


class BreakAlreadyResolved(AppError):
    """Somebody resolved this break before."""

    kind = Kind.PRECONDITION
    reason = "BREAK_ALREADY_RESOLVED"
    vi = "Chênh lệch này đã được xử lý."

    def __init__(self) -> None:
        super().__init__("Nothing is left to do.", field="name")


class ResolutionNotAllowed(AppError):
    """This kind of break cannot be resolved in this way."""

    kind = Kind.PRECONDITION
    reason = "RESOLUTION_NOT_ALLOWED"
    vi = "Cách xử lý không áp dụng được cho loại chênh lệch này; hãy chọn cách khác."

    def __init__(self, *, code: str, resolution: str, why: str) -> None:
        super().__init__(
            "Choose a resolution that fits the break.",
            field="resolution",
            code=code,
            resolution=resolution,
            why=why,
        )


class NameMalformed(AppError):
    """A resource name is not of the form its field asks for."""

    kind = Kind.INVALID_ARGUMENT
    reason = "NAME_MALFORMED"
    vi = "Tên tài nguyên sai định dạng; hãy kiểm tra lại trường được nêu."

    def __init__(self, field: str, form: str) -> None:
        super().__init__("Send the name in its form.", field=field, form=form)


class NoteTooLong(AppError):
    """A note has at most 500 characters."""

    kind = Kind.INVALID_ARGUMENT
    reason = "NOTE_TOO_LONG"
    vi = "Ghi chú dài quá 500 ký tự; hãy rút gọn."

    def __init__(self, max_chars: int) -> None:
        super().__init__("Shorten the note.", field="note", max_chars=max_chars)


class LedgerOutOfBalance(AppError):
    """Postings that must sum to zero do not: a mistake of ours or a damaged store; nothing is answered."""

    kind = Kind.INTERNAL
    reason = "LEDGER_OUT_OF_BALANCE"
    vi = "Sổ cái không cân; hãy báo ngay cho quản trị hệ thống."

    def __init__(self, what: str) -> None:
        super().__init__("Stop collecting and tell the operator.", what=what)
