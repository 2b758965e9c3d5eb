"""Checks every request the same way: known enum numbers, a well-formed request_id; compiled per type."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from chassis.errors import RequestIdMalformed, RequestIdRequired, UnknownEnumValue

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)

Check = Callable[[Message, str], None]


@dataclass(slots=True)
class _Field:
    """What to look at in one field that is, or holds, an enum."""

    name: str
    shape: str
    """`one`, `list` or `map`."""
    known: Mapping[int, object] | None
    """The numbers of an enum field, None for a message field."""
    plan: _Plan | None
    has_presence: bool


@dataclass(slots=True)
class _Plan:
    fields: list[_Field]


class RequestChecks:
    """Compiled checks, one per message type."""

    def __init__(self) -> None:
        self._plans: dict[str, _Plan] = {}
        self._holds_enum: dict[str, bool] = {}

    def compile(self, descriptor: Descriptor) -> Callable[[Any], None] | None:
        """A check of a whole message of this type, or None when there is nothing to check."""
        if not self._reaches_enum(descriptor, set()):
            return None
        plan = self._plan(descriptor)
        return lambda message: _check(plan, message, "")

    def _reaches_enum(self, descriptor: Descriptor, seen: set[str]) -> bool:
        """Whether an enum field can be reached; google.protobuf's own types are left alone."""
        if descriptor.full_name in seen or descriptor.full_name.startswith("google.protobuf."):
            return False
        seen.add(descriptor.full_name)
        return any(
            field.enum_type is not None
            or (field.message_type is not None and self._reaches_enum(field.message_type, seen))
            for field in descriptor.fields
        )

    def _plan(self, descriptor: Descriptor) -> _Plan:
        done = self._plans.get(descriptor.full_name)
        if done is not None:
            return done
        plan = self._plans[descriptor.full_name] = _Plan([])  # before the fields: a type may hold itself
        for field in descriptor.fields:
            entry = self._field(field)
            if entry is not None:
                plan.fields.append(entry)
        return plan

    def _field(self, field: FieldDescriptor) -> _Field | None:
        target, shape = field, "list" if field.is_repeated else "one"
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            target, shape = field.message_type.fields_by_name["value"], "map"
        if target.enum_type is not None:
            return _Field(field.name, shape, target.enum_type.values_by_number, None, False)
        if target.message_type is None or not self._reaches_enum(target.message_type, set()):
            return None
        return _Field(field.name, shape, None, self._plan(target.message_type), shape == "one")


def _check(plan: _Plan, message: Any, path: str) -> None:  # Any: fields are read by name
    for field in plan.fields:
        if field.has_presence and not message.HasField(field.name):
            continue
        value = getattr(message, field.name)
        here = f"{path}{field.name}"
        if field.shape == "one":
            _check_one(field, value, here)
        elif field.shape == "list":
            for index, item in enumerate(value):
                _check_one(field, item, f"{here}[{index}]")
        else:
            for item in value.values():
                _check_one(field, item, f"{here}[*]")  # a key may be an identifier


def _check_one(field: _Field, value: Any, path: str) -> None:
    if field.known is not None:
        if value not in field.known:
            raise UnknownEnumValue(path, value)
    elif field.plan is not None:
        _check(field.plan, value, path + ".")


def has_request_id(descriptor: Descriptor) -> bool:
    """Whether requests of this type carry a request_id."""
    field = descriptor.fields_by_name.get("request_id")
    return field is not None and field.type == FieldDescriptor.TYPE_STRING


def check_request_id(request_id: str) -> None:
    """Raises RequestIdRequired for "" and RequestIdMalformed for anything but a UUID of 36 characters."""
    if not request_id:
        raise RequestIdRequired
    if _UUID.fullmatch(request_id) is None:
        raise RequestIdMalformed
