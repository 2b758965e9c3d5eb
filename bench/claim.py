"""How many claims are built, checked and signed in a second on one core, beside the arithmetic of their lines alone.

python -m bench.claim [--quick] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from bench.benefit import FACILITY, bill, finding
from insurance_svc.domain.claim_amounts import claim_line_amounts
from insurance_svc.domain.claim_builder import build_claim
from insurance_svc.domain.claim_facts import (
    ClaimFacts,
    EntryKind,
    FacilityFacts,
    Person,
    Residence,
    StayKind,
    VisitEntry,
    VisitRecord,
)
from insurance_svc.domain.model import Coverage, StoredSplit
from insurance_svc.domain.split import split_cost
from insurance_svc.domain.tables import load_rules
from standards.claims import ClaimFile, read_claim_file, write_claim_file
from standards.claims.lint import LintContext, lint
from standards.claims.signature import sign

OPENED = datetime(2026, 9, 1, 1, 0, tzinfo=UTC)
ROUNDS, QUICK_ROUNDS = 7, 2
ROUND_S, QUICK_ROUND_S = 0.5, 0.1


def facts() -> ClaimFacts:
    """A short stay with a bill of 100 lines."""
    command = bill()
    command = replace(
        command, lines=tuple(replace(line, unit="Lần", prescriber_licence="1") for line in command.lines)
    )
    found = finding()
    split = StoredSplit(
        split_id="s",
        citizen_id="c",
        facility=FACILITY,
        coverage_id="k",
        split_number=1,
        command=command,
        split=split_cost(command, found, facility=FACILITY, rules=load_rules()),
        create_time=OPENED,
    )
    coverage = Coverage(
        coverage_id="k",
        citizen_id="c",
        visit_id="v1",
        facility=FACILITY,
        service_date=date(2026, 9, 1),
        check_number=1,
        finding=found,
        question=None,
        as_of_time=OPENED,
    )
    note = VisitEntry(
        kind=EntryKind.DIAGNOSIS, code="J06.9", text="viêm họng", record_time=OPENED, author="doctor"
    )
    visit = VisitRecord(
        visit_id="v1",
        citizen_id="c",
        facility=FACILITY,
        link_id="260901-v1",
        kind=StayKind.INPATIENT,
        reason_text="ho",
        open_time=OPENED,
        close_time=OPENED + timedelta(days=3),
        entries=(note,),
    )
    person = Person(
        full_name="Nông Thị Hòa",
        birth_date="1990-03-05",
        gender="2",
        citizen_number="099190000001",
        other_number="",
        address_text="Thôn 1",
        residence=Residence(province_code="19", district_code="", ward_code="01891"),
        former_residence=None,
    )
    facility = FacilityFacts(
        code=FACILITY, province_code="19", director_licence="1", department_code="K01", payment_method="1"
    )
    return ClaimFacts(
        visit=visit,
        person=person,
        coverage=coverage,
        split=split,
        facility=facility,
        month="",
        today=date(2026, 9, 4),
    )


def steps() -> dict[str, Callable[[], object]]:
    """What is measured, in the order of a discharge."""
    known = facts()
    assert known.split is not None
    split = known.split
    built = build_claim(known)
    file = ClaimFile(facility_code=FACILITY, made_date="20260904", record_count="1", records=(built.record,))
    content = write_claim_file(file, schema=built.schema)
    read = read_claim_file(content)
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "BENCH")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(OPENED)
        .not_valid_after(OPENED + timedelta(days=3_650))
        .sign(key, hashes.SHA256())
    )
    print(f"a claim of {len(split.command.lines)} lines has {len(content)} bytes")
    return {
        "amounts alone": lambda: [
            claim_line_amounts(line, split.split.benefit) for line in split.command.lines
        ],
        "build": lambda: build_claim(known),
        "write": lambda: write_claim_file(file, schema=built.schema),
        "read": lambda: read_claim_file(content),
        "lint": lambda: lint(read, LintContext()),
        "sign": lambda: sign(content, key=key, certificate=certificate),
    }


def per_second(work: Callable[[], object], *, rounds: int, round_s: float) -> float:
    """Median of some rounds."""
    found = []
    for _ in range(rounds):
        count, start_s = 0, time.perf_counter()
        while (took_s := time.perf_counter() - start_s) < round_s:
            work()
            count += 1
        found.append(Decimal(count) / Decimal(took_s))
    return float(statistics.median(found))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    rounds, round_s = (QUICK_ROUNDS, QUICK_ROUND_S) if chosen.quick else (ROUNDS, ROUND_S)
    rates = {name: per_second(work, rounds=rounds, round_s=round_s) for name, work in steps().items()}
    whole = 1 / sum(1 / rates[name] for name in ("build", "write", "read", "lint", "sign"))
    rates["build to signature"] = whole
    for name, rate in rates.items():
        print(f"{name:20} {rate:10.0f}/s {1000 / rate:8.2f} ms")
    if chosen.json:
        chosen.json.write_text(json.dumps(rates, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
