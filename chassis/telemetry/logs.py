"""Logs as JSON lines on stderr: listed keys, constant events, no exception text, and their trace.

Our own code logs through structlog. Libraries (grpc, aiohttp, asyncio) log through the standard library and
are shown from WARNING on, with their text only where it is a literal of their source: asyncio, for one, puts
the text of a lost exception into its message, grpc the text of a handler's, and that may name a person.
"""

import json
import logging
import math
import re
import sys
import threading
import traceback
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, TextIO

import structlog

from chassis.telemetry.redaction import GROUPED_DIGITS, LOG_KEYS, MASK, NUMBER_MAX, clean_value
from chassis.telemetry.spans import current_span

if TYPE_CHECKING:
    from structlog.typing import Processor, WrappedLogger

EVENT_LENGTH_MAX: Final = 160
FRAMES_MAX: Final = 40
"""How far up the stack the literal of a message is looked for."""

Level = Literal["debug", "info", "warning", "error"]
LogValue = str | int | float | bool

_LEVELS: Final[Mapping[str, int]] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_CODE_WORD = re.compile(r"[a-z][a-z0-9_.]{0,79}", re.ASCII)
_KEY = re.compile(r"[a-z][a-z0-9_.]{0,39}", re.ASCII)
# First lines that asyncio and aiohttp put before a repr(): safe to show, while what follows is not.
_KNOWN_FIRST_LINES: Final = frozenset(
    {
        "Task exception was never retrieved",
        "Future exception was never retrieved",
        "Task was destroyed but it is pending!",
        "Unhandled exception in event loop",
        "unhandled exception during asyncio.run() shutdown",
        "Unclosed client session",
        "Unclosed connector",
        "Unclosed connection",
    }
)
ErrorInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def configure(service: str, *, level: Level = "info", stream: TextIO | None = None) -> None:
    """Send all logs of this process through redaction; called once by a program's start.

    Args:
        service: Written on each line.
        level: The lowest level of our own logs that is shown; libraries are shown from WARNING on.
        stream: Where lines go; stderr when None.
    """
    out = sys.stderr if stream is None else stream
    processors: list[Processor] = [
        structlog.processors.add_log_level,
        _Redaction(service),
        structlog.processors.JSONRenderer(sort_keys=False),
    ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(LibraryHandler(service, out))
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    _hook_uncaught()


class _Redaction:
    """The structlog processor that builds the line anew from what may leave."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(
        self, logger: "WrappedLogger", method: str, event: MutableMapping[str, Any]
    ) -> Mapping[str, LogValue]:
        # Any: structlog's own type for what a caller may hand in; everything is checked below.
        text = event.pop("event", "")
        level = event.pop("level", method)
        error = _error_of(event.pop("exc_info", None))
        line = _line(self._service, str(level))
        frame = _frame_with_literal(text) if isinstance(text, str) else None
        if isinstance(text, str) and (frame is not None or _CODE_WORD.fullmatch(text)):
            line["event"] = _masked(text)
        else:
            line["event"] = MASK
            line["location"] = _caller()
        line.update(clean_line(event))
        if error is not None:
            line.update(describe_error(error))
        return line


def clean_line(values: Mapping[str, object]) -> dict[str, LogValue]:
    """Return what of a line may leave: a key that is not listed shows the mask instead of its value."""
    clean: dict[str, LogValue] = {}
    for key, value in values.items():
        rule = LOG_KEYS.get(key)
        if rule is None:
            if _KEY.fullmatch(key) is not None:
                clean[key] = MASK
            continue
        if isinstance(value, float):
            clean[rule.key] = round(value, 3) if math.isfinite(value) and abs(value) <= NUMBER_MAX else MASK
            continue
        kept = clean_value(rule, value)
        clean[rule.key] = MASK if kept is None else kept
    return clean


def describe_error(error: BaseException) -> dict[str, LogValue]:
    """What a log may say of an exception: its type and the place in the code, never a word of its text."""
    described: dict[str, LogValue] = {"error_type": type(error).__name__[:64]}
    frames = traceback.extract_tb(error.__traceback__)
    if frames:
        described["location"] = f"{_short(frames[-1].filename)}:{frames[-1].lineno}"
    return described


class LibraryHandler(logging.Handler):
    """Takes the logs of libraries from the standard library and writes them as lines of our own."""

    def __init__(self, service: str, stream: TextIO) -> None:
        super().__init__(logging.WARNING)
        self._service = service
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; a closed stream is ignored, since a program ends with its pipe gone."""
        line = _line(self._service, record.levelname.lower())
        line["event"] = _library_text(record)
        line["logger"] = _masked(record.name[:64])
        line["location"] = f"{_short(record.pathname)}:{record.lineno}"
        error = _error_of(record.exc_info)
        if error is not None:
            line.update(describe_error(error))
        try:
            self._stream.write(json.dumps(line) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            pass


def _line(service: str, level: str) -> dict[str, LogValue]:
    line: dict[str, LogValue] = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": level,
        "service": service,
    }
    span = current_span()
    if span.trace_number:
        line["trace_id"] = span.trace_id
        line["span_id"] = span.span_id
    return line


def _library_text(record: logging.LogRecord) -> str:
    """The message's literal with its numbers, or the mask when the message was built before it was logged."""
    message = record.msg
    if not isinstance(message, str):
        return MASK
    if record.args:
        # A message with arguments beside it is a literal: whoever formats it first has no arguments left.
        return _masked(_with_numbers(message, record.args))
    first_line = message.partition("\n")[0]
    if first_line in _KNOWN_FIRST_LINES:
        return first_line
    return _masked(message) if _frame_with_literal(message) is not None else MASK


def _with_numbers(template: str, arguments: object) -> str:
    """Fill a template with small numbers, and with the type's name for everything else."""

    def shown(value: object) -> object:
        small = isinstance(value, (int, float)) and abs(value) <= NUMBER_MAX
        return value if small else f"<{type(value).__name__}>"

    try:
        if isinstance(arguments, Mapping):
            return template % {key: shown(value) for key, value in arguments.items()}
        return (
            template % tuple(shown(value) for value in arguments)
            if isinstance(arguments, tuple)
            else template
        )
    except (TypeError, ValueError, KeyError):
        return template


def _masked(text: str) -> str:
    """One line of plain ASCII without long numbers, or the mask."""
    if len(text) > EVENT_LENGTH_MAX or not text.isascii() or not text.isprintable():
        return MASK
    return GROUPED_DIGITS.sub(MASK, text)


def _frame_with_literal(text: str) -> FrameType | None:
    """Find the code on the stack that has `text` as a literal: proof that it was not built from values."""
    frame: FrameType | None = sys._getframe(1)
    for _ in range(FRAMES_MAX):
        if frame is None:
            return None
        # Our own frames hold literals too, but of other texts.
        if frame.f_globals.get("__name__") != __name__ and text in frame.f_code.co_consts:
            return frame
        frame = frame.f_back
    return None


def _caller() -> str:
    """The place in the code that logged: the first frame outside of this module and structlog."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module != __name__ and not module.startswith("structlog"):
            return f"{_short(frame.f_code.co_filename)}:{frame.f_lineno}"
        frame = frame.f_back
    return MASK


def _short(path: str) -> str:
    """The last two parts of a path: enough to find the file, and no word about the machine."""
    return "/".join(path.replace("\\", "/").split("/")[-2:])


def _error_of(given: object) -> BaseException | None:
    """The exception meant by a logger's `exc_info`."""
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple) and len(given) == 3 and isinstance(given[1], BaseException):
        return given[1]
    return sys.exc_info()[1] if given else None


def _hook_uncaught() -> None:
    """Replace the interpreter's own reports of lost exceptions, which print the text of the exception."""
    # Events of one word each: the frames of this module are not searched for literals.
    log = structlog.get_logger("chassis.uncaught")

    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        log.error("uncaught_exception", exc_info=error.with_traceback(trace))

    def uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            log.error("uncaught_exception_in_thread", exc_info=args.exc_value)

    def unraisable(args: "sys.UnraisableHookArgs") -> None:
        if args.exc_value is not None:
            log.error("exception_in_callback", exc_info=args.exc_value)

    sys.excepthook = uncaught
    threading.excepthook = uncaught_in_thread
    sys.unraisablehook = unraisable
