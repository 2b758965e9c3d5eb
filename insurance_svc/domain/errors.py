"""What can be wrong with a request about insurance: one class for one reason.

AppError
├── CitizenNotFound, PersonalNumberMissing, BirthDateMalformed, NameMissing
├── VisitOfOtherCitizen
├── CoverageNotFound, EvidenceNotFound, SplitNotFound
└── VisitCodeUnknown, LineMalformed, TooManyLines, ServiceDateMalformed, ResourceNameMalformed,
    CircumstanceMalformed, CardFactsMalformed
"""

from __future__ import annotations

from chassis.errors import AppError, Kind


class CitizenNotFound(AppError):
    """The request names no citizen."""

    kind = Kind.NOT_FOUND
    reason = "CITIZEN_NOT_FOUND"
    vi = "Chưa xác định được người bệnh; hãy kiểm tra giấy tờ trước khi tra cứu BHYT."

    def __init__(self) -> None:
        super().__init__('Name the citizen as "citizens/{citizen}".', field="citizen")


class PersonalNumberMissing(AppError):
    """There is nothing to ask the portal with."""

    kind = Kind.PRECONDITION
    reason = "PERSONAL_NUMBER_MISSING"
    vi = "Chưa có số định danh hoặc mã số BHXH để tra cứu; hãy nhập số hoặc chọn tự chi trả."

    def __init__(self) -> None:
        super().__init__("Give a citizen or insurance number, or set self_pay.", field="identifier")


class NameMissing(AppError):
    """The portal does not answer without a name."""

    kind = Kind.INVALID_ARGUMENT
    reason = "FULL_NAME_MISSING"
    vi = "Chưa có họ tên để tra cứu BHYT; hãy nhập họ tên như trên giấy tờ."

    def __init__(self) -> None:
        super().__init__("Give the full name as on the card.", field="full_name")


class BirthDateMalformed(AppError):
    """The birth date is no FHIR date."""

    kind = Kind.INVALID_ARGUMENT
    reason = "BIRTH_DATE_MALFORMED"
    vi = "Ngày sinh sai định dạng; hãy nhập năm, năm-tháng hoặc năm-tháng-ngày."

    def __init__(self) -> None:
        super().__init__("Give YYYY, YYYY-MM or YYYY-MM-DD.", field="birth_date")


class ServiceDateMalformed(AppError):
    """The service day is no calendar day."""

    kind = Kind.INVALID_ARGUMENT
    reason = "SERVICE_DATE_MALFORMED"
    vi = "Ngày khám sai định dạng; hãy nhập năm-tháng-ngày."

    def __init__(self) -> None:
        super().__init__("Give YYYY-MM-DD, or leave it empty for today.", field="service_date")


class ResourceNameMalformed(AppError):
    """A resource name does not have the form its field asks for."""

    kind = Kind.INVALID_ARGUMENT
    reason = "RESOURCE_NAME_MALFORMED"
    vi = "Tên tài nguyên sai định dạng; hãy kiểm tra lại."

    def __init__(self, field: str, *, form: str) -> None:
        super().__init__("Use the form of the fact `form`.", field=field, form=form)


class VisitOfOtherCitizen(AppError):
    """The visit already has a coverage of somebody else."""

    kind = Kind.PRECONDITION
    reason = "VISIT_OF_OTHER_CITIZEN"
    vi = "Lượt khám này thuộc người bệnh khác; hãy mở lượt khám mới."

    def __init__(self) -> None:
        super().__init__("Open a visit of its own for this citizen.", field="citizen")


class CoverageNotFound(AppError):
    """The visit has no coverage at this facility."""

    kind = Kind.NOT_FOUND
    reason = "COVERAGE_NOT_FOUND"
    vi = "Lượt khám chưa có kết quả tra cứu BHYT; hãy tra cứu trước."

    def __init__(self) -> None:
        super().__init__("Check the coverage of this visit first.", field="visit")


class EvidenceNotFound(AppError):
    """The visit has no such evidence at this facility."""

    kind = Kind.NOT_FOUND
    reason = "EVIDENCE_NOT_FOUND"
    vi = "Không tìm thấy chứng cứ tra cứu này; hãy mở lại danh sách chứng cứ của lượt khám."

    def __init__(self) -> None:
        super().__init__("List the evidence of the visit and take a name from there.", field="name")


class SplitNotFound(AppError):
    """The visit has no split at this facility."""

    kind = Kind.NOT_FOUND
    reason = "SPLIT_NOT_FOUND"
    vi = "Lượt khám chưa được tính chi phí; hãy tính chi phí trước."

    def __init__(self) -> None:
        super().__init__("Split the cost of this visit first.", field="visit")


class VisitCodeUnknown(AppError):
    """No rule of that code counts for this kind of stay on that day; fact `why` tells which part failed."""

    kind = Kind.INVALID_ARGUMENT
    reason = "VISIT_CODE_UNKNOWN"
    vi = "Mã đối tượng khám chữa bệnh không dùng được cho lượt khám này; hãy chọn mã khác theo Quyết định 3276/QĐ-BYT."

    def __init__(self, *, why: str, service_date: str) -> None:
        super().__init__(
            "Choose a visit code of Decision 3276/QĐ-BYT that counts on the day, or leave it empty.",
            field="visit_code",
            why=why,
            service_date=service_date,
        )


class LineMalformed(AppError):
    """A bill line cannot be right; `field` tells which one and which part."""

    kind = Kind.INVALID_ARGUMENT
    reason = "LINE_MALFORMED"
    vi = "Một dòng chi phí chưa hợp lệ; hãy sửa dòng được nêu rồi tính lại."

    def __init__(self, *, field: str, rule: str) -> None:
        super().__init__("Correct the line; the fact `rule` names what it breaks.", field=field, rule=rule)


class TooManyLines(AppError):
    """A bill has 1 to 2,000 lines."""

    kind = Kind.INVALID_ARGUMENT
    reason = "TOO_MANY_LINES"
    vi = "Số dòng chi phí phải từ 1 đến 2.000; hãy chia thành nhiều lần tính."

    def __init__(self, *, line_count: int, limit_count: int) -> None:
        super().__init__(
            "Send 1 to 2,000 lines.", field="lines", line_count=line_count, limit_count=limit_count
        )


class CircumstanceMalformed(AppError):
    """Something told about the visit cannot be right; `field` tells which."""

    kind = Kind.INVALID_ARGUMENT
    reason = "CIRCUMSTANCE_MALFORMED"
    vi = "Thông tin kèm theo lượt khám chưa hợp lệ; hãy sửa mục được nêu."

    def __init__(self, field: str, *, rule: str) -> None:
        super().__init__("Correct the field; the fact `rule` tells its form.", field=field, rule=rule)


class CardFactsMalformed(AppError):
    """The facts of a card cannot be right; `field` tells which."""

    kind = Kind.INVALID_ARGUMENT
    reason = "CARD_FACTS_MALFORMED"
    vi = "Thông tin thẻ BHYT chưa hợp lệ; hãy sửa mục được nêu."

    def __init__(self, field: str, *, rule: str) -> None:
        super().__init__("Correct the field; the fact `rule` tells its form.", field=field, rule=rule)
