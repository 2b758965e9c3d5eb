"""A text about a person that cannot be printed by accident."""

from typing import NoReturn


class Sensitive:
    """Holds a text and shows "***" wherever it is printed, formatted or logged; `reveal` gives the text.

    Not a subclass of str, since joining or adding would then show it.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself; each call of it is a place to review."""
        return self._text

    def __repr__(self) -> str:
        return "Sensitive(***)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, specification: str) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sensitive) and other._text == self._text

    def __hash__(self) -> int:
        return hash((Sensitive, self._text))

    def __reduce__(self) -> NoReturn:
        raise TypeError("A Sensitive text is not pickled; reveal it and encrypt it.")
