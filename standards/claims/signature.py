"""Signs a claim file in CHUKYDONVI (enveloped XMLDSig, RSA-SHA256, Canonical XML 1.0) and checks such a signature.

Source: letter 1245/BHXH-CNTT (2024) names the place and SHA-256; the form was seen in public clients of the insurer's
document services. What the portal itself checks is not public.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureConstructionMethod, SignatureMethod
from signxml.exceptions import InvalidCertificate, InvalidDigest, InvalidInput, InvalidSignature
from signxml.signer import XMLSigner
from signxml.verifier import XMLVerifier

from standards.claims.errors import ClaimSignatureBroken

_PLACE = "CHUKYDONVI"
_SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"


class SigningKey(Protocol):
    """A facility's key: one of `cryptography`, or an adapter to a security module with the same `sign`."""

    def sign(self, data: bytes, padding: Any, algorithm: Any) -> bytes:  # Any: cryptography's own types
        """The RSA signature of the data."""


class SignatureState(StrEnum):
    """What a check of a signature found."""

    ABSENT = "ABSENT"
    """CHUKYDONVI is empty or missing."""
    VALID = "VALID"
    """Made by one of the certificates given, and nothing was changed since."""
    UNKNOWN_SIGNER = "UNKNOWN_SIGNER"
    """Well-formed, but by none of the certificates given."""
    INVALID = "INVALID"
    """The document was changed, or the signature is not of the accepted form."""


def sign(document: bytes, *, key: SigningKey, certificate: x509.Certificate) -> bytes:
    """The same document with a signature over all of it in CHUKYDONVI.

    Raises:
        ClaimSignatureBroken: no empty CHUKYDONVI, or the certificate holds no RSA key.
    """
    root = _parse(document)
    place = root.find(f".//{_PLACE}")
    if place is None or len(place) or not isinstance(certificate.public_key(), rsa.RSAPublicKey):
        raise ClaimSignatureBroken
    etree.SubElement(place, _SIGNATURE, Id="placeholder", nsmap={"ds": "http://www.w3.org/2000/09/xmldsig#"})
    signer = XMLSigner(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=SignatureMethod.RSA_SHA256,
        c14n_algorithm=CanonicalizationMethod.CANONICAL_XML_1_0,
    )
    key_like: Any = key  # signxml calls nothing but its `sign`
    signed = signer.sign(root, key=key_like, cert=[certificate])
    return bytes(etree.tostring(signed, xml_declaration=True, encoding="utf-8"))


def check_signature(document: bytes, *, certificates: Sequence[x509.Certificate]) -> SignatureState:
    """Whether one of the certificates signed this very document; never trusts the one that the file brings along.

    Raises:
        ClaimSignatureBroken: not XML.
    """
    root = _parse(document)
    if root.find(f".//{_PLACE}/{_SIGNATURE}") is None:
        return SignatureState.ABSENT
    found = SignatureState.INVALID
    for certificate in certificates:
        try:
            XMLVerifier().verify(root, x509_cert=certificate)
        except (InvalidDigest, InvalidInput):
            return SignatureState.INVALID
        except (InvalidSignature, InvalidCertificate):
            found = SignatureState.UNKNOWN_SIGNER
        else:
            return SignatureState.VALID
    return found if certificates else SignatureState.UNKNOWN_SIGNER


def _parse(document: bytes) -> Any:  # Any: lxml ships no types
    # Sizes and declarations were checked by the reader; here nothing may be fetched or expanded either.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    try:
        return etree.fromstring(document, parser)
    except etree.XMLSyntaxError:
        raise ClaimSignatureBroken("document") from None
