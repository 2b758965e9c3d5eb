"""Addresses, statuses and names of the HTTP front, without a server."""

from __future__ import annotations

import re

import pytest

from chassis.errors import Kind
from gateway.http.api.bindings import bindings_of
from gateway.http.api.errors import (
    STATUS,
    BodyMalformed,
    DeadlineMalformed,
    RouteNotFound,
    error_body,
    error_response,
    shown_name,
)
from lienthong.gateway.v1 import gateway_pb2 as pb
from lienthong.identity.v1 import units_pb2

BINDINGS = {
    binding.method.name: binding for binding in bindings_of(pb.DESCRIPTOR.services_by_name["GatewayService"])
}


def test_every_kind_of_error_has_a_status() -> None:
    assert set(STATUS) == set(Kind)
    assert all(400 <= status < 600 for status in STATUS.values())


def test_a_resource_name_is_spelled_out() -> None:
    paths = {name: (binding.openapi_path, binding.openapi_parameters) for name, binding in BINDINGS.items()}

    assert paths["GetEvidence"] == ("/v1/visits/{visit}/evidence/{evidence}", ["visit", "evidence"])
    assert paths["GetVisit"] == ("/v1/visits/{visit}", ["visit"])
    assert paths["WatchVisit"] == ("/v1/visits/{visit}:watch", ["visit"])
    assert paths["GetTrace"] == ("/v1/traces/{code}", ["code"])
    assert len({(BINDINGS[name].verb, path) for name, (path, _) in paths.items()}) == len(paths)


def test_a_plural_in_ies_is_spelled_out_in_english() -> None:
    units = {
        each.method.name: each for each in bindings_of(units_pb2.DESCRIPTOR.services_by_name["UnitService"])
    }

    assert units["GetFacility"].openapi_path == "/v1/facilities/{facility}"


@pytest.mark.parametrize(
    ("method", "path", "fits"),
    [
        ("GetVisit", "/v1/visits/7", True),
        ("GetVisit", "/v1/visits/7:watch", False),
        ("GetVisit", "/v1/visits/7/evidence/1", False),
        ("GetVisit", "/v1/visits/", False),
        ("WatchVisit", "/v1/visits/7:watch", True),
        ("GetEvidence", "/v1/visits/7/evidence/1", True),
        ("GetEvidence", "/v1/visits/7/evidence/1/2", False),
        ("CallNextTicket", "/v1/rooms/KHAM-1:callNext", True),
        ("CallNextTicket", "/v1/rooms/a/b:callNext", False),
    ],
)
def test_an_address_leads_to_one_method(method: str, path: str, fits: bool) -> None:
    pattern = re.sub(r"\{(\w+):([^{}]*(?:\[[^\]]*\][^{}]*)*)\}", r"(?P<\1>\2)", BINDINGS[method].route)

    assert (re.fullmatch(pattern, path) is not None) == fits


@pytest.mark.parametrize(
    ("method", "cap_ms"), [("CheckIn", 5_000), ("WatchVisit", 600_000), ("ImportStatement", 60_000)]
)
def test_a_call_without_a_deadline_has_the_methods_cap(method: str, cap_ms: int) -> None:
    assert BINDINGS[method].cap_ms == cap_ms


@pytest.mark.parametrize("name", ["kind", "self_pay", "cardQr", "Page_Size", "vitamin_b12", "x" * 64])
def test_a_programs_name_may_be_repeated(name: str) -> None:
    assert shown_name(name) == name


@pytest.mark.parametrize(
    "name",
    [None, "", "099190000017", "a099190000017", "a_099_190_000_017", "n1g2u3y4e5n", "Nguyễn", "a b", "x" * 65,
     "kind\n", "<script>", "1st"],
)  # fmt: skip
def test_what_may_be_a_persons_is_not_repeated(name: str | None) -> None:
    assert shown_name(name) is None
    assert "field" not in error_body(BodyMalformed(name))["error"]  # type: ignore[operator]  # a dict


def test_an_error_is_json_in_both_languages() -> None:
    body = error_body(DeadlineMalformed("X-Deadline-Ms"))

    assert body == {
        "error": {
            "code": 400,
            "status": "INVALID_ARGUMENT",
            "reason": "DEADLINE_MALFORMED",
            "message": "Give the deadline in whole milliseconds, or leave the header out.",
            "message_vi": "Thời hạn chờ (X-Deadline-Ms) phải là số mili giây.",
            "facts": {},
            "field": "X-Deadline-Ms",
        }
    }


def test_vietnamese_is_sent_as_letters() -> None:
    response = error_response(RouteNotFound())

    assert response.status == 404
    assert response.text is not None
    assert "Không có chức năng" in response.text
    assert response.headers["Cache-Control"] == "no-store"
