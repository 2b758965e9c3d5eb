"""Strict reading of tag-length-value bytes (DER), with a bound on everything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from standards.icao.errors import ChipDataNesting, ChipDataTrailing, ChipDataTruncated, ChipLengthForm

MAX_DEPTH = 24
"""Elements inside each other; a security object with its certificate has about 12."""
MAX_ELEMENTS = 4_096
"""Elements of one file; a security object with two certificates has about 400."""
_TAG_BYTES_MAX = 3
_LENGTH_BYTES_MAX = 4
_CONSTRUCTED = 0x20


@dataclass(frozen=True, slots=True)
class Element:
    """One element, as places in the bytes that it was read from; nothing is copied."""

    tag: int
    """All bytes of the tag as one number, such as 0x30 or 0x5F1F."""
    start: int
    content: int
    """Where the value begins."""
    end: int

    @property
    def is_constructed(self) -> bool:
        """Whether the value is made of elements."""
        first = self.tag
        while first > 0xFF:
            first >>= 8
        return bool(first & _CONSTRUCTED)


def read_element(content: bytes, start: int, end: int, *, field: str) -> Element:
    """Read the element that begins at `start` and ends at `end` or before.

    Raises:
        ChipDataTruncated: it would end behind `end`.
        ChipLengthForm: its length is indefinite or not in the shortest form, or its tag is too long.
    """
    tag, position = _read_tag(content, start, end, field=field)
    if position >= end:
        raise ChipDataTruncated(field)
    length = content[position]
    position += 1
    if length >= 0x80:
        count = length & 0x7F
        if not 1 <= count <= _LENGTH_BYTES_MAX:
            raise ChipLengthForm(field)
        if position + count > end:
            raise ChipDataTruncated(field)
        length = int.from_bytes(content[position : position + count], "big")
        if length < 0x80 or length < 1 << 8 * (count - 1):
            raise ChipLengthForm(field)
        position += count
    if position + length > end:
        raise ChipDataTruncated(field)
    return Element(tag, start, position, position + length)


def _read_tag(content: bytes, start: int, end: int, *, field: str) -> tuple[int, int]:
    if start >= end:
        raise ChipDataTruncated(field)
    tag, position = content[start], start + 1
    if tag & 0x1F != 0x1F:
        return tag, position
    while True:
        if position - start >= _TAG_BYTES_MAX:
            raise ChipLengthForm(field)
        if position >= end:
            raise ChipDataTruncated(field)
        tag = tag << 8 | content[position]
        position += 1
        if not content[position - 1] & 0x80:
            return tag, position


def read_whole(content: bytes, *, field: str) -> Element:
    """Read a file that is one element and nothing behind it.

    Raises:
        ChipDataTrailing: bytes follow the element.
        ChipDataTruncated, ChipLengthForm: as read_element says.
    """
    element = read_element(content, 0, len(content), field=field)
    if element.end != len(content):
        raise ChipDataTrailing(field)
    return element


def children(content: bytes, parent: Element, *, field: str) -> Iterator[Element]:
    """Give the elements inside another, which they fill to its end."""
    position = parent.content
    while position < parent.end:
        child = read_element(content, position, parent.end, field=field)
        yield child
        position = child.end


def check_tree(content: bytes, root: Element, *, field: str) -> None:
    """Make sure that every constructed element down to the leaves is well-formed, before a laxer reader sees it.

    Raises:
        ChipDataNesting: deeper than MAX_DEPTH or more than MAX_ELEMENTS.
        ChipDataTruncated, ChipLengthForm: as read_element says.
    """
    waiting = [(root, 1)]
    count = 1
    while waiting:
        element, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise ChipDataNesting(field, limit=MAX_DEPTH)
        for child in children(content, element, field=field):
            count += 1
            if count > MAX_ELEMENTS:
                raise ChipDataNesting(field, limit=MAX_ELEMENTS)
            if child.is_constructed:
                waiting.append((child, depth + 1))
