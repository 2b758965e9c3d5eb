"""The paper for the insurance office: what it must hold, what it must not, and that it is always the same."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import pytest

from insurance_svc.codec.paper import REPLY_SHOWN_MAX, paper_pdf, render
from insurance_svc.domain.codes import load_codes
from insurance_svc.domain.evidence_paper import (
    REPLIES_MAX_BYTES,
    Contact,
    ExportFormat,
    Paper,
    failure_vi,
    paper_json,
    paper_sha256,
    write_paper,
)
from insurance_svc.domain.model import (
    Coverage,
    Evidence,
    Finding,
    Moment,
    Outcome,
    PortalCall,
    Question,
    Rung,
)
from tests.support.canary import scan
from tests.support.fake_portal import BIRTH, CITIZEN, NAME, PASSWORD_HASH

START = datetime(2026, 9, 1, 2, 0, tzinfo=UTC)
RUNG = Rung(
    identifier=CITIZEN, full_name=NAME, birth_text="05/03/1990", form="citizen12/name-as-printed/date-full"
)
COVERAGE = Coverage(
    coverage_id="k1",
    citizen_id="c1",
    visit_id="v1",
    facility="19999",
    service_date=date(2026, 9, 1),
    check_number=1,
    finding=Finding(
        outcome=Outcome.UNVERIFIED,
        explanation_vi="Chưa tra cứu được cổng BHXH <&>.",
        explanation_en="Not heard.",
        degraded_reason="PORTAL_TIMEOUT",
    ),
    question=Question(identifier=CITIZEN, full_name=NAME, birth_date=BIRTH, service_date=date(2026, 9, 1)),
    as_of_time=START,
)


def evidence(number: int = 1, *, reply: bytes = b"", code: str = "", failure: str = "") -> Evidence:
    sent = START + timedelta(minutes=number)
    return Evidence(
        evidence_id=f"e{number}",
        visit_id="v1",
        call=PortalCall(
            form=RUNG.form,
            send_time=sent,
            receive_time=sent + timedelta(seconds=2),
            reply=reply,
            code=code,
            failure_reason=failure,
            exchange_id=f"x{number}",
            sent=RUNG,
        ),
        reply_sha256=sha256(reply).hexdigest(),
        caller="persons/clerk-1",
        moment=Moment.END,
    )


def paper(*found: Evidence, contact: Contact | None = None) -> Paper:
    return write_paper(
        COVERAGE,
        found or [evidence(failure="PORTAL_TIMEOUT")],
        contact=contact or Contact(phone="0900 000 000", address="Xã Nam Mẫu"),
        codes=load_codes(),
    )


def test_the_paper_tells_who_when_what_was_asked_and_what_failed() -> None:
    written = paper()

    (look_up,) = written["look_ups"]
    assert written["facility"] == "19999"
    assert written["citizen"]["full_name"] == NAME
    assert written["contact"]["phone"] == "0900 000 000"
    assert look_up["sent"] == {"maThe": CITIZEN, "hoTen": NAME, "ngaySinh": "05/03/1990"}
    assert look_up["send_time"] == "2026-09-01T09:01:00.000+07:00"
    assert look_up["duration_ms"] == 2_000
    assert look_up["failure_vi"] == "Cổng BHXH không trả lời trong thời hạn"
    assert "Điều 38" in written["legal_basis_vi"]


def test_calls_shared_by_several_desks_are_counted_once() -> None:
    one, two = evidence(1, failure="PORTAL_TIMEOUT"), evidence(2, failure="PORTAL_TIMEOUT")
    shared = replace(two, call=replace(two.call, exchange_id="x1"))

    summary = paper(one, shared)["summary"]

    assert (summary["look_up_count"], summary["call_count"]) == (2, 1)


def test_the_sum_stands_for_every_part() -> None:
    sums = {
        paper_sha256(each)
        for each in (
            paper(),
            paper(contact=Contact(phone="0900 000 001")),
            paper(evidence(failure="PORTAL_RESET")),
            paper(evidence(2, failure="PORTAL_TIMEOUT")),
            paper(evidence(reply=b"{}", code="000")),
        )
    }

    assert len(sums) == 5


def test_the_json_holds_the_sum_of_all_the_rest() -> None:
    document = json.loads(paper_json(paper()))

    told = document.pop("evidence_sha256")
    assert told == paper_sha256(document)


@pytest.mark.parametrize("chosen", list(ExportFormat))
def test_the_same_paper_gives_the_same_bytes(chosen: ExportFormat) -> None:
    found = [
        evidence(1, failure="PORTAL_HTML", reply="<html>Bảo trì".encode()),
        evidence(2, reply=b"{}", code="000"),
    ]

    assert render(paper(*found), chosen) == render(paper(*found), chosen)


def test_another_process_writes_the_same_pdf() -> None:
    program = (
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('made', {__file__!r})\n"
        "made = importlib.util.module_from_spec(spec); spec.loader.exec_module(made)\n"
        "sys.stdout.write(made.sha256(made.paper_pdf(made.paper())).hexdigest())"
    )

    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert told == sha256(paper_pdf(paper())).hexdigest()


def test_the_pdf_embeds_letters_for_vietnamese_and_shows_no_link_or_script() -> None:
    content = paper_pdf(paper(evidence(reply=b"<script>x</script>" * 400, failure="PORTAL_HTML")))

    assert content.startswith(b"%PDF-")
    assert b"BeVietnamPro" in content
    assert b"/FontFile2" in content
    assert b"/JavaScript" not in content
    assert b"/URI" not in content


def test_a_reply_of_any_bytes_is_shown_and_cut_where_it_is_long() -> None:
    for reply in (b"\x00\xff\xfe<&>\r\n\t", "ạ".encode() * 9_000, b"x" * 50_000, b"]" * 10):
        written = paper(evidence(reply=reply, failure="PORTAL_NOT_JSON"))
        assert paper_pdf(written).startswith(b"%PDF-")
        assert len(written["look_ups"][0]["reply"]) <= max(REPLY_SHOWN_MAX, len(reply))


def test_a_hundred_calls_fit_and_replies_beyond_the_limit_are_named_by_their_sum() -> None:
    reply = b"x" * 100_000
    found = [evidence(number, reply=reply, failure="PORTAL_NOT_JSON") for number in range(1, 101)]

    written = paper(*found)

    told = [each["reply"] is not None for each in written["look_ups"]]
    assert told == [True] * (REPLIES_MAX_BYTES // 100_000) + [False] * (100 - REPLIES_MAX_BYTES // 100_000)
    assert len(paper_json(written)) < 900_000
    assert len(paper_pdf(written)) < 900_000


def test_no_credential_can_stand_on_the_paper() -> None:
    # The adapter's evidence holds none: neither the query string, nor headers, nor the staff member's number.
    content = paper_json(paper())
    pdf = paper_pdf(paper())

    assert scan(content, [PASSWORD_HASH, "access-1", "19999_BV", "099085000002"]) == []
    assert scan(pdf, [PASSWORD_HASH, "access-1", "19999_BV", "099085000002"]) == []


def test_every_failure_has_words() -> None:
    assert failure_vi("") == ""
    assert failure_vi("SOMETHING_NEW") == "Không nhận được trả lời (SOMETHING_NEW)"
