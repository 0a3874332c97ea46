"""What a person says comes in here, whichever door it came through: screen, keep, answer, tell, reply."""

import uuid
from collections.abc import Callable
from datetime import datetime
from functools import partial

import msgspec

from nura_rt.conversation.support import SupportCards, notice
from nura_rt.conversation.talk import Saving
from nura_rt.conversation.talks import Talks
from nura_rt.conversation.words import indicators
from nura_rt.conversation.writer import Busy, Kept, Outcome, Writer
from nura_rt.pipeline.pipeline import Before, Pipeline
from nura_rt.pipeline.placeholders import unnumbered
from nura_rt.pipeline.turn import CrisisResult, Screened
from nura_rt.protocol.errors import Code
from nura_rt.protocol.server import Message, Support
from nura_rt.realtime import channels
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload
from nura_rt.store.batch import Row
from nura_rt.store.jobs import Job


class Turn(msgspec.Struct, frozen=True):
    """One utterance before storage."""

    person_id: str
    conversation_id: str
    client_id: str
    text: str


class Accepted(msgspec.Struct, frozen=True):
    """Committed, with its crisis event and its reply job. `support`: the card its words brought, if any."""

    message_id: str
    conversation_id: str
    seq: int
    committed_at: datetime
    duplicate: bool
    support: Support | None = None


class Refused(msgspec.Struct, frozen=True):
    """Not taken. `temporary`: the same turn with the same client_id may be sent again."""

    code: Code
    message: str
    temporary: bool
    field: str | None = None
    retry_after_ms: int | None = None
    support: Support | None = None


Answer = Callable[[Accepted | Refused], None]

_REFUSALS = {
    "not_found": Refused(Code.NOT_FOUND, "there is no such conversation", temporary=False),
    "invalid": Refused(Code.INVALID, "this text cannot be kept", temporary=False, field="text"),
    "degraded": Refused(
        Code.DEGRADED, "not kept: the database does not answer", temporary=True, retry_after_ms=2000
    ),
}
_BUSY = Refused(Code.BUSY, "not kept: too much at once", temporary=True, retry_after_ms=1000)


class Intake:
    """The one path. `accept` never blocks; the answer comes after the commit, before anybody else hears."""

    def __init__(
        self,
        *,
        pipeline: Pipeline,
        writer: Writer,
        hub: Hub,
        take_job: Callable[[Job], None],
        cards: SupportCards,
        talks: Talks,
        on_use: Callable[[str, str], None],
        on_change: Callable[[str, str], None],
    ) -> None:
        self._pipeline = pipeline
        self._writer = writer
        self._hub = hub
        self._take_job = take_job
        self._cards = cards
        self._talks = talks
        self._on_use = on_use  # told the person and the service, for their profile's figures
        self._on_change = on_change  # told the person and the conversation, for the list

    def accept(self, turn: Turn, answer: Answer) -> None:
        """Screens and queues the turn; `answer` is called exactly once."""
        self._talks.when_known(
            turn.person_id, turn.conversation_id, turn.client_id, partial(self._screen, turn, answer)
        )

    def _screen(self, turn: Turn, answer: Answer, before: Before) -> Saving | None:
        text = turn.text.replace("\x00", "")  # PostgreSQL cannot hold it and nobody can see it
        screened = self._pipeline.screen(text, before)
        self._talks.note(turn.person_id, turn.conversation_id, turn.client_id, screened.crisis)
        if screened.placeholders is None:
            self._put(turn, answer, screened)
            return None
        return Saving(screened.placeholders, partial(self._put_saved, turn, answer, screened))

    def _put_saved(self, turn: Turn, answer: Answer, screened: Screened, saved: bool) -> None:
        """A number that was not kept would mean somebody else in the next message: then there is none."""
        if not saved:
            screened = msgspec.structs.replace(screened, processed=unnumbered(screened.processed))
        self._put(turn, answer, screened)

    def _put(self, turn: Turn, answer: Answer, screened: Screened) -> None:
        message_id = str(uuid.uuid4())
        card = self._card(turn.conversation_id, message_id, screened.crisis)
        row = _row(turn, screened, message_id, card)
        try:
            self._writer.put(row, partial(self._settle, answer, screened.crisis, card))
        except Busy:
            self._talks.settle(row.person_id, row.conversation_id, row.client_id, None)
            self._refuse(answer, row, _BUSY, card)

    def _settle(self, answer: Answer, crisis: CrisisResult, card: Support | None, outcome: Outcome) -> None:
        row = outcome.row
        seq = outcome.seq if isinstance(outcome, Kept) and not outcome.duplicate else None
        self._talks.settle(row.person_id, row.conversation_id, row.client_id, seq)
        if not isinstance(outcome, Kept):
            self._refuse(answer, row, _REFUSALS[outcome.why], card)
            return
        if outcome.duplicate:
            card = self._card(row.conversation_id, outcome.message_id, crisis)  # as the original's was named
        answer(
            Accepted(
                message_id=outcome.message_id,
                conversation_id=row.conversation_id,
                seq=outcome.seq,
                committed_at=outcome.committed_at,
                duplicate=outcome.duplicate,
                support=card,
            )
        )
        if outcome.duplicate:  # its first telling may have been lost with an unknown outcome
            self._cards.show_again(row.person_id, card)
            self._hub.announce(channels.conversation(row.conversation_id), outcome.seq)
            return
        self._cards.show(row.person_id, card)
        self._on_use(row.person_id, "chat")
        self._on_change(row.person_id, row.conversation_id)
        self._tell(outcome)
        self._start_reply(row, outcome.seq)

    def _refuse(self, answer: Answer, row: Row, refused: Refused, card: Support | None) -> None:
        """Help is shown whatever became of the message: somebody wrote these words just now."""
        answer(msgspec.structs.replace(refused, support=card))
        self._cards.show(row.person_id, card)

    def _card(self, conversation_id: str, message_id: str, crisis: CrisisResult) -> Support | None:
        return self._cards.card(conversation_id=conversation_id, cause_id=message_id, level=crisis.level)

    def _tell(self, kept: Kept) -> None:
        row = kept.row
        frame = Message(
            conversation_id=row.conversation_id,
            seq=kept.seq,
            message_id=kept.message_id,
            role="user",
            text=row.content,
            created_at=kept.committed_at,
            client_id=row.client_id,
        )
        self._hub.publish(channels.conversation(row.conversation_id), Payload.of(frame), seq=kept.seq)

    def _start_reply(self, row: Row, seq: int) -> None:
        assert row.reply_token is not None
        payload = {
            "message_id": row.message_id,
            "conversation_id": row.conversation_id,
            "seq": seq,
            "level": row.level,
        }
        self._take_job(Job("reply", f"reply:{row.message_id}", row.person_id, payload, row.reply_token, 1))


def _row(turn: Turn, screened: Screened, message_id: str, card: Support | None) -> Row:
    return Row(
        message_id=message_id,
        conversation_id=turn.conversation_id,
        person_id=turn.person_id,
        client_id=turn.client_id,
        role="user",
        content=screened.text,
        processed=screened.processed,
        pii={"spans": [msgspec.to_builtins(span) for span in screened.pii]} if screened.pii else {},
        sentiment=screened.sentiment,
        level=screened.crisis.level,
        indicators=indicators(screened.crisis),
        reply_token=str(uuid.uuid4()),
        notice=notice(card) if card else None,
    )
