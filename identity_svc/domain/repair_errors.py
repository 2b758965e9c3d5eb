"""What repairs refuse: one class for one reason.

AppError
├── InvalidArgument ── RepairNeedsValue, RepairValueWrong, RepairNotProposed
├── VerificationNotFound
├── RepairNotFound
├── RepairNeedsScan
├── RepairOvertaken
└── RepairUndone
"""

from __future__ import annotations

from chassis.errors import AppError, InvalidArgument, Kind


class VerificationNotFound(AppError):
    """The citizen has no such check."""

    kind = Kind.NOT_FOUND
    reason = "VERIFICATION_NOT_FOUND"
    vi = "Không tìm thấy lần đối chiếu này; hãy mở lại hồ sơ và chọn lần đối chiếu khác."

    def __init__(self) -> None:
        super().__init__("Read the citizen again and take one of their verifications.", field="verification")


class RepairNotFound(AppError):
    """The citizen has no such repair."""

    kind = Kind.NOT_FOUND
    reason = "REPAIR_NOT_FOUND"
    vi = "Không tìm thấy lần sửa này; hãy xem lại danh sách các lần sửa."

    def __init__(self) -> None:
        super().__init__("List the citizen's repairs and take one of them.", field="name")


class RepairNotProposed(InvalidArgument):
    """The check does not propose this for this field."""

    reason = "REPAIR_NOT_PROPOSED"
    vi = "Cách sửa này không được đề xuất cho trường đã chọn; hãy chọn một đề xuất của lần đối chiếu."

    def __init__(self) -> None:
        super().__init__("Send a field of the check and the code of one of its proposals.", field="code")


class RepairNeedsValue(InvalidArgument):
    """The proposal cannot be applied without a value of a person."""

    reason = "REPAIR_NEEDS_VALUE"
    vi = "Cần nhập thêm giá trị: họ tên đầy đủ, hoặc mã xã mới khi xã cũ đã chia tách."

    def __init__(self) -> None:
        super().__init__(
            "Send value: the full name with its middle name, or the code of the new commune.", field="value"
        )


class RepairValueWrong(InvalidArgument):
    """The value does not fit the proposal."""

    reason = "REPAIR_VALUE_WRONG"
    vi = "Giá trị nhập không phù hợp với cách sửa; hãy kiểm tra lại họ tên hoặc mã xã."

    def __init__(self) -> None:
        super().__init__(
            "Send a name that differs from the card's by a middle name, or one of the proposed communes.",
            field="value",
        )


class RepairNeedsScan(AppError):
    """The proposal is done at the scanner and not by a call."""

    kind = Kind.PRECONDITION
    reason = "REPAIR_NEEDS_SCAN"
    vi = "Hãy quét lại thẻ tại đầu đọc; lần quét mới sẽ được đối chiếu ngay."

    def __init__(self) -> None:
        super().__init__("Scan the card again; the new scan is checked at once.")


class RepairOvertaken(AppError):
    """Facts changed since: applying or undoing it would bring back older ones."""

    kind = Kind.PRECONDITION
    reason = "REPAIR_OVERTAKEN"
    vi = "Hồ sơ đã có thông tin mới hơn; hãy xem lại hồ sơ, hoặc hoàn tác lần sửa sau trước."

    def __init__(self) -> None:
        super().__init__("Read the citizen again; undo the later repair first, or scan the newest card.")


class RepairUndone(AppError):
    """The repair was taken back already."""

    kind = Kind.PRECONDITION
    reason = "REPAIR_UNDONE"
    vi = "Lần sửa này đã được hoàn tác trước đó; không cần làm gì thêm."

    def __init__(self) -> None:
        super().__init__("Nothing is left to take back.")
