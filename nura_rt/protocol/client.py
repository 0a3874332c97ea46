"""Frames a client sends. Unknown types and unknown fields are refused; limits are checked by the session."""

from typing import Annotated

import msgspec

Ref = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"\A[A-Za-z0-9_-]+\Z")]
Seq = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
ChannelName = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class Resumed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A channel as the client left it: it has everything up to `seq`."""

    channel: ChannelName
    seq: Seq


class Hello(msgspec.Struct, tag="hello", frozen=True, forbid_unknown_fields=True):
    """Client -> server: the first frame, within 5 s. Carries the token, so that no URL has to."""

    token: str
    # a name the person may recognise in the list of their sessions
    device: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    # since minor 1: each is joined as by `subscribe` with `since`; the answers' ref is the channel's name
    resume: Annotated[list[Resumed], msgspec.Meta(max_length=100)] = []


class AuthRefresh(msgspec.Struct, tag="auth.refresh", frozen=True, forbid_unknown_fields=True):
    """Client -> server: a newer token of the same person, before the old one ends the socket."""

    token: str
    ref: Ref | None = None


class Subscribe(msgspec.Struct, tag="subscribe", frozen=True, forbid_unknown_fields=True):
    """Client -> server: join a channel; with `since`, first replay what has a higher seq."""

    ref: Ref
    channel: ChannelName
    since: Seq | None = None


class Unsubscribe(msgspec.Struct, tag="unsubscribe", frozen=True, forbid_unknown_fields=True):
    """Client -> server: leave a channel."""

    ref: Ref
    channel: ChannelName


class ConversationCreate(msgspec.Struct, tag="conversation.create", frozen=True, forbid_unknown_fields=True):
    """Client -> server: open a conversation; the same `client_id` again names the same one."""

    ref: Ref
    client_id: Id
    title: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class MessageSend(msgspec.Struct, tag="message.send", frozen=True, forbid_unknown_fields=True):
    """Client -> server: the person typed something."""

    ref: Ref  # echoed in `accepted`, so the client can settle its optimistic bubble
    conversation_id: Id
    client_id: Id  # chosen once per message: a retry with it is the same message
    text: str


class Typing(msgspec.Struct, tag="typing", frozen=True, forbid_unknown_fields=True):
    """Client -> server, since minor 1: the person types in a conversation this socket follows, or stopped."""

    conversation_id: Id
    on: bool


class Read(msgspec.Struct, tag="read", frozen=True, forbid_unknown_fields=True):
    """Client -> server, since minor 1: the person has seen everything up to `seq`. Only grows."""

    conversation_id: Id
    seq: Seq


class NoticeAck(msgspec.Struct, tag="notice.ack", frozen=True, forbid_unknown_fields=True):
    """Client -> server, since minor 1: the person has taken note; the notice does not come again."""

    notice_id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class Ping(msgspec.Struct, tag="ping", frozen=True, forbid_unknown_fields=True):
    """Client -> server: is this socket alive? JavaScript cannot see WebSocket pings."""

    t: int | float  # the client's clock, echoed


ClientFrame = (
    Hello
    | AuthRefresh
    | Subscribe
    | Unsubscribe
    | ConversationCreate
    | MessageSend
    | Typing
    | Read
    | NoticeAck
    | Ping
)
