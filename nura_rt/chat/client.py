"""Carries out a session's effects for one connection; owns what the connection joined."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import assert_never

import msgspec

from nura_rt.auth.identify import Barred, SignInUnavailable
from nura_rt.auth.sessions import Sessions
from nura_rt.auth.tokens import Identity, TokenError
from nura_rt.chat import session as rules
from nura_rt.chat.expiry import ExpiryRule
from nura_rt.chat.session import Effect, Session
from nura_rt.chat.subscription import PersonalChannel, Subscription
from nura_rt.conversation.create import Creation
from nura_rt.conversation.intake import Accepted, Intake, Refused, Turn
from nura_rt.conversation.replay import Replay
from nura_rt.protocol import codec, server
from nura_rt.protocol.codec import FrameError
from nura_rt.protocol.errors import Close, Code
from nura_rt.realtime import channels
from nura_rt.realtime.connection import Connection
from nura_rt.realtime.hub import Hub
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
        )
        self._alarm: asyncio.TimerHandle | None = None
        self._signed_in = identity.session_id
        self._listen_for_its_end()
        self._set_alarm()
        self._listeners: dict[str, Subscription | PersonalChannel] = {}
        self._answered = asyncio.Event()
        own = channels.user(identity.user_id)
        personal = self._listeners[own] = PersonalChannel(connection, self._on_removed)
        desk.hub.join(own, personal)

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
        if self._alarm is not None:
            self._alarm.cancel()
        for channel, listener in self._listeners.items():
            self._desk.hub.leave(channel, listener)
        self._listeners.clear()

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case rules.Say(frame):
                self._connection.say(frame)
            case rules.AcceptTurn(ref, conversation_id, client_id, text):
                turn = Turn(self.session.identity.user_id, conversation_id, client_id, text)
                self._desk.intake.accept(turn, partial(self._settle, ref))
            case rules.Refresh():
                self._connection.later(partial(self._refresh, effect))
            case rules.CreateConversation():
                self._connection.later(partial(self._create, effect))
            case rules.Join():
                self._connection.later(partial(self._join, effect))
            case rules.Leave():
                self._connection.later(partial(self._leave, effect))
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
                self.session.identity.user_id, client_id=effect.client_id, title=effect.title
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
        channel = channels.conversation(effect.conversation_id)
        self._drop(channel)  # a repeated subscribe begins anew from its `since`
        listener = Subscription(self._connection, channel, self.session.heads)
        person_id = self.session.identity.user_id
        try:
            missed = await self._desk.replay.join(listener, person_id, effect.conversation_id, effect.since)
        except UNAVAILABLE:
            self.session.joined.discard(channel)
            self._connection.say(_degraded(effect.ref))
            return
        if missed is None:
            self.session.joined.discard(channel)
            self._connection.say(rules.not_found(effect.ref))
            return
        self._listeners[channel] = listener
        if self._connection.gone:
            self._desk.hub.leave(channel, listener)
            return
        self._connection.say(server.Subscribed(effect.ref, channel, missed.head, missed.recovered))
        async for page in self._desk.replay.pages(person_id, effect.conversation_id, missed):
            for payload in page:
                await self._connection.drained()
                self._connection.send(payload)
        listener.go_live(missed.head)

    async def _leave(self, effect: rules.Leave) -> None:
        self._drop(effect.channel)
        self._connection.say(server.Unsubscribed(effect.ref))

    def _on_removed(self, conversation_id: str) -> None:
        """The conversation is no more: its place among the subscriptions is free again."""
        channel = channels.conversation(conversation_id)
        self.session.joined.discard(channel)
        self._drop(channel)

    def _drop(self, channel: str) -> None:
        listener = self._listeners.get(channel)
        if isinstance(listener, Subscription):
            del self._listeners[channel]
            self._desk.hub.leave(channel, listener)
        self.session.heads.pop(channel, None)


def _degraded(ref: str | None) -> server.Error:
    return server.Error(
        code=Code.DEGRADED,
        message="not done: the database does not answer",
        temporary=True,
        ref=ref,
        retry_after_ms=2000,
    )
