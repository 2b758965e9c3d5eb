"""The OpenAPI document of the HTTP front, made from the same descriptors that serve it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor, ServiceDescriptor

from gateway.http.api.bindings import HttpBinding, bindings_of

# Any in this module: an OpenAPI document is plain JSON.
_SCALARS: dict[int, dict[str, Any]] = {
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_BYTES: {"type": "string", "format": "byte"},
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.TYPE_INT64: {"type": "string", "format": "int64"},
    FieldDescriptor.TYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.TYPE_FLOAT: {"type": "number", "format": "float"},
}
_ERROR: dict[str, Any] = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "status", "reason", "message", "message_vi"],
            "properties": {
                "code": {"type": "integer"},
                "status": {"type": "string"},
                "reason": {"type": "string"},
                "message": {"type": "string"},
                "message_vi": {"type": "string"},
                "field": {"type": "string"},
                "facts": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        }
    },
}


def document(version: str, services: Sequence[ServiceDescriptor]) -> dict[str, Any]:
    """The whole document, OpenAPI 3.1."""
    schemas: dict[str, Any] = {"Error": _ERROR}
    paths: dict[str, Any] = {}
    for binding in (each for service in services for each in bindings_of(service)):
        paths.setdefault(binding.openapi_path, {})[binding.verb.lower()] = _operation(binding, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Liên Thông", "version": version},
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "schemas": schemas,
        },
    }


def _operation(binding: HttpBinding, schemas: dict[str, Any]) -> dict[str, Any]:
    method = binding.method
    operation: dict[str, Any] = {
        "operationId": f"{method.containing_service.name}.{method.name}",
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in binding.openapi_parameters
        ],
        "responses": {
            "200": {"description": "Done.", "content": _content(binding, method.output_type, schemas)},
            "default": {
                "description": "Refused; reason and advice are in the body.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    }
    if method.client_streaming:
        header = method.input_type.fields_by_name["header"].message_type
        assert header is not None, f"the header of {method.name} is a message"
        operation["requestBody"] = {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
        operation["parameters"] += [
            {"name": field.name, "in": "query", "schema": _field(field, schemas)}
            for field in header.fields
            if field.name not in binding.path_fields
        ]
    elif binding.takes_body:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _reference(method.input_type, schemas)}},
        }
    else:
        operation["parameters"] += [
            {"name": field.name, "in": "query", "schema": _field(field, schemas)}
            for field in method.input_type.fields
            if field.name not in binding.path_fields
        ]
    return operation


def _content(binding: HttpBinding, message: Descriptor, schemas: dict[str, Any]) -> dict[str, Any]:
    kind = "application/x-ndjson" if binding.method.server_streaming else "application/json"
    return {kind: {"schema": _reference(message, schemas)}}


def _reference(message: Descriptor, schemas: dict[str, Any]) -> dict[str, Any]:
    if message.full_name == "google.protobuf.Timestamp":
        return {"type": "string", "format": "date-time"}
    name = message.full_name.removeprefix("lienthong.")
    if name not in schemas:
        schemas[name] = {"type": "object"}  # stands there first, so that a message may contain itself
        schemas[name]["properties"] = {field.name: _field(field, schemas) for field in message.fields}
    return {"$ref": f"#/components/schemas/{name}"}


def _field(field: FieldDescriptor, schemas: dict[str, Any]) -> dict[str, Any]:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return {"type": "object", "additionalProperties": {"type": "string"}}
    if field.message_type is not None:
        one = _reference(field.message_type, schemas)
    elif field.enum_type is not None:
        one = {"type": "string", "enum": [value.name for value in field.enum_type.values]}
    else:
        one = dict(_SCALARS[field.type])
    return {"type": "array", "items": one} if field.is_repeated else one
