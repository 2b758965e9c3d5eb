"""What banks do to a transfer text on its way: prefix, capitals, broken lines, cuts.

The shapes follow public parsers of Vietnamese statements; the numbers and names are invented.
"""

from __future__ import annotations

from sandbox.bank.book import BankRefusedError
from sandbox.vietnamese import bank_ascii

WRAP_COLUMN = 35
TRUNCATE_AT = 50
MANGLES = ("prefix", "upper", "plain", "wrap", "truncate")


def mangle(
    content: str,
    ways: tuple[str, ...],
    *,
    serial: int,
    payer_name: str,
    payer_account: str,
    account: str,
    owner: str,
) -> str:
    """Mangle a transfer text in the given ways, one after the other.

    Args:
        ways: Of prefix (MBVCB.<digits>.<text>.CT tu … toi … tai …), upper, plain (punctuation dropped), wrap
            (a line break every 35 characters, also inside a code), truncate (50 characters are left). Empty
            changes nothing but the letters: a bank keeps plain ASCII.
        serial: Number the bank puts into the prefix.
    Raises:
        BankRefusedError: a way is not known.
    """
    text = bank_ascii(content)
    for way in ways:
        match way:
            case "prefix":
                text = (
                    f"MBVCB.{serial:010d}.{text}.CT tu {payer_account} {bank_ascii(payer_name).upper()} "
                    f"toi {account} {owner} tai VIETCOMBANK"
                )
            case "upper":
                text = text.upper()
            case "plain":
                text = " ".join("".join(sign if sign.isalnum() else " " for sign in text).split())
            case "wrap":
                text = "\n".join(text[at : at + WRAP_COLUMN] for at in range(0, len(text), WRAP_COLUMN))
            case "truncate":
                text = text[:TRUNCATE_AT]
            case _:
                raise BankRefusedError(f"mangle must be of {', '.join(MANGLES)}")
    return text
