"""Fields encrypted at rest and identifiers looked up by keyed hash, with the key's version in every value.

A sealed field is: key version (1 byte), algorithm (1 byte, 1 = AES-256-GCM), nonce (12 bytes), ciphertext and
tag. The place ("table|column|row id") is authenticated with it, so a value copied to another row does not
open. A lookup hash is: key version (1 byte), HMAC-SHA256 (32 bytes). A plain hash of a citizen number would
be useless: the whole number space takes about 15 core-hours of SHA-256 (measured 2026-01).
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis.errors import AppError, Kind

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
ALGORITHM_AES_256_GCM = 1
KEY_VERSION_MAX = 255


class KeyFileInvalid(AppError):
    """The key file is missing, malformed or open to others."""

    kind = Kind.INTERNAL
    reason = "KEY_FILE_INVALID"
    vi = "Tệp khóa mã hóa không hợp lệ; hãy báo cho quản trị hệ thống."


class FieldUnreadable(AppError):
    """A sealed field does not open: wrong key, wrong place or changed bytes."""

    kind = Kind.INTERNAL
    reason = "FIELD_UNREADABLE"
    vi = "Không giải mã được dữ liệu; hãy báo cho quản trị hệ thống."


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySet:
    """Keys by version and the version new values take."""

    current: int
    keys: dict[int, bytes]

    def __post_init__(self) -> None:
        if self.current not in self.keys:
            raise KeyFileInvalid("Name an existing key version as current.", version=self.current)
        for version, key in self.keys.items():
            if not 1 <= version <= KEY_VERSION_MAX:
                raise KeyFileInvalid("Number key versions from 1 to 255.", version=version)
            if len(key) != KEY_BYTES:
                raise KeyFileInvalid("Give each key 32 bytes in base64.", version=version)

    def __repr__(self) -> str:
        return f"KeySet(current={self.current}, versions={sorted(self.keys)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """The two key sets of a service: one seals fields, the other hashes identifiers."""

    seal: KeySet
    lookup: KeySet

    @classmethod
    def from_file(cls, path: Path) -> KeyRing:
        """Read `{"current": 1, "keys": {"1": base64}, "lookup": {"current": 1, "keys": {...}}}`.

        Raises:
            KeyFileInvalid: the file is missing, malformed, or writable by group or others.
        """
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as cause:
            raise KeyFileInvalid("Create the key file with chassis.crypto.generate_key_file.") from cause
        if mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise KeyFileInvalid("Let only its owner write the key file.", mode=oct(mode))
        if not isinstance(content, dict):
            raise KeyFileInvalid("The key file holds one JSON object.")
        return cls(seal=_key_set(content), lookup=_key_set(content.get("lookup")))


def generate_key_file(path: Path) -> None:
    """Write a fresh key file that only its owner may read; refuses to replace one that exists.

    Raises:
        FileExistsError: replacing keys would make every sealed field unreadable.
    """

    def fresh() -> dict[str, object]:
        return {"current": 1, "keys": {"1": base64.b64encode(os.urandom(KEY_BYTES)).decode("ascii")}}

    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({**fresh(), "lookup": fresh()}, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())


class FieldCipher:
    """Seals and opens single fields with AES-256-GCM."""

    def __init__(self, ring: KeyRing) -> None:
        self._current = ring.seal.current
        self._ciphers = {version: AESGCM(key) for version, key in ring.seal.keys.items()}

    def seal(self, plain: str | bytes, *, place: str) -> bytes:
        """Encrypt a field for its place, `table|column|row id`; 30 bytes longer than the plain value."""
        assert place, "a field is sealed for a place"
        content = plain.encode("utf-8") if isinstance(plain, str) else plain
        prefix = bytes((self._current, ALGORITHM_AES_256_GCM))
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self._current].encrypt(nonce, content, prefix + place.encode("utf-8"))
        return prefix + nonce + sealed

    def open(self, blob: bytes, *, place: str) -> bytes:
        """Decrypt a field sealed for the same place.

        Raises:
            FieldUnreadable: unknown key version, another place, or changed bytes.
        """
        cipher = self._cipher_of(blob)
        nonce, sealed = blob[2 : 2 + NONCE_BYTES], blob[2 + NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, sealed, blob[:2] + place.encode("utf-8"))
        except InvalidTag:
            raise FieldUnreadable("Restore the row from a backup.", key_version=blob[0]) from None

    def open_text(self, blob: bytes, *, place: str) -> str:
        """Decrypt a field that was sealed as text; raises as `open` does."""
        return self.open(blob, place=place).decode("utf-8")

    def needs_reseal(self, blob: bytes) -> bool:
        """Whether a value was sealed under an older key than the current one."""
        return blob[0] != self._current

    def _cipher_of(self, blob: bytes) -> AESGCM:
        if len(blob) < 2 + NONCE_BYTES + TAG_BYTES or blob[1] != ALGORITHM_AES_256_GCM:
            raise FieldUnreadable("This is not a field sealed here.", length_bytes=len(blob))
        cipher = self._ciphers.get(blob[0])
        if cipher is None:
            raise FieldUnreadable("Give the key ring the version of this value.", key_version=blob[0])
        return cipher


class LookupHash:
    """Keyed hashes that find a row by an identifier without holding the identifier."""

    def __init__(self, ring: KeyRing) -> None:
        self._current = ring.lookup.current
        self._keys = ring.lookup.keys

    def of(self, kind: str, value: str) -> bytes:
        """The 33-byte hash of an identifier under the current key; `kind` keeps number spaces apart."""
        return self._hash(self._current, kind=kind, value=value)

    def every(self, kind: str, value: str) -> list[bytes]:
        """The hashes under every key, the current first: what to look for while keys rotate."""
        versions = sorted(self._keys, key=lambda version: (version != self._current, -version))
        return [self._hash(version, kind=kind, value=value) for version in versions]

    def _hash(self, version: int, *, kind: str, value: str) -> bytes:
        # A length in front, so that ("a", "bc") and ("ab", "c") differ.
        body = f"{len(kind)}:{kind}:{value}".encode()
        return bytes((version,)) + hmac.digest(self._keys[version], body, "sha256")


def _key_set(content: object) -> KeySet:
    try:
        assert isinstance(content, dict)
        keys = {
            int(version): base64.b64decode(key, validate=True) for version, key in content["keys"].items()
        }
        current = int(content["current"])
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError) as cause:
        raise KeyFileInvalid("Give `current` and `keys` for fields, and again under `lookup`.") from cause
    return KeySet(current=current, keys=keys)
