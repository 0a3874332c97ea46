"""Messages over REST: pages both ways, a send that walks the very same intake as the socket's, and a removal."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

import asyncpg
import msgspec
from litestar import Request, Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Parameter
from msgspec import Meta

from nura_rt.auth.bearer import bearer
from nura_rt.auth.identify import Identify
from nura_rt.cache import conditional
from nura_rt.conversation import frames
from nura_rt.conversation.intake import Accepted, Intake, Refused, Turn
from nura_rt.conversation.removal import Removal
from nura_rt.conversation.threads import NotThere
from nura_rt.protocol import headers
from nura_rt.protocol.errors import Code
from nura_rt.protocol.problem import Refusal
from nura_rt.protocol.server import Message, Support
from nura_rt.realtime import channels
from nura_rt.realtime.pace import Pace
from nura_rt.store import conversations, messages
from nura_rt.store.replica import Reads

_PAGE_AT_MOST = 200
_NEWEST = 2**53 - 1
_ANSWER_WITHIN_S = 15.0
_TAGS = ["Messages"]


class Page(msgspec.Struct, frozen=True):
    """Messages in ascending seq. `more`: others follow in the direction asked; `head`: the highest seq there is."""

    messages: list[Message]
    more: bool
    head: int


class NewMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the person says: not blank, at most `limits.text_chars` characters (8,000 unless set)."""

    text: Annotated[
        str,
        Meta(examples=["I slept better this week"], extra_json_schema={"pattern": "\\S", "maxLength": 8_000}),
    ]


class MessageKept(msgspec.Struct, frozen=True, omit_defaults=True):
    """Committed to PostgreSQL, with everything that follows from it. The reply comes over the socket, or as a
    message of a later page."""

    message_id: str
    conversation_id: str
    seq: int
    committed_at: datetime
    duplicate: bool
    support: Support | None = None


class MessageGone(msgspec.Struct, frozen=True):
    """The message that stood at `removed_seq` is gone; `seq` is what its removal took in the same order."""

    seq: int
    removed_seq: int


def message_routes(
    reads: Reads, identify: Identify, intake: Intake, pace: Pace, *, text_chars: int
) -> list[HTTPRouteHandler]:
    """GET and POST /v1/conversations/{id}/messages. History may come from a replica."""
    return [_read_route(reads, identify), _send_route(identify, intake, pace, text_chars)]


def removal_route(identify: Identify, removal: Removal, pace: Pace) -> HTTPRouteHandler:
    """DELETE /v1/conversations/{id}/messages/{id}."""

    @delete(
        "/v1/conversations/{conversation_id:str}/messages/{message_id:str}",
        status_code=200,
        tags=_TAGS,
        summary="Remove a message",
        description=(
            "For good, also on the person's other devices, which hear `message.removed`: the removal has a seq of "
            "its own. Removed again, it is answered the same. Its `client_id` stays taken: a late retry of the send "
            "is a repeat. What worried us stays on record as a level, without words."
        ),
        opt={"refusals": (429,)},
    )
    async def remove_message(
        request: Request[Any, Any, Any], conversation_id: str, message_id: str
    ) -> MessageGone:
        identity = await bearer(request, identify)
        pace.take(identity.user_id)
        if not (_known(conversation_id) and _known(message_id)):
            raise _no_such("message")
        try:
            removed = await removal.remove(identity.user_id, conversation_id, message_id)
        except NotThere:
            raise _no_such("message") from None
        return MessageGone(removed.seq, removed.removed_seq)

    return remove_message


def _read_route(reads: Reads, identify: Identify) -> HTTPRouteHandler:
    @get(
        "/v1/conversations/{conversation_id:str}/messages",
        tags=_TAGS,
        summary="Read a page of messages",
        description=(
            "Ascending seq, always. Without `before` and `after`: the newest. A seq is given once and never again, so "
            "pages neither lose nor repeat a message while others are written or removed. Where a seq is missing, a "
            "message was removed, or a removal stands there."
        ),
        opt={"etag": True},
    )
    async def list_messages(
        request: Request[Any, Any, Any],
        conversation_id: str,
        before: Annotated[int | None, Parameter(ge=1, le=_NEWEST, description="Only lower seqs.")] = None,
        after: Annotated[int | None, Parameter(ge=0, le=_NEWEST, description="Only higher seqs.")] = None,
        limit: Annotated[int, Parameter(ge=1, le=_PAGE_AT_MOST)] = 50,
    ) -> Response[Page]:
        identity = await bearer(request, identify)
        if before is not None and after is not None:
            rule = "must not be given with before"
            raise Refusal(400, "invalid", "a page goes one way", field="after", rule=rule)
        page = await reads.run(
            lambda people: page_of(
                people, identity.user_id, conversation_id, before=before, after=after, limit=limit
            )
        )
        if page is None:
            raise _no_such()
        return conditional.answer(request, page)

    return list_messages


def _send_route(identify: Identify, intake: Intake, pace: Pace, text_chars: int) -> HTTPRouteHandler:
    @post(
        "/v1/conversations/{conversation_id:str}/messages",
        tags=_TAGS,
        summary="Say something",
        description=(
            "Walks the same path as `message.send`: screened, committed, then answered. `Idempotency-Key` is the "
            "message's `client_id`: whatever the answer was, or if there was none, send it again with the same key. "
            "A repeat is answered 200 with the original's seq, and its text is ignored. `support` is help that is "
            "there now, when the words gave reason for it."
        ),
        responses={200: ResponseSpec(MessageKept, description="It had been kept before.")},
        opt={"idempotency_key": True, "refusals": (429,)},
    )
    async def send_message(
        request: Request[Any, Any, Any], conversation_id: str, data: NewMessage
    ) -> Response[MessageKept]:
        identity = await bearer(request, identify)
        key = headers.idempotency_key(request.headers)
        _check(data.text, text_chars)
        if not _known(conversation_id):
            raise _no_such()
        pace.take(identity.user_id)
        outcome = await _taken(intake, Turn(identity.user_id, conversation_id, key, data.text))
        if isinstance(outcome, Refused):
            raise _refusal(outcome)
        kept = MessageKept(
            message_id=outcome.message_id,
            conversation_id=outcome.conversation_id,
            seq=outcome.seq,
            committed_at=outcome.committed_at,
            duplicate=outcome.duplicate,
            support=outcome.support,
        )
        return Response(kept, status_code=200 if kept.duplicate else 201)

    return send_message


async def page_of(
    people: asyncpg.Pool,
    person_id: str,
    conversation_id: str,
    *,
    before: int | None,
    after: int | None,
    limit: int,
) -> Page | None:
    """One page, upwards from `after` or else downwards from `before`; None when it is not the person's."""
    if not _known(conversation_id):
        return None
    seen = await conversations.seen_by(people, person_id, conversation_id)
    if seen is None:
        return None
    if after is not None:
        rows = await messages.list_after(people, person_id, conversation_id, after, limit=limit + 1)
        shown = rows[:limit]
    else:
        below = before or _NEWEST
        rows = await messages.list_before(people, person_id, conversation_id, below, limit=limit + 1)
        shown = rows[-limit:]
    head = max([seen.last_seq, *(row.seq for row in shown)])  # some may be newer than the head we read
    return Page([frames.message(row) for row in shown], more=len(rows) > limit, head=head)


async def _taken(intake: Intake, turn: Turn) -> Accepted | Refused:
    """The intake's answer. Raises Refusal 503 when there is none in time: the message may be kept or not."""
    answered: asyncio.Future[Accepted | Refused] = asyncio.get_running_loop().create_future()
    intake.accept(turn, lambda outcome: None if answered.done() else answered.set_result(outcome))
    try:
        async with asyncio.timeout(_ANSWER_WITHIN_S):
            return await answered
    except TimeoutError:
        sentence = "it may be kept or not: send it again with the same Idempotency-Key"
        raise Refusal(503, "unknown", sentence, retry_after_ms=2000) from None


def _check(text: str, text_chars: int) -> None:
    """The limits of the socket's sends, in the same words."""
    if not text.replace("\x00", "").strip():
        rule = "must hold something to say"
        raise Refusal(400, "invalid", "there is nothing in it", field="text", rule=rule)
    if len(text) > text_chars:
        rule = f"must be at most {text_chars} characters"
        raise Refusal(400, "too-long", "this text is too long", field="text", rule=rule)


def _refusal(refused: Refused) -> Refusal:
    status = {Code.NOT_FOUND: 404, Code.INVALID: 400}.get(refused.code, 503)
    return Refusal(
        status,
        refused.code.replace("_", "-"),
        refused.message,
        field=refused.field,
        rule="must be text that can be stored" if refused.field else None,
        retry_after_ms=refused.retry_after_ms,
        support=refused.support,
    )


def _known(given_id: str) -> bool:
    return channels.parse(channels.conversation(given_id)) is not None


def _no_such(what: str = "conversation") -> Refusal:
    return Refusal(404, "not-found", f"there is no such {what}")
