"""What comes in: every client frame survives the trip, and nothing but FrameError ever leaves `decode`."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nura_rt.chat.session import refusal
from nura_rt.protocol import client, codec
from nura_rt.protocol.client import ClientFrame
from nura_rt.protocol.codec import FrameError
from nura_rt.protocol.errors import Close, Code

NOT_JSON = "must be one JSON object in UTF-8"
NO_TYPE = "must name a frame type of nura.v1"
SEND = {"type": "message.send", "ref": "r", "conversation_id": "c", "client_id": "m", "text": "hello"}

refs = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64)
ids = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
seqs = st.integers(0, 2**53 - 1)
client_frames: st.SearchStrategy[ClientFrame] = st.one_of(
    st.builds(
        client.Hello,
        token=texts,
        device=st.none() | texts.map(lambda text: text[:100]),
        resume=st.lists(st.builds(client.Resumed, channel=refs, seq=seqs), max_size=3),
    ),
    st.builds(client.AuthRefresh, token=texts, ref=st.none() | refs),
    st.builds(client.Subscribe, ref=refs, channel=refs, since=st.none() | seqs),
    st.builds(client.Unsubscribe, ref=refs, channel=refs),
    st.builds(client.ConversationCreate, ref=refs, client_id=ids, title=st.none() | texts),
    st.builds(client.MessageSend, ref=refs, conversation_id=ids, client_id=ids, text=texts),
    st.builds(client.Typing, conversation_id=ids, on=st.booleans()),
    st.builds(client.Read, conversation_id=ids, seq=seqs),
    st.builds(client.NoticeAck, notice_id=refs),
    st.builds(client.Ping, t=st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)),
)
# JSON that is almost a frame: right names, any values
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    ["ref", "channel", "since", "client_id", "conversation_id", "text", "t", "token", "x"]
)
types = st.sampled_from([*(frame.__struct_config__.tag for frame in ClientFrame.__args__), ""])
near_frames = st.builds(
    lambda kind, fields: {"type": kind, **fields}, types | values, st.dictionaries(names | st.text(), values)
)


def refused(text: str | bytes) -> FrameError:
    with pytest.raises(FrameError) as caught:
        codec.decode(text)
    return caught.value


@given(client_frames)
def test_every_client_frame_survives_the_trip(frame: ClientFrame) -> None:
    assert codec.decode(msgspec.json.encode(frame)) == frame


def test_every_client_frame_is_in_the_trip() -> None:
    types = {frame.__struct_config__.tag for frame in client.ClientFrame.__args__}

    assert types == {
        "hello",
        "auth.refresh",
        "subscribe",
        "unsubscribe",
        "conversation.create",
        "message.send",
        "typing",
        "read",
        "notice.ack",
        "ping",
    }


def read(text: str | bytes) -> ClientFrame | FrameError:
    try:
        return codec.decode(text)
    except FrameError as error:
        return error


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_nonsense_is_only_ever_refused(text: str | bytes) -> None:
    assert isinstance(read(text), FrameError)


@given(near_frames)
def test_almost_a_frame_is_a_frame_or_refused_in_few_words(fields: dict[str, Any]) -> None:
    outcome = read(json.dumps(fields))

    if isinstance(outcome, FrameError):
        answer = json.loads(codec.encode(refusal(outcome)))
        assert len(answer["message"]) < 400
        assert len(answer.get("ref", "")) <= 64
    else:
        assert json.loads(msgspec.json.encode(outcome))["type"] == fields["type"]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"1",
        b"[]",
        b'"hello"',
        b'{"type":"ping","t":1',
        b'{"type":"ping","t":1}{"type":"ping","t":1}',
        b'{"type":"ping","t":NaN}',
        b"\xff\xfe",
        b'{"type":"message.send","ref":"r","conversation_id":"c","client_id":"m","text":"\xff"}',
        b'{"type":"message.send","ref":"r","conversation_id":"c","client_id":"m","text":"\\ud800"}',
        "\ud800",
        b"[" * 100_000,
        b'{"type":' * 100_000,
    ],
)
def test_what_is_not_one_json_object_is_a_bad_frame(text: str | bytes) -> None:
    error = refused(text)

    assert (error.code, error.rule, error.field) == (Code.BAD_FRAME, NOT_JSON, None)


@pytest.mark.parametrize(
    ("fields", "code", "field", "rule", "ref"),
    [
        ({}, Code.UNKNOWN_TYPE, "type", NO_TYPE, None),
        ({"ref": "r"}, Code.UNKNOWN_TYPE, "type", NO_TYPE, "r"),
        ({"type": "accepted", "ref": "r"}, Code.UNKNOWN_TYPE, "type", NO_TYPE, "r"),
        ({"type": None, "ref": "r"}, Code.UNKNOWN_TYPE, "type", NO_TYPE, "r"),
        ({"type": 1}, Code.UNKNOWN_TYPE, "type", NO_TYPE, None),
        ({"type": "ping"}, Code.INVALID, "t", "is required", None),
        ({"type": "ping", "t": 1, "u": 2}, Code.INVALID, "u", "is not a known field", None),
        ({**SEND, "role": "system"}, Code.INVALID, "role", "is not a known field", "r"),
        ({**SEND, "text": None}, Code.INVALID, "text", "Expected `str`, got `null`", "r"),
        ({**SEND, "ref": ""}, Code.INVALID, "ref", "Expected `str` of length >= 1", None),
        ({**SEND, "ref": "r" * 65}, Code.INVALID, "ref", "Expected `str` of length <= 64", "r" * 64),
        ({**SEND, "ref": 7}, Code.INVALID, "ref", "Expected `str`, got `int`", None),
        ({"type": "hello", "token": 1}, Code.INVALID, "token", "Expected `str`, got `int`", None),
    ],
)
def test_a_refusal_names_field_and_rule(
    fields: dict[str, Any], code: Code, field: str, rule: str, ref: str | None
) -> None:
    error = refused(json.dumps(fields))

    assert (error.code, error.field, error.rule, error.ref) == (code, field, rule, ref)


@pytest.mark.parametrize("bad", ["", "a b", "a:b", "é", "a/b", "x" * 65, "a\x00", "a\n"])
@pytest.mark.parametrize("field", ["conversation_id", "client_id"])
def test_an_id_has_only_the_characters_of_ids(field: str, bad: str) -> None:
    error = refused(json.dumps({**SEND, field: bad}))

    assert (error.code, error.field) == (Code.INVALID, field)


@pytest.mark.parametrize("since", [-1, 2**53, 1.5, "1", True])
def test_a_since_is_a_seq(since: object) -> None:
    error = refused(json.dumps({"type": "subscribe", "ref": "r", "channel": "c", "since": since}))

    assert (error.code, error.field) == (Code.INVALID, "since")


def test_a_refusal_never_repeats_what_was_said() -> None:
    error = refused(json.dumps({**SEND, "conversation_id": "my secret words"}))

    assert "secret" not in f"{error} {error!r} {error.rule}"


@pytest.mark.parametrize("code", list(Close))
def test_a_close_code_says_whether_to_come_back(code: Close) -> None:
    never_again = {
        "bad_hello", "bad_token", "protocol_violation", "frame_too_large", "another_person", "revoked",
        "account_erased", "displaced",
    }  # fmt: skip

    assert (code >= 4500) == (code.slug in never_again)
    assert 4000 <= code < 5000
