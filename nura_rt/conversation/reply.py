"""A reply is a job: it streams, then is kept by the same writer, exactly once per message."""

import asyncio
import time
import uuid
from collections.abc import Callable

import asyncpg

from nura_rt.assistant.port import Assistant, Prompt, Said
from nura_rt.conversation.talks import Talks
from nura_rt.conversation.writer import Kept, Writer
from nura_rt.protocol.server import Message, ReplyDelta, ReplyEnded, ReplyStarted, ServerFrame
from nura_rt.realtime import channels
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload, Tier
from nura_rt.store import jobs, messages, reply_runs
from nura_rt.store.batch import Row
from nura_rt.store.jobs import Job

_HISTORY = 40  # turns of this conversation the assistant sees
_COALESCE_S = 0.03
_WHOLE_REPLY_WITHIN_S = 120
_DEADLOCKS_AT_MOST = 3


class Deltas:
    """Joins what the model says within 30 ms into one frame; `n` counts frames, `at` code points."""

    def __init__(self, hub: Hub, channel: str, run_id: str, conversation_id: str) -> None:
        self._hub = hub
        self._channel = channel
        self._run_id = run_id
        self._conversation_id = conversation_id
        self._pending = ""
        self._timer: asyncio.TimerHandle | None = None
        self._n = 0
        self.text = ""

    def add(self, delta: str) -> None:
        """More text; leaves within 30 ms."""
        self._pending += delta
        if self._timer is None and self._pending:
            self._timer = asyncio.get_running_loop().call_later(_COALESCE_S, self.flush)

    def flush(self) -> None:
        """Sends what is pending now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._pending:
            frame = ReplyDelta(self._run_id, self._conversation_id, self._n, len(self.text), self._pending)
            self._n += 1
            self.text += self._pending
            self._pending = ""
            self._hub.publish(self._channel, Payload.of(frame, Tier.EPHEMERAL))

    def stop(self) -> None:
        """Sends nothing more."""
        if self._timer is not None:
            self._timer.cancel()


class Replies:
    """The job function of kind `reply`. Replies of one conversation are written one after another."""

    def __init__(
        self,
        *,
        people: asyncpg.Pool,
        work: asyncpg.Pool,
        writer: Writer,
        hub: Hub,
        assistant: Assistant,
        on_change: Callable[[str, str], None],
        asks: Callable[[str], frozenset[str]],
        talks: Talks,
    ) -> None:
        """`asks` tells what a text asks the person about (`Pipeline.asks`).

        `on_change` is told the person and the conversation of each reply that was kept.
        """
        self._people = people
        self._work = work
        self._writer = writer
        self._hub = hub
        self._assistant = assistant
        self._on_change = on_change
        self._asks = asks
        self._talks = talks

    def serial(self, job: Job) -> str:
        """One conversation, one voice at a time."""
        return str(job.payload["conversation_id"])

    async def run(self, job: Job) -> None:
        """Streams the reply and keeps it; when it was kept before, only ends the job."""
        assert job.user_id is not None
        conversation_id, message_id = job.payload["conversation_id"], job.payload["message_id"]
        run_id = await self._start(job, job.user_id)
        if run_id is None:
            await jobs.finish(self._work, key=job.key, lease_token=job.lease_token)
            return
        started = time.monotonic()
        self._tell(conversation_id, ReplyStarted(run_id, conversation_id, message_id))
        text = await self._stream(job, run_id, await self._prompt(job))
        asked = self._asks(text)
        outcome = await self._writer.keep(
            Row(
                message_id=str(uuid.uuid4()),
                conversation_id=conversation_id,
                person_id=job.user_id,
                client_id=messages.REPLY_PREFIX + message_id,
                role="assistant",
                content=text,
                processed=text,
                indicators={"asked": sorted(asked)} if asked else {},
                finishes=message_id,
                fence=job.lease_token,
                model=self._assistant.model,
                response_ms=round((time.monotonic() - started) * 1000),
            )
        )
        if isinstance(outcome, Kept):
            self._told(run_id, message_id, outcome, text, asked)
            if outcome.duplicate:
                await reply_runs.complete(
                    self._work,
                    message_id=message_id,
                    lease_token=job.lease_token,
                    reply_message_id=outcome.message_id,
                )
                await jobs.finish(self._work, key=job.key, lease_token=job.lease_token)
        elif outcome.why == "not_found":  # the lease is another's, or the conversation was deleted meanwhile
            await jobs.finish(self._work, key=job.key, lease_token=job.lease_token)
        else:
            raise RuntimeError(f"the reply was not kept: {outcome.why}")

    async def _start(self, job: Job, person_id: str) -> str | None:
        """The run's id; None when there is nothing to do, or nobody to tell."""
        for _ in range(_DEADLOCKS_AT_MOST):
            try:
                return await reply_runs.start(
                    self._work,
                    message_id=job.payload["message_id"],
                    conversation_id=job.payload["conversation_id"],
                    person_id=person_id,
                    lease_token=job.lease_token,
                )
            except asyncpg.DeadlockDetectedError:  # it is being deleted
                continue
            except asyncpg.ForeignKeyViolationError:  # the conversation was deleted meanwhile
                return None
        raise asyncpg.DeadlockDetectedError

    async def give_up(self, job: Job) -> None:
        """Every attempt failed: no spinner may stay."""
        conversation_id, message_id = job.payload["conversation_id"], job.payload["message_id"]
        run_id = await reply_runs.fail(self._work, message_id=message_id, lease_token=job.lease_token)
        if run_id is not None:
            self._tell(conversation_id, ReplyEnded(run_id, conversation_id, "failed"))

    async def _prompt(self, job: Job) -> Prompt:
        assert job.user_id is not None
        rows = await messages.list_before(
            self._people, job.user_id, job.payload["conversation_id"], job.payload["seq"] + 1, limit=_HISTORY
        )
        said = tuple(
            Said("assistant" if row.role == "assistant" else "user", row.processed_content or "")
            for row in rows
        )
        return Prompt(history=said, level=job.payload["level"])

    async def _stream(self, job: Job, run_id: str, prompt: Prompt) -> str:
        conversation_id = job.payload["conversation_id"]
        deltas = Deltas(self._hub, channels.conversation(conversation_id), run_id, conversation_id)
        try:
            async with asyncio.timeout(_WHOLE_REPLY_WITHIN_S):
                async for delta in self._assistant.stream(prompt):
                    deltas.add(delta)
            deltas.flush()
        finally:
            deltas.stop()
        return deltas.text

    def _told(self, run_id: str, answered: str, kept: Kept, text: str, asked: frozenset[str]) -> None:
        channel = channels.conversation(kept.row.conversation_id)
        if kept.duplicate:
            self._hub.announce(channel, kept.seq)
        else:
            self._talks.note_reply(kept.row.person_id, kept.row.conversation_id, kept.seq, asked)
            frame = Message(
                conversation_id=kept.row.conversation_id,
                seq=kept.seq,
                message_id=kept.message_id,
                role="assistant",
                text=text,
                created_at=kept.committed_at,
                reply_to=answered,
            )
            self._hub.publish(channel, Payload.of(frame), seq=kept.seq)
            self._on_change(kept.row.person_id, kept.row.conversation_id)
        ended = ReplyEnded(run_id, kept.row.conversation_id, "completed", kept.message_id, kept.seq)
        self._tell(kept.row.conversation_id, ended)

    def _tell(self, conversation_id: str, frame: ServerFrame) -> None:
        # a start or an end is small and rare: it is not shed with the deltas between
        self._hub.publish(channels.conversation(conversation_id), Payload.of(frame))
