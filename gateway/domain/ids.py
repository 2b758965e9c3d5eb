"""Ids that the gateway derives, so that a repeated request makes the same ones."""

from __future__ import annotations

import re
import uuid
from functools import lru_cache
from hashlib import sha1

_JOURNEYS = uuid.UUID("6c69656e-7468-5f6e-8767-617465776179").bytes
_VISIT_NAME = re.compile(r"visits/([0-9a-f]{32})(?:/|\Z)")


@lru_cache(maxsize=1_024)
def visit_id_of(request_id: str) -> str:
    """The visit a CheckIn opens, 32 hexadecimal characters; it is also the trace id of the journey."""
    return _named(_JOURNEYS, request_id.lower())


def is_our_own(visit_id: str) -> bool:
    """Whether a visit id has the marks of the ids made here (UUID version 5): a number filled up to 32 has not."""
    return visit_id[12] == "5" and visit_id[16] in "89ab"


def child_request_id(request_id: str, leg: str) -> str:
    """The request_id of one leg of a journey; the same for every repeat of the journey."""
    text = _named(bytes.fromhex(request_id.replace("-", "")), leg)
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _named(space: bytes, name: str) -> str:
    """The hex digits of a version 5 UUID (RFC 9562); the uuid module takes three times as long."""
    digest = sha1(space + name.encode(), usedforsecurity=False).digest()
    number = int.from_bytes(digest[:16], "big") & ~(0xF << 76) & ~(0x3 << 62) | 0x5 << 76 | 0x2 << 62
    return f"{number:032x}"


def visit_id_in(name: str) -> str | None:
    """The visit id in a resource name that begins with a visit, or None."""
    found = _VISIT_NAME.match(name)
    return found.group(1) if found else None
