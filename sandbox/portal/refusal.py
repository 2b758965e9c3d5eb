"""Why the portal does not take a file: the code it answers and the sentences beside it.

Source: letter 1245/BHXH-CNTT (2024) for 200, 401, 402, 403, 500; 201, 202, 204 are record error codes of the older
interface of Decision 4210; 205 and 1001 were seen in the insurer's document services. Which code a wrong file gets
under Decision 4750 is not public, so the choice among them is ours.
"""

from __future__ import annotations

from dataclasses import dataclass

MALFORMED = "201"
"""Not XML, or XML that is refused unread."""
CONTENT = "202"
"""XML, but not a file of this kind, or values are missing, unknown or do not add up."""
EMPTY = "204"
PARAMETER = "205"
"""A form field is missing or has a wrong form."""
ACCOUNT = "401"
FACILITY = "402"
LOCKED = "403"
TOO_LARGE = "1001"

MAX_TOLD = 20
"""Mistakes told of one file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One thing wrong with a file."""

    code: str
    record_key: str
    """MA_LK or SO_BIEN_BAN, or empty when the file as a whole is meant."""
    text: str
    """Vietnamese, names tables and fields and never a value."""


class FileRefusedError(ValueError):
    """The file is not taken; `mistakes` has at least one."""

    def __init__(self, *mistakes: Mistake) -> None:
        assert mistakes, "a refusal says why"
        super().__init__("; ".join(mistake.text for mistake in mistakes))
        self.mistakes = mistakes[:MAX_TOLD]

    @property
    def code(self) -> str:
        """The code of the first mistake, which is the one of the answer."""
        return self.mistakes[0].code


def refuse(code: str, text: str, *, record_key: str = "") -> FileRefusedError:
    """A refusal for one reason."""
    return FileRefusedError(Mistake(code=code, record_key=record_key, text=text))
