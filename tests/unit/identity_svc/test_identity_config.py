"""Settings of identity: complete, bounded, and never a key in clear over a foreign line."""

from __future__ import annotations

from pathlib import Path

import pytest

from chassis.settings import SettingsInvalid, describe, load
from identity_svc.config import Settings


def environ(tmp_path: Path, **changed: str) -> dict[str, str]:
    for name in ("keys.json", "tokens.json"):
        (tmp_path / name).touch()
    return {
        "IDENTITY_DATABASE_URL": f"sqlite:///{tmp_path}/identity.db",
        "IDENTITY_FIELD_KEY_FILE": str(tmp_path / "keys.json"),
        "IDENTITY_TOKEN_KEY_FILE": str(tmp_path / "tokens.json"),
        "IDENTITY_REGISTER_CLIENT_KEY": "a-key",
        **changed,
    }


def test_the_defaults_are_complete_and_the_key_is_masked(tmp_path: Path) -> None:
    settings = load(Settings, environ(tmp_path))

    assert settings.listen == "127.0.0.1:7001"
    assert settings.register_check_max_age_h == 720
    assert "a-key" not in repr(settings)
    assert all(row.doc for row in describe(Settings))


@pytest.mark.parametrize(
    ("url", "is_accepted"),
    [
        ("http://127.0.0.1:7101", True),
        ("http://localhost", True),
        ("http://[::1]:7101", True),
        ("https://register.example", True),
        ("http://register.example", False),
        ("http://register.example:80/path", False),
        ("ftp://127.0.0.1", False),
    ],
)
def test_the_register_is_reached_in_clear_on_this_machine_only(
    tmp_path: Path, url: str, is_accepted: bool
) -> None:
    values = environ(tmp_path, IDENTITY_REGISTER_URL=url)
    if is_accepted:
        assert load(Settings, values).register_url == url
        return
    with pytest.raises(SettingsInvalid) as caught:
        load(Settings, values)
    assert any("IDENTITY_REGISTER_URL" in fault for fault in caught.value.faults)


def test_a_site_names_its_own_identifier_systems(tmp_path: Path) -> None:
    own = tmp_path / "systems.csv"
    own.write_text("system,family\nurn:oid:2.16.704.9.9.1,IDENTITY\n", encoding="utf-8")

    settings = load(Settings, environ(tmp_path, IDENTITY_IDENTIFIER_SYSTEMS_FILE=str(own)))

    assert "2.16.704.9.9.1" in settings.identifier_systems()
    own.write_text("uri\nx\n", encoding="utf-8")
    for bad in (own, tmp_path / "missing.csv"):
        with pytest.raises(SettingsInvalid) as caught:
            load(Settings, environ(tmp_path, IDENTITY_IDENTIFIER_SYSTEMS_FILE=str(bad)))
        assert any("IDENTITY_IDENTIFIER_SYSTEMS_FILE" in fault for fault in caught.value.faults)
