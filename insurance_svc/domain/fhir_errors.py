"""What can be wrong with a request for a FHIR view: one class for one reason.

AppError
└── FhirNameMalformed, FhirTypeUnknown, FhirResourceNotFound
"""

from __future__ import annotations

from chassis.errors import AppError, Kind
from insurance_svc.domain.fhir_facts import FhirType


class FhirNameMalformed(AppError):
    """The name of a view is not of its form."""

    kind = Kind.INVALID_ARGUMENT
    reason = "FHIR_NAME_MALFORMED"
    vi = "Tên tài nguyên FHIR không đúng dạng; hãy ghi fhir/{loại}/{mã lượt khám}."

    def __init__(self) -> None:
        super().__init__('Give "fhir/{type}/{visit}".', field="name")


class FhirTypeUnknown(AppError):
    """A type of resource that is not shown here."""

    kind = Kind.INVALID_ARGUMENT
    reason = "FHIR_TYPE_UNKNOWN"
    vi = "Loại tài nguyên FHIR này không có ở đây."

    def __init__(self) -> None:
        super().__init__(f"Give one of {', '.join(FhirType)}.", field="name")


class FhirResourceNotFound(AppError):
    """The visit has no such view, or the caller may not know of the visit."""

    kind = Kind.NOT_FOUND
    reason = "FHIR_RESOURCE_NOT_FOUND"
    vi = "Lượt khám chưa có tài nguyên FHIR loại này."

    def __init__(self) -> None:
        super().__init__(
            "Check the coverage, split the cost or build the claim of the visit first.", field="name"
        )
