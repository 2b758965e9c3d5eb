"""Collects the handlers that generated code registers, so that they can be wrapped once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceBinding:
    """One proto service with its handlers."""

    service: str
    """Full name, such as `lienthong.identity.v1.IdentityService`."""
    handlers: Mapping[str, grpc.RpcMethodHandler[Any, Any]]  # Any: each method has its own types
    """By short method name."""


class _Capture:
    """Stands where the generated code expects a server."""

    def __init__(self) -> None:
        self.service = ""
        self.handlers: Mapping[str, grpc.RpcMethodHandler[Any, Any]] = {}

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """The same handlers in the older form; the registered form below is enough."""

    def add_registered_method_handlers(
        self, service: str, handlers: Mapping[str, grpc.RpcMethodHandler[Any, Any]]
    ) -> None:
        """Keep what the generated code registers."""
        self.service = service
        self.handlers = handlers


def collect(add_fn: Callable[[Any, Any], None], servicer: object) -> ServiceBinding:
    """The handlers of one servicer.

    Args:
        add_fn: The generated function, such as `add_IdentityServiceServicer_to_server`.
        servicer: The object with the methods.
    """
    capture = _Capture()
    add_fn(servicer, capture)
    assert capture.service, f"{add_fn} registered nothing; it comes from another generator version"
    return ServiceBinding(service=capture.service, handlers=dict(capture.handlers))
