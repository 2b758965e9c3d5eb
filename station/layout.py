"""Ports, keys, databases and environment of a suite on one machine."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from chassis.crypto import generate_key_file
from chassis.rpc.tokens import generate_token_keys
from station.claim_keys import make_claim_keys
from station.processes import Program, free_port

SERVICES = ("identity", "emr", "insurance", "payment")
"""Services with a database, in the order in which they may call each other."""

_FIRST_PORTS = {
    "sandbox_control": 7100,
    "sandbox_registry": 7101,
    "sandbox_portal": 7102,
    "sandbox_bank": 7103,
    "sandbox_oidc": 7104,
    "identity": 7001,
    "emr": 7002,
    "insurance": 7003,
    "payment": 7004,
    "gateway": 7005,
    "gateway_http": 7080,
    "identity_metrics": 7201,
    "emr_metrics": 7202,
    "insurance_metrics": 7203,
    "payment_metrics": 7204,
    "gateway_metrics": 7205,
}

CLAIMING_FACILITIES = ("19999", "19998", "19T01")
FACILITY_ACCOUNTS = "19999=970436:1019999000001,19998=970436:1019998000001,19T01=970436:1019000101001"
"""The demonstration's facilities and their own accounts at the sandbox bank; invented."""

SANDBOX_STAFF_NAME = "Triệu Văn An"
SANDBOX_STAFF_NUMBER = "099085000002"
"""The staff member whom the sandbox's portal knows; invented, with the unassigned prefix 099."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where everything of one local suite is."""

    state_dir: Path
    ports: dict[str, int]
    databases: dict[str, str]
    """Database URL by service."""
    trace_sample: float = 1.0

    def address(self, name: str) -> str:
        """`host:port` of one listener."""
        return f"127.0.0.1:{self.ports[name]}"

    def url(self, name: str) -> str:
        """HTTP address of one listener."""
        return f"http://{self.address(name)}"

    @property
    def span_dir(self) -> Path:
        """Folder of the span stores of all services."""
        return self.state_dir / "spans"

    @property
    def log_dir(self) -> Path:
        """Folder of the programs' output."""
        return self.state_dir / "logs"

    def secret(self, name: str) -> str:
        """A secret made once for this state folder."""
        path = self.state_dir / "keys" / f"{name}.secret"
        if not path.exists():
            path.write_text(secrets.token_urlsafe(32))
            path.chmod(0o600)
        return path.read_text()


def plan(
    state_dir: Path,
    *,
    databases: dict[str, str] | None = None,
    any_ports: bool = False,
    trace_sample: float = 1.0,
) -> Layout:
    """Choose ports, make folders and keys that are missing; what exists is kept."""
    state_dir = state_dir.resolve()
    for folder in ("keys", "logs", "spans", "data"):
        (state_dir / folder).mkdir(parents=True, exist_ok=True)
    _make_keys(state_dir / "keys")
    make_claim_keys(state_dir / "claim-keys", CLAIMING_FACILITIES)
    taken: set[int] = set()
    ports: dict[str, int] = {}
    for name, wanted in _FIRST_PORTS.items():
        port = free_port(0 if any_ports else wanted)
        while port in taken:
            port = free_port(0)
        taken.add(port)
        ports[name] = port
    urls = databases or {name: f"sqlite:///{state_dir}/data/{name}.sqlite" for name in SERVICES}
    return Layout(state_dir=state_dir, ports=ports, databases=urls, trace_sample=trace_sample)


def _make_keys(folder: Path) -> None:
    for name in SERVICES:
        if not (folder / f"{name}-fields.json").exists():
            generate_key_file(folder / f"{name}-fields.json")
    if not (folder / "tokens-public.json").exists():
        generate_token_keys(folder / "tokens-gateway.json", folder / "tokens-public.json")


def environment(layout: Layout, service: str) -> dict[str, str]:
    """The settings of one service or of the gateway, as environment variables."""
    prefix = service.upper()
    keys = layout.state_dir / "keys"
    shared = {
        f"{prefix}_LISTEN": layout.address(service),
        f"{prefix}_METRICS_LISTEN": layout.address(f"{service}_metrics"),
        f"{prefix}_STATE_DIR": str(layout.state_dir / "data"),
        f"{prefix}_TOKEN_KEY_FILE": str(keys / "tokens-public.json"),
        f"{prefix}_SPAN_DIR": str(layout.span_dir),
        f"{prefix}_TRACE_SAMPLE": str(layout.trace_sample),
    }
    if service in SERVICES:
        shared[f"{prefix}_DATABASE_URL"] = layout.databases[service]
        shared[f"{prefix}_FIELD_KEY_FILE"] = str(keys / f"{service}-fields.json")
    return shared | _own_settings(layout, service)


def _own_settings(layout: Layout, service: str) -> dict[str, str]:
    keys = layout.state_dir / "keys"
    own: dict[str, dict[str, str]] = {
        "identity": {
            "IDENTITY_REGISTER_URL": layout.url("sandbox_registry"),
            "IDENTITY_REGISTER_CLIENT_KEY": layout.secret("registry"),
            "IDENTITY_REGISTER_PAUSE_S": "2",
            "IDENTITY_REGISTER_RECHECK_WAIT_S": "1",
        },
        "emr": {},
        "insurance": {
            "INSURANCE_PORTAL_URL": layout.url("sandbox_portal"),
            "INSURANCE_PORTAL_USERNAME": "19999_BV",
            "INSURANCE_PORTAL_PASSWORD": layout.secret("portal"),
            "INSURANCE_PORTAL_STAFF_NAME": SANDBOX_STAFF_NAME,
            "INSURANCE_PORTAL_STAFF_NUMBER": SANDBOX_STAFF_NUMBER,
            "INSURANCE_PORTAL_PAUSE_S": "2",
            "INSURANCE_PORTAL_RECHECK_WAIT_S": "1",
            "INSURANCE_CLAIM_KEY_DIR": str(layout.state_dir / "claim-keys"),
            "INSURANCE_CLAIM_RETRY_WAIT_S": "1",
            "INSURANCE_IDENTITY_TARGET": layout.address("identity"),
            "INSURANCE_EMR_TARGET": layout.address("emr"),
        },
        "payment": {
            "PAYMENT_FACILITY_ACCOUNTS": FACILITY_ACCOUNTS,
            "PAYMENT_HDBANK_SECRET": layout.secret("bank"),
        },
        "gateway": {
            "GATEWAY_HTTP_LISTEN": layout.address("gateway_http"),
            "GATEWAY_TOKEN_SIGNING_KEY_FILE": str(keys / "tokens-gateway.json"),
            "GATEWAY_OIDC_ISSUER": layout.url("sandbox_oidc"),
            **{f"GATEWAY_{name.upper()}_TARGET": layout.address(name) for name in SERVICES},
        },
    }
    return own[service]


def sandbox_environment(layout: Layout) -> dict[str, str]:
    """The settings of the sandbox, with the same secrets as the services."""
    parts = ("control", "registry", "portal", "bank", "oidc")
    return {
        "SANDBOX_HOST": "127.0.0.1",
        **{f"SANDBOX_{part.upper()}_PORT": str(layout.ports[f"sandbox_{part}"]) for part in parts},
        "SANDBOX_REGISTRY_KEY": layout.secret("registry"),
        "SANDBOX_PORTAL_PASSWORD": layout.secret("portal"),
        "SANDBOX_BANK_SECRET": layout.secret("bank"),
        "SANDBOX_STATE_DIR": str(layout.state_dir / "data" / "sandbox"),
        "SANDBOX_DEV": "1",
        "SANDBOX_BANK_CALLBACK_URL": f"{layout.url('gateway_http')}/webhooks/hdbank",
    }


def sandbox_program(layout: Layout) -> Program:
    """The national systems and the bank."""
    ports = tuple(port for name, port in layout.ports.items() if name.startswith("sandbox_"))
    return Program(
        name="sandbox",
        arguments=("sandbox", "serve"),
        environment=sandbox_environment(layout),
        ports=ports,
    )


def migrations(layout: Layout) -> list[Program]:
    """One program a service that brings its database to today's schema."""
    return [
        Program(
            name=f"{name}-migrate",
            arguments=(f"{name}_svc", "migrate"),
            environment=environment(layout, name),
            ports=(),
        )
        for name in SERVICES
    ]


def service_programs(layout: Layout) -> list[Program]:
    """The four services and the gateway as five processes."""
    packages = {name: f"{name}_svc" for name in SERVICES} | {"gateway": "gateway"}
    extra = {"gateway": (layout.ports["gateway_http"],)}
    return [
        Program(
            name=name,
            arguments=(package, "serve"),
            environment=environment(layout, name),
            ports=(layout.ports[name], *extra.get(name, ())),
        )
        for name, package in packages.items()
    ]


def onebox_program(layout: Layout) -> Program:
    """All five services in one process."""
    merged: dict[str, str] = {}
    for name in (*SERVICES, "gateway"):
        merged |= environment(layout, name)
    return Program(
        name="onebox",
        arguments=("station", "onebox"),
        environment=merged,
        ports=(layout.ports["gateway"], layout.ports["gateway_http"]),
    )


def with_settings(program: Program, settings: dict[str, str]) -> Program:
    """The program with more settings over its own."""
    return replace(program, environment={**program.environment, **settings})
