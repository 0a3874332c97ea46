"""Frames the server sends. A client ignores frames and fields it does not know."""

from datetime import datetime
from typing import Literal

import msgspec


class Version(msgspec.Struct, frozen=True):
    """The protocol spoken: a minor adds frames or fields, a major breaks."""

    major: int = 1
    minor: int = 1


class PublicLimits(msgspec.Struct, frozen=True):
    """What a client should not exceed; bytes and characters."""

    frame_bytes: int
    text_chars: int
    unacked: int
    subscriptions: int


class Welcome(msgspec.Struct, tag="welcome", frozen=True):
    """Server -> client: the token is good; the session begins."""

    connection_id: str
    user_id: str
    instance: str
    heartbeat_s: float  # a client that hears nothing for this long should ping
    limits: PublicLimits
    server_time: datetime
    protocol: Version = Version()


class AuthExpiring(msgspec.Struct, tag="auth.expiring", frozen=True):
    """Server -> client: the token ends soon; send `auth.refresh`, or the socket closes 4401 half a minute later."""

    expires_at: datetime


class AuthRefreshed(msgspec.Struct, tag="auth.refreshed", frozen=True, omit_defaults=True):
    """Server -> client: the newer token counts from here on."""

    expires_at: datetime
    ref: str | None = None


class Subscribed(msgspec.Struct, tag="subscribed", frozen=True, omit_defaults=True):
    """Server -> client: joined. Missed messages follow at once, then live ones."""

    ref: str
    channel: str
    head: int  # the channel's highest seq when it was read
    recovered: bool  # false: more was missed than one replay holds; page the rest over REST
    tail: int = 0  # the lowest seq that was not trimmed away
    read_seq: int = 0  # how far the person has read


class Unsubscribed(msgspec.Struct, tag="unsubscribed", frozen=True):
    """Server -> client: left."""

    ref: str


class ConversationCreated(msgspec.Struct, tag="conversation.created", frozen=True):
    """Server -> client: the conversation exists; `duplicate` when this client_id had made it before."""

    ref: str
    conversation_id: str
    created_at: datetime
    duplicate: bool


class Conversation(msgspec.Struct, frozen=True):
    """One line of the conversation list, over REST and in `conversation.changed`."""

    conversation_id: str
    title: str | None
    status: str
    crisis_level: str
    head: int
    message_count: int
    created_at: datetime
    last_message_at: datetime | None
    updated_at: datetime
    description: str | None
    session_type: str
    read_seq: int  # how far its owner has read
    total_duration_minutes: float


class ConversationChanged(msgspec.Struct, tag="conversation.changed", frozen=True):
    """Server -> client, on user:{id}: the list has a new or changed line."""

    conversation: Conversation


class ConversationRemoved(msgspec.Struct, tag="conversation.removed", frozen=True):
    """Server -> client, on user:{id}: deleted, with all its messages; its subscriptions are over."""

    conversation_id: str


class Accepted(msgspec.Struct, tag="accepted", frozen=True):
    """Server -> sender: committed to PostgreSQL, with everything that follows from it."""

    ref: str
    message_id: str
    conversation_id: str
    seq: int
    committed_at: datetime
    duplicate: bool


class Message(msgspec.Struct, tag="message", frozen=True, omit_defaults=True):
    """Server -> client: a stored turn, in the order of its conversation."""

    conversation_id: str
    seq: int
    message_id: str
    role: Literal["user", "assistant", "system"]
    text: str
    created_at: datetime
    client_id: str | None = None  # lets the sender's other tabs and its retry recognise it
    reply_to: str | None = None
    author: str | None = None


class MessageRemoved(msgspec.Struct, tag="message.removed", frozen=True):
    """Server -> client: `removed_seq` was taken away; this is an entry of its own in the same order."""

    conversation_id: str
    seq: int
    removed_seq: int


class HistoryTrimmed(msgspec.Struct, tag="history.trimmed", frozen=True):
    """Server -> client: everything below `before_seq` went at once; on user:{id} too, there without order."""

    conversation_id: str
    seq: int
    before_seq: int


class Gap(msgspec.Struct, tag="gap", frozen=True, rename={"from_": "from"}):
    """Server -> client: the seqs `from` to `to` will never come; what follows them does."""

    channel: str
    from_: int
    to: int
    reason: Literal["removed", "trimmed", "lost"]  # lost: read the history over REST


class Typing(msgspec.Struct, tag="typing", frozen=True):
    """Server -> client: somebody else in this conversation types, or stopped; forget it after 6 s."""

    conversation_id: str
    user_id: str
    on: bool


class Read(msgspec.Struct, tag="read", frozen=True):
    """Server -> client, on user:{id}: a device of this person has read so far; a lower one is old news."""

    conversation_id: str
    seq: int


class Presence(msgspec.Struct, tag="presence", frozen=True):
    """Server -> client, on user:{id}: how many sockets this person has open, on all instances."""

    user_id: str
    connections: int


class ReplyStarted(msgspec.Struct, tag="reply.started", frozen=True):
    """Server -> client: a reply is being written. The same run_id again means: begin anew."""

    run_id: str
    conversation_id: str
    reply_to: str


class ReplyDelta(msgspec.Struct, tag="reply.delta", frozen=True):
    """Server -> client: more of a reply. `at` is its place in code points, `n` counts the deltas."""

    run_id: str
    conversation_id: str
    n: int
    at: int
    text: str


class ReplyEnded(msgspec.Struct, tag="reply.ended", frozen=True, omit_defaults=True):
    """Server -> client: the run is over; when completed, its message has this id and seq."""

    run_id: str
    conversation_id: str
    reason: Literal["completed", "failed", "cancelled"]
    message_id: str | None = None
    seq: int | None = None


class Resource(msgspec.Struct, frozen=True, omit_defaults=True):
    """A place that helps: a number to call or text, or a page."""

    name: str
    call: str | None = None
    text: str | None = None
    url: str | None = None
    note: str | None = None


class Support(msgspec.Struct, tag="support", frozen=True):
    """Server -> client, on user:{id}: help that is there now. Precedes the reply."""

    notice_id: str
    conversation_id: str | None  # none: the words stood in the person's profile
    level: str
    text: str
    resources: list[Resource]


class Heartbeat(msgspec.Struct, tag="heartbeat", frozen=True):
    """Server -> client, each `heartbeat_s`: alive. `heads` as in `pong`, for clients that never ping."""

    heads: dict[str, int]


class Draining(msgspec.Struct, tag="draining", frozen=True):
    """Server -> client: this instance stops. It closes 4000 in about so long; come back then, not at once."""

    reconnect_after_ms: int


class Pong(msgspec.Struct, tag="pong", frozen=True):
    """Server -> client: alive. `heads` (channel -> highest seq delivered) shows a lost last message."""

    t: int | float
    heads: dict[str, int]


class Error(msgspec.Struct, tag="error", frozen=True, omit_defaults=True):
    """Server -> client: a frame was not carried out. `temporary`: the same frame may succeed later."""

    code: str  # one of protocol.errors.Code
    message: str
    temporary: bool
    ref: str | None = None
    field: str | None = None
    rule: str | None = None
    retry_after_ms: int | None = None


ServerFrame = (
    Welcome
    | AuthExpiring
    | AuthRefreshed
    | Subscribed
    | Unsubscribed
    | ConversationCreated
    | ConversationChanged
    | ConversationRemoved
    | Accepted
    | Message
    | MessageRemoved
    | HistoryTrimmed
    | Gap
    | Typing
    | Read
    | Presence
    | ReplyStarted
    | ReplyDelta
    | ReplyEnded
    | Support
    | Heartbeat
    | Draining
    | Pong
    | Error
)
