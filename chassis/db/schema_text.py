"""One schema text for both engines: PostgreSQL's types, turned into SQLite's STRICT tables."""

from __future__ import annotations

import re

from chassis.db.queries import Engine

_PART = re.compile(
    r"(?P<text>'(?:''|[^'])*'|\"(?:\"\"|[^\"])*\")|(?P<comment>--[^\n]*)|(?P<end>;)", re.DOTALL
)
_IDENTITY = re.compile(
    r"\bBIGINT\s+GENERATED\s+BY\s+DEFAULT\s+AS\s+IDENTITY\s+PRIMARY\s+KEY\b", re.IGNORECASE
)
_PRIMARY_KEY = re.compile(r"\bPRIMARY\s+KEY\b", re.IGNORECASE)
_CREATE_TABLE = re.compile(r"\ACREATE\s+TABLE\b", re.IGNORECASE)
_TYPES = (
    (re.compile(r"\bBIGINT\b", re.IGNORECASE), "INTEGER"),
    (re.compile(r"\bBYTEA\b", re.IGNORECASE), "BLOB"),
)


def statements(script: str) -> list[str]:
    """The statements of a script without comments and semicolons; quoted text is left alone."""
    found: list[str] = []
    current: list[str] = []
    position = 0
    for match in _PART.finditer(script):
        current.append(script[position : match.start()])
        position = match.end()
        if match["text"]:
            current.append(match["text"])
        elif match["end"]:
            found.append("".join(current).strip())
            current = []
    found.append("".join([*current, script[position:]]).strip())
    return [statement for statement in found if statement]


def for_engine(statement: str, engine: Engine) -> str:
    """A statement of the schema as the engine wants it."""
    if engine == "postgresql":
        return statement
    if not re.match(r"\A(CREATE|ALTER)\s+TABLE\b", statement, re.IGNORECASE):
        return statement
    translated = _IDENTITY.sub("INTEGER PRIMARY KEY", statement)
    for pattern, name in _TYPES:
        translated = pattern.sub(name, translated)
    if not _CREATE_TABLE.match(translated):
        return translated
    # A text key would otherwise have a tree of its own beside the table's: two random pages a row instead of one.
    keyed = _PRIMARY_KEY.search(translated) and not _IDENTITY.search(statement)
    return f"{translated} STRICT, WITHOUT ROWID" if keyed else f"{translated} STRICT"
