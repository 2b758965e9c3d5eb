"""Public keys and signature algorithms of chips and their certificates."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from asn1crypto.algos import RSASSAPSSParams, SignedDigestAlgorithm
from asn1crypto.keys import PublicKeyInfo
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from standards.icao.errors import ChipAlgorithmUnsupported, SecurityObjectMalformed

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
RSA_BITS_MIN = 2_048
RSA_BITS_MAX = 8_192
"""Larger keys only cost time."""

_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha224": hashes.SHA224,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
_DIGEST_OIDS = {
    "1.2.840.113549.2.5": "md5",
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
_PSS_OID = "1.2.840.113549.1.1.10"
_MGF1_OID = "1.2.840.113549.1.1.8"
# Key kind and digest; an empty digest stands for the one that is named beside the signature.
_SIGNATURE_OIDS = {
    "1.2.840.113549.1.1.1": ("rsa", ""),
    "1.2.840.113549.1.1.4": ("rsa", "md5"),
    "1.2.840.113549.1.1.5": ("rsa", "sha1"),
    "1.2.840.113549.1.1.14": ("rsa", "sha224"),
    "1.2.840.113549.1.1.11": ("rsa", "sha256"),
    "1.2.840.113549.1.1.12": ("rsa", "sha384"),
    "1.2.840.113549.1.1.13": ("rsa", "sha512"),
    "1.2.840.10045.4.1": ("ec", "sha1"),
    "1.2.840.10045.4.3.1": ("ec", "sha224"),
    "1.2.840.10045.4.3.2": ("ec", "sha256"),
    "1.2.840.10045.4.3.3": ("ec", "sha384"),
    "1.2.840.10045.4.3.4": ("ec", "sha512"),
}
# SHA-256 of "p,a,b,x of the generator,order" in hexadecimal, for curves that are written out instead of named. The
# curve's own generator is used, so a made-up one proves nothing.
_CURVES: dict[str, ec.EllipticCurve] = {
    "bd3143373e613fb722fcf019e820528db20b01002f02e3b073d7914956aa7dcf": ec.SECP224R1(),
    "e3bdaccbd29b015042dab147c1fc905121a322cf208830bf048612ca77c3975e": ec.BrainpoolP256R1(),
    "3b22fe580717abcc40ea0f2e3a4b5bf86418628e507b410aaebac25a49317570": ec.BrainpoolP384R1(),
    "9e80e132bfe22fc2398a77940277e531c264290b4376808a84b3aac77251d939": ec.BrainpoolP512R1(),
}


class Weakness(StrEnum):
    """Why a signature is worth nothing although it fits."""

    WEAK_DIGEST = "WEAK_DIGEST"
    """MD5 or SHA-1: two contents with one digest can be made."""
    WEAK_KEY = "WEAK_KEY"
    """RSA below 2,048 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRule:
    """How a signature was made."""

    key_kind: str
    """'rsa', 'rsa-pss' or 'ec'."""
    digest: str
    """'md5' to 'sha512'."""
    salt_bytes: int = 0
    """Of RSA-PSS."""

    @property
    def weakness(self) -> Weakness | None:
        """Whether its digest is broken."""
        return Weakness.WEAK_DIGEST if is_weak_digest(self.digest) else None


def digest_name(oid: str) -> str:
    """Give the name of a digest algorithm, 'md5' to 'sha512'.

    Raises:
        ChipAlgorithmUnsupported: another one.
    """
    name = _DIGEST_OIDS.get(oid)
    if name is None:
        raise ChipAlgorithmUnsupported
    return name


def is_weak_digest(name: str) -> bool:
    """Say whether two contents with one digest of this kind can be made."""
    return name not in _HASHES


def digest_of(name: str, content: bytes) -> bytes:
    """Digest bytes; MD5 and SHA-1 only so that a weak chip can be told from a changed one."""
    return hashlib.new(name, content, usedforsecurity=False).digest()


def signature_rule(algorithm: SignedDigestAlgorithm, *, digest: str) -> SignatureRule:
    """Give the rule that an algorithm identifier stands for.

    Args:
        algorithm: The identifier with its parameters.
        digest: The digest algorithm named beside it, or empty inside a certificate.
    Raises:
        ChipAlgorithmUnsupported: unknown here.
        SecurityObjectMalformed: it contradicts the digest named beside it.
    """
    oid = algorithm["algorithm"].dotted
    if oid == _PSS_OID:
        rule = _pss_rule(algorithm["parameters"].dump())
    elif oid in _SIGNATURE_OIDS:
        key_kind, own_digest = _SIGNATURE_OIDS[oid]
        rule = SignatureRule(key_kind=key_kind, digest=own_digest or digest)
    else:
        raise ChipAlgorithmUnsupported
    if not rule.digest or (digest and rule.digest != digest):
        raise SecurityObjectMalformed("sod", rule="one digest algorithm")
    return rule


def _pss_rule(parameters: bytes) -> SignatureRule:
    """Read the parameters of RSA-PSS (RFC 4055); absent ones mean SHA-1, which is refused as weak later."""
    read = RSASSAPSSParams.load(parameters or b"\x30\x00")
    mask = read["mask_gen_algorithm"]
    digest = digest_name(read["hash_algorithm"]["algorithm"].dotted)
    mask_digest = digest_name(mask["parameters"]["algorithm"].dotted)
    salt_bytes = int(read["salt_length"].native)
    is_usual = mask["algorithm"].dotted == _MGF1_OID and mask_digest == digest
    if not is_usual or not 0 <= salt_bytes <= 512 or read["trailer_field"].native != "trailer_field_bc":
        raise ChipAlgorithmUnsupported
    return SignatureRule(key_kind="rsa-pss", digest=digest, salt_bytes=salt_bytes)


def load_public_key(info: PublicKeyInfo) -> PublicKey:
    """Load a key, also one on a well-known curve that is written out instead of named, as many issuers do.

    Raises:
        ChipAlgorithmUnsupported: neither RSA nor a known curve.
        ValueError: the key's bytes are no key.
    """
    try:
        key = load_der_public_key(info.dump())
    except UnsupportedAlgorithm:
        return _load_written_out(info)
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size > RSA_BITS_MAX:
            raise ChipAlgorithmUnsupported
        return key
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ChipAlgorithmUnsupported
    return key


def _load_written_out(info: PublicKeyInfo) -> ec.EllipticCurvePublicKey:
    if info["algorithm"]["algorithm"].dotted != "1.2.840.10045.2.1":
        raise ChipAlgorithmUnsupported
    parameters = info["algorithm"]["parameters"]
    if parameters.name != "specified" or parameters.chosen["field_id"]["field_type"].native != "prime_field":
        raise ChipAlgorithmUnsupported
    domain = parameters.chosen
    prime, base = int(domain["field_id"]["parameters"].native), bytes(domain["base"].native)
    numbers = (
        prime,
        int.from_bytes(domain["curve"]["a"].native, "big"),
        int.from_bytes(domain["curve"]["b"].native, "big"),
        int.from_bytes(base[1 : 1 + (prime.bit_length() + 7) // 8], "big"),
        int(domain["order"].native),
    )
    text = ",".join(f"{number:x}" for number in numbers)
    curve = _CURVES.get(hashlib.sha256(text.encode("ascii")).hexdigest())
    if curve is None:
        raise ChipAlgorithmUnsupported
    return ec.EllipticCurvePublicKey.from_encoded_point(curve, bytes(info["public_key"].native))


def weakness_of(key: PublicKey, rule: SignatureRule) -> Weakness | None:
    """Tell why a signature by this key under this rule is worth nothing, or None."""
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < RSA_BITS_MIN:
        return Weakness.WEAK_KEY
    return rule.weakness


def is_signed(key: PublicKey, rule: SignatureRule, *, signature: bytes, content: bytes) -> bool:
    """Verify a signature; a rule that does not belong to the key's kind is no signature.

    The rule's digest must not be weak.
    """
    algorithm = _HASHES[rule.digest]()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            if rule.key_kind != "ec":
                return False
            key.verify(signature, content, ec.ECDSA(algorithm))
        elif rule.key_kind == "rsa":
            key.verify(signature, content, padding.PKCS1v15(), algorithm)
        elif rule.key_kind == "rsa-pss":
            key.verify(signature, content, padding.PSS(padding.MGF1(algorithm), rule.salt_bytes), algorithm)
        else:
            return False
    except InvalidSignature:
        return False
    return True
