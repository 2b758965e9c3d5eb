"""The seeded clients of the issuer and their secrets."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

ROLES = ("citizen", "clerk", "clinician", "cashier", "steward", "operator", "auditor", "device")
PUBLIC_CLIENT_ID = "lienthong-web"
"""The browser client: no secret, authorization code with PKCE only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One who may ask for a token for himself."""

    client_id: str
    subject: str
    """An opaque id, never a name."""
    roles: tuple[str, ...]
    facility_code: str
    """5 characters; empty for a citizen."""


def _staff(client_id: str, role: str, facility_code: str = "19999") -> Client:
    return Client(
        client_id=client_id, subject=f"staff-{client_id}", roles=(role,), facility_code=facility_code
    )


CLIENTS = {
    client.client_id: client
    for client in (
        _staff("clerk", "clerk"),
        _staff("station-clerk", "clerk", "19T01"),
        _staff("district-clerk", "clerk", "19998"),
        _staff("clinician", "clinician"),
        _staff("station-clinician", "clinician", "19T01"),
        _staff("cashier", "cashier"),
        _staff("station-cashier", "cashier", "19T01"),
        _staff("steward", "steward"),
        _staff("operator", "operator"),
        _staff("auditor", "auditor"),
        Client(client_id="kiosk", subject="device-kiosk-1", roles=("device",), facility_code="19999"),
        Client(client_id="citizen", subject="citizen-0", roles=("citizen",), facility_code=""),
    )
}


def dev_secret(client_id: str) -> str:
    """The secret everybody knows, for loopback and tests only."""
    return f"sandbox-{client_id}-secret"


def load_secrets(path: Path | None) -> dict[str, str]:
    """Client secrets: the known ones without a file, else those of the file, which is made when missing.

    The file is JSON, client id to secret, readable by its owner only.
    """
    if path is None:
        return {client_id: dev_secret(client_id) for client_id in CLIENTS}
    if not path.exists():
        fresh = {client_id: secrets.token_urlsafe(24) for client_id in CLIENTS}
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(fresh, file, indent=2)
    held = json.loads(path.read_text())
    return {client_id: str(held[client_id]) for client_id in CLIENTS}
