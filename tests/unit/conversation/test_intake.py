"""What the intake says to whom, for every fate a message can have. The writer's part is played, its queue is not."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from nura_rt.conversation.intake import Accepted, Intake, Turn
from nura_rt.conversation.intake import Refused as NotTaken
from nura_rt.conversation.support import SupportCards, notice
from nura_rt.conversation.talk import Then
from nura_rt.conversation.writer import Busy, Kept, OnOutcome, Outcome, Refused
from nura_rt.pipeline.pipeline import Before, Pipeline
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload
from nura_rt.store.batch import Row
from nura_rt.store.jobs import Job

SERIOUS, ORDINARY = "I want to kill myself tonight", "I had soup for lunch"
PIPELINE = Pipeline.load()

Fate = Callable[[Row], Outcome]


def kept(row: Row) -> Outcome:
    return Kept(row, row.message_id, 7, datetime.now(UTC), duplicate=False)


def repeated(row: Row) -> Outcome:
    return Kept(row, "the-first", 7, datetime.now(UTC), duplicate=True)


def not_found(row: Row) -> Outcome:
    return Refused(row, "not_found")


def degraded(row: Row) -> Outcome:
    return Refused(row, "degraded")


def busy(row: Row) -> Outcome:
    raise Busy


class Fated:
    """Where the writer stands: what becomes of a row is known beforehand."""

    def __init__(self, fate: Fate) -> None:
        self._fate = fate

    def put(self, row: Row, on_outcome: OnOutcome) -> None:
        on_outcome(self._fate(row))


class NothingBefore:
    """Where the states stand: every conversation is new."""

    def when_known(self, person_id: str, conversation_id: str, client_id: str, then: Then) -> None:
        then(Before())

    def note(self, *args: Any) -> None: ...

    def settle(self, *args: Any) -> None: ...


class Everybody:
    """The relay, and a listener on the person's and the conversation's channel: all that is told, in order."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def want(self, channel: str) -> None: ...

    def drop(self, channel: str) -> None: ...

    def publish(self, channel: str, seq: int | None, payload: Payload, prev: int | None = None) -> None:
        self.told.append(msgspec.json.decode(payload.data)["type"] if payload.data else "announcement")


def intake_of(
    everybody: Everybody, fate: Fate, uses: list[tuple[str, ...]] | None = None
) -> tuple[Intake, list[Job]]:
    """The intake whose writer's fate is known, and the jobs it begins."""
    hub = Hub(everybody, on_gap=lambda _: None)
    jobs: list[Job] = []
    writer: Any = Fated(fate)
    talks: Any = NothingBefore()
    intake = Intake(
        pipeline=PIPELINE,
        writer=writer,
        hub=hub,
        take_job=jobs.append,
        cards=SupportCards(
            hub, lambda level: (level, []), lambda _, card: everybody.told.append(f"again {card.notice_id}")
        ),
        talks=talks,
        on_use=lambda *use: uses.append(use) if uses is not None else None,
        on_change=lambda *change: uses.append(change) if uses is not None else None,
    )
    return intake, jobs


def said(text: str, fate: Fate, uses: list[tuple[str, ...]] | None = None) -> tuple[list[str], list[Job]]:
    """What is told after `text` met its fate: the sender's answer first, and the jobs begun."""
    everybody = Everybody()
    intake, jobs = intake_of(everybody, fate, uses)
    intake.accept(
        Turn("p1", "c1", "k1", text),
        lambda answer: everybody.told.append("accepted" if isinstance(answer, Accepted) else "refused"),
    )
    return everybody.told, jobs


@pytest.mark.parametrize(
    ("fate", "told"),
    [
        (kept, ["accepted", "support", "message"]),
        (repeated, ["accepted", "again support-the-first", "announcement"]),
        (not_found, ["refused", "support"]),
        (degraded, ["refused", "support"]),
        (busy, ["refused", "support"]),
    ],
)
def test_help_is_shown_whatever_becomes_of_the_message(fate: Fate, told: list[str]) -> None:
    assert said(SERIOUS, fate)[0] == told


@pytest.mark.parametrize("fate", [kept, repeated, not_found, degraded, busy])
@pytest.mark.parametrize(("text", "level"), [(SERIOUS, "critical"), (ORDINARY, None)])
def test_the_answer_has_the_card_whatever_becomes_of_the_message(
    fate: Fate, text: str, level: str | None
) -> None:
    answers: list[Accepted | NotTaken] = []
    intake, _ = intake_of(Everybody(), fate)

    intake.accept(Turn("p1", "c1", "k1", text), answers.append)

    assert [answer.support.level if answer.support else None for answer in answers] == [level]


@pytest.mark.parametrize(
    ("fate", "told"),
    [(kept, ["accepted", "message"]), (repeated, ["accepted", "announcement"]), (degraded, ["refused"])],
)
def test_ordinary_words_bring_no_card(fate: Fate, told: list[str]) -> None:
    assert said(ORDINARY, fate)[0] == told


@pytest.mark.parametrize(
    ("fate", "begun"), [(kept, 1), (repeated, 0), (not_found, 0), (degraded, 0), (busy, 0)]
)
def test_only_what_was_kept_now_is_answered(fate: Fate, begun: int) -> None:
    assert len(said(ORDINARY, fate)[1]) == begun


@pytest.mark.parametrize(
    ("fate", "counted"),
    [(kept, [("p1", "chat"), ("p1", "c1")]), (repeated, []), (not_found, []), (degraded, []), (busy, [])],
)
def test_only_what_was_kept_now_counts_as_use_and_as_a_change(
    fate: Fate, counted: list[tuple[str, ...]]
) -> None:
    uses: list[tuple[str, ...]] = []
    said(ORDINARY, fate, uses)

    assert uses == counted


def test_a_reply_job_holds_ids_and_no_words() -> None:
    (job,) = said(SERIOUS, kept)[1]

    assert set(job.payload) == {"message_id", "conversation_id", "seq", "level"}
    assert job.key == f"reply:{job.payload['message_id']}"


@pytest.mark.parametrize("text", [SERIOUS, ORDINARY])
def test_the_card_that_is_shown_is_kept_with_the_message(text: str) -> None:
    rows: list[Row] = []
    answers: list[Accepted | NotTaken] = []

    def remember(row: Row) -> Outcome:
        rows.append(row)
        return kept(row)

    intake_of(Everybody(), remember)[0].accept(Turn("p1", "c1", "k1", text), answers.append)

    card = answers[0].support
    assert rows[0].notice == (notice(card) if card else None)
    assert (card is not None) == (text == SERIOUS)
    assert card is None or card.notice_id == f"support-{rows[0].message_id}"


def test_a_nul_is_taken_out_and_the_rest_is_kept() -> None:
    rows: list[Row] = []

    def remember(row: Row) -> Outcome:
        rows.append(row)
        return kept(row)

    said("so\x00up", remember)

    assert rows[0].content == "soup"
