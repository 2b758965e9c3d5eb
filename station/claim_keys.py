"""Self-made keys with which a demonstration's facilities sign claims; a real facility has its own from a provider."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_VALID = timedelta(days=365)


def make_claim_keys(folder: Path, facilities: Iterable[str]) -> None:
    """Make FACILITY.key.pem and FACILITY.cert.pem where they are missing."""
    folder.mkdir(exist_ok=True)
    for facility in facilities:
        key_file, certificate_file = folder / f"{facility}.key.pem", folder / f"{facility}.cert.pem"
        if certificate_file.exists():
            continue
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        key_file.touch(mode=0o600)
        key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        certificate_file.write_bytes(_certificate(key, facility).public_bytes(Encoding.PEM))


def _certificate(key: rsa.RSAPrivateKey, facility: str) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"facility {facility}")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _VALID)
        .sign(key, hashes.SHA256())
    )
