"""Carries out a session's effects for one connection, from its welcome until it is gone."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import assert_never

import msgspec

from nura_rt.auth.identify import Barred, SignInUnavailable
from nura_rt.auth.sessions import Sessions
from nura_rt.auth.tokens import Identity, TokenError
from nura_rt.chat import session as rules
from nura_rt.chat.expiry import ExpiryRule
from nura_rt.chat.following import Following
from nura_rt.chat.session import Effect, Session
from nura_rt.conversation.create import Creation
from nura_rt.conversation.intake import Accepted, Intake, Refused, Turn
from nura_rt.conversation.notices import Notices
from nura_rt.conversation.reading import ReadMarks
from nura_rt.conversation.replay import Replay
from nura_rt.protocol import codec, server
from nura_rt.protocol.client import Resumed
from nura_rt.protocol.codec import FrameError
from nura_rt.protocol.errors import Close, Code
from nura_rt.realtime import channels
from nura_rt.realtime.connection import Connection
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload, Tier
from nura_rt.realtime.presence import Presence
from nura_rt.realtime.rate import PersonRate
from nura_rt.realtime.roster import Roster
from nura_rt.settings import Limits
from nura_rt.store.pool import UNAVAILABLE

Verify = Callable[[str], Awaitable[Identity]]

_LONGEST_SLEEP_S = 86_400.0  # then the wall clock is looked at again


class Desk(msgspec.Struct, frozen=True):
    """What every client of this instance needs."""

    intake: Intake
    replay: Replay
    creation: Creation
    hub: Hub
    limits: Limits
    sessions: Sessions
    notices: Notices
    reading: ReadMarks
    roster: Roster
    presence: Presence
    rate: PersonRate
    heartbeat_s: float
    heard: Callable[[str], Awaitable[bool]]  # True once what other instances say on this channel arrives here
    expiry: ExpiryRule = ExpiryRule()


class Client:
    """One identified client: frames in, effects carried out."""

    def __init__(self, desk: Desk, connection: Connection, identity: Identity, verify: Verify) -> None:
        """`verify` is how the token was found to be `identity`'s, for the ones that follow it."""
        self._desk = desk
        self._connection = connection
        self._verify = verify
        self.session = Session(
            identity,
            desk.limits,
            now=time.monotonic(),
            rule=desk.expiry,
            jitter_s=random.uniform(-desk.expiry.jitter_s, desk.expiry.jitter_s),  # noqa: S311 - no secret
            allowance=lambda now: desk.rate.take(identity.user_id, now),
        )
        self._person_id = identity.user_id
        self._alarm: asyncio.TimerHandle | None = None
        self._signed_in = identity.session_id
        self._listen_for_its_end()
        self._answered = asyncio.Event()
        self._following = Following(desk.hub, desk.replay, connection, self.session)
        self._heartbeat: asyncio.TimerHandle | None = None

    async def welcome(self, frame: server.Welcome, resumed: Sequence[Resumed]) -> None:
        """Says it, then what the person has not taken note of, then what the resumed channels missed."""
        # whoever reads its state after the welcome misses nothing later
        await self._desk.heard(channels.user(self._person_id))
        self._connection.say(frame)
        self.begin()
        self._connection.later(self._say_notices)
        for effect in self.session.on_resume(resumed):
            self._carry_out(effect)

    def begin(self) -> None:
        """The welcome is said: from here on it may hear of the person, its token, a drain, a heartbeat."""
        self._following.welcomed()
        self._desk.roster.add(self._person_id, self._connection)
        self._desk.presence.join(self._person_id, self._connection.id)
        self._set_alarm()
        self._beat_later()

    def on_text(self, text: str) -> None:
        """One text frame."""
        try:
            frame = codec.decode(text)
        except FrameError as error:
            effects = self.session.on_bad_frame(error)
        else:
            effects = self.session.on_frame(frame, now=time.monotonic())
        for effect in effects:
            self._carry_out(effect)

    async def until_it_may_send(self) -> None:
        """Waits while too many of its sends are unanswered: the peer feels it as backpressure."""
        while not self.session.may_send_more:
            self._answered.clear()
            await self._answered.wait()

    def gone(self) -> None:
        """The socket is gone: leave everything."""
        self._connection.end()
        self._desk.sessions.off(self._signed_in, self._signed_out)
        for timer in (self._alarm, self._heartbeat):
            if timer is not None:
                timer.cancel()
        self._following.leave_all()
        self._desk.presence.leave(self._person_id, self._connection.id)
        self._desk.roster.remove(self._person_id, self._connection)

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case rules.Say(frame):
                self._connection.say(frame)
            case rules.AcceptTurn(ref, conversation_id, client_id, text):
                turn = Turn(self._person_id, conversation_id, client_id, text)
                self._desk.intake.accept(turn, partial(self._settle, ref))
            case rules.Refresh():
                self._connection.later(partial(self._refresh, effect))
            case rules.CreateConversation():
                self._connection.later(partial(self._create, effect))
            case rules.Join():
                self._connection.later(partial(self._join, effect))
            case rules.Leave():
                self._connection.later(partial(self._leave, effect))
            case rules.ShowTyping():
                self._following.tell_typing(effect)
            case rules.MarkRead(conversation_id, seq):
                self._desk.reading.note(self._person_id, conversation_id, seq)
            case rules.AckNotice(notice_id):
                self._connection.later(partial(self._ack_notice, notice_id))
            case rules.HangUp(code):
                self._connection.close(code)
            case _:
                assert_never(effect)

    def _settle(self, ref: str, outcome: Accepted | Refused) -> None:
        self.session.on_answered()
        self._answered.set()
        if isinstance(outcome, Accepted):
            self._connection.say(
                server.Accepted(
                    ref=ref,
                    message_id=outcome.message_id,
                    conversation_id=outcome.conversation_id,
                    seq=outcome.seq,
                    committed_at=outcome.committed_at,
                    duplicate=outcome.duplicate,
                )
            )
            return
        self._connection.say(
            server.Error(
                code=outcome.code,
                message=outcome.message,
                temporary=outcome.temporary,
                ref=ref,
                field=outcome.field,
                retry_after_ms=outcome.retry_after_ms,
            )
        )

    async def _refresh(self, effect: rules.Refresh) -> None:
        try:
            identity = await self._verify(effect.token)
        except Barred as error:
            self._connection.close(Close[error.why.upper()])
            return
        except TokenError as error:
            effects = self.session.on_refresh_refused(effect.ref, error)
        except SignInUnavailable:
            self._connection.say(_degraded(effect.ref))
            return
        else:
            effects = self.session.on_refreshed(effect.ref, identity)
        if self._connection.gone:
            return
        self._listen_for_its_end()
        self._set_alarm()
        for following in effects:
            self._carry_out(following)

    def _listen_for_its_end(self) -> None:
        """From now on the end of the identity's session ends this socket, also one that came just before."""
        sessions, session_id = self._desk.sessions, self.session.identity.session_id
        sessions.off(self._signed_in, self._signed_out)
        self._signed_in = session_id
        sessions.on_end(session_id, self._signed_out)
        if reason := sessions.reason_of(session_id):
            self._signed_out(reason)

    def _signed_out(self, reason: str) -> None:
        self._connection.close(Close.ACCOUNT_ERASED if reason == "deleted" else Close.REVOKED)

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        wait_s = min(max(0.0, self.session.expiry.next_at - time.time()), _LONGEST_SLEEP_S)
        self._alarm = asyncio.get_running_loop().call_later(wait_s, self._on_alarm)

    def _on_alarm(self) -> None:
        effects = self.session.on_alarm(time.time())
        for effect in effects:
            self._carry_out(effect)
        if self._connection.closed is None:
            self._set_alarm()

    async def _create(self, effect: rules.CreateConversation) -> None:
        try:
            created = await self._desk.creation.create(
                self._person_id, client_id=effect.client_id, title=effect.title
            )
        except UNAVAILABLE:
            self._connection.say(_degraded(effect.ref))
            return
        self._connection.say(
            server.ConversationCreated(
                ref=effect.ref,
                conversation_id=created.id,
                created_at=created.created_at,
                duplicate=created.duplicate,
            )
        )

    async def _join(self, effect: rules.Join) -> None:
        try:
            await self._following.join(effect)
        except UNAVAILABLE:
            self._connection.say(_degraded(effect.ref))

    async def _leave(self, effect: rules.Leave) -> None:
        self._following.leave(effect)

    async def _say_notices(self) -> None:
        try:
            for payload in await self._desk.notices.pending(self._person_id):
                self._connection.send(payload)
        except UNAVAILABLE:
            self._desk.notices.say_again(self._person_id)  # as soon as the database answers

    async def _ack_notice(self, notice_id: str) -> None:
        try:
            await self._desk.notices.acknowledge(self._person_id, notice_id)
        except UNAVAILABLE:
            self._connection.say(_degraded(None))  # it comes again at the next hello

    def _beat_later(self) -> None:
        self._heartbeat = asyncio.get_running_loop().call_later(self._desk.heartbeat_s, self._beat)

    def _beat(self) -> None:
        self._connection.send(Payload.of(server.Heartbeat(dict(self.session.heads)), Tier.EPHEMERAL))
        self._beat_later()


def _degraded(ref: str | None) -> server.Error:
    return server.Error(
        code=Code.DEGRADED,
        message="not done: the database does not answer",
        temporary=True,
        ref=ref,
        retry_after_ms=2000,
    )
