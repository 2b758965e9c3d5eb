"""Looks for planted values in whatever left a program, in every form they may have taken."""

import base64
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

CANARY_LENGTH_MIN: Final = 6
"""Characters; a shorter value is found by chance."""
CHUNK_BYTES: Final = 4 << 20
OVERLAP_BYTES: Final = 8 << 10
"""More than the longest form of a canary with its separators, so that none is cut in two."""
HITS_MAX: Final = 1_000
_PREFIX_BYTES: Final = 6
# A digit, up to two separators, a digit: 099-012 345.678, also with no-break spaces and typographic dashes.
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\s.,_/:;()\-\u00a0\u202f\u2009\u2010-\u2015]{1,2}(?=\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One place where a canary was found."""

    where: str
    """The file, or "text" or "bytes"."""
    form: str
    """plain, utf-16, base64, hex, url, json, xml, stripped or grouped."""
    canary: str
    offset: int
    """In bytes of that form's view of the input; for a human's eyes."""


class Canaries:
    """The planted values with all their forms, prepared once and searched for in many places."""

    def __init__(self, canaries: Iterable[str]) -> None:
        """Prepare the forms.

        Raises:
            ValueError: a canary is shorter than 6 characters, and would be found by chance.
        """
        self._by_view: dict[str, dict[bytes, list[tuple[bytes, str, str]]]] = {}
        for canary in canaries:
            if len(canary) < CANARY_LENGTH_MIN:
                raise ValueError(f"A canary has at least {CANARY_LENGTH_MIN} characters: {canary!r}")
            for view, form, pattern in _forms(canary):
                prefixes = self._by_view.setdefault(view, {})
                prefixes.setdefault(pattern[:_PREFIX_BYTES], []).append((pattern, form, canary))

    def scan(self, *targets: Path | bytes | str) -> list[Hit]:
        """Search files, directories (with all below), bytes and texts; at most 1,000 hits, each place once per form."""
        hits: dict[tuple[str, str, str], Hit] = {}
        for target in targets:
            for where, chunk in _chunks(target):
                for hit in self._scan_chunk(where, chunk):
                    hits.setdefault((hit.where, hit.form, hit.canary), hit)
                    if len(hits) >= HITS_MAX:
                        return list(hits.values())
        return list(hits.values())

    def _scan_chunk(self, where: str, chunk: bytes) -> Iterator[Hit]:
        for view, prefixes in self._by_view.items():
            haystack = _VIEWS[view](chunk)
            # A dictionary look-up per byte beats a search per pattern as soon as there are a hundred canaries.
            for offset in range(len(haystack) - _PREFIX_BYTES + 1):
                for pattern, form, canary in prefixes.get(haystack[offset : offset + _PREFIX_BYTES], ()):
                    if haystack.startswith(pattern, offset):
                        yield Hit(where=where, form=form, canary=canary, offset=offset)


def scan(target: Path | bytes | str | Sequence[Path | bytes | str], canaries: Iterable[str]) -> list[Hit]:
    """Search one target or several for the planted values; [] is what a test wants."""
    targets = [target] if isinstance(target, (Path, bytes, str)) else list(target)
    return Canaries(canaries).scan(*targets)


def _forms(canary: str) -> Iterator[tuple[str, str, bytes]]:
    """Each form of a value as (view it is searched in, form's name, bytes)."""
    spellings = {canary, unicodedata.normalize("NFC", canary), unicodedata.normalize("NFD", canary)}
    patterns: set[tuple[str, str, bytes]] = set()
    for text in spellings:
        raw = text.encode()
        patterns.add(("raw", "plain", raw))
        patterns.add(("raw", "utf-16", text.encode("utf-16-le")))
        for part in _base64_cores(raw):
            patterns.add(("raw", "base64", part))
        patterns.add(("lower", "hex", raw.hex().encode()))
        patterns.add(("lower", "hex", raw.hex(" ").encode()))
        for quoted in (quote(text, safe=""), quote_plus(text, safe=""), quote(text)):
            patterns.add(("lower", "url", quoted.lower().encode()))
        patterns.add(("lower", "json", json.dumps(text)[1:-1].lower().encode()))
        patterns.add(("lower", "json", json.dumps(text).encode("unicode_escape")[1:-1].lower()))
        patterns.add(("lower", "json", repr(raw)[2:-1].lower().encode()))
        patterns.add(("lower", "xml", escape(text).encode("ascii", "xmlcharrefreplace").lower()))
        hexadecimal = "".join(char if char.isascii() else f"&#x{ord(char):x};" for char in text)
        patterns.add(("lower", "xml", hexadecimal.lower().encode()))
    patterns.add(("stripped", "stripped", _strip(canary).encode()))
    if sum(char.isdigit() for char in canary) >= CANARY_LENGTH_MIN:
        patterns.add(("ungrouped", "grouped", _BETWEEN_DIGITS.sub("", canary).encode()))
    # A form that is the plain text says nothing new; "plain" itself finds it.
    plain = {text.encode() for text in spellings}
    for view, form, pattern in sorted(patterns):
        if view == "raw" or pattern not in plain or form in ("stripped", "grouped"):
            yield view, form, pattern


def _base64_cores(raw: bytes) -> set[bytes]:
    """The middle of the base64 text that is the same whatever stands before and after, at each of three alignments."""
    cores: set[bytes] = set()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        first = (shift * 8 + 5) // 6
        last = (shift + len(raw)) * 8 // 6
        core = encoded[first:last]
        cores |= {core, core.replace(b"+", b"-").replace(b"/", b"_")}
    return cores


def _strip(text: str) -> str:
    """Lower case without the marks of Vietnamese letters."""
    decomposed = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


_VIEWS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "raw": lambda chunk: chunk,
    "lower": lambda chunk: chunk.lower(),
    "stripped": lambda chunk: _strip(chunk.decode("utf-8", "replace")).encode(),
    "ungrouped": lambda chunk: _BETWEEN_DIGITS.sub("", chunk.decode("utf-8", "replace")).encode(),
}


def _chunks(target: Path | bytes | str) -> Iterator[tuple[str, bytes]]:
    """The pieces of a target, each overlapping the one before."""
    if isinstance(target, str):
        target = target.encode("utf-8", "surrogatepass")
        yield from (
            ("text", target[i : i + CHUNK_BYTES + OVERLAP_BYTES]) for i in range(0, len(target), CHUNK_BYTES)
        )
    elif isinstance(target, bytes):
        yield from (
            ("bytes", target[i : i + CHUNK_BYTES + OVERLAP_BYTES]) for i in range(0, len(target), CHUNK_BYTES)
        )
    elif target.is_dir():
        for path in sorted(target.rglob("*")):
            if path.is_file():
                yield from _chunks(path)
    else:
        # The name of a file can give a person away as well as what is in it.
        yield str(target), target.name.encode()
        with target.open("rb") as file:
            before = b""
            while part := file.read(CHUNK_BYTES):
                yield str(target), before + part
                before = part[-OVERLAP_BYTES:]
