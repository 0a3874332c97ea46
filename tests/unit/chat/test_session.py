"""What one client may do: a table of frames and what follows from each."""

import pytest

from nura_rt.auth.tokens import Identity
from nura_rt.chat.session import (
    AcceptTurn,
    CreateConversation,
    Effect,
    HangUp,
    Join,
    Leave,
    Say,
    Session,
    not_found,
    refusal,
)
from nura_rt.protocol import client
from nura_rt.protocol.client import ClientFrame
from nura_rt.protocol.codec import FrameError
from nura_rt.protocol.errors import Close, Code
from nura_rt.protocol.server import Error, Pong
from nura_rt.settings import Limits

ANN = Identity("ann", "s1", None, 2e9)
LIMITS = Limits(
    text_chars=10, unacked=2, subscriptions=2, messages_per_s=1, message_burst=3, frame_bytes=65_536
)


def session() -> Session:
    return Session(ANN, LIMITS, now=0.0)


def send(text: str = "hello", ref: str = "r1") -> client.MessageSend:
    return client.MessageSend(ref=ref, conversation_id="c1", client_id="m1", text=text)


def told(effects: list[Effect]) -> Error:
    (effect,) = effects
    assert isinstance(effect, Say)
    assert isinstance(effect.frame, Error)
    return effect.frame


@pytest.mark.parametrize(
    ("frame", "effects"),
    [
        (send(), [AcceptTurn("r1", "c1", "m1", "hello")]),
        (send("x" * 10), [AcceptTurn("r1", "c1", "m1", "x" * 10)]),
        (send("  hi  "), [AcceptTurn("r1", "c1", "m1", "  hi  ")]),
        (client.ConversationCreate("r1", "n1", "A title"), [CreateConversation("r1", "n1", "A title")]),
        (client.ConversationCreate("r1", "n1"), [CreateConversation("r1", "n1", None)]),
        (client.Subscribe("r1", "conversation:c1"), [Join("r1", "c1", None)]),
        (client.Subscribe("r1", "conversation:c1", since=0), [Join("r1", "c1", 0)]),
        (client.Subscribe("r1", "conversation:c1", since=7), [Join("r1", "c1", 7)]),
        (client.Unsubscribe("r1", "conversation:c1"), [Leave("r1", "conversation:c1")]),
        (client.Ping(12.5), [Say(Pong(12.5, {}))]),
        (client.Hello("token"), [HangUp(Close.PROTOCOL_VIOLATION)]),
    ],
)
def test_a_frame_has_its_effects(frame: ClientFrame, effects: list[Effect]) -> None:
    assert session().on_frame(frame, now=0.0) == effects


@pytest.mark.parametrize(
    ("frame", "code", "field"),
    [
        (send(""), Code.INVALID, "text"),
        (send(" \n\t "), Code.INVALID, "text"),
        (send("x" * 11), Code.TOO_LONG, "text"),
        (client.Subscribe("r1", "user:ann"), Code.INVALID, "channel"),
        (client.Subscribe("r1", "user:bob"), Code.INVALID, "channel"),
        (client.Subscribe("r1", "care"), Code.INVALID, "channel"),
        (client.Subscribe("r1", "conversation:a b"), Code.INVALID, "channel"),
    ],
)
def test_what_breaks_a_rule_is_said_and_nothing_else_happens(
    frame: ClientFrame, code: Code, field: str
) -> None:
    ours = session()

    error = told(ours.on_frame(frame, now=0.0))

    assert (error.code, error.field, error.ref, error.temporary) == (code, field, "r1", False)
    assert (ours.unacked, ours.joined) == (0, set())


def test_who_sends_too_fast_is_told_when_to_try_again() -> None:
    ours = session()
    for _ in range(3):
        ours.on_frame(send(), now=0.0)

    error = told(ours.on_frame(send(ref="r4"), now=0.5))

    assert (error.code, error.ref, error.temporary, error.retry_after_ms) == ("too_fast", "r4", True, 501)
    assert ours.unacked == 3


def test_after_waiting_a_message_is_taken_again() -> None:
    ours = session()
    for _ in range(4):
        ours.on_frame(send(), now=0.0)

    effects = ours.on_frame(send(), now=1.001)

    assert effects == [AcceptTurn("r1", "c1", "m1", "hello")]


@pytest.mark.parametrize("refused", ["", "x" * 11])
def test_a_refused_text_does_not_take_from_what_the_person_may_send(refused: str) -> None:
    taken_at: list[float] = []

    def allowance(now: float) -> float:
        taken_at.append(now)
        return 0.0

    ours = Session(ANN, LIMITS, now=0.0, allowance=allowance)

    ours.on_frame(send(refused), now=1.0)
    ours.on_frame(send(), now=2.0)

    assert taken_at == [2.0]


@pytest.mark.parametrize(("refused", "code"), [("", Code.INVALID), ("x" * 11, Code.TOO_LONG)])
def test_refused_texts_without_end_are_too_fast_and_then_end_it(refused: str, code: Code) -> None:
    ours = session()

    answers = [ours.on_frame(send(refused), now=0.0) for _ in range(104)]

    assert [told(answer).code for answer in answers[:103]] == [code] * 3 + [Code.TOO_FAST] * 100
    assert told(answers[103][:1]).temporary
    assert answers[103][1:] == [HangUp(Close.TOO_FAST)]


def test_reading_pauses_while_too_much_is_unanswered() -> None:
    ours = session()

    before = ours.may_send_more
    ours.on_frame(send(), now=0.0)
    ours.on_frame(send(), now=0.0)
    during = ours.may_send_more
    ours.on_answered()

    assert (before, during, ours.may_send_more) == (True, False, True)


def test_so_many_subscriptions_and_no_more() -> None:
    ours = session()
    for name in ("conversation:a", "conversation:b"):
        ours.on_frame(client.Subscribe("r1", name), now=0.0)

    error = told(ours.on_frame(client.Subscribe("r3", "conversation:c"), now=0.0))
    again = ours.on_frame(client.Subscribe("r4", "conversation:a", since=3), now=0.0)
    ours.on_frame(client.Unsubscribe("r5", "conversation:b"), now=0.0)
    after = ours.on_frame(client.Subscribe("r6", "conversation:c"), now=0.0)

    assert (error.code, error.field, error.ref) == ("invalid", "channel", "r3")
    assert again == [Join("r4", "a", 3)]
    assert after == [Join("r6", "c", None)]


def test_a_pong_tells_the_heads_of_the_moment() -> None:
    ours = session()
    ours.heads["conversation:a"] = 4

    (effect,) = ours.on_frame(client.Ping(1), now=0.0)
    ours.heads["conversation:a"] = 5

    assert effect == Say(Pong(1, {"conversation:a": 4}))


def test_each_bad_frame_is_answered_and_too_many_end_it() -> None:
    ours = session()
    bad = FrameError(Code.BAD_FRAME, "must be one JSON object in UTF-8")

    effects = [ours.on_bad_frame(bad) for _ in range(21)]

    assert effects == [[Say(refusal(bad))]] * 20 + [[Say(refusal(bad)), HangUp(Close.PROTOCOL_VIOLATION)]]


def test_a_refusal_says_field_and_rule_in_one_sentence() -> None:
    error = refusal(FrameError(Code.INVALID, "is required", "text", "r1"))

    assert error == Error(
        code="invalid",
        message="`text` is required",
        temporary=False,
        ref="r1",
        field="text",
        rule="is required",
    )


def test_a_missing_conversation_names_nothing() -> None:
    assert not_found("r1") == Error("not_found", "there is no such conversation", False, ref="r1")
