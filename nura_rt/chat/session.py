"""What one client may do, frame by frame. Pure: frames in, effects out, no awaits; the clock is passed in."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import assert_never

import msgspec

from nura_rt.auth.tokens import Identity, TokenError
from nura_rt.chat.expiry import Expiry, ExpiryRule
from nura_rt.protocol import client
from nura_rt.protocol.client import ClientFrame
from nura_rt.protocol.codec import FrameError
from nura_rt.protocol.errors import Close, Code
from nura_rt.protocol.server import AuthExpiring, AuthRefreshed, Error, Pong, ServerFrame
from nura_rt.realtime import channels
from nura_rt.realtime.rate import Bucket
from nura_rt.settings import Limits

_RULE = ExpiryRule()
_BAD_FRAMES_AT_MOST = 20  # a client that keeps sending nonsense is not one of ours
_REFUSALS_AT_MOST = 100  # answers "too fast" at once; one that does not heed them is hung up
_TYPING_EVERY_S = 2.0  # `on` said again sooner tells nobody anything


class Say(msgspec.Struct, frozen=True):
    """Effect: send this frame to the client."""

    frame: ServerFrame


class AcceptTurn(msgspec.Struct, frozen=True):
    """Effect: the person said something; hand it to the intake."""

    ref: str
    conversation_id: str
    client_id: str
    text: str


class Refresh(msgspec.Struct, frozen=True):
    """Effect: verify this token; `on_refreshed` or `on_refresh_refused` hears what came of it."""

    ref: str | None
    token: str

    def __repr__(self) -> str:
        return "Refresh(...)"  # a traceback must not print a token


class CreateConversation(msgspec.Struct, frozen=True):
    """Effect: open a conversation."""

    ref: str
    client_id: str
    title: str | None


class Join(msgspec.Struct, frozen=True):
    """Effect: join a conversation's channel, after replaying what is newer than `since`."""

    ref: str
    conversation_id: str
    since: int | None


class Leave(msgspec.Struct, frozen=True):
    """Effect: leave a channel, after what was asked before."""

    ref: str
    channel: str


class ShowTyping(msgspec.Struct, frozen=True):
    """Effect: tell the others in a conversation this client follows."""

    conversation_id: str
    on: bool


class MarkRead(msgspec.Struct, frozen=True):
    """Effect: the person has read so far."""

    conversation_id: str
    seq: int


class AckNotice(msgspec.Struct, frozen=True):
    """Effect: this notice need not come again."""

    notice_id: str


class HangUp(msgspec.Struct, frozen=True):
    """Effect: close the socket."""

    code: Close


Effect = (
    Say
    | AcceptTurn
    | Refresh
    | CreateConversation
    | Join
    | Leave
    | ShowTyping
    | MarkRead
    | AckNotice
    | HangUp
)


class Session:
    """The rules and state of one identified client on its connection."""

    def __init__(
        self,
        identity: Identity,
        limits: Limits,
        *,
        now: float,
        rule: ExpiryRule = _RULE,
        jitter_s: float = 0.0,
        allowance: Callable[[float], float] = lambda now: 0.0,
    ) -> None:
        """`now` counts seconds from anywhere; the token's times are the wall clock's.

        `allowance` takes one message from what the person may send by all doors: 0.0, or the seconds to wait.
        """
        self.identity = identity
        self.expiry = Expiry(rule, identity.expires_at, jitter_s=jitter_s)
        self.joined: set[str] = set()
        self.heads: dict[str, int] = {}
        self.unacked = 0
        self._limits = limits
        self._bad_frames = 0
        self._allowance = allowance
        self._typed: dict[str, tuple[bool, float]] = {}
        self._refusals = Bucket(per_s=1, burst=_REFUSALS_AT_MOST, now=now)
        self._sends = Bucket(per_s=limits.messages_per_s, burst=limits.message_burst, now=now)
        self._refreshes = Bucket(per_s=1 / rule.refresh_every_s, burst=1, now=now)
        self._others = Bucket(per_s=limits.frames_per_s, burst=limits.frame_burst, now=now)

    @property
    def may_send_more(self) -> bool:
        """False while too many sends wait for their answer: the socket stops reading."""
        return self.unacked < self._limits.unacked

    def on_frame(self, frame: ClientFrame, *, now: float) -> list[Effect]:
        """What follows from a frame."""
        if isinstance(frame, client.MessageSend):
            return self._on_send(frame, now)
        if wait_s := self._others.take(now):
            return self._refuse(getattr(frame, "ref", None), wait_s, now)
        match frame:
            case client.AuthRefresh():
                if wait_s := self._refreshes.take(now):
                    return self._refuse(frame.ref, wait_s, now)
                return [Refresh(frame.ref, frame.token)]
            case client.ConversationCreate():
                return [CreateConversation(frame.ref, frame.client_id, frame.title)]
            case client.Subscribe():
                return self._on_subscribe(frame.ref, frame.channel, frame.since)
            case client.Unsubscribe():
                self.joined.discard(frame.channel)
                return [Leave(frame.ref, frame.channel)]
            case client.Typing():
                return self._on_typing(frame, now)
            case client.Read():
                return [MarkRead(frame.conversation_id, frame.seq)]
            case client.NoticeAck():
                return [AckNotice(frame.notice_id)]
            case client.Ping():
                return [Say(Pong(frame.t, dict(self.heads)))]
            case client.Hello():
                return [HangUp(Close.PROTOCOL_VIOLATION)]
            case _:
                assert_never(frame)

    def on_resume(self, resumed: Sequence[client.Resumed]) -> list[Effect]:
        """What `hello.resume` asks: the same as so many `subscribe`, each answered by its channel's name."""
        return [effect for one in resumed for effect in self._on_subscribe(one.channel, one.channel, one.seq)]

    def on_bad_frame(self, error: FrameError) -> list[Effect]:
        """A frame that could not be understood is answered, the last one too; too many end the session."""
        self._bad_frames += 1
        said: list[Effect] = [Say(refusal(error))]
        return said if self._bad_frames <= _BAD_FRAMES_AT_MOST else [*said, HangUp(Close.PROTOCOL_VIOLATION)]

    def on_refreshed(self, ref: str | None, identity: Identity) -> list[Effect]:
        """A newer token was verified. An older one of the same session changes nothing."""
        if identity.user_id != self.identity.user_id:
            return [HangUp(Close.ANOTHER_PERSON)]
        if identity.session_id != self.identity.session_id or identity.expires_at > self.identity.expires_at:
            self.identity = identity
            self.expiry.renew(identity.expires_at)
        return [Say(AuthRefreshed(_moment(self.identity.expires_at), ref))]

    def on_refresh_refused(self, ref: str | None, error: TokenError) -> list[Effect]:
        """The token is no good; the one before it counts as long as it lasts."""
        rule = "must be a valid token"
        return [Say(Error(Code.UNAUTHORIZED, f"the token is {error.slug}", False, ref, "token", rule))]

    def on_alarm(self, now: float) -> list[Effect]:
        """It is `expiry.next_at` by the wall clock."""
        if self.expiry.is_over(now):
            return [HangUp(Close.TOKEN_EXPIRED)]
        if self.expiry.must_tell(now):
            return [Say(AuthExpiring(_moment(self.expiry.expires_at)))]
        return []

    def on_answered(self) -> None:
        """A send got its answer."""
        self.unacked -= 1

    def _on_send(self, frame: client.MessageSend, now: float) -> list[Effect]:
        # before the text is looked at: one that breaks a rule costs an answer too
        if wait_s := self._sends.take(now):
            return self._refuse(frame.ref, wait_s, now)
        if not frame.text.replace("\x00", "").strip():
            return [_invalid(Code.INVALID, frame.ref, "text", "must hold something to say")]
        if len(frame.text) > self._limits.text_chars:
            rule = f"must be at most {self._limits.text_chars} characters"
            return [_invalid(Code.TOO_LONG, frame.ref, "text", rule)]
        if wait_s := self._allowance(now):
            return self._refuse(frame.ref, wait_s, now)
        self.unacked += 1
        return [AcceptTurn(frame.ref, frame.conversation_id, frame.client_id, frame.text)]

    def _refuse(self, ref: str | None, wait_s: float, now: float) -> list[Effect]:
        """Too fast: said each time, until a client that does not listen has been told often enough."""
        said: list[Effect] = [Say(_too_fast(ref, wait_s))]
        return [*said, HangUp(Close.TOO_FAST)] if self._refusals.take(now) else said

    def _on_subscribe(self, ref: str, name: str, since: int | None) -> list[Effect]:
        channel = channels.parse(name)
        if channel is None or channel.kind != "conversation":
            rule = "must be conversation:{id}; user:{id} is joined by itself"
            return [_invalid(Code.INVALID, ref, "channel", rule)]
        if name not in self.joined and len(self.joined) >= self._limits.subscriptions:
            rule = f"at most {self._limits.subscriptions} subscriptions a connection"
            return [_invalid(Code.INVALID, ref, "channel", rule)]
        self.joined.add(name)
        return [Join(ref, channel.id, since)]

    def _on_typing(self, frame: client.Typing, now: float) -> list[Effect]:
        if channels.conversation(frame.conversation_id) not in self.joined:
            return [_invalid(Code.INVALID, None, "conversation_id", "must be one this socket follows")]
        was_on, at = self._typed.get(frame.conversation_id, (False, now - _TYPING_EVERY_S))
        if frame.on == was_on and (not frame.on or now - at < _TYPING_EVERY_S):
            return []
        if len(self._typed) > self._limits.subscriptions:
            self._typed.clear()
        self._typed[frame.conversation_id] = (frame.on, now)
        return [ShowTyping(frame.conversation_id, frame.on)]


def refusal(error: FrameError) -> Error:
    """A frame error as the frame that tells it."""
    subject = f"`{error.field}` " if error.field else "the frame "
    return Error(
        code=error.code,
        message=subject + error.rule,
        temporary=False,
        ref=error.ref,
        field=error.field,
        rule=error.rule,
    )


def not_found(ref: str) -> Error:
    """Another person's conversation and a missing one look exactly alike."""
    return Error(code=Code.NOT_FOUND, message="there is no such conversation", temporary=False, ref=ref)


def _moment(epoch_s: float) -> datetime:
    return datetime.fromtimestamp(epoch_s, UTC)


def _invalid(code: Code, ref: str | None, field: str, rule: str) -> Say:
    return Say(refusal(FrameError(code, rule, field, ref)))


def _too_fast(ref: str | None, wait_s: float) -> Error:
    return Error(
        code=Code.TOO_FAST,
        message="not done: too much at once",
        temporary=True,
        ref=ref,
        retry_after_ms=int(wait_s * 1000) + 1,
    )
