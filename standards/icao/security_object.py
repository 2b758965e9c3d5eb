"""Passive authentication: whether a chip's data groups are what its issuer signed."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from asn1crypto import cms
from asn1crypto.algos import DigestAlgorithm
from asn1crypto.core import ParsableOctetString

from standards.errors import FormatError
from standards.icao.certificates import (
    ASN1_FAULTS,
    Certificate,
    Name,
    TrustStore,
    name_of,
    parse_certificate,
)
from standards.icao.der import Element, check_tree, children, read_whole
from standards.icao.errors import ChipDataTooLarge, ChipGroupTagWrong, SecurityObjectMalformed
from standards.icao.lds import GROUP_TAGS, read_group
from standards.icao.signatures import (
    SignatureRule,
    digest_name,
    digest_of,
    is_signed,
    is_weak_digest,
    signature_rule,
    weakness_of,
)

MAX_SECURITY_OBJECT_BYTES = 64 * 1024
"""Longest security object read; a real one has 1.5 to 4 kB."""

_FILE_TAG = 0x77
_SEQUENCE, _SET, _INTEGER, _OCTETS, _OID = 0x30, 0x31, 0x02, 0x04, 0x06
_SIGNED_DATA = "1.2.840.113549.1.7.2"
_LDS_SECURITY_OBJECT = "2.23.136.1.1.1"
# Attribute types as they stand in the bytes: 1.2.840.113549.1.9.3 and .4.
_CONTENT_TYPE = bytes.fromhex("2a864886f70d010903")
_MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")
_LDS_SECURITY_OBJECT_BYTES = bytes.fromhex("678108010101")
_CERTIFICATES_MAX = 8

SignerIdentifier = tuple[Name, int] | bytes
"""Issuer and serial number of the signer's certificate, or its key identifier."""


class ChipOutcome(StrEnum):
    """The three results of passive authentication."""

    VALID = "VALID"
    """Whole, and signed by an issuer in the trust store."""
    INVALID = "INVALID"
    """Changed, forged, or signed by somebody whose certificate does not hold; the fault tells."""
    INTACT_BUT_ISSUER_UNKNOWN = "INTACT_BUT_ISSUER_UNKNOWN"
    """Whole in itself; anybody could have signed it, because the issuer is in no trust store."""


class ChipFault(StrEnum):
    """Why a chip is INVALID; the first that was found, in the order of the checks."""

    SIGNER_COUNT = "SIGNER_COUNT"
    """Not exactly one signature: which one to believe?"""
    SIGNED_ATTRIBUTES_MISSING = "SIGNED_ATTRIBUTES_MISSING"
    """No signed attributes, or not both of content type and message digest: a signature of something else would do."""
    SIGNED_ATTRIBUTE_REPEATED = "SIGNED_ATTRIBUTE_REPEATED"
    """An attribute comes twice, or has not exactly one value."""
    CONTENT_TYPE_WRONG = "CONTENT_TYPE_WRONG"
    """What was signed is no list of group digests."""
    CONTENT_DIGEST_WRONG = "CONTENT_DIGEST_WRONG"
    """The list of group digests was changed after it was signed."""
    GROUP_LISTED_TWICE = "GROUP_LISTED_TWICE"
    GROUP_NOT_SIGNED = "GROUP_NOT_SIGNED"
    """A group was read that the list does not hold."""
    GROUP_DIGEST_WRONG = "GROUP_DIGEST_WRONG"
    """A group was changed after it was signed."""
    WEAK_DIGEST = "WEAK_DIGEST"
    WEAK_KEY = "WEAK_KEY"
    SIGNER_CERTIFICATE_MISSING = "SIGNER_CERTIFICATE_MISSING"
    """No certificate, or more than one, fits the signer that is named."""
    SIGNER_USAGE_WRONG = "SIGNER_USAGE_WRONG"
    """The signer's certificate is not for signing documents."""
    SIGNATURE_WRONG = "SIGNATURE_WRONG"
    SIGNER_NOT_YET_VALID = "SIGNER_NOT_YET_VALID"
    SIGNER_EXPIRED = "SIGNER_EXPIRED"
    CHAIN_SIGNATURE_WRONG = "CHAIN_SIGNATURE_WRONG"
    """The signer's certificate names a trusted key that did not sign it."""
    ISSUER_NOT_VALID = "ISSUER_NOT_VALID"
    """The trusted certificate is expired or not yet valid."""
    SIGNER_REVOKED = "SIGNER_REVOKED"


class ChipWarning(StrEnum):
    """A doubt that leaves the result as it is."""

    REVOCATION_NOT_CHECKED = "REVOCATION_NOT_CHECKED"
    """The trust store has no revocation list of the issuer."""
    REVOCATION_LIST_OLD = "REVOCATION_LIST_OLD"
    """The list in the trust store should have been replaced by now; it was used all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipVerdict:
    """What passive authentication found. It does not tell a chip from its copy: that takes a talk with the chip."""

    outcome: ChipOutcome
    fault: ChipFault | None = None
    """Set exactly when INVALID."""
    group: int = 0
    """The data group at fault, 1 to 16, or 0."""
    groups: tuple[int, ...]
    """The data groups that were compared, in order."""
    digest: str
    """Digest algorithm of the groups, such as 'sha256'."""
    signer_fingerprint: str = ""
    """SHA-256 of the document signer's certificate, hexadecimal; empty when none was found."""
    issuer_fingerprint: str = ""
    """SHA-256 of the trusted certificate; set exactly when VALID."""
    issuer_country: str = ""
    """Two letters of the trusted certificate; empty unless VALID."""
    warnings: tuple[ChipWarning, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityObject:
    """A security object taken apart, nothing verified."""

    version: int
    """0 or 1, of the list of digests."""
    digest: str
    """Digest algorithm of the groups."""
    group_digests: tuple[tuple[int, bytes], ...] = field(repr=False)
    """In their order; a group may stand there twice."""
    content: bytes = field(repr=False)
    """The list of digests as it was signed."""
    signers: tuple[Signer, ...]
    certificates: tuple[Certificate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """One signature with what it says about itself."""

    identifier: SignerIdentifier = field(repr=False)
    digest: str
    rule: SignatureRule
    signature: bytes = field(repr=False)
    attributes: tuple[bytes, ...] | None = field(repr=False)
    """Each signed attribute as it stands in the bytes; None when there are none."""


class _Invalid(Exception):
    """Carries the first fault from a check to the verdict."""

    def __init__(self, fault: ChipFault, *, group: int = 0) -> None:
        super().__init__(fault)
        self.fault = fault
        self.group = group


def parse_security_object(content: bytes) -> SecurityObject:
    """Read an EF.SOD file.

    Raises:
        ChipDataTooLarge, ChipGroupTagWrong, ChipDataTruncated, ChipDataTrailing, ChipLengthForm, ChipDataNesting:
            the bytes are not one well-formed file.
        SecurityObjectMalformed: it is not signed data with a list of digests (fact rule).
        ChipAlgorithmUnsupported: an algorithm or curve is unknown here.
    Source: ICAO Doc 9303 part 10 section 4.6.2 and part 11; RFC 5652.
    """
    if len(content) > MAX_SECURITY_OBJECT_BYTES:
        raise ChipDataTooLarge("sod", limit_bytes=MAX_SECURITY_OBJECT_BYTES)
    if content and content[0] != _FILE_TAG:
        raise ChipGroupTagWrong("sod")
    root = read_whole(content, field="sod")
    # asn1crypto reads laxly (indefinite lengths, long forms), so the form is proved before.
    check_tree(content, root, field="sod")
    try:
        return _take_apart(content[root.content : root.end])
    except FormatError:
        raise
    except ASN1_FAULTS:
        # The cause may hold parts of the content, so it is not kept.
        raise SecurityObjectMalformed("sod", rule="signed data") from None


def _take_apart(content: bytes) -> SecurityObject:
    read_whole(content, field="sod")
    outer = cms.ContentInfo.load(content)
    if outer["content_type"].dotted != _SIGNED_DATA:
        raise SecurityObjectMalformed("sod", rule="signed data")
    signed = outer["content"]
    inner = signed["encap_content_info"]
    if inner["content_type"].dotted != _LDS_SECURITY_OBJECT:
        raise SecurityObjectMalformed("sod", rule="content type")
    signed_content = inner["content"]
    if not isinstance(signed_content, ParsableOctetString) or signed_content.method != 0:
        raise SecurityObjectMalformed("sod", rule="one piece of content")
    version, digest, group_digests = _read_digest_list(signed_content.contents)
    chosen = [each.chosen for each in signed["certificates"] or () if each.name == "certificate"]
    if len(chosen) > _CERTIFICATES_MAX:
        raise SecurityObjectMalformed("sod", rule="number of certificates")
    return SecurityObject(
        version=version,
        digest=digest,
        group_digests=group_digests,
        content=signed_content.contents,
        signers=tuple(_signer(each) for each in signed["signer_infos"]),
        certificates=tuple(parse_certificate(each.dump()) for each in chosen),
    )


def _read_digest_list(content: bytes) -> tuple[int, str, tuple[tuple[int, bytes], ...]]:
    """Read LDSSecurityObject: version, digest algorithm, digests of groups, and in version 1 the versions in use."""
    root = read_whole(content, field="sod")
    parts = list(children(content, root, field="sod"))
    if [each.tag for each in parts[:3]] != [_INTEGER, _SEQUENCE, _SEQUENCE] or root.tag != _SEQUENCE:
        raise SecurityObjectMalformed("sod", rule="list of digests")
    version = _small_number(content, parts[0])
    if version not in (0, 1) or len(parts) != 3 + version or parts[-1].tag != _SEQUENCE:
        raise SecurityObjectMalformed("sod", rule="version of the list")
    digest = digest_name(DigestAlgorithm.load(content[parts[1].start : parts[1].end])["algorithm"].dotted)
    digests = []
    for each in children(content, parts[2], field="sod"):
        pair = list(children(content, each, field="sod"))
        if [part.tag for part in pair] != [_INTEGER, _OCTETS]:
            raise SecurityObjectMalformed("sod", rule="digest of a group")
        number = _small_number(content, pair[0])
        if number not in GROUP_TAGS:
            raise SecurityObjectMalformed("sod", rule="number of a group")
        digests.append((number, content[pair[1].content : pair[1].end]))
    return version, digest, tuple(digests)


def _small_number(content: bytes, element: Element) -> int:
    if element.end - element.content != 1:
        raise SecurityObjectMalformed("sod", rule="small number")
    return content[element.content]


def _signer(read: cms.SignerInfo) -> Signer:
    who = read["sid"]
    identifier: SignerIdentifier
    if who.name == "issuer_and_serial_number":
        identifier = (name_of(who.chosen["issuer"]), who.chosen["serial_number"].native)
    else:
        identifier = who.chosen.native
    digest = digest_name(read["digest_algorithm"]["algorithm"].dotted)
    attributes = read["signed_attrs"]
    return Signer(
        identifier=identifier,
        digest=digest,
        rule=signature_rule(read["signature_algorithm"], digest=digest),
        signature=read["signature"].native,
        attributes=_elements(attributes.contents) if isinstance(attributes, cms.CMSAttributes) else None,
    )


def _elements(content: bytes) -> tuple[bytes, ...]:
    """Cut the inside of a SET into its elements."""
    whole = Element(_SET, 0, 0, len(content))
    return tuple(content[each.start : each.end] for each in children(content, whole, field="sod"))


def authenticate(
    sod: bytes, groups: Mapping[int, bytes], trust: TrustStore, *, moment: datetime
) -> ChipVerdict:
    """Judge whether data groups are what their issuer signed.

    Args:
        sod: The EF.SOD file, raw.
        groups: Number of each data group that was read (1 to 16) to its file, raw.
        trust: Whom to trust; an empty one gives INTACT_BUT_ISSUER_UNKNOWN at best.
        moment: The moment at which certificates have to be valid, with zone.
    Raises:
        FormatError: the bytes cannot be judged: see parse_security_object and standards.icao.lds.read_group.
    Source: ICAO Doc 9303 part 11 section 5.1 and part 12; RFC 5652 section 5.4. A weak digest is refused although
        Doc 9303 once allowed SHA-1, because Vietnamese chips began in 2021.
    """
    for number, content in groups.items():
        read_group(number, content)
    signed = parse_security_object(sod)
    signer: Certificate | None = None
    try:
        _check_attributes(signed)
        _check_groups(signed, groups)
        signer = _signer_certificate(signed)
        _check_signature(signed, signer)
        _check_days(signer, moment)
        issuer, warnings = _find_issuer(signer, trust, moment)
    except _Invalid as found:
        return ChipVerdict(
            outcome=ChipOutcome.INVALID,
            fault=found.fault,
            group=found.group,
            groups=tuple(sorted(groups)),
            digest=signed.digest,
            signer_fingerprint="" if signer is None else signer.fingerprint,
        )
    return ChipVerdict(
        outcome=ChipOutcome.INTACT_BUT_ISSUER_UNKNOWN if issuer is None else ChipOutcome.VALID,
        groups=tuple(sorted(groups)),
        digest=signed.digest,
        signer_fingerprint=signer.fingerprint,
        issuer_fingerprint="" if issuer is None else issuer.fingerprint,
        issuer_country="" if issuer is None else issuer.country,
        warnings=warnings,
    )


def _check_attributes(signed: SecurityObject) -> None:
    """Prove that the one signature is about this list of digests: its attributes say what was signed."""
    if len(signed.signers) != 1:
        raise _Invalid(ChipFault.SIGNER_COUNT)
    signer = signed.signers[0]
    found: dict[bytes, tuple[int, bytes]] = {}
    for attribute in signer.attributes or ():
        oid, tag, value = _read_attribute(attribute)
        if oid in found:
            raise _Invalid(ChipFault.SIGNED_ATTRIBUTE_REPEATED)
        found[oid] = (tag, value)
    if _CONTENT_TYPE not in found or _MESSAGE_DIGEST not in found:
        raise _Invalid(ChipFault.SIGNED_ATTRIBUTES_MISSING)
    if found[_CONTENT_TYPE] != (_OID, _LDS_SECURITY_OBJECT_BYTES):
        raise _Invalid(ChipFault.CONTENT_TYPE_WRONG)
    if is_weak_digest(signer.digest) or is_weak_digest(signed.digest):
        raise _Invalid(ChipFault.WEAK_DIGEST)
    tag, digest = found[_MESSAGE_DIGEST]
    if tag != _OCTETS or not hmac.compare_digest(digest, digest_of(signer.digest, signed.content)):
        raise _Invalid(ChipFault.CONTENT_DIGEST_WRONG)


def _read_attribute(attribute: bytes) -> tuple[bytes, int, bytes]:
    """Give the type of an attribute, and tag and bytes of its only value."""
    parts = list(children(attribute, read_whole(attribute, field="sod"), field="sod"))
    if [each.tag for each in parts] != [_OID, _SET]:
        raise SecurityObjectMalformed("sod", rule="signed attribute")
    values = list(children(attribute, parts[1], field="sod"))
    if len(values) != 1:
        raise _Invalid(ChipFault.SIGNED_ATTRIBUTE_REPEATED)
    oid = attribute[parts[0].content : parts[0].end]
    return oid, values[0].tag, attribute[values[0].content : values[0].end]


def _check_groups(signed: SecurityObject, groups: Mapping[int, bytes]) -> None:
    listed: dict[int, bytes] = {}
    for number, digest in signed.group_digests:
        if number in listed:
            raise _Invalid(ChipFault.GROUP_LISTED_TWICE, group=number)
        listed[number] = digest
    for number, content in sorted(groups.items()):
        if number not in listed:
            raise _Invalid(ChipFault.GROUP_NOT_SIGNED, group=number)
        if not hmac.compare_digest(listed[number], digest_of(signed.digest, content)):
            raise _Invalid(ChipFault.GROUP_DIGEST_WRONG, group=number)


def _signer_certificate(signed: SecurityObject) -> Certificate:
    wanted = signed.signers[0].identifier
    fitting = {
        each.fingerprint: each
        for each in signed.certificates
        if wanted in ((each.issuer, each.serial_number), each.key_identifier)
    }
    if len(fitting) != 1:
        raise _Invalid(ChipFault.SIGNER_CERTIFICATE_MISSING)
    (certificate,) = fitting.values()
    if not certificate.may("digital_signature"):
        raise _Invalid(ChipFault.SIGNER_USAGE_WRONG)
    return certificate


def _check_signature(signed: SecurityObject, certificate: Certificate) -> None:
    signer = signed.signers[0]
    for key, rule in ((certificate.key, signer.rule), (certificate.key, certificate.rule)):
        weakness = weakness_of(key, rule)
        if weakness is not None:
            raise _Invalid(ChipFault(weakness.value))
    content = _signed_set(signer.attributes or ())
    if not is_signed(certificate.key, signer.rule, signature=signer.signature, content=content):
        raise _Invalid(ChipFault.SIGNATURE_WRONG)


def _signed_set(attributes: tuple[bytes, ...]) -> bytes:
    """Encode attributes as what is signed: a SET OF in DER, neither the implicit tag nor the order they came in.

    Source: RFC 5652 section 5.4 (a separate encoding with an explicit SET OF tag), X.690 section 11.6 (order).
    """
    content = b"".join(sorted(attributes))
    return bytes((_SET,)) + _length(len(content)) + content


def _length(count: int) -> bytes:
    if count < 0x80:
        return bytes((count,))
    octets = count.to_bytes((count.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(octets),)) + octets


def _check_days(signer: Certificate, moment: datetime) -> None:
    if moment < signer.not_before:
        raise _Invalid(ChipFault.SIGNER_NOT_YET_VALID)
    if moment > signer.not_after:
        raise _Invalid(ChipFault.SIGNER_EXPIRED)


def _find_issuer(
    signer: Certificate, trust: TrustStore, moment: datetime
) -> tuple[Certificate | None, tuple[ChipWarning, ...]]:
    """Find the trusted certificate that signed the signer's, or None.

    Authorities change their key and keep their name, so a name alone accuses nobody: only a certificate that names a
    trusted key, and was not signed by it, is a forgery.
    """
    named = [each for each in trust.anchors if each.subject == signer.issuer]
    issuer = next((each for each in named if each.has_signed(signer)), None)
    if issuer is None:
        if any(each.key_identifier == signer.issuer_key_identifier != b"" for each in named):
            raise _Invalid(ChipFault.CHAIN_SIGNATURE_WRONG)
        return None, ()
    if not issuer.is_valid_at(moment):
        raise _Invalid(ChipFault.ISSUER_NOT_VALID)
    revoked = trust.lists.get(issuer.fingerprint)
    if revoked is None:
        return issuer, (ChipWarning.REVOCATION_NOT_CHECKED,)
    if signer.serial_number in revoked.serial_numbers:
        raise _Invalid(ChipFault.SIGNER_REVOKED)
    is_old = revoked.next_update_time is not None and revoked.next_update_time < moment
    return issuer, (ChipWarning.REVOCATION_LIST_OLD,) if is_old else ()
