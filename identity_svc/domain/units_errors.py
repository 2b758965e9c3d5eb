"""What the unit service refuses: one class for one reason.

AppError
├── InvalidArgument ── RowsTooMany, DayMalformed, DaysReversed, FacilityNameForm, FacilityNameMalformed,
│                      RecodingNameMalformed, SourceTooLong
├── FacilityNotFound, FacilityCodeTaken, FacilityCodeNotOpen, FacilityCodeAmbiguous, FacilityNameDatedTwice
├── ResidenceUnknown
└── RecodingNotFound, RecodingUnderWay, RecodingStateWrong
"""

from __future__ import annotations

from datetime import date

from chassis.errors import AppError, InvalidArgument, Kind


class RowsTooMany(InvalidArgument):
    """A table came with more rows than one call takes."""

    reason = "ROWS_TOO_MANY"
    vi = "Bảng gửi lên có quá nhiều dòng; hãy chia thành nhiều lần gửi."

    def __init__(self, *, limit: int, row_count: int) -> None:
        super().__init__("Send the rows in several calls.", field="rows", limit=limit, row_count=row_count)


class DayMalformed(InvalidArgument):
    """A day is not a calendar day written YYYY-MM-DD."""

    reason = "DAY_MALFORMED"
    vi = "Ngày phải có dạng năm-tháng-ngày (YYYY-MM-DD); hãy kiểm tra lại."

    def __init__(self, field: str) -> None:
        super().__init__("Write the day as YYYY-MM-DD.", field=field)


class DaysReversed(InvalidArgument):
    """A last day stands before the first."""

    reason = "DAYS_REVERSED"
    vi = "Ngày cuối đứng trước ngày đầu; hãy kiểm tra lại."

    def __init__(self) -> None:
        super().__init__("The last day must not be before the first.", field="last_date")


class FacilityNameForm(InvalidArgument):
    """A facility's name is empty or too long."""

    reason = "FACILITY_NAME_FORM"
    vi = "Tên cơ sở phải có từ 1 đến 200 ký tự; hãy kiểm tra lại."

    def __init__(self, *, limit: int) -> None:
        super().__init__("Give a name of 1 to 200 characters.", field="display_name", limit=limit)


class SourceTooLong(InvalidArgument):
    """The source of a code or name is too long."""

    reason = "SOURCE_TOO_LONG"
    vi = "Nguồn (số quyết định) dài quá 200 ký tự; hãy rút gọn."

    def __init__(self, *, limit: int) -> None:
        super().__init__("Shorten the source to 200 characters.", field="source", limit=limit)


class FacilityNameMalformed(InvalidArgument):
    """A resource name is not "facilities/{facility}"."""

    reason = "FACILITY_NAME_MALFORMED"
    vi = "Tên tài nguyên phải có dạng facilities/{mã}; hãy kiểm tra phần mềm gọi."

    def __init__(self) -> None:
        super().__init__('Send a name of the form "facilities/{facility}".', field="name")


class RecodingNameMalformed(InvalidArgument):
    """A resource name is not "recodings/{recoding}"."""

    reason = "RECODING_NAME_MALFORMED"
    vi = "Tên tài nguyên phải có dạng recodings/{mã}; hãy kiểm tra phần mềm gọi."

    def __init__(self) -> None:
        super().__init__('Send a name of the form "recodings/{recoding}".', field="name")


class FacilityNotFound(AppError):
    """No facility has this id, or ever had this code."""

    kind = Kind.NOT_FOUND
    reason = "FACILITY_NOT_FOUND"
    vi = "Không tìm thấy cơ sở khám chữa bệnh này; hãy kiểm tra mã hoặc khai báo cơ sở."

    def __init__(self) -> None:
        super().__init__("Check the code, or declare the facility.")


class FacilityCodeTaken(AppError):
    """Another facility, or the same one, has this code on one of these days."""

    kind = Kind.ALREADY_EXISTS
    reason = "FACILITY_CODE_TAKEN"
    vi = "Mã cơ sở này đã được dùng trong thời gian nêu; hãy kết thúc mã cũ trước."

    def __init__(self, *, facility_id: str, start_date: date, last_date: date | None) -> None:
        super().__init__(
            "End the code where it is in use before giving it from a later day.",
            field="code",
            facility=f"facilities/{facility_id}",
            start_date=start_date.isoformat(),
            last_date="" if last_date is None else last_date.isoformat(),
        )


class FacilityCodeNotOpen(AppError):
    """The facility has no such code in force until further notice."""

    kind = Kind.PRECONDITION
    reason = "FACILITY_CODE_NOT_OPEN"
    vi = "Cơ sở không có mã này đang còn hiệu lực; hãy xem lại danh sách mã của cơ sở."

    def __init__(self) -> None:
        super().__init__("Name a code of the facility that has no last day yet.", field="code")


class FacilityCodeAmbiguous(AppError):
    """The code is in force for nobody on that day, and several facilities had it on others."""

    kind = Kind.PRECONDITION
    reason = "FACILITY_CODE_AMBIGUOUS"
    vi = "Mã này không còn hiệu lực vào ngày nêu và từng thuộc nhiều cơ sở; hãy cho biết ngày sử dụng mã."

    def __init__(self, *, facility_count: int) -> None:
        super().__init__(
            "Send the day on which the code was used.", field="date", facility_count=facility_count
        )


class FacilityNameDatedTwice(AppError):
    """The facility has another name from the same day on."""

    kind = Kind.ALREADY_EXISTS
    reason = "FACILITY_NAME_DATED_TWICE"
    vi = "Cơ sở đã có một tên khác bắt đầu từ ngày này; hãy chọn ngày khác."

    def __init__(self) -> None:
        super().__init__("Choose another first day.", field="new_name.start_date")


class ResidenceUnknown(AppError):
    """Nothing is known of where the citizen lives."""

    kind = Kind.NOT_FOUND
    reason = "RESIDENCE_UNKNOWN"
    vi = "Chưa có nơi cư trú của người này; hãy quét thẻ hoặc chọn xã, phường."

    def __init__(self) -> None:
        super().__init__("Scan the card, or choose the commune.")


class RecodingNotFound(AppError):
    """No re-coding has this id."""

    kind = Kind.NOT_FOUND
    reason = "RECODING_NOT_FOUND"
    vi = "Không tìm thấy đợt chuyển mã này; hãy xem danh sách các đợt."

    def __init__(self) -> None:
        super().__init__("List the re-codings and name one of them.")


class RecodingUnderWay(AppError):
    """Another re-coding walks through the register."""

    kind = Kind.PRECONDITION
    reason = "RECODING_UNDER_WAY"
    vi = "Đang có một đợt chuyển mã chạy; hãy đợi đợt đó xong."

    def __init__(self, recoding_id: str) -> None:
        super().__init__("Wait until the other one has ended.", recoding=f"recodings/{recoding_id}")


class RecodingStateWrong(AppError):
    """The re-coding does not stand where this step begins."""

    kind = Kind.PRECONDITION
    reason = "RECODING_STATE_WRONG"
    vi = "Đợt chuyển mã không ở trạng thái cho phép bước này; hãy xem trạng thái của đợt."

    def __init__(self, *, state: str, wanted: str) -> None:
        super().__init__("Look where the re-coding stands.", state=state, wanted=wanted)
