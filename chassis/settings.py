"""Settings from the environment: a frozen dataclass per service, units in names, all faults told at once."""

from __future__ import annotations

import dataclasses
import difflib
import ipaddress
import os
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_CLOSE_ENOUGH = 0.8


class Secret(str):
    """A text whose repr is masked; only str() of it, or `reveal`, shows it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret('***')"

    def reveal(self) -> str:
        """The text itself, to be handed to the library that needs it."""
        return str.__str__(self)


class SettingsInvalid(Exception):
    """Every fault of a service's settings, one line each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingDoc:
    """One line of a service's table of settings."""

    name: str
    type: str
    default: str
    """Empty when the setting is required."""
    required: bool
    accepted: str
    doc: str


class _HasPrefix(Protocol):
    PREFIX: ClassVar[str]


S = TypeVar("S", bound=_HasPrefix)


def setting(
    *,
    doc: str,
    default: object = MISSING,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    env: str = "",
    must_exist: bool = False,
    masked: bool = False,
) -> Any:  # Any: like dataclasses.field, it stands for a value of the field's own type.
    """A dataclass field read from the environment.

    Args:
        doc: One sentence for the table in the README.
        default: The value without the variable; without it the setting is required.
        minimum: Least number accepted, inclusive.
        maximum: Greatest number accepted, inclusive.
        choices: The texts accepted; empty means any.
        env: The whole name of the variable, where it is not PREFIX plus the field's name.
        must_exist: A path that has to be there when the service starts.
        masked: Keep the value out of the repr and out of fault messages.
    """
    metadata = {
        "doc": doc,
        "minimum": minimum,
        "maximum": maximum,
        "choices": choices,
        "env": env,
        "must_exist": must_exist,
        "masked": masked,
    }
    if default is MISSING:
        return dataclasses.field(metadata=metadata, repr=not masked)
    return dataclasses.field(default=default, metadata=metadata, repr=not masked)


def load(cls: type[S], environ: Mapping[str, str] = os.environ) -> S:
    """Settings of type `cls` from the environment.

    Raises:
        SettingsInvalid: with every fault, not only the first.
    """
    faults: list[str] = []
    values: dict[str, object] = {}
    known: set[str] = set()
    for field, hint in _fields(cls):
        name = _env_name(cls, field)
        known.add(name)
        value = _read(field, hint, name, environ, faults)
        if value is not MISSING:
            values[field.name] = value
    faults.extend(_misspelt(cls.PREFIX, known, environ))
    missing = {field.name: None for field, _ in _fields(cls) if field.name not in values}
    made = cls(**values, **missing)
    cross = getattr(made, "faults", None)
    if cross is not None:
        try:
            faults.extend(cross())
        except (AttributeError, TypeError):
            # It stumbled over a missing value, which has been told; what it told before that stands.
            if not missing:
                raise
    if faults:
        raise SettingsInvalid(faults)
    return made


def describe(cls: type[_HasPrefix]) -> list[SettingDoc]:
    """The table of settings of `cls`, in the order of its fields, for its README."""
    rows = []
    for field, hint in _fields(cls):
        required = field.default is MISSING
        rows.append(
            SettingDoc(
                name=_env_name(cls, field),
                type=_type_name(hint),
                default="" if required else _shown(field.default),
                required=required,
                accepted=_accepted(field, hint),
                doc=str(field.metadata.get("doc", "")),
            )
        )
    return rows


def is_loopback(address: str) -> bool:
    """Whether a `host:port` is reachable from this machine only."""
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _fields(cls: type[Any]) -> Iterator[tuple[dataclasses.Field[Any], object]]:
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        yield field, hints[field.name]


def _env_name(cls: type[_HasPrefix], field: dataclasses.Field[Any]) -> str:
    return field.metadata.get("env") or f"{cls.PREFIX}{field.name.upper()}"


def _read(
    field: dataclasses.Field[Any], hint: object, name: str, environ: Mapping[str, str], faults: list[str]
) -> object:
    text = environ.get(name, "").strip()
    if not text:
        if field.default is MISSING:
            faults.append(f"{name} is required: {_accepted(field, hint)}. {field.metadata.get('doc', '')}")
        return field.default
    shown = "the value" if field.metadata.get("masked") or hint is Secret else repr(text)
    try:
        value = _parse(hint, text)
    except ValueError:
        faults.append(f"{name}: {shown} is not accepted; give {_accepted(field, hint)}.")
        return field.default
    wrong = _out_of_bounds(field, value)
    if wrong:
        faults.append(f"{name}: {shown} {wrong}; give {_accepted(field, hint)}.")
        return field.default if field.default is not MISSING else value
    return value


def _parse(hint: object, text: str) -> object:
    if isinstance(hint, types.UnionType):
        hint = next(arm for arm in hint.__args__ if arm is not types.NoneType)
    if hint is bool:
        lowered = text.lower()
        if lowered not in _TRUE | _FALSE:
            raise ValueError
        return lowered in _TRUE
    if typing.get_origin(hint) is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if hint in (str, int, float, Path, Secret):
        return typing.cast(type, hint)(text)  # the members of the tuple above are all types
    raise TypeError(f"no reader for settings of type {hint}")


def _out_of_bounds(field: dataclasses.Field[Any], value: object) -> str:
    meta = field.metadata
    if isinstance(value, int | float) and not isinstance(value, bool):
        if meta.get("minimum") is not None and value < meta["minimum"]:
            return "is too small"
        if meta.get("maximum") is not None and value > meta["maximum"]:
            return "is too large"
    if meta.get("choices") and value not in meta["choices"]:
        return "is not one of the choices"
    if meta.get("must_exist") and isinstance(value, Path) and not value.exists():
        return "does not exist"
    return ""


def _misspelt(prefix: str, known: set[str], environ: Mapping[str, str]) -> Iterator[str]:
    """Names with our prefix that look like a known one; others may belong to the platform."""
    for name in sorted(environ if prefix else ()):
        if name.startswith(prefix) and name not in known:
            tails = {k.removeprefix(prefix): k for k in known if k.startswith(prefix)}
            close = difflib.get_close_matches(name.removeprefix(prefix), tails, n=1, cutoff=_CLOSE_ENOUGH)
            if close:
                yield f"{name} is not a setting; did you mean {tails[close[0]]}?"


def _type_name(hint: object) -> str:
    if isinstance(hint, types.UnionType):
        hint = next(arm for arm in hint.__args__ if arm is not types.NoneType)
    names = {
        str: "text",
        int: "whole number",
        float: "number",
        bool: "yes or no",
        Path: "path",
        Secret: "secret",
    }
    return names.get(typing.cast(Any, hint), "list")  # Any: a hint is hashable, and that is all we need


def _shown(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return "***" if isinstance(value, Secret) else str(value)


def _accepted(field: dataclasses.Field[Any], hint: object) -> str:
    meta = field.metadata
    if meta.get("choices"):
        return "one of " + ", ".join(meta["choices"])
    text = {"list": "texts separated by commas"}.get(_type_name(hint), f"a {_type_name(hint)}")
    if hint is bool:
        text = "yes or no (1, true, yes, on, 0, false, no, off)"
    low, high = meta.get("minimum"), meta.get("maximum")
    if low is not None and high is not None:
        text += f" from {low} to {high}"
    elif low is not None:
        text += f" of at least {low}"
    elif high is not None:
        text += f" of at most {high}"
    if meta.get("must_exist"):
        text += " that exists"
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSettings:
    """What every process of the suite needs, with or without a database."""

    PREFIX: ClassVar[str] = ""

    listen: str = setting(
        default="127.0.0.1:0", doc="Address of the gRPC server, host:port; port 0 takes a free one."
    )
    metrics_listen: str = setting(
        default="127.0.0.1:0", doc="Address of the Prometheus page, host:port; port 0 takes a free one."
    )
    state_dir: Path = setting(default=Path("var"), doc="Folder for local files of this process.")
    tls_cert_file: Path | None = setting(
        default=None, must_exist=True, doc="Certificate of this service, PEM."
    )
    tls_key_file: Path | None = setting(
        default=None, must_exist=True, doc="Private key of the certificate, PEM."
    )
    tls_ca_file: Path | None = setting(
        default=None, must_exist=True, doc="Certificates of the CA all peers must come from, PEM."
    )
    token_key_file: Path = setting(
        must_exist=True, doc="Public keys (JWKS) that internal tokens are checked with."
    )
    token_signing_key_file: Path | None = setting(
        default=None, must_exist=True, doc="Private key (JWK) this process signs its own tokens with."
    )
    span_dir: Path | None = setting(default=None, doc="Folder of the local span store; none keeps no spans.")
    otlp_endpoint: str = setting(
        default="", env="OTEL_EXPORTER_OTLP_ENDPOINT", doc="Collector that spans go to instead."
    )
    trace_sample: float = setting(
        default=1.0, minimum=0.0, maximum=1.0, doc="Share of journeys that are traced."
    )
    log_level: str = setting(
        default="info", choices=("debug", "info", "warning", "error"), doc="Least severe log line written."
    )
    environment: str = setting(
        default="development",
        choices=("development", "test", "production"),
        doc="What kind of installation this is.",
    )
    max_pending_calls: int = setting(
        default=64,
        minimum=1,
        maximum=10_000,
        doc="Calls that may wait for the event loop before new ones are refused.",
    )
    drain_ms: int = setting(
        default=1_000, minimum=0, maximum=30_000, doc="Time between NOT_SERVING and the stop, milliseconds."
    )
    stop_grace_ms: int = setting(
        default=5_000, minimum=0, maximum=60_000, doc="Time running calls get at the stop, milliseconds."
    )

    def peer_target(self, name: str) -> str:
        """The address of a sibling: the setting `<name>_target`, with or without `_svc` in the name."""
        target = getattr(self, f"{name.removesuffix('_svc')}_target", None)
        if not isinstance(target, str):
            raise LookupError(f"no setting {name.removesuffix('_svc')}_target")
        return target

    def faults(self) -> Iterator[str]:
        """Faults that need more than one field to see."""
        files = (self.tls_cert_file, self.tls_key_file, self.tls_ca_file)
        given = [file for file in files if file is not None]
        if given and len(given) < len(files):
            yield f"{self.PREFIX}TLS_CERT_FILE, _KEY_FILE and _CA_FILE belong together: give all or none."
        for name in ("listen", "metrics_listen"):
            address = getattr(self, name)
            port = address.rpartition(":")[2]
            if not port.isdecimal() or int(port) > 65_535:
                yield f"{self.PREFIX}{name.upper()} is not host:port."
            elif name == "listen" and not given and not is_loopback(address):
                yield f"{self.PREFIX}LISTEN leaves this machine: give the {self.PREFIX}TLS_..._FILE settings."


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonSettings(ProcessSettings):
    """What every service with a database needs."""

    database_url: str = setting(masked=True, doc="sqlite:///path or postgresql://user:password@host/name.")
    field_key_file: Path = setting(must_exist=True, doc="Keys of field encryption and look-up hashes, JSON.")
    outbox_lease_s: int = setting(
        default=30, minimum=1, maximum=600, doc="Time a worker holds a message, seconds."
    )
    outbox_max_attempts: int = setting(
        default=12, minimum=1, maximum=1_000, doc="Tries before a message is parked."
    )
    outbox_backoff_s: float = setting(
        default=2.0, minimum=0.01, maximum=3_600, doc="First wait between tries, seconds; doubles."
    )
    outbox_poll_ms: int = setting(
        default=500, minimum=10, maximum=60_000, doc="Longest wait for new messages, milliseconds."
    )

    def faults(self) -> Iterator[str]:
        """Faults that need more than one field to see."""
        yield from ProcessSettings.faults(self)
        if not self.database_url.startswith(("sqlite:///", "postgresql://")):
            yield f"{self.PREFIX}DATABASE_URL is neither sqlite:///path nor postgresql://..."
