"""Signatures of claim files: made, checked, and every way in which one is not right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from standards.claims import read_claim_file
from standards.claims.errors import ClaimSignatureBroken
from standards.claims.signature import SignatureState, check_signature, sign

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "claims" / "full_claim.xml"


def certificate_of(key: Any, name: str) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )


@cache
def signer(name: str) -> tuple[Any, x509.Certificate]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key, certificate_of(key, name)


def signed(name: str = "facility 19001") -> bytes:
    key, certificate = signer(name)
    return sign(GOLDEN.read_bytes(), key=key, certificate=certificate)


def test_a_signed_claim_is_valid_for_its_facility_and_reads_as_before() -> None:
    document = signed()

    assert check_signature(document, certificates=[signer("facility 19001")[1]]) is SignatureState.VALID
    file = read_claim_file(document)
    assert file.is_signed
    assert file.records == read_claim_file(GOLDEN.read_bytes()).records


def test_a_changed_claim_is_invalid() -> None:
    changed = signed().replace(b"<MACSKCB>00000<", b"<MACSKCB>00001<")

    assert check_signature(changed, certificates=[signer("facility 19001")[1]]) is SignatureState.INVALID


def test_a_stranger_who_brings_his_own_certificate_is_unknown() -> None:
    ours = signer("facility 19001")[1]

    assert check_signature(signed("stranger"), certificates=[ours]) is SignatureState.UNKNOWN_SIGNER
    assert check_signature(signed(), certificates=[]) is SignatureState.UNKNOWN_SIGNER


def test_one_of_several_certificates_is_enough() -> None:
    both = [signer("stranger")[1], signer("facility 19001")[1]]

    assert check_signature(signed(), certificates=both) is SignatureState.VALID


def test_an_empty_place_is_no_signature() -> None:
    assert check_signature(GOLDEN.read_bytes(), certificates=[]) is SignatureState.ABSENT


def test_a_security_module_needs_no_more_than_sign() -> None:
    key, certificate = signer("facility 19001")

    class Module:
        def sign(self, data: bytes, padding: Any, algorithm: Any) -> bytes:
            return bytes(key.sign(data, padding, algorithm))

    document = sign(GOLDEN.read_bytes(), key=Module(), certificate=certificate)

    assert check_signature(document, certificates=[certificate]) is SignatureState.VALID


def test_what_cannot_be_signed_is_told() -> None:
    key, certificate = signer("facility 19001")
    with pytest.raises(ClaimSignatureBroken):
        sign(b"<GIAMDINHHS/>", key=key, certificate=certificate)
    with pytest.raises(ClaimSignatureBroken):
        sign(signed(), key=key, certificate=certificate)
    with pytest.raises(ClaimSignatureBroken):
        sign(b"no xml", key=key, certificate=certificate)
    curve = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(ClaimSignatureBroken):
        sign(GOLDEN.read_bytes(), key=curve, certificate=certificate_of(curve, "curve"))  # type: ignore[arg-type]
