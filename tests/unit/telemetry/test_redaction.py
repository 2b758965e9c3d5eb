"""What may leave in a span is listed; everything else is dropped, masked and counted."""

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.telemetry.redaction import (
    ATTRIBUTES,
    LOG_KEYS,
    MASK,
    RedactionCounts,
    Shape,
    clean_attributes,
    clean_value,
    mask_digits,
)
from tests.support.canary import scan

if TYPE_CHECKING:
    from tests.unit.telemetry.conftest import Traced

PERSONAL = ["099204012345", "GD4790912345678", "0791234567", "0912345678", "Nguyễn Thị Đào", "Nguyen Thi Dao"]


def clean(**attributes: object) -> dict[str, object]:
    return dict(clean_attributes(attributes, RedactionCounts()))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rpc.method", "/lienthong.identity.v1.IdentityService/VerifyCard"),
        ("rpc.status", "DEADLINE_EXCEEDED"),
        ("peer", "ipv4:127.0.0.1:50051"),
        ("peer", "ipv6:[::1]:50051"),
        ("peer", "ipv6:%5B::1%5D:50051"),
        ("peer", "identity.internal:50051"),
        ("peer", "unix:/run/identity.sock"),
        ("http.route", "/fhir/Patient/{id}"),
        ("leg", "insurance.coverage"),
        ("db.queries", "visit_by_id,visit_insert"),
        ("facility", "79-012"),
        ("http.status", 503),
        ("degraded", True),
        ("link.traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ],
)
def test_values_of_code_pass(key: str, value: object) -> None:
    assert clean(**{key: value}) == {key: value}


@pytest.mark.parametrize(
    "key", sorted({rule.key for rule in ATTRIBUTES.values()} | {rule.key for rule in LOG_KEYS.values()})
)
@pytest.mark.parametrize("value", PERSONAL)
def test_no_listed_key_shows_a_person(key: str, value: str) -> None:
    shown = clean_value(LOG_KEYS[key], value)
    assert shown in (None, MASK)


@pytest.mark.parametrize("key", ["rows", "bytes", "http.status"])
def test_identifier_given_as_a_number_is_masked(key: str) -> None:
    assert clean(**{key: 99204012345}) == {key: MASK}
    assert clean(**{key: -99204012345}) == {key: MASK}


@pytest.mark.parametrize(
    "value", ["099-204-012-345", "099.204.012.345", "a/099/204/012/345", "v099_204_012_345"]
)
@pytest.mark.parametrize("key", ["rpc.method", "leg", "facility", "peer"])
def test_grouped_identifier_is_masked(key: str, value: str) -> None:
    assert clean(**{key: value}) == {key: MASK}


def test_key_outside_the_list_is_dropped_and_counted() -> None:
    counts = RedactionCounts()
    assert clean_attributes({"citizen.name": "x", "rows": 1, "sql": "SELECT 1"}, counts) == {"rows": 1}
    assert counts.dropped_keys == 2


def test_value_of_another_type_is_dropped_and_counted() -> None:
    counts = RedactionCounts()
    values: dict[str, object] = {
        "rows": "3",
        "degraded": 1,
        "leg": None,
        "peer": ["a"],
        "http.status": True,
        "bytes": 1.5,
    }
    assert clean_attributes(values, counts) == {}
    assert counts.dropped_keys == 6


def test_long_value_is_masked_and_counted() -> None:
    counts = RedactionCounts()
    assert clean_attributes({"leg": "a" * 64, "journey": "a" * 65}, counts) == {
        "leg": "a" * 64,
        "journey": MASK,
    }
    assert counts.masked_values == 1


def test_string_that_changes_when_it_is_read_is_taken_as_it_is() -> None:
    class Liar(str):
        __slots__ = ()

        def __str__(self) -> str:
            return "099204012345"

        def __len__(self) -> int:
            return 1

    shown = clean(leg=Liar("coverage"), journey=Liar("a" * 65), facility=Liar("099204012345"))
    assert shown == {"leg": "coverage", "journey": MASK, "facility": MASK}
    assert {type(value) for value in shown.values()} == {str}


def test_citizen_number_inside_an_outside_trace_id_is_masked() -> None:
    link = "00-0af7651916cd43dd8099204012345abc-b7ad6b7169203331-01"
    assert clean(**{"link.traceparent": link}) == {"link.traceparent": MASK}


@given(st.sampled_from(sorted(LOG_KEYS)), st.text(max_size=80))
def test_no_text_passes_with_a_blank_a_long_number_or_a_foreign_letter(key: str, value: str) -> None:
    shown = clean_value(LOG_KEYS[key], value)
    if isinstance(shown, str) and shown is not MASK:
        assert shown == value
        assert value.isascii()
        assert not any(char.isspace() for char in value)
        if LOG_KEYS[key].shape is not Shape.TRACE_ID:
            assert len(value) <= 64


@given(st.from_regex(r"[0-9]{9,15}", fullmatch=True), st.sampled_from(["", " ", "-", ".", "/", " - "[:2]]))
def test_any_long_number_is_masked_in_a_text(number: str, between: str) -> None:
    assert mask_digits(f"card {between.join(number)} used") == f"card {MASK} used"


def test_keyword_spelling_and_dotted_key_are_one() -> None:
    assert ATTRIBUTES["rpc_method"] is ATTRIBUTES["rpc.method"]


def test_what_was_planted_is_in_no_span(traced: "Traced") -> None:
    for value in PERSONAL:
        with traced.telemetry.span(value, leg=value, facility=value, peer=value, citizen=value) as span:
            span.set("rpc.method", value)
            span.set(value, value)
            span.fail(value)
    assert len(traced.rows()) == len(PERSONAL)
    assert scan(repr(traced.rows()), PERSONAL) == []
    counts = traced.telemetry.counts
    assert counts.dropped_keys == 2 * len(PERSONAL)
    assert counts.masked_values == 4 * len(PERSONAL)
