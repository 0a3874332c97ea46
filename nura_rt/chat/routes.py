"""Conversations and their history over REST, for a page that opens."""

from typing import Annotated, Any

import asyncpg
import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from nura_rt.auth.bearer import bearer
from nura_rt.auth.identify import Identify
from nura_rt.conversation import frames
from nura_rt.protocol.problem import Refusal
from nura_rt.protocol.server import Conversation, Message
from nura_rt.realtime import channels
from nura_rt.store import conversations, messages

_LIST_AT_MOST = 200
_PAGE_AT_MOST = 200
_NEWEST = 2**53 - 1


class ConversationList(msgspec.Struct, frozen=True):
    """The person's conversations, latest activity first."""

    conversations: list[Conversation]


class Page(msgspec.Struct, frozen=True):
    """Messages in ascending seq; `more`: earlier ones exist."""

    messages: list[Message]
    more: bool


def chat_routes(people: asyncpg.Pool, identify: Identify) -> list[HTTPRouteHandler]:
    """GET /v1/conversations and GET /v1/conversations/{id}/messages."""

    @get("/v1/conversations")
    async def list_conversations(request: Request[Any, Any, Any]) -> ConversationList:
        identity = await bearer(request, identify)
        rows = await conversations.list_of(people, identity.user_id, limit=_LIST_AT_MOST)
        return ConversationList([frames.conversation(row) for row in rows])

    @get("/v1/conversations/{conversation_id:str}/messages")
    async def list_messages(
        request: Request[Any, Any, Any],
        conversation_id: str,
        before: Annotated[int, Parameter(ge=1, le=_NEWEST)] = _NEWEST,
        limit: Annotated[int, Parameter(ge=1, le=_PAGE_AT_MOST)] = 50,
    ) -> Page:
        identity = await bearer(request, identify)
        known = channels.parse(channels.conversation(conversation_id)) is not None
        if not known or await conversations.seen_by(people, identity.user_id, conversation_id) is None:
            raise Refusal(404, "not-found", "there is no such conversation")
        rows = await messages.list_before(people, identity.user_id, conversation_id, before, limit=limit + 1)
        shown = rows[-limit:]
        return Page([frames.message(row) for row in shown], more=len(rows) > limit)

    return [list_conversations, list_messages]
