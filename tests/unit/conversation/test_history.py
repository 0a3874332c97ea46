"""Stored entries as frames: dense, whatever was taken away."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from nura_rt.conversation import history
from nura_rt.store.log import Entry
from nura_rt.store.messages import Message


def message(seq: int) -> Entry:
    return Entry(
        seq, Message(f"m{seq}", "c1", seq, "user", "words", None, f"k{seq}", None, datetime.now(UTC))
    )


def told(*entries: Entry, **how: Any) -> list[tuple[str, int, int]]:
    """Type and span of each item, and that a gap says exactly its span."""
    found = history.items("c1", entries, **{"after": 0, "tail": 1, **how})
    frames = [json.loads(item.payload.data) for item in found]
    for item, frame in zip(found, frames, strict=True):
        if frame["type"] == "gap":
            assert (frame["channel"], frame["from"], frame["to"]) == (
                "conversation:c1",
                item.prev + 1,
                item.seq,
            )
    return [
        (frame.get("reason", frame["type"]), item.prev, item.seq)
        for item, frame in zip(found, frames, strict=True)
    ]


@pytest.mark.parametrize(
    ("entries", "how", "expected"),
    [
        ([message(1), message(2)], {}, [("message", 0, 1), ("message", 1, 2)]),
        ([], {}, []),
        ([message(3)], {}, [("removed", 0, 2), ("message", 2, 3)]),
        ([message(4)], {"after": 3}, [("message", 3, 4)]),
        ([message(9)], {"tail": 9}, [("trimmed", 0, 8), ("message", 8, 9)]),
        ([message(9)], {"tail": 5}, [("removed", 0, 8), ("message", 8, 9)]),
        ([Entry(2, removed_seq=1)], {}, [("removed", 0, 1), ("message.removed", 1, 2)]),
        ([Entry(7, before_seq=5)], {"after": 6}, [("history.trimmed", 6, 7)]),
        ([message(1)], {"until": 1}, [("message", 0, 1)]),
        ([message(1)], {"until": 3}, [("message", 0, 1), ("lost", 1, 3)]),
        ([], {"after": 4, "until": 6}, [("lost", 4, 6)]),
        ([], {"after": 6, "until": 6}, []),
    ],
)
def test_no_seq_is_passed_over_in_silence(
    entries: list[Entry], how: dict[str, int], expected: list[tuple[str, int, int]]
) -> None:
    assert told(*entries, **how) == expected
