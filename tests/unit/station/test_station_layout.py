"""The layout of a suite: ports, keys and an environment that every program accepts."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

import emr_svc.__main__
import gateway.__main__
import identity_svc.__main__
import insurance_svc.__main__
import payment_svc.__main__
from chassis.settings import load
from sandbox.config import read_settings
from station import layout

SETTINGS = {
    "identity": identity_svc.__main__.SERVICE.settings_class,
    "emr": emr_svc.__main__.SERVICE.settings_class,
    "insurance": insurance_svc.__main__.SERVICE.settings_class,
    "payment": payment_svc.__main__.SERVICE.settings_class,
    "gateway": gateway.__main__.SERVICE.settings_class,
}


@pytest.mark.parametrize("service", SETTINGS)
def test_every_service_accepts_the_environment_it_is_given(tmp_path: Path, service: str) -> None:
    place = layout.plan(tmp_path, any_ports=True)

    settings = load(SETTINGS[service], layout.environment(place, service))

    assert settings.listen == place.address(service)
    assert settings.span_dir == place.span_dir


@pytest.mark.parametrize("service", SETTINGS)
def test_the_one_box_reads_the_same_environment(tmp_path: Path, service: str) -> None:
    place = layout.plan(tmp_path, any_ports=True)

    settings = load(SETTINGS[service], layout.onebox_program(place).environment)

    assert settings == load(SETTINGS[service], layout.environment(place, service))


def test_the_sandbox_accepts_its_environment_and_shares_its_secrets(tmp_path: Path) -> None:
    place = layout.plan(tmp_path, any_ports=True)
    environment = layout.sandbox_environment(place)

    read_settings(environment)

    assert environment["SANDBOX_BANK_SECRET"] == layout.environment(place, "payment")["PAYMENT_HDBANK_SECRET"]
    assert (
        environment["SANDBOX_REGISTRY_KEY"]
        == layout.environment(place, "identity")["IDENTITY_REGISTER_CLIENT_KEY"]
    )
    assert (
        environment["SANDBOX_PORTAL_PASSWORD"]
        == layout.environment(place, "insurance")["INSURANCE_PORTAL_PASSWORD"]
    )


def test_no_two_listeners_share_a_port(tmp_path: Path) -> None:
    place = layout.plan(tmp_path, any_ports=True)

    assert len(set(place.ports.values())) == len(place.ports) == 16
    programs = [layout.sandbox_program(place), *layout.service_programs(place)]
    ports = [port for program in programs for port in program.ports]
    assert len(ports) == len(set(ports))


def test_secrets_and_private_keys_are_the_owners_alone(tmp_path: Path) -> None:
    place = layout.plan(tmp_path, any_ports=True)
    for name in ("registry", "portal", "bank"):
        place.secret(name)

    for path in (place.state_dir / "keys").iterdir():
        if path.name != "tokens-public.json":
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path.name


def test_a_second_plan_keeps_keys_and_secrets(tmp_path: Path) -> None:
    first = layout.plan(tmp_path, any_ports=True)
    secret = first.secret("bank")
    kept = {path.name: path.read_bytes() for path in (first.state_dir / "keys").iterdir()}

    second = layout.plan(tmp_path, any_ports=True)

    assert second.secret("bank") == secret
    assert {path.name: path.read_bytes() for path in (second.state_dir / "keys").iterdir()} == kept


def test_no_secret_of_one_service_is_given_to_another(tmp_path: Path) -> None:
    place = layout.plan(tmp_path, any_ports=True)
    secrets = {name: place.secret(name) for name in ("registry", "portal", "bank")}
    owner = {"registry": "identity", "portal": "insurance", "bank": "payment"}

    for name, secret in secrets.items():
        holders = {service for service in SETTINGS if secret in layout.environment(place, service).values()}
        assert holders == {owner[name]}
    signers = {
        service
        for service in SETTINGS
        if any("tokens-gateway" in value for value in layout.environment(place, service).values())
    }
    assert signers == {"gateway"}


def test_more_settings_stand_over_a_programs_own(tmp_path: Path) -> None:
    program = layout.onebox_program(layout.plan(tmp_path, any_ports=True))

    changed = layout.with_settings(program, {"EMR_OUTBOX_POLL_MS": "5", "GATEWAY_LISTEN": "127.0.0.1:1"})

    assert changed.environment["EMR_OUTBOX_POLL_MS"] == "5"
    assert changed.environment["GATEWAY_LISTEN"] == "127.0.0.1:1"
    assert program.environment["GATEWAY_LISTEN"] != "127.0.0.1:1"
