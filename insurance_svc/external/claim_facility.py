"""Reads what facilities say about themselves for their claims, from the operator's file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from insurance_svc.domain.claim_facts import FacilityFacts

SAMPLE = "claim_facilities.sample.json"
_REQUIRED = ("director_licence", "payment_method")
_OPTIONAL = (
    "province_code", "department_code", "patient_prefix", "record_prefix", "examination_code", "examination_name",
)  # fmt: skip
_PAYMENT_METHODS = ("1", "2", "3")


class ClaimFacilityFileInvalid(ValueError):
    """The file cannot be read; the text names the facility and the key, never a value."""


def read_claim_facilities(file: Path | None) -> Mapping[str, FacilityFacts]:
    """Facts by facility; the sandbox's invented sample without a file.

    Raises:
        ClaimFacilityFileInvalid: not a JSON object of facilities with their texts.
    """
    source = resources.files("insurance_svc.domain").joinpath("data", SAMPLE) if file is None else file
    try:
        document = json.loads(source.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ClaimFacilityFileInvalid("the file of claim facilities is not JSON") from None
    if not isinstance(document, dict):
        raise ClaimFacilityFileInvalid("the file of claim facilities holds one object")
    return {code: _facts(code, entry) for code, entry in document.items()}


def _facts(code: str, entry: object) -> FacilityFacts:
    texts = dict(entry) if isinstance(entry, dict) else {}
    staff = texts.pop("staff", {})
    if not isinstance(staff, dict) or not all(isinstance(licence, str) for licence in staff.values()):
        raise ClaimFacilityFileInvalid(f"staff of {code} is an object of subjects and licences")
    for key in texts:
        if key not in (*_REQUIRED, *_OPTIONAL):
            raise ClaimFacilityFileInvalid(f"{key} of {code} is not known")
    for key in _REQUIRED:
        if not texts.get(key):
            raise ClaimFacilityFileInvalid(f"{key} of {code} is missing")
    if not all(isinstance(text, str) for text in texts.values()):
        raise ClaimFacilityFileInvalid(f"every fact of {code} is a text")
    if texts["payment_method"] not in _PAYMENT_METHODS:
        raise ClaimFacilityFileInvalid(f"payment_method of {code} is 1, 2 or 3")
    return FacilityFacts(
        code=code,
        province_code=texts.get("province_code") or code[:2],
        director_licence=texts["director_licence"],
        department_code=texts.get("department_code", ""),
        payment_method=texts["payment_method"],
        patient_prefix=texts.get("patient_prefix", ""),
        record_prefix=texts.get("record_prefix", ""),
        examination_code=texts.get("examination_code", ""),
        examination_name=texts.get("examination_name", ""),
        staff=staff,
    )
