"""Makes chips of made-up people: data groups, document signers, authorities, and every way to get them wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from asn1crypto import algos, cms, core, crl, keys, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from standards.icao.mrz import check_digit

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
NUMBER = "099190000017"
LDS_OID = "2.23.136.1.1.1"
CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME = (
    "1.2.840.113549.1.9.3",
    "1.2.840.113549.1.9.4",
    "1.2.840.113549.1.9.5",
)
_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "md5": hashes.MD5, "sha1": hashes.SHA1, "sha224": hashes.SHA224, "sha256": hashes.SHA256,
    "sha384": hashes.SHA384, "sha512": hashes.SHA512,
}  # fmt: skip
# RFC 5639 section 3.4, brainpoolP256r1.
BRAINPOOL_P256R1 = (
    0xA9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377,
    0x7D5A0975FC2C3057EEF67530417AFFE7FB8055C126DC5C6CE94A4B44F330B5D9,
    0x26DC5C6CE94A4B44F330B5D9BBD77CBF958416295CF7E1CE6BCCDC18FF8C07B6,
    0x8BD2AEB9CB7E57CB2C4B482FFC81B7AFB9DE27E1E3BD23C23A4453BD9ACE3262,
    0x547EF835C3DAC4FD97F8461A14611DC9C27745132DED8E545C1D54C72F046997,
    0xA9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7,
)


def tlv(tag: int, *parts: bytes) -> bytes:
    """One element in DER."""
    content = b"".join(parts)
    octets = tag.to_bytes((tag.bit_length() + 7) // 8, "big")
    if len(content) < 0x80:
        return octets + bytes((len(content),)) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return octets + bytes((0x80 | len(length),)) + length + content


# -- data groups -----------------------------------------------------------------------------------------------------


def td1(
    *, number: str = NUMBER, birth: str = "900302", sex: str = "F", expiry: str = "300302", state: str = "VNM",
    name: str = "NGUYEN<<THI<HOA", document_number: str = "",
) -> str:  # fmt: skip
    """The zone of a card, 90 characters."""
    document = document_number or number[-9:]
    optional = f"{number}<<"
    line1 = f"ID{state}{document}{check_digit(document)}{optional}{check_digit(optional)}"
    line2 = f"{birth}{check_digit(birth)}{sex}{expiry}{check_digit(expiry)}{state}".ljust(29, "<")
    composite = line1[5:30] + line2[0:7] + line2[8:15] + line2[18:29]
    return line1 + line2 + check_digit(composite) + name.ljust(30, "<")[:30]


def td3(
    *,
    number: str = "B12345678",
    personal: str = NUMBER,
    birth: str = "900302",
    expiry: str = "300302",
    state: str = "VNM",
) -> str:
    """The zone of a passport, 88 characters."""
    optional = personal.ljust(14, "<")
    line2 = f"{number}{check_digit(number)}{state}{birth}{check_digit(birth)}F{expiry}{check_digit(expiry)}"
    line2 += optional + (check_digit(optional) if personal else "<")
    composite = line2[0:10] + line2[13:20] + line2[21:43]
    return f"P<{state}NGUYEN<<THI<HOA".ljust(44, "<") + line2 + check_digit(composite)


def dg1(zone: str = "") -> bytes:
    """Data group 1."""
    return tlv(0x61, tlv(0x5F1F, (zone or td1()).encode("ascii")))


def dg2(image_bytes: int = 15_000, start: bytes = b"\xff\xd8\xff\xe0") -> bytes:
    """Data group 2 with a face record of noise behind a JPEG's first bytes."""
    image = (start + hashlib.shake_128(b"face").digest(image_bytes))[:image_bytes]
    record = b"FAC\x00010\x00" + bytes(38) + image
    template = tlv(0x7F60, tlv(0xA1, tlv(0x80, b"\x01\x01")), tlv(0x5F2E, record))
    return tlv(0x75, tlv(0x7F61, tlv(0x02, b"\x01"), template))


DETAILS: dict[int, str | tuple[str, ...]] = {
    1: NUMBER,
    2: "Nguyễn Thị Hòa",
    3: "02/03/1990",
    4: "Nữ",
    5: "Việt Nam",
    6: "Tày",
    7: "Không",
    8: "Nam Mẫu, Ba Bể, Bắc Kạn",
    9: "Thôn Nà Phại, Xã Nam Mẫu, Huyện Ba Bể, Tỉnh Bắc Kạn",
    10: "Nốt ruồi C: 2cm dưới sau đuôi mắt trái",
    11: "15/06/2022",
    12: "02/03/2030",
    13: ("Nguyễn Văn Cha", "Hoàng Thị Mẹ"),
    16: "099123456",
}


def dg13(
    changes: Mapping[int, str | tuple[str, ...]] | None = None,
    *,
    without: Sequence[int] = (),
    wrapped: bool = False,
) -> bytes:
    """Data group 13 of the 2021 profile; `wrapped` puts one more sequence around the fields."""
    details = {key: value for key, value in (DETAILS | dict(changes or {})).items() if key not in without}
    entries = []
    for key, value in details.items():
        if isinstance(value, str):
            body = tlv(0x0C, value.encode())
        else:
            body = tlv(0x30, *(tlv(0x30, tlv(0x0C, each.encode())) for each in value))
        entries.append(tlv(0x30, tlv(0x02, bytes((key,))), body))
    return tlv(0x6D, tlv(0x30, *entries)) if wrapped else tlv(0x6D, *entries)


def all_groups() -> dict[int, bytes]:
    """The groups of one sound card."""
    return {1: dg1(), 2: dg2(), 13: dg13(), 14: tlv(0x6E, tlv(0x31, b"")), 15: tlv(0x6F, tlv(0x30, b""))}


# -- keys and certificates -------------------------------------------------------------------------------------------


@lru_cache
def ec_key(index: int = 0, curve: type[ec.EllipticCurve] = ec.SECP256R1) -> ec.EllipticCurvePrivateKey:
    """An EC key, the same for the same index inside one run."""
    del index
    return ec.generate_private_key(curve())


@lru_cache
def rsa_key(index: int = 0, bits: int = 2_048) -> rsa.RSAPrivateKey:
    """An RSA key, the same for the same index inside one run."""
    del index
    return rsa.generate_private_key(65_537, bits)


def key_info(key: PrivateKey, *, written_out: bool = False) -> keys.PublicKeyInfo:
    """A public key as certificates hold it; `written_out` spells the curve instead of naming it."""
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    info = keys.PublicKeyInfo.load(der)
    if not written_out:
        return info
    prime, a, b, x, y, order = BRAINPOOL_P256R1
    domain = keys.SpecifiedECDomain(
        {
            "version": 1,
            "field_id": {"field_type": "prime_field", "parameters": core.Integer(prime)},
            "curve": {"a": a.to_bytes(32, "big"), "b": b.to_bytes(32, "big")},
            "base": b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big"),
            "order": order,
            "cofactor": 1,
        }
    )
    return keys.PublicKeyInfo(
        {
            "algorithm": {"algorithm": "ec", "parameters": keys.ECDomainParameters("specified", domain)},
            "public_key": info["public_key"],
        }
    )


def sign(key: PrivateKey, content: bytes, *, digest: str = "sha256", pss: bool = False) -> bytes:
    """A signature over bytes."""
    algorithm = _HASHES[digest]()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(content, ec.ECDSA(algorithm))
    if pss:
        return key.sign(content, padding.PSS(padding.MGF1(algorithm), algorithm.digest_size), algorithm)
    return key.sign(content, padding.PKCS1v15(), algorithm)


def signature_algorithm(
    key: PrivateKey, *, digest: str = "sha256", pss: bool = False
) -> algos.SignedDigestAlgorithm:
    """The identifier that stands beside a signature."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return algos.SignedDigestAlgorithm({"algorithm": f"{digest}_ecdsa"})
    if not pss:
        return algos.SignedDigestAlgorithm({"algorithm": f"{digest}_rsa", "parameters": core.Null()})
    parameters = algos.RSASSAPSSParams(
        {
            "hash_algorithm": {"algorithm": digest},
            "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": digest}},
            "salt_length": _HASHES[digest]().digest_size,
        }
    )
    return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": parameters})


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Somebody with a key and a certificate."""

    key: PrivateKey = field(repr=False)
    certificate: x509.Certificate = field(repr=False)

    @property
    def der(self) -> bytes:
        """The certificate."""
        return bytes(self.certificate.dump())


def _name(common_name: str, country: str = "VN") -> x509.Name:
    return x509.Name.build(
        {"country_name": country, "organization_name": "Made up", "common_name": common_name}
    )


def _certificate(
    *,
    subject: str,
    key: PrivateKey,
    issuer: Party | None,
    serial: int,
    days: tuple[datetime, datetime],
    is_authority: bool,
    usage: set[str] | None,
    digest: str,
    pss: bool = False,
    written_out: bool = False,
    with_identifiers: bool = True,
    country: str = "VN",
) -> Party:
    info = key_info(key, written_out=written_out)
    signing_key = key if issuer is None else issuer.key
    extensions: list[dict[str, object]] = []
    if with_identifiers:
        extensions.append({"extn_id": "key_identifier", "critical": False, "extn_value": info.sha1})
    if issuer is not None and with_identifiers:
        value = x509.AuthorityKeyIdentifier({"key_identifier": issuer.certificate.key_identifier})
        extensions.append({"extn_id": "authority_key_identifier", "critical": False, "extn_value": value})
    if is_authority:
        basic = x509.BasicConstraints({"ca": True, "path_len_constraint": 0})
        extensions.append({"extn_id": "basic_constraints", "critical": True, "extn_value": basic})
    if usage is not None:
        extensions.append({"extn_id": "key_usage", "critical": True, "extn_value": x509.KeyUsage(usage)})
    algorithm = signature_algorithm(signing_key, digest=digest, pss=pss)
    body = x509.TbsCertificate(
        {
            "version": "v3",
            "serial_number": serial,
            "signature": algorithm,
            "issuer": _name(subject, country) if issuer is None else issuer.certificate.subject,
            "validity": {
                "not_before": x509.Time({"utc_time": days[0]}),
                "not_after": x509.Time({"utc_time": days[1]}),
            },
            "subject": _name(subject, country),
            "subject_public_key_info": info,
            "extensions": extensions,
        }
    )
    signature = sign(signing_key, body.dump(), digest=digest, pss=pss)
    made = x509.Certificate(
        {"tbs_certificate": body, "signature_algorithm": algorithm, "signature_value": signature}
    )
    return Party(key=key, certificate=x509.Certificate.load(made.dump()))


def authority(
    *,
    name: str = "CSCA of nowhere",
    key: PrivateKey | None = None,
    days: tuple[datetime, datetime] = (NOW - timedelta(days=2_000), NOW + timedelta(days=3_000)),
    digest: str = "sha256",
    written_out: bool = False,
    is_authority: bool = True,
    country: str = "VN",
) -> Party:
    """A country signing authority."""
    return _certificate(
        subject=name, key=key or ec_key(1), issuer=None, serial=1, days=days, is_authority=is_authority,
        usage={"key_cert_sign", "crl_sign"}, digest=digest, written_out=written_out,
        country=country,
    )  # fmt: skip


def signer(
    issuer: Party,
    *,
    key: PrivateKey | None = None,
    serial: int = 7,
    days: tuple[datetime, datetime] = (NOW - timedelta(days=1_000), NOW + timedelta(days=2_000)),
    digest: str = "sha256",
    pss: bool = False,
    usage: frozenset[str] | None = frozenset({"digital_signature"}),
    written_out: bool = False,
    with_identifiers: bool = True,
) -> Party:
    """A document signer."""
    return _certificate(
        subject="Document signer", key=key or ec_key(2), issuer=issuer, serial=serial, days=days, is_authority=False,
        usage=None if usage is None else set(usage), digest=digest, pss=pss, written_out=written_out,
        with_identifiers=with_identifiers,
    )  # fmt: skip


def revocation_list(
    issuer: Party,
    serials: Sequence[int] = (),
    *,
    next_update: datetime = NOW + timedelta(days=30),
    key: PrivateKey | None = None,
) -> bytes:
    """A revocation list in DER."""
    algorithm = signature_algorithm(issuer.key)
    body = crl.TbsCertList(
        {
            "version": "v2",
            "signature": algorithm,
            "issuer": issuer.certificate.subject,
            "this_update": x509.Time({"utc_time": NOW - timedelta(days=1)}),
            "next_update": x509.Time({"utc_time": next_update}),
            "revoked_certificates": [
                {
                    "user_certificate": each,
                    "revocation_date": x509.Time({"utc_time": NOW - timedelta(days=2)}),
                }
                for each in serials
            ]
            or None,
        }
    )
    signature = sign(key or issuer.key, body.dump())
    made = crl.CertificateList(
        {"tbs_cert_list": body, "signature_algorithm": algorithm, "signature": signature}
    )
    return bytes(made.dump())


# -- security object -------------------------------------------------------------------------------------------------


def attribute(oid: str, *values: bytes) -> bytes:
    """One signed attribute."""
    return tlv(0x30, bytes(core.ObjectIdentifier(oid).dump()), tlv(0x31, *values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a security object is made; each field is one way to get it wrong."""

    groups: Mapping[int, bytes] = field(default_factory=all_groups, repr=False)
    signer: Party
    digest: str = "sha256"
    """Of the groups."""
    signature_digest: str = "sha256"
    version: int = 0
    pss: bool = False
    listed: Callable[[list[tuple[int, bytes]]], list[tuple[int, bytes]]] = field(default=lambda pairs: pairs)
    """Changes the pairs of group and digest."""
    attributes: Callable[[list[bytes]], list[bytes]] = field(default=lambda made: made)
    """Changes the signed attributes before they are signed."""
    order: Callable[[list[bytes]], list[bytes]] = field(default=sorted)
    """The order in which the attributes are written."""
    signed_bytes: Callable[[bytes], bytes] = field(default=lambda content: content)
    """Changes what is signed: it gets the DER SET."""
    signature: Callable[[bytes], bytes] = field(default=lambda made: made)
    certificates: Sequence[Party] | None = None
    """Those that are enclosed; the signer's unless given."""
    by_key_identifier: bool = False
    signer_count: int = 1
    with_attributes: bool = True
    content_type: str = LDS_OID
    content: Callable[[bytes], bytes] = field(default=lambda made: made)
    """Changes the list of digests after it was signed."""

    def but(self, **changes: object) -> Recipe:
        """The same with changes."""
        return replace(self, **changes)  # type: ignore[arg-type]  # a test names the fields


def digest_list(recipe: Recipe) -> bytes:
    """LDSSecurityObject."""
    pairs = [
        (number, hashlib.new(recipe.digest, content).digest()) for number, content in recipe.groups.items()
    ]
    rows = [
        tlv(0x30, tlv(0x02, bytes((number,))), tlv(0x04, digest)) for number, digest in recipe.listed(pairs)
    ]
    algorithm = bytes(algos.DigestAlgorithm({"algorithm": recipe.digest}).dump())
    versions = tlv(0x30, tlv(0x13, b"0108"), tlv(0x13, b"040000")) if recipe.version else b""
    return tlv(0x30, tlv(0x02, bytes((recipe.version,))), algorithm, tlv(0x30, *rows), versions)


def security_object(recipe: Recipe) -> bytes:
    """An EF.SOD file."""
    content = digest_list(recipe)
    message_digest = hashlib.new(recipe.signature_digest, content).digest()
    attributes = recipe.attributes(
        [
            attribute(CONTENT_TYPE, bytes(core.ObjectIdentifier(LDS_OID).dump())),
            attribute(SIGNING_TIME, bytes(core.UTCTime(NOW - timedelta(days=900)).dump())),
            attribute(MESSAGE_DIGEST, tlv(0x04, message_digest)),
        ]
    )
    to_sign = tlv(0x31, *sorted(attributes)) if recipe.with_attributes else content
    key = recipe.signer.key
    signature = recipe.signature(
        sign(key, recipe.signed_bytes(to_sign), digest=recipe.signature_digest, pss=recipe.pss)
    )
    certificate = recipe.signer.certificate
    if recipe.by_key_identifier:
        sid = tlv(0x80, certificate.key_identifier)
    else:
        sid = tlv(0x30, certificate.issuer.dump(), core.Integer(certificate.serial_number).dump())
    signer_info = tlv(
        0x30,
        tlv(0x02, b"\x03" if recipe.by_key_identifier else b"\x01"),
        sid,
        algos.DigestAlgorithm({"algorithm": recipe.signature_digest}).dump(),
        tlv(0xA0, *recipe.order(attributes)) if recipe.with_attributes else b"",
        signature_algorithm(key, digest=recipe.signature_digest, pss=recipe.pss).dump(),
        tlv(0x04, signature),
    )
    parties = [recipe.signer] if recipe.certificates is None else recipe.certificates
    signed = tlv(
        0x30,
        tlv(0x02, b"\x03"),
        tlv(0x31, algos.DigestAlgorithm({"algorithm": recipe.signature_digest}).dump()),
        tlv(
            0x30,
            core.ObjectIdentifier(recipe.content_type).dump(),
            tlv(0xA0, tlv(0x04, recipe.content(content))),
        ),
        tlv(0xA0, *(each.der for each in parties)) if parties else b"",
        tlv(0x31, *[signer_info] * recipe.signer_count),
    )
    content_info = tlv(0x30, core.ObjectIdentifier("1.2.840.113549.1.7.2").dump(), tlv(0xA0, signed))
    cms.ContentInfo.load(content_info)
    return tlv(0x77, content_info)
