"""Who looked at a person's data and what they did, in plain sentences without anybody's name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

from identity_svc.domain.consent_words import Words


class ActorKind(StrEnum):
    """Who did something, by function."""

    YOU = "YOU"
    """Whoever reads this."""
    PERSON = "PERSON"
    """Whose data it is, when somebody else reads."""
    REPRESENTATIVE = "REPRESENTATIVE"
    OTHER_CITIZEN = "OTHER_CITIZEN"
    """Somebody who tried and may not."""
    CLINICIAN = "CLINICIAN"
    CLERK = "CLERK"
    CASHIER = "CASHIER"
    STEWARD = "STEWARD"
    AUDITOR = "AUDITOR"
    OPERATOR = "OPERATOR"
    DEVICE = "DEVICE"
    SERVICE = "SERVICE"
    UNKNOWN = "UNKNOWN"


def _w(vi: str, en: str) -> Words:
    return Words(vi=vi, en=en)


ACTORS: Mapping[ActorKind, Words] = {
    ActorKind.YOU: _w("Bạn", "You"),
    ActorKind.PERSON: _w("Chính người này", "The person"),
    ActorKind.REPRESENTATIVE: _w("Người thay mặt", "A representative"),
    ActorKind.OTHER_CITIZEN: _w("Một người khác", "Somebody else"),
    ActorKind.CLINICIAN: _w("Bác sĩ hoặc điều dưỡng", "A doctor or nurse"),
    ActorKind.CLERK: _w("Nhân viên tiếp đón", "A registration clerk"),
    ActorKind.CASHIER: _w("Nhân viên thu ngân", "A cashier"),
    ActorKind.STEWARD: _w("Nhân viên quản lý dữ liệu", "A data steward"),
    ActorKind.AUDITOR: _w("Người kiểm tra", "An auditor"),
    ActorKind.OPERATOR: _w("Nhân viên vận hành", "An operator"),
    ActorKind.DEVICE: _w("Máy tự phục vụ", "A self-service device"),
    ActorKind.SERVICE: _w("Hệ thống (tự động)", "The system (automatic)"),
    ActorKind.UNKNOWN: _w("Người không rõ chức năng", "Somebody of unknown function"),
}
ACCESSES: Mapping[str, Words] = {
    "accept_correction": _w("chấp nhận yêu cầu sửa thông tin", "accepted a correction request"),
    "add_delegation": _w("ghi nhận giám hộ hoặc ủy quyền", "recorded a delegation"),
    "add_facility_code": _w("thêm mã cho một cơ sở", "added a code of a facility"),
    "add_identifier": _w("thêm một số giấy tờ", "added a number"),
    "apply_recoding": _w("chuyển mã xã trong hồ sơ sang mã mới", "re-coded communes"),
    "apply_repair": _w("sửa thông tin định danh", "repaired identity data"),
    "cancel_register_import": _w("hủy việc nhập danh sách", "cancelled the import of a register"),
    "case_assigned": _w("nhận xử lý một hồ sơ cần đối chiếu", "took up a data-quality case"),
    "case_dismissed": _w("đóng một hồ sơ không cần sửa", "closed a data-quality case without a repair"),
    "case_noted": _w("ghi chú vào một hồ sơ cần đối chiếu", "wrote a note into a data-quality case"),
    "case_opened": _w("mở một hồ sơ cần đối chiếu", "opened a data-quality case"),
    "case_resolved": _w("giải quyết một hồ sơ cần đối chiếu", "resolved a data-quality case"),
    "check_authority": _w("hỏi ai được làm thay", "asked who may act"),
    "check_consent": _w("hỏi việc dùng dữ liệu có được phép không", "asked whether a use is permitted"),
    "choose_residence": _w("chọn xã mới cho nơi cư trú", "chose the new commune of the residence"),
    "confirm_account_link": _w("liên kết một tài khoản ứng dụng", "linked an app account"),
    "create_register_import": _w("bắt đầu nhập danh sách", "began the import of a register"),
    "declare_facility": _w("khai báo một cơ sở", "declared a facility"),
    "download_import_rejects": _w(
        "tải các dòng không nhập được của danh sách", "downloaded the rejected rows of an import"
    ),
    "end_facility_code": _w("ngừng dùng mã của một cơ sở", "ended a code of a facility"),
    "end_identifier": _w("ngừng dùng một số giấy tờ", "ended a number"),
    "get_case": _w("xem một hồ sơ cần đối chiếu", "looked at a data-quality case"),
    "get_citizen": _w("xem thông tin định danh", "looked at identity data"),
    "get_duplicate": _w("so sánh hai hồ sơ có thể trùng", "compared two records that may be one person"),
    "get_residence": _w("xem nơi cư trú", "looked at the residence"),
    "give_consent": _w("ghi nhận sự đồng ý", "recorded a consent"),
    "issue_proxy_code": _w("tạo mã đi thay", "made a proxy code"),
    "list_cases": _w("xem danh sách hồ sơ cần đối chiếu", "listed data-quality cases"),
    "list_chip_readings": _w("xem các lần đọc chip thẻ căn cước", "looked at readings of the card's chip"),
    "list_consents": _w("xem các sự đồng ý", "looked at consents"),
    "list_delegations": _w("xem giám hộ và ủy quyền", "looked at delegations"),
    "list_identifiers": _w("xem các số giấy tờ", "looked at numbers"),
    "list_my_corrections": _w("xem các yêu cầu sửa thông tin", "looked at correction requests"),
    "list_recoding_items": _w("xem danh sách chuyển mã xã", "looked at a re-coding of communes"),
    "list_repairs": _w("xem các lần sửa thông tin", "looked at repairs"),
    "merge_citizens": _w("gộp hai hồ sơ của cùng một người", "put two records of one person together"),
    "preview_match": _w("xem thử các hồ sơ giống nhau", "looked for similar records"),
    "read_chip": _w("đọc chip thẻ căn cước", "read the citizen card's chip"),
    "rebuild_quality_figures": _w("tính lại số liệu chất lượng", "counted quality figures again"),
    "recheck_card": _w(
        "đối chiếu lại thẻ căn cước với cơ sở dữ liệu dân cư", "checked the card with the register again"
    ),
    "recode_residence": _w(
        "chuyển mã xã của nơi cư trú sang mã mới", "re-coded the commune of the residence"
    ),
    "redeem_proxy_code": _w("nhận mã đi thay tại quầy", "took a proxy code at a desk"),
    "refuse_correction": _w("từ chối yêu cầu sửa thông tin", "refused a correction request"),
    "register_citizen": _w("đăng ký hồ sơ lần đầu từ thẻ căn cước", "registered the person from a card"),
    "register_temporary": _w("đăng ký hồ sơ tạm", "registered the person provisionally"),
    "reject_link": _w("xác nhận hai hồ sơ là hai người khác nhau", "noted that two records are two people"),
    "rename_facility": _w("đổi tên một cơ sở", "renamed a facility"),
    "replace_temporary": _w(
        "thay hồ sơ tạm bằng giấy tờ thật", "replaced a provisional record by a real one"
    ),
    "request_account_link": _w("xin mã liên kết tài khoản", "asked for an account link code"),
    "request_correction": _w("yêu cầu sửa thông tin", "asked for a correction"),
    "resolve_identifier": _w("tra cứu bằng số giấy tờ", "searched by a number"),
    "restore_residence": _w(
        "hoàn tác việc chuyển mã xã của nơi cư trú", "undid the re-coding of the residence"
    ),
    "revoke_delegation": _w("chấm dứt giám hộ hoặc ủy quyền", "ended a delegation"),
    "revoke_proxy_code": _w("hủy mã đi thay", "revoked a proxy code"),
    "start_recoding": _w("bắt đầu chuyển mã xã", "began a re-coding of communes"),
    "start_rematch": _w("so khớp lại toàn bộ hồ sơ", "matched all records again"),
    "undo_recoding": _w("hoàn tác việc chuyển mã xã", "undid a re-coding of communes"),
    "undo_repair": _w("hoàn tác việc sửa thông tin định danh", "undid a repair of identity data"),
    "unlink_account": _w("hủy liên kết tài khoản ứng dụng", "unlinked an app account"),
    "unmerge_citizens": _w("tách lại hai hồ sơ đã gộp", "took two records apart again"),
    "verify_card": _w("quét và đối chiếu thẻ căn cước", "scanned and checked the citizen card"),
    "view_own_accesses": _w("xem ai đã xem dữ liệu", "looked at who looked"),
    "view_own_consents": _w("xem các sự đồng ý", "looked at consents"),
    "view_own_data": _w(
        "xem thông tin định danh của mình hoặc người mình thay mặt", "looked at the own view"
    ),
    "withdraw_consent": _w("rút lại sự đồng ý", "withdrew a consent"),
}
"""What each action of identity's audit rows is, in words; a test reads the code and misses none."""
OTHER = _w("sử dụng dữ liệu", "used data")
"""An action of an older or newer version."""


def actor_kind(*, roles: Collection[str], is_reader: bool, is_person: bool, done: bool) -> ActorKind:
    """The function of who did something.

    Args:
        roles: As the audit row tells them.
        is_reader: It is who reads the list now.
        is_person: It is whose data it is.
        done: It was not refused.
    """
    if is_reader:
        return ActorKind.YOU
    if is_person:
        return ActorKind.PERSON
    for kind in ActorKind:
        if kind.value in roles:
            return kind
    if "CITIZEN" not in roles:
        return ActorKind.UNKNOWN
    return ActorKind.REPRESENTATIVE if done else ActorKind.OTHER_CITIZEN


def tell_access(kind: ActorKind, *, action: str, facility_code: str, done: bool) -> Words:
    """One look or change in a sentence."""
    who, what = ACTORS[kind], ACCESSES.get(action, OTHER)
    where = (
        _w(f" tại cơ sở {facility_code}", f" at facility {facility_code}") if facility_code else _w("", "")
    )
    result = _w("", "") if done else _w(" (kết quả: không)", " (result: no)")
    return _w(
        f"{who.vi}{where.vi} đã {what.vi}{result.vi}.",
        f"{who.en}{where.en} {what.en}{result.en}.",
    )
