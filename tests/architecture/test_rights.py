"""Every method of the suite says who may call it, and the gateway is no looser than the service behind it."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from google.protobuf.descriptor import ServiceDescriptor

from chassis.rpc.access import policy_of
from lienthong.options.v1 import options_pb2

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("identity", "emr", "insurance", "payment", "gateway")


def services() -> list[ServiceDescriptor]:
    """Every service of the suite."""
    found: list[ServiceDescriptor] = []
    for name in PACKAGES:
        for path in sorted((ROOT / "lienthong" / name / "v1").glob("*_pb2.py")):
            module = importlib.import_module(f"lienthong.{name}.v1.{path.stem}")
            found += module.DESCRIPTOR.services_by_name.values()
    return found


METHODS = [f"/{service.full_name}/{method.name}" for service in services() for method in service.methods]


@pytest.mark.parametrize("method", METHODS)
def test_a_method_has_a_policy(method: str) -> None:
    policy = policy_of(method)

    assert policy is not None, (
        f"{method} has no (lienthong.options.v1.access): it would be refused to everybody"
    )
    assert policy.roles
    assert not policy.public, "nothing here may be called without a token"


@pytest.mark.parametrize("service", services(), ids=lambda service: service.full_name)
def test_every_method_says_whether_it_may_be_repeated(service: ServiceDescriptor) -> None:
    unsaid = [method.name for method in service.methods if method.GetOptions().idempotency_level == 0]

    assert unsaid == []


@pytest.mark.parametrize("service", services(), ids=lambda service: service.full_name)
def test_a_write_has_a_request_id_and_a_read_has_none(service: ServiceDescriptor) -> None:
    no_side_effects = 1
    wrong = []
    for method in service.methods:
        names = set(method.input_type.fields_by_name)
        is_read = method.GetOptions().idempotency_level == no_side_effects
        # A client's stream repeats by what its first part names: a request_id, or the place in a file.
        if ("request_id" in names) == is_read and not method.client_streaming:
            wrong.append(method.name)

    assert wrong == []


def test_the_role_of_services_is_no_persons_role_at_the_edge() -> None:
    edge = [method for method in METHODS if ".gateway." in method]

    assert [method for method in edge if "SERVICE" in (policy_of(method) or pytest.fail(method)).roles] == []
    assert "ROLE_SERVICE" in dict(options_pb2.Role.items())
