"""The composed suite is what the design says it is, and every setting in it is one its service knows."""

from __future__ import annotations

import importlib
import re
import ssl
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from chassis.crypto import KeyRing
from chassis.rpc.tokens import Minter, Verifier, load_signing_key
from chassis.settings import describe, load
from chassis.telemetry.metrics import Metrics
from deploy import make_keys
from deploy.make_certs import LEAF_LIFE, RENEW_BEFORE, ensure_authority, ensure_leaf
from sandbox.config import SETTINGS as SANDBOX_SETTINGS
from sandbox.config import read_settings

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)  # Any: YAML
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
WITH_DATABASE = ("identity", "emr", "insurance", "payment")
SUITE = (*WITH_DATABASE, "gateway")
FOREIGN = {"postgres", "jaeger", "prometheus"}
OURS = sorted(set(SERVICES) - FOREIGN)
FOR_ALL = {"SSL_CERT_FILE"}
"""Read by Python itself, not by a settings class."""
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
PORTS = {"identity": 7001, "emr": 7002, "insurance": 7003, "payment": 7004, "gateway": 7005}


def settings_class(name: str) -> type[Any]:
    """The settings class of a service; Any: each has its own."""
    package = name if name == "gateway" else f"{name}_svc"
    found: type[Any] = importlib.import_module(f"{package}.config").Settings
    return found


@pytest.fixture(scope="module")
def key_folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The key folders as the container `keys` makes them."""
    root = tmp_path_factory.mktemp("keys")
    make_keys.make_keys(root, now=datetime.now(UTC))
    return root


def environment(name: str, key_folders: Path) -> dict[str, str]:
    """A service's environment with its key folder where the test put it."""
    given: dict[str, str] = SERVICES[name]["environment"]
    return {key: str(value).replace("/run/keys", str(key_folders / name)) for key, value in given.items()}


def test_the_suite_and_what_it_stands_on_are_there() -> None:
    assert {*SUITE, "sandbox", *FOREIGN} <= set(SERVICES)


def test_the_file_has_no_project_name_and_no_syntax_line() -> None:
    assert "name" not in COMPOSE
    for file in ("compose.yaml", "Containerfile"):
        assert not re.search(r"^#\s*syntax\s*=", (ROOT / file).read_text(), re.MULTILINE | re.IGNORECASE)


def test_all_our_programs_run_from_one_image_that_is_built_once() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    assert {SERVICES[name]["image"] for name in OURS} == {f"lienthong:{version}"}
    assert [name for name in OURS if "build" in SERVICES[name]] == ["keys"]
    assert SERVICES["keys"]["build"] == {"context": ".", "dockerfile": "Containerfile"}


def test_foreign_images_name_a_version_and_no_registry() -> None:
    for name in FOREIGN:
        image, _, tag = SERVICES[name]["image"].partition(":")
        assert tag not in ("", "latest"), name
        assert "." not in image.partition("/")[0], name
    base = re.findall(r"^FROM (\S+)", (ROOT / "Containerfile").read_text(), re.MULTILINE)
    assert set(base) == {"python:3.11-slim"}


@pytest.mark.parametrize("name", OURS)
def test_a_container_of_ours_can_do_little(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    if name == "keys":
        assert service["network_mode"] == "none"
    else:
        assert "user" not in service
        assert "cap_add" not in service
    assert re.search(r"^USER 10001:10001$", (ROOT / "Containerfile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", SUITE)
def test_every_setting_of_a_service_is_known_and_together_they_are_faultless(
    name: str, key_folders: Path
) -> None:
    given = environment(name, key_folders)
    cls = settings_class(name)

    unknown = set(given) - {row.name for row in describe(cls)} - FOR_ALL
    settings = load(cls, given)

    assert unknown == set()
    assert settings.tls_ca_file is not None
    assert settings.otlp_endpoint == "http://jaeger:4317"
    assert settings.listen == f"0.0.0.0:{PORTS[name]}"
    assert settings.metrics_listen == f"0.0.0.0:{PORTS[name] + 200}"


def test_a_misspelt_setting_would_be_seen(key_folders: Path) -> None:
    given = environment("emr", key_folders) | {"EMR_DATABASE_ULR": "x"}

    unknown = set(given) - {row.name for row in describe(settings_class("emr"))} - FOR_ALL

    assert unknown == {"EMR_DATABASE_ULR"}


def test_every_setting_of_the_sandbox_is_known_and_fits_the_services() -> None:
    given = {key: str(value) for key, value in SERVICES["sandbox"]["environment"].items()}
    known = {setting.name for setting in SANDBOX_SETTINGS}

    settings = read_settings(given)

    assert set(given) - known == FOR_ALL
    assert SERVICES["identity"]["environment"]["IDENTITY_REGISTER_CLIENT_KEY"] == settings.registry_key
    assert SERVICES["insurance"]["environment"]["INSURANCE_PORTAL_PASSWORD"] == settings.portal_password
    assert SERVICES["payment"]["environment"]["PAYMENT_HDBANK_SECRET"] == settings.bank_secret
    assert SERVICES["gateway"]["environment"]["GATEWAY_OIDC_ISSUER"] == settings.oidc_issuer


@pytest.mark.parametrize("name", WITH_DATABASE)
def test_a_service_has_a_role_and_a_database_of_its_own_name(name: str) -> None:
    url = SERVICES[name]["environment"][f"{name.upper()}_DATABASE_URL"]

    assert url.startswith(f"postgresql://{name}@postgres/{name}?sslmode=verify-full&")
    script = (ROOT / "deploy/postgres/10-databases.sh").read_text()
    made = re.search(r"for name in ([a-z ]+);", script)
    assert made is not None
    assert made[1].split() == list(WITH_DATABASE)
    assert re.search(r"^hostssl\s+sameuser\s+all\s+all\s+cert$", script, re.MULTILINE)
    assert not re.search(r"^host\s", script, re.MULTILINE)


def test_postgresql_16_checks_its_pages_and_keeps_what_it_acknowledged() -> None:
    postgres = SERVICES["postgres"]

    assert postgres["image"] == "postgres:16"
    assert "--data-checksums" in postgres["environment"]["POSTGRES_INITDB_ARGS"].split()
    assert {"-cssl=on", "-csynchronous_commit=on", "-cfsync=on"} <= set(postgres["command"])


@pytest.mark.parametrize("name", WITH_DATABASE)
def test_the_schema_is_brought_up_before_a_service_starts(name: str) -> None:
    migration = SERVICES[f"{name}-migrate"]

    assert migration["command"] == [f"{name}_svc", "migrate"]
    assert migration["environment"] == SERVICES[name]["environment"]
    assert migration["depends_on"]["postgres"] == {"condition": "service_healthy"}
    assert migration["restart"] == "no"
    needed = SERVICES[name]["depends_on"]
    assert needed[f"{name}-migrate"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("name", [*SUITE, "sandbox", "sandbox-tls", "edge", "postgres", "prometheus"])
def test_what_others_wait_for_says_whether_it_is_healthy(name: str) -> None:
    check = SERVICES[name]["healthcheck"]

    assert check["test"][0] == "CMD"
    assert check["retries"] >= 3


def test_a_health_check_asks_the_port_its_service_listens_on() -> None:
    for name in WITH_DATABASE:
        assert f"127.0.0.1:{PORTS[name] + 200}/metrics" in SERVICES[name]["healthcheck"]["test"][-1]
    assert "127.0.0.1:7080/healthz" in SERVICES["gateway"]["healthcheck"]["test"][-1]
    assert SERVICES["gateway"]["environment"]["GATEWAY_HTTP_LISTEN"].endswith(":7080")


def test_every_wait_is_for_something_that_can_be_waited_for() -> None:
    for name, service in SERVICES.items():
        for needed, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[needed], f"{name} waits for {needed}"
            else:
                assert how["condition"] == "service_completed_successfully"
                assert SERVICES[needed]["restart"] == "no", f"{name} waits for {needed}"


def test_no_service_waits_for_telemetry() -> None:
    for name in SUITE:
        assert not {"jaeger", "prometheus"} & set(SERVICES[name]["depends_on"])


def test_nothing_is_published_beyond_this_machine_and_no_raw_grpc_at_all() -> None:
    published = {port for service in SERVICES.values() for port in service.get("ports", [])}

    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)
    inner = {int(port.rpartition(":")[2]) for port in published}
    assert not inner & {*PORTS.values(), *(port + 200 for port in PORTS.values()), 5432, 7080}


def test_the_sandbox_is_not_on_the_services_network() -> None:
    assert SERVICES["sandbox"]["networks"] == ["outside"]
    for name in ("emr", "payment", "postgres"):
        assert SERVICES[name]["networks"] == ["suite"], name


def test_each_service_mounts_its_own_keys_and_nobody_elses() -> None:
    for name, service in SERVICES.items():
        mounts = [str(mount) for mount in service.get("volumes", []) if str(mount).startswith("keys-")]
        if name == "keys":
            assert len(mounts) == len(make_keys.OWNERS) + 1
            assert {f"keys-{owner}:/keys/{owner}" for owner in make_keys.OWNERS} < set(mounts)
        elif mounts:
            own = {"sandbox": "sandbox-tls"}.get(name, name.removesuffix("-migrate"))
            assert mounts == [f"keys-{own}:/run/keys:ro"], name


def test_every_volume_and_network_that_is_used_is_declared() -> None:
    volumes, networks = set(), set()
    for service in SERVICES.values():
        sources = {str(mount).partition(":")[0] for mount in service.get("volumes", [])}
        volumes |= {source for source in sources if not source.startswith(".")}
        networks |= set(service.get("networks", []))

    assert volumes == set(COMPOSE["volumes"])
    assert networks == set(COMPOSE["networks"])


def test_every_file_that_is_mounted_is_in_the_repository() -> None:
    for service in SERVICES.values():
        for mount in service.get("volumes", []):
            if mount.startswith("./"):
                assert (ROOT / mount.partition(":")[0]).exists(), mount


def test_prometheus_scrapes_the_metrics_page_of_every_service() -> None:
    config = yaml.safe_load((ROOT / "deploy/prometheus.yml").read_text())

    targets = config["scrape_configs"][0]["static_configs"][0]["targets"]

    assert targets == [f"{name}:{PORTS[name] + 200}" for name in SUITE]


def test_every_alarm_asks_for_a_metric_that_exists_and_is_told_in_the_operations_page() -> None:
    metrics = Metrics("test")
    metrics.watch(lambda: _NO_COUNTS)
    families = {sample.name for family in metrics.registry.collect() for sample in family.samples}
    families |= {family.name for family in metrics.registry.collect()}
    bases = {re.sub(r"_(total|bucket|count|sum|created)$", "", name) for name in families}
    rules = yaml.safe_load((ROOT / "deploy/alerts.yml").read_text())["groups"][0]["rules"]
    page = (ROOT / "docs/operations.md").read_text()

    for rule in rules:
        asked = set(
            re.findall(r"\b([a-z]+(?:_[a-z]+)+)\b", re.sub(r"\{[^}]*\}|by \([^)]*\)", "", rule["expr"]))
        )
        asked -= {"histogram_quantile"}
        for name in asked:
            assert re.sub(r"_(total|bucket|count)$", "", name) in bases, name
        assert f"`{rule['alert']}`" in page, rule["alert"]


class _Counts:
    written = dropped = dropped_keys = masked_values = masked_names = 0


_NO_COUNTS: Any = _Counts()  # Any: stands for TelemetryCounts


def test_the_image_holds_every_package_of_the_wheel_and_the_context_nothing_else() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]["packages"]
    copied = re.findall(r"^COPY ([a-z_]+) \1$", (ROOT / "Containerfile").read_text(), re.MULTILINE)
    ignore = (ROOT / ".containerignore").read_text()
    let_in = {line.removeprefix("!") for line in ignore.splitlines() if line.startswith("!")}

    assert sorted(copied) == sorted(packages)
    assert let_in == {
        *packages,
        "deploy",
        "pyproject.toml",
        "constraints.txt",
        "README.md",
        "LICENSE",
        "NOTICE",
    }
    assert (ROOT / ".dockerignore").read_text() == ignore


def test_keys_are_made_once_and_kept(key_folders: Path) -> None:
    before = {path: path.read_bytes() for path in key_folders.rglob("*") if path.is_file()}

    made = make_keys.make_keys(key_folders, now=datetime.now(UTC))

    assert made == []
    assert {path: path.read_bytes() for path in key_folders.rglob("*") if path.is_file()} == before


def test_the_keys_that_are_made_are_the_keys_the_services_read(key_folders: Path) -> None:
    minter = Minter(load_signing_key(key_folders / "gateway" / "tokens-gateway.json"))

    for name in WITH_DATABASE:
        KeyRing.from_file(key_folders / name / "fields.json")
        verifier = Verifier.from_file(key_folders / name / "tokens-public.json")
        assert verifier.verify(minter.service_caller().token).subject == "services/gateway"
    secret_files = {path for path in key_folders.rglob("*") if path.name in _SECRET and path.is_file()}
    assert len(secret_files) >= 2 * len(WITH_DATABASE)
    assert all(path.stat().st_mode & 0o077 == 0 for path in secret_files)


_SECRET = {"key.pem", "ca-key.pem", "fields.json", "tokens-gateway.json", "superuser.secret"}


def test_a_certificate_is_renewed_before_it_ends_and_not_earlier(tmp_path: Path) -> None:
    authority = ensure_authority(tmp_path / "ca", now=NOW)
    assert ensure_leaf(authority, tmp_path / "emr", "emr", now=NOW)
    last_day_kept = NOW + LEAF_LIFE - RENEW_BEFORE - timedelta(seconds=1)

    assert not ensure_leaf(authority, tmp_path / "emr", "emr", now=last_day_kept)
    assert ensure_leaf(authority, tmp_path / "emr", "emr", now=last_day_kept + timedelta(seconds=2))


def test_a_certificate_of_another_authority_is_replaced(tmp_path: Path) -> None:
    other = ensure_authority(tmp_path / "other", now=NOW)
    ensure_leaf(other, tmp_path / "emr", "emr", now=NOW)

    made = ensure_leaf(ensure_authority(tmp_path / "ca", now=NOW), tmp_path / "emr", "emr", now=NOW)

    assert made
    assert (tmp_path / "emr/ca.pem").read_bytes() == (tmp_path / "ca/ca.pem").read_bytes()


def test_half_an_authority_is_refused_instead_of_replaced(tmp_path: Path) -> None:
    ensure_authority(tmp_path, now=NOW)
    (tmp_path / "ca-key.pem").unlink()

    with pytest.raises(ValueError, match="half an authority"):
        ensure_authority(tmp_path, now=NOW)


def test_a_certificate_names_its_service_and_serves_both_sides_of_a_call(tmp_path: Path) -> None:
    authority = ensure_authority(tmp_path / "ca", now=NOW)

    ensure_leaf(authority, tmp_path / "edge", "edge", now=NOW, also=("localhost", "127.0.0.1"))

    cert = x509.load_pem_x509_certificate((tmp_path / "edge/cert.pem").read_bytes())
    names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["edge", "localhost"]
    usages = set(cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    assert usages == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert cert.not_valid_after_utc - NOW == LEAF_LIFE
    ssl.create_default_context(cafile=str(tmp_path / "edge/ca.pem")).load_cert_chain(
        tmp_path / "edge/cert.pem", tmp_path / "edge/key.pem"
    )
