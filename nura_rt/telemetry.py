"""Log lines and counters. A person's words cannot get in: what is not known to be harmless is left out."""

import asyncio
import contextlib
import logging
import re
import sys
import threading
import time
import traceback
import types
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, TextIO

import msgspec

# `extra=` fields that may be logged; others are dropped. Identifiers of people are not among them.
# fmt: off
FIELDS = frozenset({
    "attempt", "backlog", "bytes", "close_code", "code", "conversation_id", "connection_id", "count",
    "duration_ms", "head", "instance", "job_id", "kind", "lag_ms", "message_id", "migration",
    "part", "pid", "port", "reason", "run_id", "seq", "slug", "state", "status", "version"
})
# fmt: on
_TOKEN = re.compile(r"[A-Za-z0-9._:/-]{1,100}")  # no spaces, @ or +: no sentence, address or phone
_LONG_NUMBER = re.compile(r"\d{7,}")
_QUERY = re.compile(r"(\?|%3[Ff])\S*")
_FOREIGN_CUT = re.compile(r"[<(\[{\"'`\n:=%]")
_OUR_LOGGERS = ("nura_rt", "uvicorn")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_COUNTER = re.compile(r"(?:[a-z]{1,24}|\d{1,4})(?:_(?:[a-z]{1,24}|\d{1,4})){0,7}")
_LONGEST_LINE = 400
_COUNTERS_A_LINE = 6
_COUNTERS_EVERY_S = 60.0
WITHHELD = "(withheld)"


class LineFormatter(logging.Formatter):
    """One line per record: JSON, or plain words for a terminal."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """`{"at", "level", "logger", "message", ...fields, "error"?}` or the same in words."""
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"
        line: dict[str, object] = {"at": at, "level": record.levelname.lower(), "logger": record.name}
        line["message"] = safe_message(record)
        line |= safe_fields(record.__dict__)
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = describe_error(record.exc_info[1])
        if self._as_json:
            return msgspec.json.encode(line).decode()
        head = f"{at[11:19]} {line.pop('level'):<7} {line.pop('message')}"
        return " ".join([head, *(f"{key}={line[key]}" for key in line if key not in ("at", "logger"))])


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes lines; one that cannot be written is lost, for the default would print its arguments."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Say nothing."""


class Counters:
    """How often things happened in this process. Used from the event loop's thread only."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._told: dict[str, int] = {}

    def add(self, name: str, n: int = 1) -> None:
        """Count `n` more of `name`: words and short numbers joined by _, so that no id or address fits."""
        if name not in self._counts and not _COUNTER.fullmatch(name):
            raise ValueError("a counter's name is made of lower-case words and short numbers")
        self._counts[name] = self._counts.get(name, 0) + n

    def snapshot(self) -> dict[str, int]:
        """A copy of all counts, by name."""
        return dict(sorted(self._counts.items()))

    def changes(self) -> dict[str, int]:
        """What was counted since the last call, by name."""
        new = {name: count - self._told.get(name, 0) for name, count in sorted(self._counts.items())}
        self._told = dict(self._counts)
        return {name: count for name, count in new.items() if count}


def log_changes(counters: Counters) -> None:
    """An info line for each six counters that changed: names and numbers only."""
    changed = list(counters.changes().items())
    for start in range(0, len(changed), _COUNTERS_A_LINE):
        some = changed[start : start + _COUNTERS_A_LINE]
        words = "counted " + " ".join(f"{name}=%d" for name, _ in some)
        logging.getLogger("nura_rt.counters").info(words, *(count for _, count in some))


async def log_for_ever(counters: Counters) -> None:
    """Once a minute, until cancelled."""
    while True:
        await asyncio.sleep(_COUNTERS_EVERY_S)
        log_changes(counters)


def configure(level: str, stream: TextIO | None = None) -> None:
    """The process's only log from now on, also for uvicorn, warnings and crashes; `level` as in settings."""
    target = sys.stderr if stream is None else stream
    handler = LineHandler(target)
    handler.setFormatter(LineFormatter(as_json=not target.isatty()))
    handler.addFilter(keep)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate, logger.disabled = [], True, False
    logging.captureWarnings(True)
    sys.excepthook = _log_crash
    sys.unraisablehook = lambda lost: _log_crash(lost.exc_type, lost.exc_value, lost.exc_traceback)
    threading.excepthook = lambda lost: _log_crash(lost.exc_type, lost.exc_value, lost.exc_traceback)


def keep(record: logging.LogRecord) -> bool:
    """False for two lines of uvicorn's: one per WebSocket handshake, which holds the query, where people
    put tokens, and an "error" for each handshake that we refused with a status of our own."""
    if not record.name.startswith("uvicorn"):
        return True
    text = str(record.msg)
    return '"WebSocket ' not in text and text != "ASGI callable returned without completing handshake."


def safe_message(record: logging.LogRecord) -> str:
    """The message in one line, without queries; of foreign loggers only the fixed words at its start."""
    text = str(record.msg) if isinstance(record.msg, str) else "(not text)"
    if record.name.split(".")[0] not in _OUR_LOGGERS:
        text = _FOREIGN_CUT.split(text, maxsplit=1)[0]
    elif isinstance(record.args, tuple) and record.args:
        with contextlib.suppress(TypeError, ValueError):
            text = text % tuple(map(_safe_value, record.args))
    text = _QUERY.sub("", text)[:_LONGEST_LINE]
    return "".join(mark if mark.isprintable() else " " for mark in text).strip() or WITHHELD


def safe_fields(extra: Mapping[str, object]) -> dict[str, object]:
    """The allowed ones among `extra`; a value that looks like more than a number or a name is withheld."""
    return {name: _safe_value(extra[name]) for name in sorted(FIELDS & extra.keys())}


def describe_error(error: BaseException) -> str:
    """Types and places of `error` and its causes: `KeyError at nura_rt/a.py:3 f`; never its message."""
    described: list[str] = []
    current: BaseException | None = error
    while current is not None and len(described) < 4:
        inner = "".join(f" [{describe_error(one)}]" for one in _members(current)[:3])
        described.append(f"{type(current).__qualname__} at {_places(current.__traceback__)}{inner}")
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return " from ".join(described)


def _members(error: BaseException) -> tuple[BaseException, ...]:
    return error.exceptions if isinstance(error, BaseExceptionGroup) else ()


def _places(trace: types.TracebackType | None) -> str:
    """The innermost frames, innermost first."""
    frames = [(frame.f_code, line) for frame, line in traceback.walk_tb(trace)][-6:]
    return (
        " < ".join(f"{_short(code.co_filename)}:{line} {code.co_name}" for code, line in frames[::-1]) or "?"
    )


def _short(filename: str) -> str:
    """From the package on: a machine's own folders say who it belongs to."""
    parts = PurePath(filename).parts
    for root in ("site-packages", "nura_rt"):
        if root in parts:
            start = len(parts) - 1 - parts[::-1].index(root)
            return "/".join(parts[start + (root == "site-packages") :])
    return parts[-1] if parts else "?"


def _safe_value(value: object) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if not isinstance(value, str):
        return f"({type(value).__name__})"
    text = _QUERY.sub("", value)
    harmless = _TOKEN.fullmatch(text) and not _LONG_NUMBER.search(_UUID.sub("", text))
    return text if harmless else WITHHELD


def _log_crash(
    kind: type[BaseException], error: BaseException | None, trace: types.TracebackType | None
) -> None:
    if not issubclass(kind, SystemExit):
        known = error if error is not None else kind().with_traceback(trace)
        logging.getLogger("nura_rt").critical("an error nobody caught", exc_info=known)
