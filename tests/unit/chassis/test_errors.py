"""Errors keep their promises: reasons are unique, every class speaks Vietnamese, facts are texts."""

from __future__ import annotations

import re

import pytest

import chassis.breaker
from chassis import errors
from chassis.errors import (
    AppError,
    Internal,
    InvalidArgument,
    Kind,
    Overloaded,
    RemoteError,
    RequestIdReused,
    from_format_error,
    typed,
)
from chassis.rpc.errors import code_of


def classes(base: type[AppError] = AppError) -> list[type[AppError]]:
    found = [base]
    for child in base.__subclasses__():
        if child.__module__ in (errors.__name__, chassis.breaker.__name__):
            found += classes(child)
    return found


@pytest.mark.parametrize("error_class", classes(), ids=lambda c: c.__name__)
def test_every_error_has_a_stable_reason_and_a_vietnamese_sentence(error_class):
    assert re.fullmatch(r"[A-Z][A-Z0-9_]{2,63}", error_class.reason)
    assert error_class.vi.endswith(".")
    assert re.search(r"[ăâđêôơưạảấầẩậắằặẹẻếềệịọỏốồổộớờợụủứừựýỹíìáàãúùòóéè]", error_class.vi)


def test_reasons_are_used_once():
    # The base and RemoteError stand for the reasons of others.
    reasons = [c.reason for c in classes() if c not in (AppError, RemoteError)]

    assert sorted(reasons) == sorted(set(reasons))


def test_every_kind_has_its_own_code():
    assert len({code_of(kind) for kind in Kind}) == len(Kind)


def test_facts_are_short_texts():
    error = AppError("Wait.", retry_s=5, long="x" * 1000)

    assert error.facts == {"retry_s": "5", "long": "x" * 256}


def test_a_remote_error_takes_any_fact_name_of_its_origin():
    error = RemoteError(
        "m", kind=Kind.ABORTED, reason="R", vi="v", facts={"field": "f", "message": "m", "self": "s"}
    )

    assert error.facts == {"field": "f", "message": "m", "self": "s"}
    assert (AppError.kind, AppError.reason) == (Kind.INTERNAL, "INTERNAL")  # the class is untouched


class Format(Exception):
    """Shaped like the errors of published formats."""

    def __init__(self, reason, vi, field=None):
        super().__init__("quotes 099200000017")
        self.reason, self.vi, self.field = reason, vi, field


def test_a_format_error_becomes_an_invalid_argument_without_its_text():
    error = from_format_error(Format("NOT_TWELVE_DIGITS", "Số căn cước gồm 12 chữ số.", "citizen_number"))

    assert isinstance(error, InvalidArgument)
    assert (error.kind, error.reason, error.field) == (
        Kind.INVALID_ARGUMENT,
        "NOT_TWELVE_DIGITS",
        "citizen_number",
    )
    assert error.vi == "Số căn cước gồm 12 chữ số."
    assert "099200000017" not in str(error)
    assert InvalidArgument.reason == "INVALID_ARGUMENT"


@pytest.mark.parametrize("other", [ValueError("x"), Format(None, "v"), Format("R", None)])
def test_other_exceptions_are_no_format_errors(other):
    assert from_format_error(other) is None


@pytest.mark.parametrize(
    ("group", "reason"),
    [
        (ExceptionGroup("g", [Overloaded("a"), RequestIdReused()]), "REQUEST_ID_REUSED"),
        (ExceptionGroup("g", [Overloaded("a"), ExceptionGroup("h", [TimeoutError()])]), "DEADLINE_PASSED"),
        (ExceptionGroup("g", [ValueError(), Overloaded("a")]), "OVERLOADED"),
        (ExceptionGroup("g", [Internal("t"), Overloaded("a")]), "INTERNAL"),
        (TimeoutError(), "DEADLINE_PASSED"),
    ],
)
def test_a_group_stands_for_the_error_that_time_will_not_mend(group, reason):
    found = typed(group)

    assert found is not None
    assert found.reason == reason


def test_an_untyped_exception_stands_for_nothing():
    assert typed(ValueError("x")) is None
    assert typed(ExceptionGroup("g", [KeyError("x")])) is None
