"""Log lines: JSON, the trace they belong to, and not a word about a person."""

import asyncio
import io
import json
import logging
import pickle
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from chassis.telemetry import Sensitive
from chassis.telemetry.logs import configure
from tests.support.canary import scan

if TYPE_CHECKING:
    from tests.unit.telemetry.conftest import Traced

NUMBER = "099204012345"
NAME = "Nguyễn Thị Đào"
PLAIN_NAME = "Nguyen Thi Dao"
PLANTED = [NUMBER, NAME, PLAIN_NAME]

Line = dict[str, Any]  # Any: what JSON holds


class Logged:
    """What was written, as text and as lines."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[Line]:
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def line(self) -> Line:
        (line,) = self.lines
        return line


@pytest.fixture
def logged() -> Iterator[Logged]:
    root = logging.getLogger()
    kept = root.handlers[:], root.level, sys.excepthook, threading.excepthook, sys.unraisablehook
    made = Logged()
    configure("identity", level="debug", stream=made.stream)
    yield made
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level = kept[:2]
    sys.excepthook, threading.excepthook, sys.unraisablehook = kept[2:]


def test_line_is_json_with_time_level_service_event(logged: Logged) -> None:
    structlog.get_logger("chassis.rpc").info("Server started", listen="127.0.0.1:50051", workers=3)
    line = logged.line
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info", "service": "identity", "event": "Server started", "listen": "127.0.0.1:50051", "workers": 3,
    }  # fmt: skip


def test_line_inside_a_span_names_its_trace(logged: Logged, traced: "Traced") -> None:
    with traced.telemetry.span("call") as span:
        structlog.get_logger().warning("outbox is late", age_s=12)
    assert (logged.line["trace_id"], logged.line["span_id"]) == (span.trace_id, span.span_id)


def test_key_that_is_not_listed_shows_the_mask(logged: Logged) -> None:
    structlog.get_logger().info("card checked", citizen_name=NAME, leg=NAME, rows=3, **{NAME: 1})
    line = logged.line
    assert (line["citizen_name"], line["leg"], line["rows"]) == ("[masked]", "[masked]", 3)
    assert scan(logged.text, PLANTED) == []


def test_event_built_from_values_is_masked_and_its_place_told(logged: Logged) -> None:
    structlog.get_logger().info(f"card of {PLAIN_NAME} checked")
    structlog.get_logger().info("card of %s checked", NAME)
    assert scan(logged.text, PLANTED) == []
    assert {line["event"] for line in logged.lines} == {"[masked]"}
    assert all(line["location"].startswith("telemetry/test_logs.py:") for line in logged.lines)


def test_exception_shows_its_type_and_place_only(logged: Logged) -> None:
    try:
        raise ValueError(f"{NAME} {NUMBER}")
    except ValueError:
        structlog.get_logger().exception("unexpected error")
    line = logged.line
    assert line["error_type"] == "ValueError"
    assert line["location"].startswith("telemetry/test_logs.py:")
    assert scan(logged.text, PLANTED) == []


def test_line_cannot_be_split_by_a_value(logged: Logged) -> None:
    structlog.get_logger().info("done", leg='a\n{"level": "error"}')
    assert len(logged.text.splitlines()) == 1


def test_level_below_the_set_one_is_not_written(logged: Logged) -> None:
    configure("identity", level="warning", stream=logged.stream)
    structlog.get_logger().info("done")
    assert logged.text == ""


def test_library_literal_is_shown_with_its_numbers_only(logged: Logged) -> None:
    logging.getLogger("aiohttp.server").warning("Request %s took %d ms", NAME, 12)
    logging.getLogger("grpc").error("Stream closed")
    logging.getLogger("grpc").error("Number %d", int(NUMBER))
    assert [line["event"] for line in logged.lines] == [
        "Request <str> took 12 ms",
        "Stream closed",
        "Number %d",
    ]
    assert logged.lines[0]["logger"] == "aiohttp.server"
    assert scan(logged.text, PLANTED) == []


def test_library_text_built_before_it_is_logged_is_masked(logged: Logged) -> None:
    # grpc logs "Exception calling application: <text>" like this
    logging.getLogger("grpc._server").error(f"Exception calling application: {PLAIN_NAME}")
    try:
        raise ValueError(NAME)
    except ValueError as error:
        logging.getLogger("grpc").exception(error)
    assert [line["event"] for line in logged.lines] == ["[masked]", "[masked]"]
    assert logged.lines[1]["error_type"] == "ValueError"
    assert scan(logged.text, PLANTED) == []


def test_library_below_warning_is_not_written(logged: Logged) -> None:
    logging.getLogger("aiohttp.access").info("GET /patients/%s", NUMBER)
    assert logged.text == ""


def test_lost_exception_of_a_task_shows_no_text(logged: Logged) -> None:
    async def lose() -> None:
        async def fail() -> None:
            raise ValueError(f"{NAME} {NUMBER}")

        task = asyncio.create_task(fail())
        await asyncio.sleep(0)
        del task

    asyncio.run(lose())
    (line,) = [line for line in logged.lines if line["logger"] == "asyncio"]
    assert line["event"] == "Task exception was never retrieved"
    assert line["error_type"] == "ValueError"
    assert scan(logged.text, PLANTED) == []


def test_uncaught_exceptions_show_no_text(logged: Logged, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise ValueError(f"{NAME} {NUMBER}")

    hook = threading.excepthook
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert hook is threading.excepthook
    try:
        fail()
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)
    assert [line["event"] for line in logged.lines] == [
        "uncaught_exception_in_thread",
        "uncaught_exception",
    ]
    assert {line["error_type"] for line in logged.lines} == {"ValueError"}
    printed = capsys.readouterr()
    assert scan([logged.text, printed.out, printed.err], PLANTED) == []


def test_warning_shows_no_text(logged: Logged) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn(f"{PLAIN_NAME} {NUMBER}", stacklevel=1)
    logging.captureWarnings(capture=False)
    assert logged.line["logger"] == "py.warnings"
    assert scan(logged.text, PLANTED) == []


def test_sensitive_text_is_shown_nowhere() -> None:
    secret = Sensitive(NUMBER)
    shown = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret:>20}",
        f"{secret!r}",
        "%s" % secret,  # noqa: UP031  (a library may format like this)
        repr([secret]),
    ]
    assert scan(shown, [NUMBER]) == []
    assert secret.reveal() == NUMBER
    assert secret == Sensitive(NUMBER)
    assert secret != Sensitive(NAME)
    assert secret != NUMBER
    for leak in (json.dumps, pickle.dumps, "".join):
        with pytest.raises(TypeError):
            leak([secret])  # type: ignore[list-item]  # it must be refused
