"""Sealed fields open only where they were sealed, and identifiers are found without being held."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis.crypto import (
    FieldCipher,
    FieldUnreadable,
    KeyFileInvalid,
    KeyRing,
    KeySet,
    LookupHash,
    generate_key_file,
)

ONE, TWO = bytes(range(32)), bytes(range(32, 64))
OLD = KeyRing(seal=KeySet(current=1, keys={1: ONE}), lookup=KeySet(current=1, keys={1: ONE}))
NEW = KeyRing(seal=KeySet(current=2, keys={1: ONE, 2: TWO}), lookup=KeySet(current=2, keys={1: ONE, 2: TWO}))
PLACE = "citizens|full_name|c1"


@pytest.mark.parametrize("plain", ["", "Nguyễn Thị Hồng", "a" * 10_000])
def test_a_field_opens_where_it_was_sealed(plain: str) -> None:
    sealed = FieldCipher(OLD).seal(plain, place=PLACE)
    assert FieldCipher(OLD).open_text(sealed, place=PLACE) == plain
    assert len(sealed) == len(plain.encode()) + 30
    assert plain == "" or plain.encode() not in sealed


def test_the_layout_is_the_documented_one() -> None:
    sealed = FieldCipher(NEW).seal(b"x", place=PLACE)
    assert sealed[:2] == bytes((2, 1))
    # Opened by the library alone, with what the docstring says.
    assert AESGCM(TWO).decrypt(sealed[2:14], sealed[14:], bytes((2, 1)) + PLACE.encode()) == b"x"


def test_two_seals_of_one_value_differ() -> None:
    cipher = FieldCipher(OLD)
    assert len({cipher.seal("x", place=PLACE) for _ in range(100)}) == 100


@pytest.mark.parametrize("place", ["citizens|full_name|c2", "citizens|phone|c1", "patients|full_name|c1"])
def test_a_field_copied_to_another_place_does_not_open(place: str) -> None:
    sealed = FieldCipher(OLD).seal("x", place=PLACE)
    with pytest.raises(FieldUnreadable):
        FieldCipher(OLD).open(sealed, place=place)


def test_a_change_of_any_byte_is_noticed() -> None:
    sealed = FieldCipher(NEW).seal("abc", place=PLACE)
    for position in range(len(sealed)):
        forged = bytearray(sealed)
        forged[position] ^= 1
        with pytest.raises(FieldUnreadable):
            FieldCipher(NEW).open(bytes(forged), place=PLACE)


@pytest.mark.parametrize("blob", [b"", b"\x01", bytes(29)])
def test_bytes_that_were_never_sealed_are_refused(blob: bytes) -> None:
    with pytest.raises(FieldUnreadable):
        FieldCipher(OLD).open(blob, place=PLACE)


def test_after_a_rotation_old_fields_open_and_new_ones_take_the_new_key() -> None:
    old = FieldCipher(OLD).seal("x", place=PLACE)
    cipher = FieldCipher(NEW)
    assert cipher.open_text(old, place=PLACE) == "x"
    assert cipher.needs_reseal(old)
    assert not cipher.needs_reseal(cipher.seal("x", place=PLACE))
    with pytest.raises(FieldUnreadable) as refusal:
        FieldCipher(OLD).open(cipher.seal("x", place=PLACE), place=PLACE)
    assert refusal.value.facts == {"key_version": "2"}


def test_a_lookup_hash_is_keyed_and_carries_its_version() -> None:
    found = LookupHash(NEW).of("citizen_number", "099200000001")
    assert found == b"\x02" + hmac.new(TWO, b"14:citizen_number:099200000001", hashlib.sha256).digest()
    assert found != LookupHash(OLD).of("citizen_number", "099200000001")


def test_number_spaces_do_not_meet() -> None:
    lookup = LookupHash(OLD)
    assert lookup.of("a", "b:c") != lookup.of("a:b", "c")
    assert lookup.of("phone", "0990000001") != lookup.of("card", "0990000001")


def test_while_keys_rotate_every_version_can_be_looked_for() -> None:
    old, new = LookupHash(OLD), LookupHash(NEW)
    assert new.every("k", "v") == [new.of("k", "v"), old.of("k", "v")]


def test_a_fresh_key_file_can_be_read_by_its_owner_alone_and_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    generate_key_file(path)
    ring = KeyRing.from_file(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert ring.seal.keys[1] != ring.lookup.keys[1]
    with pytest.raises(FileExistsError):
        generate_key_file(path)
    assert KeyRing.from_file(path) == ring


def test_a_key_file_others_may_write_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    generate_key_file(path)
    path.chmod(0o620)
    with pytest.raises(KeyFileInvalid):
        KeyRing.from_file(path)


GOOD = {"current": 1, "keys": {"1": base64.b64encode(ONE).decode()}}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        json.dumps(GOOD),
        json.dumps({**GOOD, "lookup": {**GOOD, "current": 2}}),
        json.dumps({**GOOD, "current": "x", "lookup": GOOD}),
        json.dumps({"current": 1, "keys": {"1": "c2hvcnQ="}, "lookup": GOOD}),
        json.dumps({"current": 256, "keys": {"256": GOOD["keys"]["1"]}, "lookup": GOOD}),  # type: ignore[index]
        json.dumps({"current": 1, "keys": {"1": "not base64!"}, "lookup": GOOD}),
    ],
)
def test_a_malformed_key_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)
    with pytest.raises(KeyFileInvalid):
        KeyRing.from_file(path)


def test_a_missing_key_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileInvalid):
        KeyRing.from_file(tmp_path / "none.json")


def test_keys_do_not_show_in_a_repr() -> None:
    assert ONE.hex() not in repr(OLD)
    assert repr(ONE) not in repr(OLD)
