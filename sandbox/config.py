"""Settings of the sandbox, from the environment and flags; a flag wins; every fault is told at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.faults import SYSTEMS, Fault, FaultError
from sandbox.population import DEFAULT_SEED, PEOPLE_COUNT

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class SettingsError(ValueError):
    """One or more settings are wrong; the text lists all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: the environment name, its default and what it is for."""

    name: str
    default: str
    about: str


SETTINGS = (
    Setting(name="SANDBOX_HOST", default="127.0.0.1", about="Address every system listens on"),
    Setting(name="SANDBOX_CONTROL_PORT", default="7100", about="Control and /healthz"),
    Setting(name="SANDBOX_REGISTRY_PORT", default="7101", about="Population register"),
    Setting(name="SANDBOX_PORTAL_PORT", default="7102", about="Insurance portal"),
    Setting(name="SANDBOX_BANK_PORT", default="7103", about="Bank"),
    Setting(name="SANDBOX_OIDC_PORT", default="7104", about="OIDC issuer"),
    Setting(name="SANDBOX_ONLY", default="", about="Comma list of systems to run; empty is all"),
    Setting(
        name="SANDBOX_SEED", default=str(DEFAULT_SEED), about="Seed of people and of faults with a chance"
    ),
    Setting(
        name="SANDBOX_YEAR", default="", about="Year whose insurance cards are valid; empty is this year"
    ),
    Setting(name="SANDBOX_PEOPLE_COUNT", default=str(PEOPLE_COUNT), about="Seeded citizens, 100 to 100000"),
    Setting(name="SANDBOX_STATE_DIR", default="", about="Folder for journal and keys; empty keeps nothing"),
    Setting(name="SANDBOX_DEV", default="", about="1: the known secrets also off loopback or with a folder"),
    Setting(name="SANDBOX_FAULTS", default="", about="Comma list of system=mode set at the start"),
    Setting(name="SANDBOX_REGISTRY_CLIENT_ID", default="lienthong", about="X-Client-Id of the register"),
    Setting(name="SANDBOX_REGISTRY_KEY", default="sandbox-registry-key", about="Bearer key of the register"),
    Setting(
        name="SANDBOX_PORTAL_PASSWORD", default="sandbox-portal-password", about="Of every portal account"
    ),
    Setting(
        name="SANDBOX_PORTAL_TOKEN_LIFE_S", default="600", about="Seconds a portal token lives, 1 to 86400"
    ),
    Setting(
        name="SANDBOX_PORTAL_SIGNERS", default="", about="Comma list of accounts whose files must be signed"
    ),
    Setting(name="SANDBOX_BANK_SECRET", default="sandbox-bank-secret", about="HMAC secret of the bank"),
    Setting(
        name="SANDBOX_BANK_STATEMENT_KEY", default="sandbox-statement-key", about="Bearer key of /statements"
    ),
    Setting(
        name="SANDBOX_BANK_CALLBACK_URL", default="", about="Where the bank tells of payments; empty: nowhere"
    ),
    Setting(name="SANDBOX_BANK_ATTEMPTS", default="5", about="Tries per callback, 1 to 20"),
    Setting(
        name="SANDBOX_BANK_RETRY_BASE_MS", default="500", about="Wait before the second try, then doubled"
    ),
    Setting(name="SANDBOX_OIDC_ISSUER", default="", about="Issuer address; empty is made of host and port"),
    Setting(name="SANDBOX_OIDC_REDIRECT_URIS", default="", about="Comma list besides http on loopback"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSettings:
    """All settings, read and checked."""

    host: str
    control_port: int
    ports: dict[str, int]
    """Port per system; 0 lets the system choose."""
    only: tuple[str, ...]
    seed: int
    year: int | None
    people_count: int
    state_dir: Path | None
    is_dev: bool
    """Known client secrets are used."""
    faults: tuple[Fault, ...]
    registry_client_id: str
    registry_key: str
    portal_password: str
    portal_token_life_s: int
    portal_signers: tuple[str, ...]
    bank_secret: str
    bank_statement_key: str
    bank_callback_url: str
    bank_attempt_count: int
    bank_retry_base_ms: int
    oidc_issuer: str
    oidc_redirect_uris: tuple[str, ...]


class _Reader:
    """Reads values and gathers every complaint instead of stopping at the first."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._values = {
            setting.name: environment.get(setting.name) or setting.default for setting in SETTINGS
        }
        self.complaints: list[str] = []

    def text(self, name: str) -> str:
        return self._values[f"SANDBOX_{name}"].strip()

    def number(self, name: str, lowest: int, highest: int) -> int:
        text = self.text(name)
        try:
            number = int(text)
        except ValueError:
            number = lowest - 1
        if not lowest <= number <= highest:
            self.complaints.append(f"SANDBOX_{name} must be a whole number from {lowest} to {highest}")
            return lowest
        return number

    def names(self, name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.text(name).split(",") if part.strip())


def _faults(reader: _Reader) -> tuple[Fault, ...]:
    faults = []
    for text in reader.names("FAULTS"):
        system, _, mode = text.partition("=")
        try:
            faults.append(Fault(system=system, mode=mode))
        except FaultError as refusal:
            reader.complaints.append(f"SANDBOX_FAULTS: {refusal}")
    return tuple(faults)


def _only(reader: _Reader) -> tuple[str, ...]:
    only = reader.names("ONLY")
    if set(only) - set(SYSTEMS):
        reader.complaints.append(f"SANDBOX_ONLY must name systems of {', '.join(SYSTEMS)}")
    return only or SYSTEMS


def read_settings(environment: Mapping[str, str]) -> SandboxSettings:
    """Read and check the settings.

    Raises:
        SettingsError: with every complaint.
    """
    reader = _Reader(environment)
    host, state_dir = reader.text("HOST"), reader.text("STATE_DIR")
    is_dev = reader.text("DEV") == "1"
    if host not in LOOPBACK and not is_dev and not state_dir:
        reader.complaints.append("SANDBOX_HOST is not loopback: set SANDBOX_DEV=1 or SANDBOX_STATE_DIR")
    settings = SandboxSettings(
        host=host,
        control_port=reader.number("CONTROL_PORT", 0, 65_535),
        ports={system: reader.number(f"{system.upper()}_PORT", 0, 65_535) for system in SYSTEMS},
        only=_only(reader),
        seed=reader.number("SEED", 0, 2**31),
        year=reader.number("YEAR", 2026, 2199) if reader.text("YEAR") else None,
        people_count=reader.number("PEOPLE_COUNT", 100, 100_000),
        state_dir=Path(state_dir) if state_dir else None,
        is_dev=is_dev or not state_dir,
        faults=_faults(reader),
        registry_client_id=reader.text("REGISTRY_CLIENT_ID"),
        registry_key=reader.text("REGISTRY_KEY"),
        portal_password=reader.text("PORTAL_PASSWORD"),
        portal_token_life_s=reader.number("PORTAL_TOKEN_LIFE_S", 1, 86_400),
        portal_signers=reader.names("PORTAL_SIGNERS"),
        bank_secret=reader.text("BANK_SECRET"),
        bank_statement_key=reader.text("BANK_STATEMENT_KEY"),
        bank_callback_url=reader.text("BANK_CALLBACK_URL"),
        bank_attempt_count=reader.number("BANK_ATTEMPTS", 1, 20),
        bank_retry_base_ms=reader.number("BANK_RETRY_BASE_MS", 1, 60_000),
        oidc_issuer=reader.text("OIDC_ISSUER"),
        oidc_redirect_uris=reader.names("OIDC_REDIRECT_URIS"),
    )
    if reader.complaints:
        raise SettingsError("; ".join(reader.complaints))
    return settings
