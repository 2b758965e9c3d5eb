"""What can be wrong with a request about look-ups, evidence and corrections: one class for one reason.

AppError
├── MomentMissing, NothingWasAsked
├── ExportFormatMissing, ContactTooLong
└── FacilityMissing, PageSizeOutOfRange, PageTokenMalformed
"""

from __future__ import annotations

from chassis.errors import AppError, Kind


class MomentMissing(AppError):
    """A later look-up does not say when in the treatment it is made."""

    kind = Kind.INVALID_ARGUMENT
    reason = "MOMENT_MISSING"
    vi = "Chưa chọn thời điểm tra cứu; hãy chọn trong hoặc kết thúc điều trị."

    def __init__(self) -> None:
        super().__init__("Give DURING or END; CheckCoverage makes the look-up at arrival.", field="moment")


class NothingWasAsked(AppError):
    """The visit is self-pay: there is no question to repeat."""

    kind = Kind.PRECONDITION
    reason = "PERSONAL_NUMBER_MISSING"
    vi = "Lượt khám này tự chi trả, chưa từng tra cứu BHYT; hãy tra cứu lần đầu với số định danh hoặc số thẻ."

    def __init__(self) -> None:
        super().__init__("Use CheckCoverage with a citizen or insurance number.", field="visit")


class ExportFormatMissing(AppError):
    """An export has no format."""

    kind = Kind.INVALID_ARGUMENT
    reason = "EXPORT_FORMAT_MISSING"
    vi = "Chưa chọn định dạng tệp; hãy chọn PDF hoặc JSON."

    def __init__(self) -> None:
        super().__init__("Give PDF or JSON.", field="format")


class ContactTooLong(AppError):
    """A part of the contact is longer than the paper holds."""

    kind = Kind.INVALID_ARGUMENT
    reason = "CONTACT_TOO_LONG"
    vi = "Thông tin liên hệ quá dài; hãy rút gọn."

    def __init__(self, field: str, *, limit_count: int) -> None:
        super().__init__("Shorten it to limit_count characters.", field=field, limit_count=limit_count)


class FacilityMissing(AppError):
    """Neither a visit nor a facility is named, and the caller belongs to none."""

    kind = Kind.INVALID_ARGUMENT
    reason = "FACILITY_MISSING"
    vi = "Chưa chọn cơ sở khám chữa bệnh; hãy chọn cơ sở hoặc lượt khám."

    def __init__(self) -> None:
        super().__init__("Give facility or visit.", field="facility")


class PageSizeOutOfRange(AppError):
    """A page is larger than is given."""

    kind = Kind.INVALID_ARGUMENT
    reason = "PAGE_SIZE_OUT_OF_RANGE"
    vi = "Số dòng mỗi trang quá lớn; hãy chọn ít hơn."

    def __init__(self, *, limit_count: int) -> None:
        super().__init__("Give at most limit_count, or 0.", field="page_size", limit_count=limit_count)


class PageTokenMalformed(AppError):
    """A page token is not one of ours."""

    kind = Kind.INVALID_ARGUMENT
    reason = "PAGE_TOKEN_MALFORMED"
    vi = "Mã trang không hợp lệ; hãy mở lại từ trang đầu."

    def __init__(self) -> None:
        super().__init__("Start again from the first page.", field="page_token")
