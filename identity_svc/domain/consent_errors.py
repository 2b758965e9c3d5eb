"""What consents refuse: one class for one reason.

AppError
├── InvalidArgument ── PurposeRequired, ConsentNotAskedFor, ScopeRequired, TextUnknown, TextDiffers,
│                      ChannelWrong, EvidenceRequired, EvidenceMalformed, ConsentExpiryWrong, MomentInFuture,
│                      ResourceNameMalformed
└── ConsentNotFound, TextNotInForce, ConsentNeedsGuardian, MinorAgreementRequired
"""

from __future__ import annotations

from chassis.errors import AppError, InvalidArgument, Kind


class ConsentNotFound(AppError):
    """No consent has that name."""

    kind = Kind.NOT_FOUND
    reason = "CONSENT_NOT_FOUND"
    vi = "Không tìm thấy sự đồng ý này; hãy mở lại danh sách."

    def __init__(self) -> None:
        super().__init__("List the consents again.")


class PurposeRequired(InvalidArgument):
    """A question or consent has no purpose."""

    reason = "CONSENT_PURPOSE_REQUIRED"
    vi = "Chưa chọn mục đích sử dụng dữ liệu; hãy chọn một mục đích."

    def __init__(self) -> None:
        super().__init__("Say what the data is used for.", field="purpose")


class ConsentNotAskedFor(InvalidArgument):
    """The law permits this purpose without a consent, so none may be asked for."""

    reason = "CONSENT_NOT_ASKED_FOR"
    vi = "Việc này làm theo luật, không cần xin đồng ý; hãy bỏ bước này."

    def __init__(self) -> None:
        super().__init__("Do not ask for this purpose; the law permits it.", field="purpose")


class ScopeRequired(InvalidArgument):
    """No kind of data was named."""

    reason = "CONSENT_SCOPE_REQUIRED"
    vi = "Chưa chọn loại dữ liệu; hãy chọn ít nhất một loại có trong văn bản."

    def __init__(self) -> None:
        super().__init__("Name at least one kind of data.", field="scopes")


class TextUnknown(InvalidArgument):
    """There is no such text in that version and language, or it asks for another purpose or other data."""

    reason = "CONSENT_TEXT_UNKNOWN"
    vi = "Không có văn bản xin đồng ý này cho mục đích và loại dữ liệu đã chọn; hãy tải lại văn bản."

    def __init__(self) -> None:
        super().__init__(
            "List the texts again; purpose and kinds of data must be the text's.", field="text_id"
        )


class TextDiffers(InvalidArgument):
    """The person was shown other words than ours."""

    reason = "CONSENT_TEXT_DIFFERS"
    vi = "Văn bản đã hiển thị khác với văn bản đang dùng; hãy tải lại và hỏi lại."

    def __init__(self) -> None:
        super().__init__("Load the text again and ask again.", field="text_hash")


class TextNotInForce(AppError):
    """The text may not be shown today."""

    kind = Kind.PRECONDITION
    reason = "CONSENT_TEXT_NOT_IN_FORCE"
    vi = "Văn bản xin đồng ý này không còn hoặc chưa có hiệu lực; hãy tải văn bản mới và hỏi lại."

    def __init__(self) -> None:
        super().__init__("Load the text in force and ask again.", field="text_version")


class ChannelWrong(InvalidArgument):
    """The caller cannot have heard the person in this way."""

    reason = "CONSENT_CHANNEL_WRONG"
    vi = "Cách ghi nhận không phù hợp với tài khoản này; hãy chọn lại."

    def __init__(self) -> None:
        super().__init__("A citizen uses APP, a device KIOSK, staff DESK_PAPER or PHONE.", field="channel")


class EvidenceRequired(InvalidArgument):
    """What was signed, said or shown is not named."""

    reason = "EVIDENCE_REQUIRED"
    vi = "Thiếu số phiếu, số bản ghi âm hoặc loại giấy tờ chứng minh; hãy bổ sung."

    def __init__(self) -> None:
        super().__init__("Name the sheet, recording or paper.", field="evidence_reference")


class EvidenceMalformed(InvalidArgument):
    """A reference is in no form we keep, or looks like an identity number."""

    reason = "EVIDENCE_MALFORMED"
    vi = "Số tham chiếu chỉ gồm chữ không dấu, số và . _ / -, và không được là số giấy tờ của người dân; hãy nhập lại."

    def __init__(self) -> None:
        super().__init__(
            "Use up to 64 of A-Z a-z 0-9 . _ / -, and never an identity number.", field="evidence_reference"
        )


class ConsentExpiryWrong(InvalidArgument):
    """A consent would end before it begins, or last longer than its text says."""

    reason = "CONSENT_EXPIRY_WRONG"
    vi = "Ngày hết hạn phải ở sau hôm nay và không quá thời hạn trong văn bản; hãy chọn lại."

    def __init__(self) -> None:
        super().__init__("Choose an end after now and within the text's own limit.", field="expire_time")


class ConsentNeedsGuardian(AppError):
    """The person is too young to consent alone."""

    kind = Kind.PRECONDITION
    reason = "CONSENT_NEEDS_GUARDIAN"
    vi = "Người này chưa đủ tuổi tự đồng ý; hãy hỏi cha, mẹ hoặc người giám hộ đã được ghi nhận."

    def __init__(self) -> None:
        super().__init__("Ask a guardian who is recorded here.", field="giver")


class MinorAgreementRequired(AppError):
    """A child old enough to be asked was not, or said no."""

    kind = Kind.PRECONDITION
    reason = "MINOR_AGREEMENT_REQUIRED"
    vi = "Trẻ từ đủ 7 tuổi phải được hỏi và đồng ý; hãy hỏi trẻ rồi ghi nhận."

    def __init__(self) -> None:
        super().__init__("Ask the child too and note that they agreed.", field="minor_agreed")


class MomentInFuture(InvalidArgument):
    """Nobody knows yet what will be withdrawn by then."""

    reason = "MOMENT_IN_FUTURE"
    vi = "Chỉ trả lời được cho hiện tại và quá khứ; hãy chọn thời điểm khác."

    def __init__(self) -> None:
        super().__init__("Ask about now or the past.", field="at_time")


class ResourceNameMalformed(InvalidArgument):
    """A resource name has another form than its kind."""

    reason = "RESOURCE_NAME_MALFORMED"
    vi = "Tên tài nguyên sai dạng; hãy kiểm tra phần mềm gọi."

    def __init__(self) -> None:
        super().__init__("Send the name as this service gave it.", field="name")
