"""The README's tables of settings, made from the settings classes themselves."""

from __future__ import annotations

from pathlib import Path

from chassis.settings import SettingDoc, describe
from station.onebox import GATEWAY, SERVICES

BEGIN, END = "<!-- settings: begin -->", "<!-- settings: end -->"


def tables() -> str:
    """One table for what all programs share and one for what each has of its own, as Markdown."""
    described = {service.name: describe(service.settings_class) for service in (*SERVICES, GATEWAY)}
    shared_names = set.intersection(*({_tail(row) for row in rows} for rows in described.values()))
    shared = [row for row in described["emr"] if _tail(row) in shared_names]
    stored = [
        row
        for row in described["emr"]
        if _tail(row) not in shared_names
        and all(_tail(row) in map(_tail, described[s.name]) for s in SERVICES)
    ]
    parts = [
        "Every program (`X` is IDENTITY, EMR, INSURANCE, PAYMENT or GATEWAY):",
        _table(shared, prefix="X_"),
        "Every service with a database:",
        _table(stored, prefix="X_"),
    ]
    everywhere = {_tail(row) for row in (*shared, *stored)}
    for name, rows in described.items():
        own = [row for row in rows if _tail(row) not in everywhere]
        if own:
            parts += [f"{name}:", _table(own)]
    return "\n\n".join(parts)


def write(readme: Path) -> bool:
    """Put the tables between the two marks of a file; whether that changed it."""
    before = readme.read_text(encoding="utf-8")
    head, _, rest = before.partition(BEGIN)
    _, _, tail = rest.partition(END)
    after = f"{head}{BEGIN}\n{tables()}\n{END}{tail}"
    if after != before:
        readme.write_text(after, encoding="utf-8")
    return after != before


def _tail(row: SettingDoc) -> str:
    """The name without its program, or the whole name where it has none."""
    first, _, tail = row.name.partition("_")
    return tail if first in {"IDENTITY", "EMR", "INSURANCE", "PAYMENT", "GATEWAY"} else row.name


def _table(rows: list[SettingDoc], *, prefix: str = "") -> str:
    lines = ["| setting | accepted | default | what it is |", "|---|---|---|---|"]
    for row in rows:
        name = row.name if not prefix or _tail(row) == row.name else f"{prefix}{_tail(row)}"
        default = "required" if row.required else row.default or "empty"
        lines.append(f"| `{name}` | {row.accepted} | {default} | {row.doc} |")
    return "\n".join(lines)
