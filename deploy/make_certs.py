"""Makes the private certificate authority of a composed suite and one certificate for each of its services.

Run `python -m deploy.make_certs AUTHORITY_DIR FOLDER/NAME...`: each FOLDER/NAME gets `ca.pem`, `cert.pem` and
`key.pem`, where NAME is the service. A certificate that is good for ten more days is left as it is, so that
the command may run at every start; services read renewed files without a restart.
"""

from __future__ import annotations

import argparse
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE = timedelta(days=5 * 365)
LEAF_LIFE = timedelta(days=30)
RENEW_BEFORE = timedelta(days=10)
CLOCK_SLACK = timedelta(minutes=5)
"""Certificates begin this much in the past, for machines whose clocks differ a little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """The certificate authority that all services of one installation trust, and nobody else does."""

    cert: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def ensure_authority(folder: Path, *, now: datetime) -> Authority:
    """Read the authority of a folder, or make one there.

    Args:
        folder: Holds `ca.pem` and `ca-key.pem`; only the maker of certificates may see it.
        now: The moment, UTC.
    Raises:
        ValueError: the folder holds a certificate without its key, or the other way round.
    """
    cert_file, key_file = folder / "ca.pem", folder / "ca-key.pem"
    if cert_file.exists() != key_file.exists():
        raise ValueError(f"{folder} holds half an authority; restore the other half from the backup")
    if cert_file.exists():
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{key_file} is not a key this program made")
        return Authority(cert=x509.load_pem_x509_certificate(cert_file.read_bytes()), key=key)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lienthong internal authority")])
    cert = (
        _builder(name, name, key, now=now, life=AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    _write(key_file, _key_pem(key), mode=0o600)
    _write(cert_file, cert.public_bytes(serialization.Encoding.PEM), mode=0o644)
    return Authority(cert=cert, key=key)


def ensure_leaf(
    authority: Authority, folder: Path, name: str, *, now: datetime, also: Sequence[str] = ()
) -> bool:
    """Give a service its certificate unless the one it has will do; whether one was made.

    Args:
        authority: Signs it.
        folder: Gets `ca.pem`, `cert.pem` and `key.pem`.
        name: The service: common name (PostgreSQL's role) and first DNS name (its peers' name for it).
        now: The moment, UTC.
        also: Further DNS names or IP addresses it is reached by.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cert_file = folder / "cert.pem"
    _write(folder / "ca.pem", authority.cert.public_bytes(serialization.Encoding.PEM), mode=0o644)
    if cert_file.exists() and _will_do(
        x509.load_pem_x509_certificate(cert_file.read_bytes()), authority, now
    ):
        return False
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    cert = (
        _builder(subject, authority.cert.subject, key, now=now, life=LEAF_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.SubjectAlternativeName([_name(text) for text in (name, *also)]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False
        )
        .sign(authority.key, hashes.SHA256())
    )
    # The key first: a reader between the two sees an old certificate with a new key and keeps what it has.
    _write(folder / "key.pem", _key_pem(key), mode=0o600)
    _write(cert_file, cert.public_bytes(serialization.Encoding.PEM), mode=0o644)
    return True


def _will_do(cert: x509.Certificate, authority: Authority, now: datetime) -> bool:
    is_ours = cert.issuer == authority.cert.subject
    try:
        cert.verify_directly_issued_by(authority.cert)
    except (ValueError, TypeError, InvalidSignature):
        is_ours = False
    return is_ours and cert.not_valid_after_utc - now > RENEW_BEFORE


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    *,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SLACK)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes, *, mode: int) -> None:
    """Replace a file in one step, never open to others for a moment."""
    if path.exists() and path.read_bytes() == content:
        return
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    beside.replace(path)


def main() -> None:
    """Make certificates from the command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.make_certs", description=__doc__)
    parser.add_argument("authority", type=Path, help="folder of the authority's certificate and key")
    parser.add_argument("folders", type=Path, nargs="+", help="folder of each service, named like it")
    arguments = parser.parse_args()
    now = datetime.now(UTC)
    authority = ensure_authority(arguments.authority, now=now)
    for folder in arguments.folders:
        made = ensure_leaf(authority, folder, folder.name, now=now)
        print(f"{folder.name}: {'made' if made else 'kept'}")


if __name__ == "__main__":
    main()
