"""Certificates of those who sign chips, lists of revoked ones, and whom to trust."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from asn1crypto import crl, pem, x509

from standards.errors import FormatError
from standards.icao.der import check_tree, read_whole
from standards.icao.errors import ChipAlgorithmUnsupported, ChipDataTooLarge, SecurityObjectMalformed
from standards.icao.signatures import (
    PublicKey,
    SignatureRule,
    is_signed,
    load_public_key,
    signature_rule,
    weakness_of,
)

MAX_CERTIFICATE_BYTES = 16 * 1024
MAX_TRUST_FILE_BYTES = 16 * 1024 * 1024
"""Of one file of certificates or of a revocation list."""
ASN1_FAULTS = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)
"""What asn1crypto raises on content that is well-formed and not what its type says."""

Name = tuple[tuple[str, str], ...]
"""A distinguished name: (type, value without case and double spaces), so that two encodings of one name are equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What of a certificate decides about trust."""

    fingerprint: str
    """SHA-256 of the whole certificate, hexadecimal."""
    subject: Name
    issuer: Name
    serial_number: int
    not_before: datetime
    not_after: datetime
    key: PublicKey = field(repr=False)
    key_identifier: bytes
    """Empty when the certificate has none."""
    issuer_key_identifier: bytes
    is_authority: bool
    key_usage: frozenset[str] | None
    """None when the certificate does not limit it."""
    rule: SignatureRule
    signature: bytes = field(repr=False)
    signed_content: bytes = field(repr=False)

    @property
    def country(self) -> str:
        """Two letters in capitals, or empty."""
        return next((value.upper() for kind, value in self.subject if kind == "2.5.4.6"), "")

    def is_valid_at(self, moment: datetime) -> bool:
        """Say whether a moment lies inside its days."""
        return self.not_before <= moment <= self.not_after

    def may(self, usage: str) -> bool:
        """Say whether its key may be used so ('key_cert_sign', 'digital_signature')."""
        return self.key_usage is None or usage in self.key_usage

    def has_signed(self, other: Certificate | RevocationList) -> bool:
        """Say whether its key made the other's signature, with means that are not weak."""
        if weakness_of(self.key, other.rule) is not None:
            return False
        return is_signed(self.key, other.rule, signature=other.signature, content=other.signed_content)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationList:
    """What of a revocation list decides."""

    issuer: Name
    issue_time: datetime
    next_update_time: datetime | None
    serial_numbers: frozenset[int] = field(repr=False)
    rule: SignatureRule
    signature: bytes = field(repr=False)
    signed_content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustStore:
    """Whom to trust: certificates of country signing authorities (CSCA), each with its newest revocation list."""

    anchors: tuple[Certificate, ...] = ()
    lists: Mapping[str, RevocationList] = field(default_factory=dict)
    """By fingerprint of the anchor that signed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustFault:
    """A file that was not taken into the store."""

    file_name: str
    reason: str
    """UPPER_SNAKE: a FormatError's reason, NOT_AN_AUTHORITY, or LIST_OF_NOBODY."""


def parse_certificate(content: bytes) -> Certificate:
    """Read a certificate in DER.

    Raises:
        ChipDataTooLarge, ChipDataTruncated, ChipDataTrailing, ChipLengthForm, ChipDataNesting: as der says.
        ChipAlgorithmUnsupported: its key or its signature is of a kind unknown here.
        SecurityObjectMalformed: it is no certificate.
    """
    _check_bytes(content, MAX_CERTIFICATE_BYTES)
    try:
        return _to_certificate(x509.Certificate.load(content), content)
    except FormatError:
        raise
    except ASN1_FAULTS:
        # The cause may hold parts of the content, so it is not kept.
        raise SecurityObjectMalformed("sod", rule="certificate") from None


def _to_certificate(read: x509.Certificate, content: bytes) -> Certificate:
    body = read["tbs_certificate"]
    algorithm = read["signature_algorithm"]
    if body["signature"].dump() != algorithm.dump():
        raise SecurityObjectMalformed("sod", rule="certificate")
    constraints, usage = read.basic_constraints_value, read.key_usage_value
    authority = read.authority_key_identifier_value
    issuer_key_identifier = None if authority is None else authority["key_identifier"].native
    return Certificate(
        fingerprint=hashlib.sha256(content).hexdigest(),
        subject=name_of(body["subject"]),
        issuer=name_of(body["issuer"]),
        serial_number=body["serial_number"].native,
        not_before=_moment(body["validity"]["not_before"].native),
        not_after=_moment(body["validity"]["not_after"].native),
        key=load_public_key(body["subject_public_key_info"]),
        key_identifier=read.key_identifier or b"",
        issuer_key_identifier=issuer_key_identifier or b"",
        is_authority=constraints is not None and bool(constraints["ca"].native),
        key_usage=None if usage is None else frozenset(usage.native),
        rule=signature_rule(algorithm, digest=""),
        signature=read["signature_value"].native,
        signed_content=body.dump(),
    )


def parse_revocation_list(content: bytes) -> RevocationList:
    """Read a revocation list in DER; raises as parse_certificate does."""
    if len(content) > MAX_TRUST_FILE_BYTES:
        raise ChipDataTooLarge("crl", limit_bytes=MAX_TRUST_FILE_BYTES)
    read_whole(content, field="crl")
    try:
        read = crl.CertificateList.load(content)
        body = read["tbs_cert_list"]
        next_update = body["next_update"].native
        revoked = body["revoked_certificates"]
        return RevocationList(
            issuer=name_of(body["issuer"]),
            issue_time=_moment(body["this_update"].native),
            next_update_time=None if next_update is None else _moment(next_update),
            serial_numbers=frozenset(each["user_certificate"].native for each in revoked or ()),
            rule=signature_rule(read["signature_algorithm"], digest=""),
            signature=read["signature"].native,
            signed_content=body.dump(),
        )
    except FormatError:
        raise
    except ASN1_FAULTS:
        raise SecurityObjectMalformed("crl", rule="revocation list") from None


def name_of(name: x509.Name) -> Name:
    """Give a name in the form that is compared."""
    return tuple(
        (each["type"].dotted, " ".join(str(each["value"].native).casefold().split()))
        for part in name.chosen
        for each in part
    )


def build_trust_store(files: Iterable[tuple[str, bytes]]) -> tuple[TrustStore, tuple[TrustFault, ...]]:
    """Take authorities and revocation lists from files, each DER or PEM; what cannot be used is told, not raised.

    Args:
        files: Name and content; a PEM file may hold several.
    """
    anchors: dict[str, Certificate] = {}
    lists: list[tuple[str, RevocationList]] = []
    faults: list[TrustFault] = []
    for file_name, content in files:
        try:
            for kind, der in _unarmoured(content):
                if kind == "X509 CRL":
                    lists.append((file_name, parse_revocation_list(der)))
                    continue
                found = parse_certificate(der)
                if not found.is_authority or not found.may("key_cert_sign"):
                    faults.append(TrustFault(file_name=file_name, reason="NOT_AN_AUTHORITY"))
                    continue
                anchors[found.fingerprint] = found
        except FormatError as refused:
            faults.append(TrustFault(file_name=file_name, reason=refused.reason))
    newest: dict[str, RevocationList] = {}
    for file_name, each in lists:
        signers = [
            anchor for anchor in anchors.values() if anchor.subject == each.issuer and anchor.has_signed(each)
        ]
        if not signers:
            faults.append(TrustFault(file_name=file_name, reason="LIST_OF_NOBODY"))
        for anchor in signers:
            kept = newest.get(anchor.fingerprint)
            if kept is None or kept.issue_time < each.issue_time:
                newest[anchor.fingerprint] = each
    return TrustStore(anchors=tuple(anchors.values()), lists=newest), tuple(faults)


def _unarmoured(content: bytes) -> list[tuple[str, bytes]]:
    """Give kind and DER of each object in a file."""
    if pem.detect(content):
        try:
            return [(kind, der) for kind, _, der in pem.unarmor(content, multiple=True)]
        except ASN1_FAULTS:
            raise SecurityObjectMalformed("certificate", rule="PEM") from None
    return [("X509 CRL" if _is_revocation_list(content) else "CERTIFICATE", content)]


def _is_revocation_list(content: bytes) -> bool:
    """Tell a revocation list from a certificate, which has no time where a list has one."""
    try:
        return crl.CertificateList.load(content)["tbs_cert_list"]["this_update"].native is not None
    except ASN1_FAULTS:
        return False


def _moment(value: object) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ChipAlgorithmUnsupported
    return value


def _check_bytes(content: bytes, limit_bytes: int) -> None:
    if len(content) > limit_bytes:
        raise ChipDataTooLarge("sod", limit_bytes=limit_bytes)
    check_tree(content, read_whole(content, field="sod"), field="sod")
