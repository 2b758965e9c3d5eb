"""The tag-length-value text of EMVCo merchant payment codes: two digits of tag, two of length, then the
value."""

from standards.errors import VietQrBadStructure


def read_tlv(text: str, path: str = "") -> tuple[tuple[str, str], ...]:
    """Cut a text into (tag, value) pairs in their order.

    Args:
        text: Pairs without gaps; a value has 1 to 99 characters.
        path: Tag path of the surrounding template, such as "38.01", for the error.
    Raises:
        VietQrBadStructure: a tag or length is no number, a value is empty or cut off, or a tag comes twice
            (facts tag and rule).
    Source: EMVCo Merchant-Presented Mode 1.1, section 3; NAPAS VietQR format 1.0 (09/2021).
    """
    pairs: list[tuple[str, str]] = []
    seen: set[str] = set()
    position = 0
    while position < len(text):
        head = text[position : position + 4]
        tag = f"{path}.{head[:2]}".lstrip(".")
        if len(head) < 4 or not head.isascii() or not head.isdigit():
            # What stands there is not ours to repeat: it may be a part of a name.
            raise VietQrBadStructure("vietqr", tag=path, rule="tag and length are four digits")
        length = int(head[2:])
        value = text[position + 4 : position + 4 + length]
        if length == 0 or len(value) != length:
            raise VietQrBadStructure("vietqr", tag=tag, rule="the value has the stated length, 1 to 99")
        if head[:2] in seen:
            raise VietQrBadStructure("vietqr", tag=tag, rule="a tag comes once")
        seen.add(head[:2])
        pairs.append((head[:2], value))
        position += 4 + length
    return tuple(pairs)


def write_tlv(tag: str, value: str) -> str:
    """Write one pair; nothing for an empty value. The caller has checked that the value fits into 99
    characters."""
    assert len(value) <= 99, "a value is longer than 99 characters"
    return f"{tag}{len(value):02}{value}" if value else ""
