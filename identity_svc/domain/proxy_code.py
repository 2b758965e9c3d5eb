"""The text of a one-visit proxy code: 195 digits, signed, without personal data.

    01 ddd…d      version, then as one decimal number of 193 digits: key version (1 byte), code id (10 bytes),
                  end of use in minutes since 1970 (5 bytes), Ed25519 signature of all before it (64 bytes)

Digits alone, because keyboard-wedge scanners type into whatever input method is on: Telex turns AA, DD or AS into
Vietnamese letters, and nothing turns a digit. QR's numeric mode holds them in version 5 at level M (202 digits).
The signature keeps made-up codes from reaching the database; whether a code was used stands only there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chassis.crypto import KeySet
from identity_svc.domain.delegation_errors import ProxyCodeForged, ProxyCodeUnreadable

CODE_ID_BYTES = 10
"""Random; signed, so that guessing one is of no use."""
TEXT_DIGITS = 195
LIFETIME_MAX_H = 72
LIFETIME_H = 24
VISIT = timedelta(hours=24)
"""How long the bearer may act after a desk took the code."""
OPEN_CODES_MAX = 5
_VERSION = "01"
_SIGNED_BYTES = 1 + CODE_ID_BYTES + 5
_TEXT = re.compile(rf"{_VERSION}([0-9]{{{TEXT_DIGITS - 2}}})", re.ASCII)
_KEY_PURPOSE = b"lienthong identity proxy code ed25519 v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeFacts:
    """What the text of a code says."""

    code_id: str
    """20 hexadecimal digits."""
    expire_time: datetime


class CodeSigner:
    """Signs codes and checks them, under keys derived from the operator's look-up keys (RFC 5869).

    So one key file is kept, rotates as it always did, and an old key still checks the codes of its time.
    """

    def __init__(self, lookup: KeySet) -> None:
        self.key_version = lookup.current
        """The version new codes are signed under."""
        self._keys = {version: _derive(key) for version, key in lookup.keys.items()}

    def text_of(self, code_id: str, *, expire_time: datetime, key_version: int) -> str:
        """The text of a code; the same for the same arguments, for Ed25519 draws nothing.

        Args:
            code_id: 20 hexadecimal digits.
            expire_time: Whole minutes.
            key_version: One of the key file's.
        """
        minutes = (expire_time - _EPOCH) // _MINUTE
        assert _EPOCH + minutes * _MINUTE == expire_time, "a code ends at a whole minute"
        signed = bytes((key_version,)) + bytes.fromhex(code_id) + minutes.to_bytes(5, "big")
        assert len(signed) == _SIGNED_BYTES
        number = int.from_bytes(signed + self._keys[key_version].sign(signed), "big")
        return _VERSION + str(number).zfill(TEXT_DIGITS - len(_VERSION))

    def read(self, text: str) -> CodeFacts:
        """What a scanned text says, once its signature holds; blanks at the ends are the scanner's.

        Raises:
            ProxyCodeUnreadable: another text, or a part of one.
            ProxyCodeForged: not signed with a key of ours.
        """
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            raise ProxyCodeUnreadable
        try:
            content = int(match[1]).to_bytes(_SIGNED_BYTES + 64, "big")
        except OverflowError:
            raise ProxyCodeUnreadable from None
        signed, signature = content[:_SIGNED_BYTES], content[_SIGNED_BYTES:]
        key = self._keys.get(signed[0])
        if key is None:
            raise ProxyCodeForged
        try:
            key.public_key().verify(signature, signed)
        except InvalidSignature:
            raise ProxyCodeForged from None
        minutes = int.from_bytes(signed[1 + CODE_ID_BYTES :], "big")
        return CodeFacts(code_id=signed[1 : 1 + CODE_ID_BYTES].hex(), expire_time=_EPOCH + minutes * _MINUTE)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)


def _derive(key: bytes) -> Ed25519PrivateKey:
    seed = HKDF(algorithm=SHA256(), length=32, salt=None, info=_KEY_PURPOSE).derive(key)
    return Ed25519PrivateKey.from_private_bytes(seed)
