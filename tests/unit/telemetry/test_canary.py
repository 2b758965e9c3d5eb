"""The canary scanner finds a planted value in each form it may have taken."""

import base64
import json
import unicodedata
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from tests.support.canary import CHUNK_BYTES, Canaries, scan

NUMBER = "099204012345"
CARD = "GD4790912345678"
NAME = "Nguyễn Thị Đào"


def forms(target: bytes | str | Path, canary: str) -> set[str]:
    return {hit.form for hit in scan(target, [canary])}


@pytest.mark.parametrize("canary", [NUMBER, CARD, NAME])
def test_plain_value_is_found(canary: str) -> None:
    assert "plain" in forms(f'{{"note": "{canary}"}}', canary)


@pytest.mark.parametrize("canary", [NUMBER, CARD, NAME])
@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("after", ["", "z", "zy"])
def test_base64_is_found_at_each_alignment(canary: str, before: str, after: str) -> None:
    encoded = base64.b64encode(f"{before}{canary}{after}".encode())
    assert "base64" in forms(encoded, canary)


def test_urlsafe_base64_is_found() -> None:
    # given a value whose base64 has a character that differs between the alphabets
    value = "ạ>>>???ạọ>>>"
    encoded = base64.urlsafe_b64encode(value.encode())
    assert b"-" in encoded or b"_" in encoded
    assert "base64" in forms(encoded, value)


@pytest.mark.parametrize("canary", [NUMBER, CARD, NAME])
def test_hex_is_found_in_both_cases_and_with_blanks(canary: str) -> None:
    assert "hex" in forms(canary.encode().hex(), canary)
    assert "hex" in forms(canary.encode().hex().upper(), canary)
    assert "hex" in forms(canary.encode().hex(" "), canary)


def test_url_encoding_is_found_with_either_blank_and_case() -> None:
    assert "url" in forms(f"/search?q={quote(NAME)}", NAME)
    assert "url" in forms(f"/search?q={quote_plus(NAME)}", NAME)
    assert "url" in forms(f"/search?q={quote(NAME).lower()}", NAME)


def test_json_escapes_are_found_in_both_cases() -> None:
    assert "json" in forms(json.dumps({"name": NAME}), NAME)
    assert "json" in forms(json.dumps({"name": NAME}).replace("u1ec5", "u1EC5"), NAME)
    assert "json" in forms(json.dumps(json.dumps({"name": NAME})), NAME)


def test_escaped_bytes_of_a_log_are_found() -> None:
    assert "json" in forms(repr(NAME.encode()), NAME)


def test_character_references_are_found() -> None:
    assert "xml" in forms(NAME.encode("ascii", "xmlcharrefreplace"), NAME)


@pytest.mark.parametrize(
    "text", ["Nguyen Thi Dao", "NGUYEN THI DAO", "nguyễn thị đào", "Nguyên Thi Ðào".replace("Ð", "Đ")]
)
def test_name_without_its_marks_is_found(text: str) -> None:
    assert "stripped" in forms(text, NAME)


def test_decomposed_name_is_found() -> None:
    assert "plain" in forms(unicodedata.normalize("NFD", NAME), NAME)


@pytest.mark.parametrize(
    "text",
    [
        "099 204 012 345",
        "099-204-012-345",
        "099.204.012.345",
        "0992 0401 2345",
        "099\u00a0204\u00a0012\u00a0345",
        "099, 204012345",
    ],
)
def test_grouped_digits_are_found(text: str) -> None:
    assert "grouped" in forms(f"number {text}.", NUMBER)


def test_utf_16_of_a_crash_dump_is_found() -> None:
    assert "utf-16" in forms(b"\x00\x01" + NAME.encode("utf-16-le"), NAME)


def test_value_across_two_chunks_of_a_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "dump.bin").write_bytes(b"." * (CHUNK_BYTES - 5) + NUMBER.encode() + b"." * 50)
    assert [hit.canary for hit in scan(tmp_path, [NUMBER]) if hit.form == "plain"] == [NUMBER]


def test_value_in_a_file_name_is_found(tmp_path: Path) -> None:
    (tmp_path / f"{NUMBER}.json").write_text("{}")
    assert scan(tmp_path, [NUMBER])


def test_other_values_are_not_found(tmp_path: Path) -> None:
    (tmp_path / "log.json").write_text(
        '{"trace_id": "0af7651916cd43dd8448eb211c80319c", "count": 12, "name": "Nguyen"}'
    )
    assert (
        scan([tmp_path, "identity.VerifyCard 099204012346", b"GD4790912345679"], [NUMBER, CARD, NAME]) == []
    )


def test_canary_that_is_found_by_chance_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 6"):
        Canaries(["12345"])
