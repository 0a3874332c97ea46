"""Conversations over REST: make, list, rename, archive, end, delete. What a person writes here is screened first."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import asyncpg
import msgspec
from litestar import Request, Response, delete, get, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Parameter
from msgspec import UNSET, Meta, UnsetType

from nura_rt.auth.bearer import bearer
from nura_rt.auth.identify import Identify
from nura_rt.cache import conditional
from nura_rt.conversation import frames
from nura_rt.conversation.create import Creation
from nura_rt.conversation.threads import Ended, NotThere, Outdated, Threads
from nura_rt.protocol import headers
from nura_rt.protocol.problem import Refusal
from nura_rt.protocol.server import Conversation, Support
from nura_rt.realtime import channels
from nura_rt.realtime.pace import Pace
from nura_rt.store import conversations

_LIST_AT_MOST = 200
_TAGS = ["Conversations"]
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)

Title = Annotated[str, Meta(max_length=200, examples=["A walk by the sea"])]
Description = Annotated[str, Meta(max_length=2_000, examples=["What helped this week"])]
Status = Literal["active", "archived", "ended"]


class NewConversation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a conversation begins with."""

    title: Title | None = None
    description: Description | None = None
    session_type: Literal["chat", "voice", "checkup"] = "chat"


class ConversationPatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A merge patch: what is absent stays, null clears."""

    title: Title | UnsetType | None = UNSET
    description: Description | UnsetType | None = UNSET
    status: Status | UnsetType = UNSET  # active <-> archived; ended is final


class ConversationMade(Conversation, frozen=True, omit_defaults=True):
    """The conversation of this Idempotency-Key; `duplicate` when an earlier request had made it."""

    duplicate: bool = False
    support: Support | None = None


class ConversationShown(Conversation, frozen=True, omit_defaults=True):
    """A conversation after its change; `support` when its new words held something to worry about."""

    support: Support | None = None


class ConversationList(msgspec.Struct, frozen=True, omit_defaults=True):
    """A page of the list, latest change first. `next` is the cursor of the following page, if there is one."""

    conversations: list[Conversation]
    as_of: datetime  # ask later with changed_since=as_of: what moved while you paged is there
    next: str | None = None
    # ids deleted since `changed_since`, on its first page; it wins over a line of the same page
    removed: list[str] = []


def conversation_routes(
    people: asyncpg.Pool, identify: Identify, creation: Creation, threads: Threads, pace: Pace
) -> list[HTTPRouteHandler]:
    """POST and GET /v1/conversations; GET, PATCH and DELETE /v1/conversations/{id}."""
    return [
        *_reads(people, identify, threads),
        _begin(identify, creation, pace),
        *_changes(identify, threads, pace),
    ]


def _reads(people: asyncpg.Pool, identify: Identify, threads: Threads) -> list[HTTPRouteHandler]:
    @get(
        "/v1/conversations",
        tags=_TAGS,
        summary="List conversations",
        description=(
            "Latest change first. Follow `next` for more. What changes while you page moves to the front: keep "
            "`as_of` of the first page and ask once more with `changed_since`. A line may come twice, never not "
            "at all. With `changed_since`, reading counts as a change too, and `removed` names what was deleted since."
        ),
        opt={"etag": True},
    )
    async def list_conversations(
        request: Request[Any, Any, Any],
        status: Annotated[Status | None, Parameter(description="Only these.")] = None,
        limit: Annotated[int, Parameter(ge=1, le=_LIST_AT_MOST)] = _LIST_AT_MOST,
        cursor: Annotated[
            str | None, Parameter(description="`next` of the page before.", max_length=200)
        ] = None,
        changed_since: Annotated[
            datetime | None, Parameter(description="Only what changed then or later; with a time zone.")
        ] = None,
    ) -> Response[ConversationList]:
        person_id = (await bearer(request, identify)).user_id
        page = await page_of(
            people, person_id, limit=limit, status=status, cursor=cursor, changed_since=changed_since
        )
        return conditional.answer(request, page)

    @get(
        "/v1/conversations/{conversation_id:str}",
        tags=_TAGS,
        summary="Read a conversation",
        description="Its ETag is for `If-Match` of a change. Another person's looks exactly like a missing one.",
        opt={"etag": True},
    )
    async def read_conversation(
        request: Request[Any, Any, Any], conversation_id: str
    ) -> Response[Conversation]:
        identity = await bearer(request, identify)
        return conditional.answer(request, await _found(threads, identity.user_id, conversation_id))

    return [list_conversations, read_conversation]


async def page_of(
    people: asyncpg.Pool,
    person_id: str,
    *,
    limit: int,
    status: Status | None = None,
    cursor: str | None = None,
    changed_since: datetime | None = None,
) -> ConversationList:
    """One page of the person's list. Raises Refusal 400 for a cursor that is not ours."""
    since = _moment(changed_since)
    listed = await conversations.list_of(
        people, person_id, limit=limit + 1, status=status, changed_since=since, before=_place(cursor)
    )
    removed: list[str] = []
    if since is not None and cursor is None:  # asked last: what is deleted meanwhile is told here
        removed = await conversations.removed_since(people, person_id, since)
    shown = listed.conversations[:limit]
    following = _cursor(shown[-1]) if len(listed.conversations) > limit else None
    return ConversationList([frames.conversation(row) for row in shown], listed.as_of, following, removed)


def _begin(identify: Identify, creation: Creation, pace: Pace) -> HTTPRouteHandler:
    @post(
        "/v1/conversations",
        tags=_TAGS,
        summary="Begin a conversation",
        description=(
            "The same `Idempotency-Key` again, with whatever body, gives the conversation that the first one "
            "made: 200 and `duplicate: true`. The socket's `conversation.create` with that `client_id` too."
        ),
        responses={200: ResponseSpec(ConversationMade, description="It had been made before.")},
        opt={"idempotency_key": True, "refusals": (429,)},
    )
    async def make_conversation(
        request: Request[Any, Any, Any], data: NewConversation
    ) -> Response[ConversationMade]:
        identity = await bearer(request, identify)
        key = headers.idempotency_key(request.headers)
        pace.take(identity.user_id)
        opened = await creation.open(
            identity.user_id,
            client_id=key,
            title=data.title,
            description=data.description,
            session_type=data.session_type,
        )
        if opened.conversation is None:
            raise _no_such()
        made = ConversationMade(
            **msgspec.structs.asdict(opened.conversation),
            duplicate=opened.created.duplicate,
            support=opened.support,
        )
        return Response(made, status_code=200 if made.duplicate else 201)

    return make_conversation


def _changes(identify: Identify, threads: Threads, pace: Pace) -> list[HTTPRouteHandler]:
    @patch(
        "/v1/conversations/{conversation_id:str}",
        tags=_TAGS,
        summary="Rename, describe, archive or end a conversation",
        description=(
            "A merge patch: what is absent stays, null clears. `active` and `archived` go both ways; `ended` is "
            "final. A status never keeps a person from writing: messages are taken in all of them. With "
            "`If-Match` nothing is written unless the conversation is as you read it."
        ),
        opt={"if_match": True, "refusals": (409, 429)},
    )
    async def change_conversation(
        request: Request[Any, Any, Any], conversation_id: str, data: ConversationPatch
    ) -> ConversationShown:
        identity = await bearer(request, identify)
        pace.take(identity.user_id)
        read = await _found(threads, identity.user_id, conversation_id)
        strictly = headers.require_match(request.headers, conditional.tag_of(read))
        if data == ConversationPatch():
            return ConversationShown(**msgspec.structs.asdict(read))
        wanted = conversations.Words(title=data.title, description=data.description, status=data.status)
        try:
            changed = await threads.change(identity.user_id, wanted, read, strictly=strictly)
        except NotThere:
            raise _no_such() from None
        except Outdated:
            raise headers.changed_meanwhile() from None
        except Ended:
            rule = "must stay ended"
            raise Refusal(409, "ended", "an ended conversation is over", field="status", rule=rule) from None
        return ConversationShown(**msgspec.structs.asdict(changed.conversation), support=changed.support)

    @delete(
        "/v1/conversations/{conversation_id:str}",
        tags=_TAGS,
        summary="Delete a conversation",
        description="With all its messages, for good. The person's other devices hear `conversation.removed`.",
        opt={"if_match": True, "refusals": (429,)},
    )
    async def delete_conversation(request: Request[Any, Any, Any], conversation_id: str) -> None:
        identity = await bearer(request, identify)
        pace.take(identity.user_id)
        if "if-match" in request.headers:
            read = await _found(threads, identity.user_id, conversation_id)
            headers.require_match(request.headers, conditional.tag_of(read))
        try:
            await threads.remove(identity.user_id, _known(conversation_id))
        except NotThere:
            raise _no_such() from None

    return [change_conversation, delete_conversation]


async def _found(threads: Threads, person_id: str, conversation_id: str) -> Conversation:
    try:
        return await threads.find(person_id, _known(conversation_id))
    except NotThere:
        raise _no_such() from None


def _known(conversation_id: str) -> str:
    if channels.parse(channels.conversation(conversation_id)) is None:
        raise _no_such()
    return conversation_id


def _no_such() -> Refusal:
    return Refusal(404, "not-found", "there is no such conversation")


def _moment(given: datetime | None) -> datetime | None:
    if given is None:
        return None
    if given.tzinfo is None:
        rule = "must have a time zone"
        raise Refusal(400, "invalid", "which moment is meant?", field="changed_since", rule=rule)
    try:
        return max(given.astimezone(UTC), _EARLIEST)
    except OverflowError:
        rule = "must be a moment in UTC too"
        raise Refusal(400, "invalid", "which moment is meant?", field="changed_since", rule=rule) from None


def _cursor(row: conversations.Conversation) -> str:
    place = f"{row.updated_at.astimezone(UTC).isoformat()} {row.id}"
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _place(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    try:
        moment, _, row_id = (
            base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(" ")
        )
        given = datetime.fromisoformat(moment)
        at = max(given.astimezone(UTC), _EARLIEST)
        if given.tzinfo is None or channels.parse(channels.conversation(row_id)) is None:
            raise ValueError("no id")
    except (ValueError, TypeError, OverflowError, binascii.Error):
        rule = "must be `next` of an earlier page"
        raise Refusal(400, "invalid", "this cursor is not ours", field="cursor", rule=rule) from None
    return at, row_id
