"""Reads from each method's proto option who may call it; what declares nothing is refused."""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor

from chassis.errors import OtherFacility
from chassis.rpc.context import current_caller
from lienthong.options.v1 import options_pb2

DEFAULT_CAP_MS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Who may call one method."""

    roles: frozenset[str]
    """Role names without the prefix; one of them is enough."""
    public: bool
    """No token needed."""
    cap_ms: int
    """Longest deadline a client gives the method."""


def method_descriptor(full_method: str) -> MethodDescriptor | None:
    """The descriptor behind `/package.Service/Method`, None when its proto is not loaded."""
    service, _, name = full_method.removeprefix("/").rpartition("/")
    try:
        found: MethodDescriptor | None = (
            descriptor_pool.Default().FindServiceByName(service).methods_by_name.get(name)
        )
    except KeyError:
        return None
    return found


def policy_of(full_method: str) -> Policy | None:
    """The rule a method declares, None when it declares none or allows nobody."""
    method = method_descriptor(full_method)
    if method is None or not method.GetOptions().HasExtension(options_pb2.access):
        return None
    access = method.GetOptions().Extensions[options_pb2.access]
    roles = frozenset(options_pb2.Role.Name(role).removeprefix("ROLE_") for role in access.roles if role)
    if not roles and not access.public:
        return None
    return Policy(roles=roles, public=access.public, cap_ms=access.cap_ms or DEFAULT_CAP_MS)


def cap_ms_of(full_method: str) -> int:
    """The longest deadline a client gives a method, milliseconds."""
    policy = policy_of(full_method)
    return DEFAULT_CAP_MS if policy is None else policy.cap_ms


def is_idempotent(full_method: str) -> bool:
    """Whether a method may be sent again after UNAVAILABLE: its proto says NO_SIDE_EFFECTS or IDEMPOTENT."""
    method = method_descriptor(full_method)
    return method is not None and method.GetOptions().idempotency_level != 0


def require_same_facility(facility: str) -> None:
    """Refuse a caller of another facility.

    Services and citizens carry no facility: what they may see is decided by the operation.

    Raises:
        OtherFacility: the caller works for another facility.
    """
    caller = current_caller()
    if caller.facility and caller.facility != facility:
        raise OtherFacility
