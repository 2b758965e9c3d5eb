"""One answer for two readers: a table for people, JSON for programs."""

from __future__ import annotations

import json
import uuid
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Any, TypeVar

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.console import RenderableType

from cli import tables

M = TypeVar("M", bound=Message)


def answer(arguments: Namespace, message: M, table: Callable[[M], RenderableType]) -> None:
    """Print an answer in the form that was asked for."""
    if arguments.json:
        print_json(as_dict(message))
    else:
        tables.show(table(message))


def as_dict(message: Message) -> dict[str, Any]:  # Any: JSON
    """A message as the JSON object the HTTP front would give."""
    found: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
    return found


def print_json(value: object) -> None:
    """Print one JSON document."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def add_request_id(parser: ArgumentParser) -> None:
    """Let the person repeat a request whose outcome is unknown."""
    parser.add_argument(
        "--request-id",
        default="",
        help="repeat an earlier request with its UUID; nothing is done twice",
    )


def request_id(arguments: Namespace) -> str:
    """The request's UUID, made now unless one is repeated; kept on the arguments, so that an error can name it."""
    arguments.request_id = arguments.request_id or str(uuid.uuid4())
    return str(arguments.request_id)
