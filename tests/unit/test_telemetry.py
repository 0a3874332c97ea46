"""Canaries: a person's words, tokens, phones and addresses go in everywhere and come out nowhere."""

import asyncio
import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nura_rt import telemetry
from nura_rt.telemetry import Counters

WORDS = "i cannot go on like this canary"
CANARIES = (WORDS, "ada.canary@example.org", "+49 170 5550123", "491705550123")
TOKEN = "eyJcanary.eyJcanary.canary"


class Log(io.StringIO):
    """Where the lines go; `tty` decides their form."""

    def __init__(self, tty: bool = False) -> None:
        super().__init__()
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty

    def lines(self) -> list[str]:
        return self.getvalue().splitlines()

    def last(self) -> dict[str, Any]:
        line: dict[str, Any] = json.loads(self.lines()[-1])
        return line


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    for owner, name in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    stream = Log()
    telemetry.configure("debug", stream)
    yield stream
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)


def fail(message: str) -> None:
    secret_local = message
    raise ValueError(secret_local)


def test_a_line_is_json_with_the_allowed_fields_only(log: Log) -> None:
    logging.getLogger("nura_rt.test").info(
        "stored", extra={"seq": 7, "kind": "reply", "text": WORDS, "user": "ada"}
    )

    line = log.last()
    assert (line["level"], line["logger"], line["message"]) == ("info", "nura_rt.test", "stored")
    assert (line["seq"], line["kind"]) == (7, "reply")
    assert line.keys() == {"at", "level", "logger", "message", "seq", "kind"}


def test_a_line_for_a_terminal_is_plain(log: Log) -> None:
    log._tty = True
    telemetry.configure("info", log)

    logging.getLogger("nura_rt.test").warning("slow", extra={"duration_ms": 12.5})

    assert log.lines()[-1].split(" ", 1)[1] == "warning slow duration_ms=12.5"


@pytest.mark.parametrize("words", CANARIES)
def test_an_allowed_field_with_words_in_it_is_withheld(log: Log, words: str) -> None:
    logging.getLogger("nura_rt.test").info("stored", extra={"reason": words, "slug": {"a": words}})

    assert log.last()["reason"] == "(withheld)"
    assert log.last()["slug"] == "(dict)"


@pytest.mark.parametrize("name", ["nura_rt.test", "uvicorn.error", "asyncpg", "redis.client", "root"])
@pytest.mark.parametrize("words", CANARIES)
def test_words_given_as_arguments_are_withheld(log: Log, name: str, words: str) -> None:
    logging.getLogger(name).error("failed on %s after %r", words, ValueError(words))

    assert words not in log.getvalue()
    assert log.last()["message"].startswith("failed on")


def test_numbers_and_names_given_as_arguments_are_kept(log: Log) -> None:
    logging.getLogger("nura_rt.test").info("%d rows in %s, %.1f ms", 3, "public.messages", 1.25)

    assert log.last()["message"] == "3 rows in public.messages, 1.2 ms"


@pytest.mark.parametrize("wrong", [(WORDS,), (WORDS, WORDS), ({"a": WORDS},)])
def test_arguments_that_do_not_fit_are_left_out_quietly(
    log: Log, capsys: pytest.CaptureFixture[str], wrong: tuple[object, ...]
) -> None:
    record = logging.LogRecord("nura_rt.test", logging.INFO, "", 0, "%d rows", wrong, None)

    logging.getLogger().handlers[0].handle(record)  # straight to ours: pytest's own handlers would raise

    assert "canary" not in log.getvalue() + "".join(capsys.readouterr())
    assert log.last()["message"] == "%d rows"


def test_a_line_that_cannot_be_written_prints_nothing(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    log.close()

    logging.getLogger("nura_rt.test").info("stored %s", WORDS)

    assert capsys.readouterr() == ("", "")


def test_an_exception_is_its_type_and_place(log: Log) -> None:
    try:
        try:
            fail(WORDS)
        except ValueError as error:
            raise RuntimeError(WORDS) from error
    except RuntimeError:
        logging.getLogger("nura_rt.test").exception("a job failed")

    told = log.last()["error"]
    assert told.startswith("RuntimeError at test_telemetry.py:")
    assert " from ValueError at test_telemetry.py:" in told
    assert "fail < test_telemetry.py:" in told
    assert "canary" not in log.getvalue()
    assert "secret_local" not in log.getvalue()


def test_the_members_of_a_group_are_described_too(log: Log) -> None:
    described = telemetry.describe_error(ExceptionGroup(WORDS, [ValueError(WORDS), KeyError(WORDS)]))

    assert described == "ExceptionGroup at ? [ValueError at ?] [KeyError at ?]"


def test_errors_that_cause_each_other_end() -> None:
    first, second = ValueError(WORDS), KeyError(WORDS)
    first.__cause__, second.__cause__ = second, first

    assert telemetry.describe_error(first).count(" from ") == 3


@pytest.mark.parametrize(
    "path", ["/v1/socket?token=" + TOKEN, '/v1/socket?a="b&token=' + TOKEN, "/v1/x%3Ft=" + TOKEN]
)
def test_the_access_log_keeps_the_path_and_loses_the_query(log: Log, path: str) -> None:
    logging.getLogger("uvicorn.access").info(
        '%s - "%s %s HTTP/%s" %d', "127.0.0.1:5", "GET", path, "1.1", 200
    )

    assert log.last()["message"].startswith('127.0.0.1:5 - "GET /v1/')
    assert log.last()["message"].endswith(' HTTP/1.1" 200')
    assert "canary" not in log.getvalue()


@pytest.mark.parametrize("ending", ["[accepted]", "403"])
def test_the_handshake_line_is_dropped(log: Log, ending: str) -> None:
    logging.getLogger("uvicorn.error").info(f'%s - "WebSocket %s" {ending}', "127.0.0.1:5", f"/s?t={TOKEN}")  # noqa: G004

    assert log.getvalue() == ""


def test_a_refused_handshake_is_no_error(log: Log) -> None:
    logging.getLogger("uvicorn.error").error("ASGI callable returned without completing handshake.")

    assert log.getvalue() == ""


def test_no_line_is_more_than_one_line(log: Log) -> None:
    logging.getLogger("nura_rt.test").info("one\ntwo\r\x1b[31mthree\u2028four")

    assert log.last()["message"] == "one two  [31mthree four"
    assert len(log.lines()) == 1


async def test_what_asyncio_says_about_a_lost_task_holds_no_words(log: Log) -> None:
    loop = asyncio.get_running_loop()

    loop.call_exception_handler(
        {"message": f"Exception in callback send({WORDS!r})", "exception": ValueError(WORDS)}
    )

    assert log.last()["message"] == "Exception in callback send"
    assert log.last()["error"] == "ValueError at ?"
    assert "canary" not in log.getvalue()


def test_a_warning_is_logged_without_its_text(log: Log) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn(WORDS, stacklevel=1)

    assert log.last()["logger"] == "py.warnings"
    assert "canary" not in log.getvalue()


def test_the_last_words_of_a_process_are_type_and_place(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        fail(WORDS)
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)

    assert log.last()["level"] == "critical"
    assert log.last()["error"].startswith("ValueError at test_telemetry.py:")
    assert "canary" not in log.getvalue() + "".join(capsys.readouterr())


def test_a_thread_that_fails_says_no_words(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    thread = threading.Thread(target=fail, args=(WORDS,))

    thread.start()
    thread.join()

    assert "ValueError at test_telemetry.py:" in log.last()["error"]
    assert "canary" not in log.getvalue() + "".join(capsys.readouterr())


def test_the_level_is_kept(log: Log) -> None:
    telemetry.configure("warning", log)

    logging.getLogger("nura_rt.test").info("stored")

    assert log.getvalue() == ""


@given(message=st.text(), words=st.text(min_size=1, max_size=40).map(lambda text: f"my {text} words"))
def test_any_message_is_one_line_and_no_argument_shows(message: str, words: str) -> None:
    record = logging.LogRecord("nura_rt.x", 20, "", 0, message.replace("%", "") + " %s", (words,), None)
    record.reason = words

    line = telemetry.LineFormatter(as_json=True).format(record)

    assert len(line.splitlines()) == 1
    assert json.loads(line)["reason"] == "(withheld)"
    assert words not in line


def test_counters_count_and_give_a_copy() -> None:
    counters = Counters()

    counters.add("frames_in")
    counters.add("frames_in", 2)
    counters.add("closed_4408")
    counters.snapshot().clear()

    assert counters.snapshot() == {"closed_4408": 1, "frames_in": 3}


@pytest.mark.parametrize(
    "name", [*CANARIES, "", "Frames", "user_8c5f6f0e-54c4-4f0e-9c55-3f3d1f6f2a11", "a__b", "n_12345"]
)
def test_a_counter_cannot_be_named_after_a_person(name: str) -> None:
    with pytest.raises(ValueError, match="words and short numbers"):
        Counters().add(name)
