"""Stored rows as the frames that carry them."""

from datetime import UTC, datetime

import pytest

from nura_rt.conversation import frames
from nura_rt.protocol import server
from nura_rt.store.conversations import Conversation
from nura_rt.store.log import Entry
from nura_rt.store.messages import Message

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
LATER = datetime(2026, 11, 22, 11, tzinfo=UTC)


def test_a_persons_message_names_its_client_id() -> None:
    row = Message("m1", "c1", 3, "user", "My own words", "[words]", "k1", None, AT)

    frame = frames.message(row)

    assert frame == server.Message("c1", 3, "m1", "user", "My own words", AT, client_id="k1")


def test_a_reply_names_the_message_it_answers() -> None:
    row = Message("m2", "c1", 4, "assistant", "I hear you", None, "reply:m1", None, AT)

    frame = frames.message(row)

    assert frame == server.Message("c1", 4, "m2", "assistant", "I hear you", AT, reply_to="m1")


@pytest.mark.parametrize("author", [None, "carla"])
def test_who_wrote_it_if_not_the_owner_is_named(author: str | None) -> None:
    row = Message("m1", "c1", 3, "user", "words", None, "k1", author, AT)

    assert frames.message(row).author == author


@pytest.mark.parametrize(
    ("entry", "frame"),
    [
        (
            Entry(3, Message("m1", "c1", 3, "user", "words", None, "k1", None, AT)),
            server.Message("c1", 3, "m1", "user", "words", AT, client_id="k1"),
        ),
        (Entry(4, removed_seq=2), server.MessageRemoved("c1", 4, 2)),
        (Entry(5, before_seq=3), server.HistoryTrimmed("c1", 5, 3)),
    ],
)
def test_each_entry_of_the_log_is_a_frame_of_its_own(entry: Entry, frame: object) -> None:
    assert frames.log_entry("c1", entry) == frame


def test_a_conversation_is_a_line_of_the_list() -> None:
    row = Conversation(
        id="c1",
        title="A walk",
        description="About the sea",
        session_type="checkup",
        status="active",
        crisis_level="low",
        last_seq=4,
        read_seq=2,
        message_count=3,
        total_duration_minutes=1.5,
        created_at=AT,
        updated_at=LATER,
        last_message_at=None,
        tail_seq=1,
    )

    frame = frames.conversation(row)

    assert frame == server.Conversation(
        conversation_id="c1",
        title="A walk",
        status="active",
        crisis_level="low",
        head=4,
        message_count=3,
        created_at=AT,
        last_message_at=None,
        updated_at=LATER,
        description="About the sea",
        session_type="checkup",
        read_seq=2,
        total_duration_minutes=1.5,
    )
