"""Reads the google.api.http annotations: which path and verb each method has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from google.api import annotations_pb2
from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor

from lienthong.options.v1 import options_pb2

_VARIABLE = re.compile(r"\{(\w+)(?:=([^}]*))?\}")
DEFAULT_CAP_MS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpBinding:
    """One method at one address."""

    method: MethodDescriptor
    verb: str
    template: str
    """As in the annotation, such as /v1/{name=visits/*}:watch."""
    path_fields: tuple[str, ...]
    takes_body: bool
    cap_ms: int
    """Deadline of a call that brings none, milliseconds."""

    @property
    def full_name(self) -> str:
        """The gRPC name, such as /package.v1.Service/Method."""
        return f"/{self.method.containing_service.full_name}/{self.method.name}"

    @property
    def route(self) -> str:
        """The template in aiohttp's form."""
        return _VARIABLE.sub(lambda found: f"{{{found[1]}:{_pattern(found[2] or '*')}}}", self.template)

    @property
    def openapi_path(self) -> str:
        """The template in OpenAPI's form, such as /v1/visits/{visit}:watch.

        A resource name is written out: two methods may differ in nothing but the form of the name.
        """
        return _VARIABLE.sub(lambda found: _spelled_out(found[1], found[2] or "*"), self.template)

    @property
    def openapi_parameters(self) -> list[str]:
        """The names in braces of `openapi_path`, in order."""
        return [name for name, _ in _VARIABLE.findall(self.openapi_path)]


def _pattern(segments: str) -> str:
    return "/".join("[^/:]+" if segment == "*" else re.escape(segment) for segment in segments.split("/"))


def _spelled_out(field: str, segments: str) -> str:
    """`visits/*/evidence/*` as `visits/{visit}/evidence/{evidence}`.

    A lone `*` bears its field's name; one behind another is `id`.
    """
    spelled: list[str] = []
    for segment in segments.split("/"):
        before = spelled[-1] if spelled else field
        name = "id" if before.startswith("{") else _singular(before) if spelled else field
        spelled.append(f"{{{name}}}" if segment == "*" else segment)
    return "/".join(spelled)


def _singular(collection: str) -> str:
    return f"{collection[:-3]}y" if collection.endswith("ies") else collection.removesuffix("s")


def bindings_of(service: ServiceDescriptor) -> list[HttpBinding]:
    """The annotated methods of a service, in the order of the proto."""
    found = []
    for method in service.methods:
        options: Any = method.GetOptions()  # Any: extensions are looked up by descriptor, which has no type
        rule = options.Extensions[annotations_pb2.http]
        verb = rule.WhichOneof("pattern")
        if verb is None:
            continue
        access = options.Extensions[options_pb2.access]
        template = getattr(rule, verb)
        found.append(
            HttpBinding(
                method=method,
                verb=verb.upper(),
                template=template,
                path_fields=tuple(name for name, _ in _VARIABLE.findall(template)),
                takes_body=rule.body == "*",
                cap_ms=access.cap_ms or DEFAULT_CAP_MS,
            )
        )
    return found


def fields_of(message: Descriptor) -> dict[str, str]:
    """Names of a message's fields as JSON and as proto, both to the proto name."""
    names = {field.json_name: field.name for field in message.fields}
    return names | {field.name: field.name for field in message.fields}
