"""Channel names: made and read in one place, so each reading undoes its making."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nura_rt.realtime import channels
from nura_rt.realtime.channels import Channel

ids = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)


@given(ids)
def test_a_made_name_is_read_back(an_id: str) -> None:
    assert channels.parse(channels.conversation(an_id)) == Channel("conversation", an_id)
    assert channels.parse(channels.user(an_id)) == Channel("user", an_id)


@given(st.text())
def test_any_text_is_a_channel_that_makes_the_same_name_or_none(text: str) -> None:
    channel = channels.parse(text)

    assert channel is None or f"{channel.kind}:{channel.id}" == text


@given(ids)
def test_the_way_over_the_bus_and_back(an_id: str) -> None:
    name = channels.conversation(an_id)

    assert channels.from_bus(channels.on_bus(name).encode()) == name


def test_a_bus_name_keeps_one_channel_on_one_shard() -> None:
    assert channels.on_bus("user:a") == "nura:{user:a}"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "conversation",
        "conversation:",
        ":a",
        "conversation:a b",
        "conversation:a\n",
        " conversation:a",
        "conversation:a}",
        "conversation:a:b",
        "Conversation:a",
        "care",
        "call:a",
        "conversation:" + "a" * 65,
        "conversation:é",
    ],
)
def test_what_is_not_a_name_is_none(name: str) -> None:
    assert channels.parse(name) is None
