"""Signs claim files with the keys of a folder; a security module takes its place by the same port."""

from __future__ import annotations

import asyncio
import stat
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from standards.claims.signature import sign


class ClaimKeysInvalid(ValueError):
    """A key or certificate of the folder cannot be used; the text names the file, never its content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate


class FolderSigner:
    """Implements the ClaimSigner port with `<facility>.key.pem` and `<facility>.cert.pem` of one folder."""

    def __init__(self, pairs: dict[str, _Pair]) -> None:
        self._pairs = pairs

    @classmethod
    def of(cls, folder: Path | None) -> FolderSigner:
        """Every pair of a folder; none without one.

        Raises:
            ClaimKeysInvalid: a key without its certificate, not RSA, not of one pair, or open to others.
        """
        keys = sorted(folder.glob("*.key.pem")) if folder else []
        return cls({file.name.removesuffix(".key.pem"): _pair(file) for file in keys})

    async def sign(self, document: bytes, *, facility: str) -> bytes | None:
        """See insurance_svc.ports.ClaimSigner."""
        pair = self._pairs.get(facility)
        if pair is None:
            return None
        return await asyncio.to_thread(partial(sign, document, key=pair.key, certificate=pair.certificate))


def _pair(key_file: Path) -> _Pair:
    certificate_file = key_file.with_name(f"{key_file.name.removesuffix('.key.pem')}.cert.pem")
    if stat.S_IMODE(key_file.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise ClaimKeysInvalid(f"{key_file.name} is open to others: let only its owner read it")
    try:
        key = load_pem_private_key(key_file.read_bytes(), password=None)
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    except (OSError, ValueError, TypeError):
        raise ClaimKeysInvalid(f"{key_file.name} or its certificate cannot be read") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ClaimKeysInvalid(f"{key_file.name} is no RSA key")
    if certificate.public_key() != key.public_key():
        raise ClaimKeysInvalid(f"{certificate_file.name} belongs to another key")
    return _Pair(key=key, certificate=certificate)
