"""Settings tell every fault at once and never show a secret."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from chassis.settings import (
    CommonSettings,
    Secret,
    SettingsInvalid,
    describe,
    is_loopback,
    load,
    setting,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    PREFIX: ClassVar[str] = "SAMPLE_"

    wait_ms: int = setting(doc="Wait.", minimum=1, maximum=100)
    share: float = setting(default=0.4, doc="Share.", minimum=0, maximum=1)
    loud: bool = setting(default=False, doc="Loud.")
    names: tuple[str, ...] = setting(default=(), doc="Names.")
    folder: Path | None = setting(default=None, doc="Folder.", must_exist=True)
    key: Secret = setting(default=Secret(""), doc="Key.")
    mode: str = setting(default="slow", doc="Mode.", choices=("slow", "fast"))
    url: str = setting(default="", doc="Address.", masked=True)
    outside: str = setting(default="", doc="Of another.", env="OTHER_NAME")

    def faults(self) -> Iterator[str]:
        if self.loud and self.mode == "slow":
            yield "SAMPLE_LOUD needs SAMPLE_MODE=fast."


def test_each_type_is_read(tmp_path):
    made = load(
        Sample,
        {
            "SAMPLE_WAIT_MS": " 5 ",
            "SAMPLE_SHARE": "0.5",
            "SAMPLE_LOUD": "yes",
            "SAMPLE_MODE": "fast",
            "SAMPLE_NAMES": "a, b,,c",
            "SAMPLE_FOLDER": str(tmp_path),
            "SAMPLE_KEY": "hush",
            "OTHER_NAME": "there",
        },
    )

    assert (made.wait_ms, made.share, made.loud, made.mode) == (5, 0.5, True, "fast")
    assert (made.names, made.folder, made.outside) == (("a", "b", "c"), tmp_path, "there")
    assert made.key.reveal() == "hush"


def test_defaults_stand_where_nothing_is_set():
    made = load(Sample, {"SAMPLE_WAIT_MS": "1", "SAMPLE_SHARE": ""})

    assert (made.share, made.loud, made.names, made.folder) == (0.4, False, (), None)


def test_all_faults_are_told_at_once():
    with pytest.raises(SettingsInvalid) as caught:
        load(
            Sample,
            {
                "SAMPLE_SHARE": "1.5",
                "SAMPLE_LOUD": "maybe",
                "SAMPLE_MODE": "warp",
                "SAMPLE_FOLDER": "/nowhere/at/all",
                "SAMPLE_WAITMS": "5",
            },
        )

    told = "\n".join(caught.value.faults)
    assert len(caught.value.faults) == 6
    assert "SAMPLE_WAIT_MS is required" in told
    assert "SAMPLE_SHARE: '1.5' is too large; give a number from 0 to 1." in told
    assert "SAMPLE_LOUD: 'maybe' is not accepted" in told
    assert "SAMPLE_MODE: 'warp' is not one of the choices; give one of slow, fast." in told
    assert "SAMPLE_FOLDER" in told
    assert "SAMPLE_WAITMS is not a setting; did you mean SAMPLE_WAIT_MS?" in told


@pytest.mark.parametrize(("text", "accepted"), [("0", False), ("1", True), ("100", True), ("101", False)])
def test_bounds_are_inclusive(text, accepted):
    environ = {"SAMPLE_WAIT_MS": text}
    if accepted:
        assert load(Sample, environ).wait_ms == int(text)
    else:
        with pytest.raises(SettingsInvalid):
            load(Sample, environ)


def test_faults_between_fields_are_told_too():
    with pytest.raises(SettingsInvalid, match="SAMPLE_LOUD needs"):
        load(Sample, {"SAMPLE_WAIT_MS": "1", "SAMPLE_LOUD": "1"})


def test_a_variable_of_the_platform_is_no_misspelling():
    made = load(Sample, {"SAMPLE_WAIT_MS": "1", "SAMPLE_PORT": "tcp://10.0.0.1:80"})

    assert made.wait_ms == 1


def test_secrets_show_in_no_repr():
    made = load(Sample, {"SAMPLE_WAIT_MS": "1", "SAMPLE_KEY": "hush", "SAMPLE_URL": "pg://u:hush@h"})

    assert "hush" not in repr(made)
    assert "hush" not in f"{made.key!r}"


def test_the_table_has_a_line_for_each_field():
    rows = {row.name: row for row in describe(Sample)}

    assert list(rows)[:2] == ["SAMPLE_WAIT_MS", "SAMPLE_SHARE"]
    assert rows["SAMPLE_WAIT_MS"].required
    assert rows["SAMPLE_SHARE"].default == "0.4"
    assert rows["SAMPLE_MODE"].accepted == "one of slow, fast"
    assert rows["OTHER_NAME"].doc == "Of another."


@dataclass(frozen=True, slots=True, kw_only=True)
class Service(CommonSettings):
    PREFIX: ClassVar[str] = "SVC_"

    identity_target: str = setting(default="127.0.0.1:7001", doc="Identity.")


@pytest.fixture
def environ(tmp_path) -> dict[str, str]:
    key = tmp_path / "key.json"
    key.write_text("{}")
    return {
        "SVC_DATABASE_URL": "sqlite:///x.sqlite",
        "SVC_FIELD_KEY_FILE": str(key),
        "SVC_TOKEN_KEY_FILE": str(key),
    }


def test_a_sibling_is_found_by_its_name(environ):
    made = load(Service, environ)

    assert made.peer_target("identity") == made.peer_target("identity_svc") == "127.0.0.1:7001"
    with pytest.raises(LookupError):
        made.peer_target("payment")


def test_leaving_the_machine_needs_tls(environ, tmp_path):
    with pytest.raises(SettingsInvalid, match="SVC_LISTEN leaves this machine"):
        load(Service, {**environ, "SVC_LISTEN": "0.0.0.0:7001"})

    files = {f"SVC_TLS_{name}_FILE": environ["SVC_FIELD_KEY_FILE"] for name in ("CERT", "KEY", "CA")}
    assert load(Service, {**environ, "SVC_LISTEN": "0.0.0.0:7001", **files}).listen == "0.0.0.0:7001"


def test_half_of_tls_is_refused(environ):
    with pytest.raises(SettingsInvalid, match="belong together"):
        load(Service, {**environ, "SVC_TLS_CERT_FILE": environ["SVC_FIELD_KEY_FILE"]})


@pytest.mark.parametrize(
    ("name", "text"),
    [("SVC_DATABASE_URL", "mysql://x"), ("SVC_LISTEN", "127.0.0.1"), ("SVC_LISTEN", "127.0.0.1:70000")],
)
def test_an_address_in_another_form_is_refused(environ, name, text):
    with pytest.raises(SettingsInvalid) as caught:
        load(Service, {**environ, name: text})

    assert len(caught.value.faults) == 1
    assert name in caught.value.faults[0]


def test_a_database_password_is_in_no_fault(environ):
    with pytest.raises(SettingsInvalid) as caught:
        load(Service, {**environ, "SVC_DATABASE_URL": "mysql://user:hush@host/x"})

    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1:1", True),
        ("127.8.8.8:1", True),
        ("[::1]:1", True),
        ("localhost:1", True),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
        ("10.0.0.1:1", False),
        ("identity:1", False),
        (":1", False),
    ],
)
def test_loopback_is_told_from_the_rest(address, loopback):
    assert is_loopback(address) is loopback
