"""What goes to the insurance office after a look-up that failed: the record, the contact, the proof of what was tried.

Source: Decree 188/2025/NĐ-CP, art. 38 k2 (in force 01/07/2025): where the look-up still fails when the treatment ends,
the facility sends the record with contact data and a picture of the failed look-up; Circular 12/2026/TT-BTC, art. 4:
look-ups at arrival, during and at the end are kept. That a paper of times, requests and replies stands for the picture
is our reading.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from insurance_svc.domain.codes import PortalCodes
from insurance_svc.domain.copayment import COPAYMENT_FORM
from insurance_svc.domain.days import VIETNAM
from insurance_svc.domain.model import Coverage, Evidence, InsuranceCard

KIND = "lienthong.insurance.evidence/1"
REPLIES_MAX_BYTES = 400_000
"""Raw replies on one paper: a message of the suite holds 1 MiB. Later ones are named by their sum alone."""
_LEGAL_BASIS_VI = "khoản 2 Điều 38 Nghị định 188/2025/NĐ-CP; Điều 4 Thông tư 12/2026/TT-BTC"

Paper = dict[str, Any]  # Any: a JSON document of our own making


class ExportFormat(StrEnum):
    """Form of the paper; both hold the same."""

    JSON = "JSON"
    PDF = "PDF"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """How the insurance office reaches the citizen, as told when the paper is made."""

    phone: str = field(default="", repr=False)
    address: str = field(default="", repr=False)
    note: str = field(default="", repr=False)
    """Such as who answers the phone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceExport:
    """What a paper was made of; made again from it, it is the same byte for byte."""

    export_id: str
    visit_id: str
    facility: str
    format: ExportFormat
    coverage_id: str
    evidence_ids: tuple[str, ...]
    evidence_sha256: str
    contact: Contact
    caller: str


def write_paper(
    coverage: Coverage, evidence: Sequence[Evidence], *, contact: Contact, codes: PortalCodes
) -> Paper:
    """The paper about a visit as a JSON document; the same evidence and contact give the same document.

    Args:
        coverage: What is known of the visit as of the last piece of evidence.
        evidence: Whole, oldest first; at least one.
        contact: Of the citizen.
        codes: For the words of each result code.
    """
    assert evidence, "a paper without evidence proves nothing"
    finding, question = coverage.finding, coverage.question
    failed = sum(bool(each.call.failure_reason) for each in evidence)
    return {
        "kind": KIND,
        "legal_basis_vi": _LEGAL_BASIS_VI,
        "facility": coverage.facility,
        "visit": f"visits/{coverage.visit_id}",
        "service_date": coverage.service_date.isoformat(),
        "citizen": {
            "name": f"citizens/{coverage.citizen_id}",
            "full_name": question.full_name if question else "",
            "birth_date": question.birth_date if question else "",
            "identifier": question.identifier if question else "",
        },
        "contact": asdict(contact),
        "coverage": {
            "outcome": finding.outcome.value,
            "reason": finding.reason or finding.degraded_reason,
            "portal_code": finding.portal_code,
            "explanation_vi": finding.explanation_vi,
            "card": _card(finding.card),
            "as_of_time": _moment(coverage.as_of_time),
            "check_number": coverage.check_number,
        },
        "summary": {
            "look_up_count": len(evidence),
            "call_count": len({each.call.exchange_id or each.evidence_id for each in evidence}),
            "answered_count": len(evidence) - failed,
            "failed_count": failed,
            "first_time": _moment(evidence[0].call.send_time),
            "last_time": _moment(max(each.call.receive_time for each in evidence)),
        },
        "look_ups": _look_ups(evidence, codes),
    }


def paper_sha256(paper: Paper) -> str:
    """The sum of a paper's content, written canonically; it stands on the paper and in its QR."""
    content = json.dumps(paper, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(content.encode("utf-8")).hexdigest()


def paper_json(paper: Paper) -> bytes:
    """The paper as a JSON file, its sum with it."""
    whole = {**paper, "evidence_sha256": paper_sha256(paper)}
    return (json.dumps(whole, ensure_ascii=False, indent=2) + "\n").encode("utf-8")


def _look_ups(evidence: Sequence[Evidence], codes: PortalCodes) -> list[Paper]:
    left_bytes = REPLIES_MAX_BYTES
    look_ups = []
    for number, each in enumerate(evidence, start=1):
        is_told = len(each.call.reply) <= left_bytes
        left_bytes -= len(each.call.reply) if is_told else 0
        look_ups.append(_look_up(number, each, codes, is_told=is_told))
    return look_ups


def _look_up(number: int, evidence: Evidence, codes: PortalCodes, *, is_told: bool) -> Paper:
    call, sent = evidence.call, evidence.call.sent
    told = ""
    if call.code and not call.form.startswith(COPAYMENT_FORM):
        told = codes.rule(call.code).meaning_vi
    return {
        "number": number,
        "evidence": f"visits/{evidence.visit_id}/evidence/{evidence.evidence_id}",
        "moment": evidence.moment.value,
        "request_form": call.form,
        "sent": None
        if sent is None
        else {"maThe": sent.identifier, "hoTen": sent.full_name, "ngaySinh": sent.birth_text},
        "caller": evidence.caller,
        "send_time": _moment(call.send_time),
        "receive_time": _moment(call.receive_time),
        "duration_ms": int((call.receive_time - call.send_time).total_seconds() * 1000),
        "exchange_id": call.exchange_id,
        "portal_code": call.code,
        "meaning_vi": told,
        "failure_reason": call.failure_reason,
        "failure_vi": failure_vi(call.failure_reason),
        "reply_sha256": evidence.reply_sha256,
        "reply_bytes": len(call.reply),
        # What is no UTF-8 is shown with marks; the sum is of the bytes as they came.
        "reply": call.reply.decode("utf-8", "replace") if is_told else None,
    }


def failure_vi(reason: str) -> str:
    """What a failed call met, in Vietnamese; empty for an answered one."""
    return _FAILURES_VI.get(reason, f"Không nhận được trả lời ({reason})") if reason else ""


_FAILURES_VI = {
    "PORTAL_TIMEOUT": "Cổng BHXH không trả lời trong thời hạn",
    "PORTAL_REFUSED": "Không kết nối được cổng BHXH",
    "PORTAL_RESET": "Kết nối tới cổng BHXH bị ngắt",
    "PORTAL_HTTP_ERROR": "Cổng BHXH báo lỗi HTTP",
    "PORTAL_HTML": "Cổng BHXH trả về trang web thay cho dữ liệu",
    "PORTAL_NOT_JSON": "Cổng BHXH trả về dữ liệu không đọc được",
    "PORTAL_REPLY_TOO_LARGE": "Cổng BHXH trả về dữ liệu quá lớn",
    "PORTAL_ERROR": "Cổng BHXH báo lỗi hệ thống khi đăng nhập",
    "PORTAL_LOGIN_REFUSED": "Cổng BHXH từ chối tài khoản tra cứu",
    "PORTAL_ACCOUNT_RESTING": "Tài khoản tra cứu vừa bị từ chối, tạm ngừng gửi",
    "PORTAL_BUDGET_SPENT": "Hết thời gian dành cho tra cứu",
    "BREAKER_OPEN": "Cổng BHXH đang gián đoạn, tạm ngừng gửi",
}


def _card(card: InsuranceCard | None) -> Paper | None:
    if card is None:
        return None
    return {
        "number": card.number,
        "valid_from_date": "" if card.valid_from_date is None else card.valid_from_date.isoformat(),
        "valid_to_date": "" if card.valid_to_date is None else card.valid_to_date.isoformat(),
    }


def _moment(moment: datetime) -> str:
    """A moment in Viet Nam to the millisecond, with its offset."""
    return moment.astimezone(VIETNAM).isoformat(timespec="milliseconds")
