"""Mutual TLS from three files; read again when they change, so that certificates rotate without a restart."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """The files of one service. Its certificate's first DNS name is the service's name."""

    cert_file: Path
    key_file: Path
    ca_file: Path

    def stamp(self) -> tuple[float, ...]:
        """Changes whenever one of the files is replaced."""
        return tuple(path.stat().st_mtime for path in (self.cert_file, self.key_file, self.ca_file))


def tls_of(cert_file: Path | None, key_file: Path | None, ca_file: Path | None) -> Tls | None:
    """The files together, or None when none is set; `ProcessSettings.faults` refuses the rest."""
    if cert_file is None or key_file is None or ca_file is None:
        return None
    return Tls(cert_file=cert_file, key_file=key_file, ca_file=ca_file)


def server_credentials(tls: Tls) -> grpc.ServerCredentials:
    """Credentials that demand a client certificate of our CA."""
    known = [tls.stamp()]

    def configuration() -> Any:  # Any: grpc hides this class from the stubs
        return grpc.ssl_server_certificate_configuration(
            [(tls.key_file.read_bytes(), tls.cert_file.read_bytes())],
            root_certificates=tls.ca_file.read_bytes(),
        )

    def renewed() -> Any:  # Any: as above
        try:
            stamp = tls.stamp()
            if stamp == known[0]:
                return None
            fresh = configuration()
        except OSError:
            return None  # half-way through a rotation: the certificate in hand still stands
        known[0] = stamp
        return fresh

    return grpc.dynamic_ssl_server_credentials(configuration(), renewed, require_client_authentication=True)


def channel_credentials(tls: Tls) -> grpc.ChannelCredentials:
    """Credentials that show our certificate and trust our CA only."""
    return grpc.ssl_channel_credentials(
        root_certificates=tls.ca_file.read_bytes(),
        private_key=tls.key_file.read_bytes(),
        certificate_chain=tls.cert_file.read_bytes(),
    )


def peer_service(auth_context: Any) -> str:  # Any: a mapping of names to sequences of bytes
    """The service a client certificate names: its first DNS name, "" without one."""
    if not auth_context:
        return ""
    for name in auth_context.get("peer_dns", ()) or auth_context.get("x509_subject_alternative_name", ()):
        return bytes(name).decode("ascii", "replace")
    return ""
