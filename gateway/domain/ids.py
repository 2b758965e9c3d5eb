"""Ids that the gateway derives, so that a repeated request makes the same ones."""

from __future__ import annotations

import re
import uuid

_JOURNEYS = uuid.UUID("6c69656e-7468-5f6e-8767-617465776179")
_VISIT_NAME = re.compile(r"visits/([0-9a-f]{32})(?:/|\Z)")


def visit_id_of(request_id: str) -> str:
    """The visit a CheckIn opens, 32 hexadecimal characters; it is also the trace id of the journey."""
    return uuid.uuid5(_JOURNEYS, request_id.lower()).hex


def is_our_own(visit_id: str) -> bool:
    """Whether a visit id has the marks of the ids made here (UUID version 5): a number filled up to 32 has not."""
    return uuid.UUID(hex=visit_id).version == 5


def child_request_id(request_id: str, leg: str) -> str:
    """The request_id of one leg of a journey; the same for every repeat of the journey."""
    return str(uuid.uuid5(uuid.UUID(request_id), leg))


def visit_id_in(name: str) -> str | None:
    """The visit id in a resource name that begins with a visit, or None."""
    found = _VISIT_NAME.match(name)
    return found.group(1) if found else None
