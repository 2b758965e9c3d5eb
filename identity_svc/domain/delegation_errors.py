"""What delegations, proxy codes and accounts refuse: one class for one reason.

AppError
├── InvalidArgument ── DelegationKindRequired, DelegationToSelf, DelegationActionWrong, RelationshipRequired,
│                      DelegationExpiryWrong, ActionRequired, ActorRequired, ProxyExpiryWrong,
│                      ProxyCodeUnreadable, ProxyCodeForged, AccountCodeMalformed
└── AccountNotLinked, NotAllowedToAct, DelegationNotFound, ProxyCodeNotFound, AccountNotFound, GuardianOfAdult,
    DelegationByMinor, RepresentativeNotAdult, DelegationExists, TooManyDelegations, TooManyProxyCodes,
    ProxyCodeUsed, ProxyCodeRevoked, ProxyCodeExpired, ProxyCodeOtherFacility, AccountAlreadyLinked,
    AccountCodeUnknown, AccountOwnerTooYoung, CardNotVerified, TooManyAccounts
"""

from __future__ import annotations

from chassis.errors import AppError, InvalidArgument, Kind


class AccountNotLinked(AppError):
    """The sign-in belongs to no citizen here yet."""

    kind = Kind.PERMISSION
    reason = "ACCOUNT_NOT_LINKED"
    vi = "Tài khoản chưa liên kết với ai; hãy lấy mã liên kết trong ứng dụng và đưa cho nhân viên tại quầy."

    def __init__(self) -> None:
        super().__init__("Ask for a link code and tell it to a clerk, with your card.")


class NotAllowedToAct(AppError):
    """The caller may not do this for that person, or there is no such person."""

    kind = Kind.PERMISSION
    reason = "NOT_ALLOWED_TO_ACT"
    vi = "Bạn không được làm việc này thay người đó; hãy hỏi người giám hộ hoặc người ủy quyền."

    def __init__(self) -> None:
        super().__init__("Ask the person, or their guardian, for a delegation.")


class DelegationNotFound(AppError):
    """No delegation has that name."""

    kind = Kind.NOT_FOUND
    reason = "DELEGATION_NOT_FOUND"
    vi = "Không tìm thấy ủy quyền này; hãy mở lại danh sách."

    def __init__(self) -> None:
        super().__init__("List the delegations again.")


class ProxyCodeNotFound(AppError):
    """No proxy code has that name."""

    kind = Kind.NOT_FOUND
    reason = "PROXY_CODE_NOT_FOUND"
    vi = "Không tìm thấy mã đi thay này; hãy mở lại danh sách."

    def __init__(self) -> None:
        super().__init__("List the proxy codes again.")


class AccountNotFound(AppError):
    """No account has that name."""

    kind = Kind.NOT_FOUND
    reason = "ACCOUNT_NOT_FOUND"
    vi = "Không tìm thấy tài khoản liên kết này; hãy mở lại danh sách."

    def __init__(self) -> None:
        super().__init__("Look at the accounts again.")


class DelegationKindRequired(InvalidArgument):
    """It was not said whether a guardian or a delegate is meant."""

    reason = "DELEGATION_KIND_REQUIRED"
    vi = "Chưa chọn giám hộ hay ủy quyền; hãy chọn một."

    def __init__(self) -> None:
        super().__init__("Say GUARDIAN or DELEGATE.", field="kind")


class DelegationToSelf(InvalidArgument):
    """Somebody would represent themselves."""

    reason = "DELEGATION_TO_SELF"
    vi = "Không thể ủy quyền cho chính mình; hãy chọn người khác."

    def __init__(self) -> None:
        super().__init__("Choose another person.", field="representative")


class DelegationActionWrong(InvalidArgument):
    """No action was named, or one that is never handed on."""

    reason = "DELEGATION_ACTION_WRONG"
    vi = "Chưa chọn việc được làm thay, hoặc việc đó không được giao; hãy chọn lại."

    def __init__(self) -> None:
        super().__init__("Name one or more actions that may be handed on.", field="actions")


class RelationshipRequired(InvalidArgument):
    """It was not said what the representative is to the citizen."""

    reason = "RELATIONSHIP_REQUIRED"
    vi = "Chưa chọn quan hệ với người được thay mặt; hãy chọn một."

    def __init__(self) -> None:
        super().__init__("Say what they are to each other.", field="relationship")


class DelegationExpiryWrong(InvalidArgument):
    """A delegation would end before it begins, or too late."""

    reason = "DELEGATION_EXPIRY_WRONG"
    vi = "Ngày kết thúc phải ở sau hiện tại và không quá 5 năm; hãy chọn lại."

    def __init__(self) -> None:
        super().__init__("Choose an end after now, at most five years away.", field="end_time")


class GuardianOfAdult(AppError):
    """An adult gets a guardian by a court's decision only."""

    kind = Kind.PRECONDITION
    reason = "GUARDIAN_OF_ADULT"
    vi = "Người từ đủ 18 tuổi chỉ có người giám hộ khi có quyết định của tòa án; hãy dùng ủy quyền."

    def __init__(self) -> None:
        super().__init__("Record a delegate instead, or the court's decision.", field="kind")


class DelegationByMinor(AppError):
    """A minor cannot choose a delegate."""

    kind = Kind.PRECONDITION
    reason = "DELEGATION_BY_MINOR"
    vi = "Người chưa đủ 18 tuổi không tự ủy quyền được; hãy ghi nhận cha, mẹ hoặc người giám hộ."

    def __init__(self) -> None:
        super().__init__("Record a guardian instead.", field="kind")


class RepresentativeNotAdult(AppError):
    """A minor cannot represent somebody."""

    kind = Kind.PRECONDITION
    reason = "REPRESENTATIVE_NOT_ADULT"
    vi = "Người thay mặt phải đủ 18 tuổi; hãy chọn người khác."

    def __init__(self) -> None:
        super().__init__("Choose an adult.", field="representative")


class DelegationExists(AppError):
    """The same two people already have a delegation of this kind."""

    kind = Kind.PRECONDITION
    reason = "DELEGATION_EXISTS"
    vi = "Hai người này đã có ủy quyền cùng loại; hãy chấm dứt ủy quyền cũ trước."

    def __init__(self) -> None:
        super().__init__("Revoke the earlier delegation first.", field="representative")


class TooManyDelegations(AppError):
    """One person has as many standing delegations as are read."""

    kind = Kind.PRECONDITION
    reason = "TOO_MANY_DELEGATIONS"
    vi = "Đã có quá nhiều ủy quyền còn hiệu lực; hãy chấm dứt bớt."

    def __init__(self) -> None:
        super().__init__("Revoke delegations that are no longer needed.", field="parent")


class ActionRequired(InvalidArgument):
    """It was not said what is to be done."""

    reason = "ACTION_REQUIRED"
    vi = "Chưa nêu việc cần làm thay; hãy chọn một việc."

    def __init__(self) -> None:
        super().__init__("Say what is to be done.", field="action")


class ActorRequired(InvalidArgument):
    """It was not said who acts."""

    reason = "ACTOR_REQUIRED"
    vi = "Chưa nêu người làm thay; hãy gửi người, tài khoản hoặc mã đi thay."

    def __init__(self) -> None:
        super().__init__("Send actor, account_subject or proxy_code.", field="actor")


class ProxyExpiryWrong(InvalidArgument):
    """A proxy code would live too long or not at all."""

    reason = "PROXY_EXPIRY_WRONG"
    vi = "Mã đi thay chỉ dùng được từ 1 đến 72 giờ; hãy chọn lại."

    def __init__(self) -> None:
        super().__init__("Choose 1 to 72 hours.", field="lifetime_h")


class TooManyProxyCodes(AppError):
    """One person has as many open proxy codes as are allowed."""

    kind = Kind.PRECONDITION
    reason = "TOO_MANY_PROXY_CODES"
    vi = "Đã có quá nhiều mã đi thay chưa dùng; hãy hủy bớt."

    def __init__(self) -> None:
        super().__init__("Revoke codes that are no longer needed.", field="parent")


class ProxyCodeUnreadable(InvalidArgument):
    """What was scanned is no proxy code."""

    reason = "PROXY_CODE_UNREADABLE"
    vi = "Đây không phải mã đi thay, hoặc quét thiếu; hãy quét lại."

    def __init__(self) -> None:
        super().__init__("Scan the code again.", field="code_text")


class ProxyCodeForged(InvalidArgument):
    """A proxy code is not signed by us."""

    reason = "PROXY_CODE_FORGED"
    vi = "Mã đi thay không do hệ thống này cấp; không nhận mã này."

    def __init__(self) -> None:
        super().__init__("Do not accept it; it was not issued here.", field="code_text")


class ProxyCodeUsed(AppError):
    """A proxy code was taken before."""

    kind = Kind.PRECONDITION
    reason = "PROXY_CODE_USED"
    vi = "Mã đi thay đã được dùng; hãy xin mã mới từ người bệnh."

    def __init__(self) -> None:
        super().__init__("Ask the person for a new code.", field="code_text")


class ProxyCodeRevoked(AppError):
    """A proxy code was revoked."""

    kind = Kind.PRECONDITION
    reason = "PROXY_CODE_REVOKED"
    vi = "Mã đi thay đã bị hủy; hãy hỏi người bệnh."

    def __init__(self) -> None:
        super().__init__("Ask the person.", field="code_text")


class ProxyCodeExpired(AppError):
    """A proxy code came too late."""

    kind = Kind.PRECONDITION
    reason = "PROXY_CODE_EXPIRED"
    vi = "Mã đi thay đã hết hạn; hãy xin mã mới từ người bệnh."

    def __init__(self) -> None:
        super().__init__("Ask the person for a new code.", field="code_text")


class ProxyCodeOtherFacility(AppError):
    """A proxy code is meant for another facility."""

    kind = Kind.PRECONDITION
    reason = "PROXY_CODE_OTHER_FACILITY"
    vi = "Mã đi thay chỉ dùng tại cơ sở khác; hãy xem lại cơ sở ghi trên mã."

    def __init__(self) -> None:
        super().__init__("Use it at the facility it was made for.", field="code_text")


class AccountAlreadyLinked(AppError):
    """The sign-in belongs to a citizen already."""

    kind = Kind.PRECONDITION
    reason = "ACCOUNT_ALREADY_LINKED"
    vi = "Tài khoản đã liên kết; muốn đổi thì hủy liên kết cũ trước."

    def __init__(self) -> None:
        super().__init__("Unlink it first.", field="link_code")


class AccountCodeMalformed(InvalidArgument):
    """A link code is not eight digits."""

    reason = "ACCOUNT_CODE_MALFORMED"
    vi = "Mã liên kết gồm 8 chữ số; hãy nhập lại."

    def __init__(self) -> None:
        super().__init__("A link code has eight digits.", field="link_code")


class AccountCodeUnknown(AppError):
    """No link code like this is waiting."""

    kind = Kind.NOT_FOUND
    reason = "ACCOUNT_CODE_UNKNOWN"
    vi = "Mã liên kết sai hoặc đã quá 10 phút; hãy lấy mã mới trong ứng dụng."

    def __init__(self) -> None:
        super().__init__("Ask for a new code in the app.", field="link_code")


class AccountOwnerTooYoung(AppError):
    """A child has no account of their own; the guardian's shows them."""

    kind = Kind.PRECONDITION
    reason = "ACCOUNT_OWNER_TOO_YOUNG"
    vi = "Trẻ chưa đủ 14 tuổi chưa có tài khoản riêng; cha, mẹ hoặc người giám hộ xem thay."

    def __init__(self) -> None:
        super().__init__("Record a guardian; their account shows the child.", field="citizen")


class CardNotVerified(AppError):
    """The card was not confirmed by the register lately enough for a link."""

    kind = Kind.PRECONDITION
    reason = "CARD_NOT_VERIFIED"
    vi = "Thẻ căn cước chưa được xác minh; hãy quét và xác minh thẻ rồi liên kết."

    def __init__(self) -> None:
        super().__init__("Verify the citizen's card first.", field="citizen")


class TooManyAccounts(AppError):
    """One citizen has as many linked sign-ins as are allowed."""

    kind = Kind.PRECONDITION
    reason = "TOO_MANY_ACCOUNTS"
    vi = "Đã liên kết quá nhiều tài khoản; hãy hủy liên kết tài khoản không dùng."

    def __init__(self) -> None:
        super().__init__("Unlink an account that is no longer used.", field="citizen")
