"""What the record refuses: one class for one reason."""

from __future__ import annotations

from chassis.errors import AppError, InvalidArgument, Kind


class VisitNotFound(AppError):
    """No such visit at the caller's facility; the answer is the same for another facility's visit."""

    kind = Kind.NOT_FOUND
    reason = "VISIT_NOT_FOUND"
    vi = "Không có lượt khám này tại cơ sở của bạn; hãy kiểm tra lại mã lượt khám."

    def __init__(self) -> None:
        super().__init__("Your facility has no such visit; check its name.")


class VisitClosed(AppError):
    """The visit was closed; its record is final."""

    kind = Kind.PRECONDITION
    reason = "VISIT_CLOSED"
    vi = "Lượt khám đã kết thúc nên không ghi thêm được."

    def __init__(self, visit_id: str) -> None:
        super().__init__("The visit is closed and takes no more entries.", visit=f"visits/{visit_id}")


class VisitIdTaken(AppError):
    """The id belongs to another citizen's or facility's visit."""

    kind = Kind.ALREADY_EXISTS
    reason = "VISIT_ID_TAKEN"
    vi = "Mã lượt khám đã được dùng; hãy tạo yêu cầu mới với request_id khác."

    def __init__(self) -> None:
        super().__init__(
            "The visit id is in use; make a new request with a new request_id.", field="visit_id"
        )


class FacilityMissing(AppError):
    """The caller's token names no facility, so nothing can be opened or listed."""

    kind = Kind.PERMISSION
    reason = "FACILITY_MISSING"
    vi = "Tài khoản chưa gắn với cơ sở khám chữa bệnh nào; hãy liên hệ quản trị."

    def __init__(self) -> None:
        super().__init__("Sign in with an account of a facility.")


class QueueEmpty(AppError):
    """Nobody waits in front of the room."""

    kind = Kind.NOT_FOUND
    reason = "QUEUE_EMPTY"
    vi = "Không còn ai chờ ở phòng này."

    def __init__(self, room: str) -> None:
        super().__init__("Nobody waits in front of the room.", room=room)


class NameMalformed(InvalidArgument):
    """A resource name has another form."""

    reason = "NAME_MALFORMED"
    vi = "Tên tài nguyên không đúng dạng; hãy kiểm tra phần mềm gọi."

    def __init__(self, field: str, form: str) -> None:
        super().__init__(f"Send a name of the form {form}.", field=field)


class RoomMalformed(InvalidArgument):
    """A room is not 1 to 16 characters of A-Z, 0-9 and hyphen."""

    reason = "ROOM_MALFORMED"
    vi = "Tên phòng gồm 1 đến 16 ký tự A-Z, 0-9 và dấu gạch."

    def __init__(self) -> None:
        super().__init__("Name the room with 1 to 16 characters of A-Z, 0-9 and hyphen.", field="room")


class KindRequired(InvalidArgument):
    """The kind of a stay or entry is not told."""

    reason = "KIND_REQUIRED"
    vi = "Chưa chọn loại; hãy chọn rồi gửi lại."

    def __init__(self, field: str) -> None:
        super().__init__("Tell the kind.", field=field)


class TextTooLong(InvalidArgument):
    """A text is longer than its limit."""

    reason = "TEXT_TOO_LONG"
    vi = "Nội dung quá dài; hãy rút gọn."

    def __init__(self, field: str, max_chars: int) -> None:
        super().__init__("Shorten the text.", field=field, max_chars=max_chars)


class EntryCodeMalformed(InvalidArgument):
    """A diagnosis without an ICD-10 code, or a code of another form."""

    reason = "ENTRY_CODE_MALFORMED"
    vi = "Mã bệnh ICD-10 hoặc mã dịch vụ không đúng dạng."

    def __init__(self, field: str) -> None:
        super().__init__("Give a diagnosis an ICD-10 code such as J06.9, a service its code.", field=field)


class EntriesRequired(InvalidArgument):
    """A request to record brings nothing, or too much."""

    reason = "TOO_MANY_ENTRIES"
    vi = "Mỗi lần ghi từ 1 đến 100 mục."

    def __init__(self, max_count: int) -> None:
        super().__init__("Send 1 to 100 entries in one request.", field="entries", max_count=max_count)


class DateMalformed(InvalidArgument):
    """A day is not YYYY-MM-DD."""

    reason = "DATE_MALFORMED"
    vi = "Ngày phải có dạng NNNN-TT-NN, ví dụ 2026-07-01."

    def __init__(self, field: str) -> None:
        super().__init__("Write the day as YYYY-MM-DD.", field=field)
