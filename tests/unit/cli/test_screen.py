"""`nura-rt screen`: a line out for each line in, and a bad one is named without its words."""

import io
import json

import pytest

from nura_rt.cli.errors import UsageError
from nura_rt.cli.screen import screen


def screened(*lines: bytes) -> list[dict[str, object]]:
    out = io.BytesIO()
    screen(lines, out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_text_is_screened_as_the_server_would() -> None:
    (found,) = screened(b'{"text": "I want to kill myself. Call 555-010-9999", "id": "a1"}')

    assert found["id"] == "a1"
    assert found["level"] == "high"
    assert found["requires_intervention"] is True
    assert found["pii"] == [{"type": "PHONE", "start": 28, "end": 40}]
    assert found["processed"] == "I want to kill myself. Call <PHONE_1>"
    assert -1.0 <= float(str(found["sentiment"])) < 0.0
    assert {"name", "rule", "level", "actor", "polarity", "time"} == set(dict(found["indicators"][0]))  # type: ignore[index]


def test_lines_keep_their_order_and_empty_ones_are_passed_over() -> None:
    found = screened(
        b'{"text": "hello"}\n', b"\n", b'{"turns": [{"role": "user", "text": "I want to die"}]}\n'
    )

    assert [line["level"] for line in found] == ["none", "high"]


@pytest.mark.parametrize(
    "line", [b"{", b'{"words": "the secret"}', b'{"text": ["the secret"]}', b'"the secret"']
)
def test_a_bad_line_is_named_by_its_number_and_not_quoted(line: bytes) -> None:
    with pytest.raises(UsageError, match=r"^line 2: ") as refused:
        screened(b'{"text": "fine"}', line)

    assert "secret" not in str(refused.value)
