"""What can be wrong with a request about a claim: one class for one reason.

AppError
├── ClaimNotFound, WorkItemNotFound
├── ClaimNotReady, CheckInNotReady, VisitNotInsured, ClaimUnderWay, ClaimEnded, ClaimStateWrong
├── SigningKeyMissing, WithdrawalReferenceRequired, ReasonRequired, ResolutionNotPossible, WorkItemResolved
└── SettlementMonthMalformed, SettlementHeaderMissing, SettlementFileUnreadable, SettlementFileTooLarge
"""

from __future__ import annotations

from collections.abc import Sequence

from chassis.errors import AppError, Kind


class ClaimNotFound(AppError):
    """The visit has no claim, or no such version, at this facility."""

    kind = Kind.NOT_FOUND
    reason = "CLAIM_NOT_FOUND"
    vi = "Lượt khám chưa có hồ sơ thanh toán; hãy lập hồ sơ trước."

    def __init__(self, field: str = "visit") -> None:
        super().__init__("Build the claim of this visit first.", field=field)


class ClaimNotReady(AppError):
    """The newest version lacks something; BuildClaim names what."""

    kind = Kind.PRECONDITION
    reason = "CLAIM_NOT_READY"
    vi = "Hồ sơ còn thiếu thông tin; hãy bổ sung các mục được nêu rồi lập lại hồ sơ."

    def __init__(self, *, lack_count: int) -> None:
        super().__init__("Record what GetClaim names as lacking and build again.", lack_count=lack_count)


class CheckInNotReady(AppError):
    """The check-in lacks something; the fact `fields` names the fields of XML0."""

    kind = Kind.PRECONDITION
    reason = "CHECK_IN_NOT_READY"
    vi = "Chưa đủ thông tin để gửi trạng thái vào khám; hãy bổ sung các trường được nêu."

    def __init__(self, fields: Sequence[str]) -> None:
        super().__init__("Record the fields named in the facts and repeat.", fields=" ".join(fields))


class VisitNotInsured(AppError):
    """The fund pays nothing of the visit, so there is nothing to tell the portal."""

    kind = Kind.PRECONDITION
    reason = "VISIT_NOT_INSURED"
    vi = "Lượt khám không hưởng BHYT; không cần gửi trạng thái vào khám."

    def __init__(self) -> None:
        super().__init__("Send check-ins of insured visits only.", field="visit")


class ClaimUnderWay(AppError):
    """A version is on its way to the portal and its fate decides what may be done next."""

    kind = Kind.PRECONDITION
    reason = "CLAIM_UNDER_WAY"
    vi = "Hồ sơ đang được gửi; hãy chờ cổng BHXH trả lời."

    def __init__(self, state: str) -> None:
        super().__init__("Wait for the portal's answer.", state=state)


class ClaimEnded(AppError):
    """The claim was settled or taken back."""

    kind = Kind.PRECONDITION
    reason = "CLAIM_ENDED"
    vi = "Hồ sơ đã quyết toán hoặc đã thu hồi; không thể thay đổi."

    def __init__(self) -> None:
        super().__init__("A settled or reversed claim is not changed any more.")


class ClaimStateWrong(AppError):
    """The version is in a state from which this step does not go."""

    kind = Kind.PRECONDITION
    reason = "CLAIM_STATE_WRONG"
    vi = "Trạng thái hồ sơ không cho phép thao tác này; hãy mở lại hồ sơ."

    def __init__(self, *, state: str, to: str) -> None:
        super().__init__("Read the claim again and see where it stands.", state=state, to=to)


class SigningKeyMissing(AppError):
    """The facility has no signing key here, and unsigned files are not allowed."""

    kind = Kind.PRECONDITION
    reason = "SIGNING_KEY_MISSING"
    vi = "Cơ sở chưa có khóa ký số trên hệ thống; hãy báo quản trị cài đặt khóa và chứng thư số."

    def __init__(self, facility: str) -> None:
        super().__init__("Install the facility's key and certificate.", facility=facility)


class WithdrawalReferenceRequired(AppError):
    """The portal has the claim, and only the insurer can take it out there."""

    kind = Kind.PRECONDITION
    reason = "WITHDRAWAL_REFERENCE_REQUIRED"
    vi = "Cổng BHXH đã nhận hồ sơ; hãy đề nghị BHXH thu hồi rồi nhập số văn bản."

    def __init__(self) -> None:
        super().__init__(
            "Have the insurer withdraw the claim and give the number of that act.",
            field="withdrawal_reference",
        )


class ReasonRequired(AppError):
    """A person has to say why."""

    kind = Kind.INVALID_ARGUMENT
    reason = "REASON_REQUIRED"
    vi = "Hãy ghi lý do, từ 1 đến 500 ký tự."

    def __init__(self, field: str) -> None:
        super().__init__("Say why in 1 to 500 characters.", field=field)


class WorkItemNotFound(AppError):
    """The facility has no such work item."""

    kind = Kind.NOT_FOUND
    reason = "WORK_ITEM_NOT_FOUND"
    vi = "Không tìm thấy việc cần xử lý này; hãy mở lại danh sách."

    def __init__(self) -> None:
        super().__init__("List the work items and take a name from there.", field="name")


class WorkItemResolved(AppError):
    """The work item was ended before."""

    kind = Kind.PRECONDITION
    reason = "WORK_ITEM_RESOLVED"
    vi = "Việc này đã được xử lý."

    def __init__(self) -> None:
        super().__init__("Nothing is left to do.", field="name")


class ResolutionNotPossible(AppError):
    """The resolution does not fit the cause of the item."""

    kind = Kind.INVALID_ARGUMENT
    reason = "RESOLUTION_NOT_POSSIBLE"
    vi = "Cách xử lý không phù hợp với việc này; hãy chọn cách khác."

    def __init__(self, field: str = "resolution") -> None:
        super().__init__(
            "SEND_AGAIN and PORTAL_HAS_IT (with its transaction number) answer an unknown fate only.",
            field=field,
        )


class SettlementMonthMalformed(AppError):
    """A month is not YYYY-MM."""

    kind = Kind.INVALID_ARGUMENT
    reason = "SETTLEMENT_MONTH_MALFORMED"
    vi = "Tháng quyết toán sai định dạng; hãy nhập năm-tháng, ví dụ 2026-09."

    def __init__(self, field: str) -> None:
        super().__init__("Give YYYY-MM.", field=field)


class SettlementHeaderMissing(AppError):
    """The stream does not begin with its header."""

    kind = Kind.INVALID_ARGUMENT
    reason = "SETTLEMENT_HEADER_MISSING"
    vi = "Thiếu thông tin đầu tệp; hãy gửi tháng quyết toán trước nội dung tệp."

    def __init__(self) -> None:
        super().__init__("Send the header first, then the content.", field="header")


class SettlementFileUnreadable(AppError):
    """The result file is neither the JSON nor the CSV of the review service; the fact `line` tells where."""

    kind = Kind.INVALID_ARGUMENT
    reason = "SETTLEMENT_FILE_UNREADABLE"
    vi = "Không đọc được tệp kết quả giám định; hãy tải lại tệp từ cổng BHXH."

    def __init__(self, *, line: int, why: str) -> None:
        super().__init__(
            "Give JSON with dsKetQuaGiamDinh, or CSV with maLK, trangThai, soTienDuyet, lyDo.",
            field="content",
            line=line,
            why=why,
        )


class SettlementFileTooLarge(AppError):
    """The result file is larger than is taken."""

    kind = Kind.INVALID_ARGUMENT
    reason = "SETTLEMENT_FILE_TOO_LARGE"
    vi = "Tệp kết quả giám định quá lớn; hãy tách theo kỳ."

    def __init__(self, *, limit: str, maximum: int) -> None:
        super().__init__("Split the file.", field="content", limit=limit, maximum=maximum)
