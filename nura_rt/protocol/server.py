"""Frames the server sends. A client ignores frames and fields it does not know."""

from datetime import datetime
from typing import Literal

import msgspec


class Version(msgspec.Struct, frozen=True):
    """The protocol spoken: a minor adds frames or fields, a major breaks."""

    major: int = 1
    minor: int = 0


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
    | ReplyStarted
    | ReplyDelta
    | ReplyEnded
    | Support
    | Pong
    | Error
)
