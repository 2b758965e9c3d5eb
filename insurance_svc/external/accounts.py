"""Reads the portal accounts of facilities from the operator's file."""

from __future__ import annotations

import json
from pathlib import Path

from insurance_svc.external.portal_session import PortalAccount

_FIELDS = ("username", "password", "staff_name", "staff_number")


class PortalAccountsInvalid(ValueError):
    """The file of accounts cannot be read; the text names the facility, never a value."""


def read_accounts(file: Path | None) -> dict[str, PortalAccount]:
    """Accounts by facility; none without a file.

    Raises:
        PortalAccountsInvalid: not a JSON object of objects with the four texts each.
    """
    if file is None:
        return {}
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise PortalAccountsInvalid("the file of portal accounts is not JSON") from None
    if not isinstance(document, dict):
        raise PortalAccountsInvalid("the file of portal accounts holds one object")
    return {facility: _account(facility, entry) for facility, entry in document.items()}


def _account(facility: str, entry: object) -> PortalAccount:
    texts = entry if isinstance(entry, dict) else {}
    if set(texts) != set(_FIELDS) or not all(isinstance(text, str) and text for text in texts.values()):
        raise PortalAccountsInvalid(f"the account of {facility} needs exactly {', '.join(_FIELDS)}")
    return PortalAccount(**texts)
