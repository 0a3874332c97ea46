"""POST /v1/hooks/supabase-auth: Supabase tells whom it made, changed and deleted. Answered 2xx only after the commit.

Order: under a lock per person a word counts only when no newer one (by the record's `updated_at`) was heard, and
after a deletion none does; so whatever order and however often they come, the last state is Supabase's.
All that the person put into their metadata is screened, though only the name is kept.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg
import msgspec
from litestar import Request, post
from litestar.handlers import HTTPRouteHandler

from nura_rt.auth import standard_webhooks
from nura_rt.auth.sessions import Sessions
from nura_rt.auth.standard_webhooks import BadSignature, Stale
from nura_rt.conversation.words import Words, cause_of
from nura_rt.people import preferences
from nura_rt.people.forms import is_email
from nura_rt.people.local import Changed
from nura_rt.protocol.problem import Refusal
from nura_rt.store import auth_users, sessions, users, webhook_inbox
from nura_rt.store.auth_users import AuthUser
from nura_rt.store.pool import Executor

_SOURCE = "supabase-auth"
_NOBODY = "@no-email.invalid"  # never mailed

_NULL = msgspec.Raw(b"null")

Outcome = Literal["applied", "duplicate", "superseded", "ignored"]


class Heard(msgspec.Struct, frozen=True):
    """What became of a message; any of them means: do not send it again."""

    result: Outcome


class _Envelope(msgspec.Struct, frozen=True):
    """Both shapes: a database webhook on auth.users, and an event `user.created`."""

    type: str
    schema: str = ""
    table: str = ""
    record: msgspec.Raw = _NULL
    old_record: msgspec.Raw = _NULL
    user: msgspec.Raw = _NULL
    data: msgspec.Raw = _NULL


class _Record(msgspec.Struct, frozen=True):
    """A row of auth.users, as far as it matters here."""

    id: UUID
    email: str | None = None
    phone: str | None = None
    email_confirmed_at: datetime | None = None
    phone_confirmed_at: datetime | None = None
    last_sign_in_at: datetime | None = None
    updated_at: datetime | None = None
    deleted_at: datetime | None = None
    raw_user_meta_data: dict[str, Any] | None = None
    user_metadata: dict[str, Any] | None = None

    @property
    def told(self) -> dict[str, Any]:
        """What the person told Supabase of themselves."""
        return self.raw_user_meta_data or self.user_metadata or {}


class _Word(msgspec.Struct, frozen=True):
    """One message, understood: `kind` is made, changed or gone."""

    kind: Literal["created", "updated", "deleted"]
    record: _Record


def auth_hook_routes(
    secret: bytes | None,
    pool: asyncpg.Pool,
    live: Sessions,
    words: Words,
    *,
    changed: Changed,
    clock: Callable[[], float] = time.time,
) -> list[HTTPRouteHandler]:
    """The hook, if there is a secret to check it with. `pool` acts as nura_auth; `changed` as for Local."""
    if secret is None:
        return []

    # two rows, with all that a person put into their metadata: a deletion is never too large to be heard
    @post(
        "/v1/hooks/supabase-auth",
        status_code=200,
        summary="Hear from Supabase",
        request_max_body_size=1024 * 1024,
    )
    async def supabase_auth(request: Request[Any, Any, Any]) -> Heard:
        body = await request.body()
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            message_id, sent_at = standard_webhooks.verify(headers, body, secret, now=clock())
        except BadSignature:
            raise Refusal(401, "bad-signature", "this is not signed with our secret") from None
        except Stale:
            raise Refusal(400, "stale", "this was signed more than five minutes from now") from None
        word = _understood(body)
        if word is None:
            return Heard("ignored")
        try:
            outcome, touched = await _apply(
                pool, words, message_id, word, datetime.fromtimestamp(sent_at, UTC)
            )
        except asyncpg.DataError:  # a moment before our era, say: it will never fit
            raise Refusal(400, "invalid", "this cannot be kept") from None
        for person_id in touched:
            await changed(person_id)
        if word.kind == "deleted":
            await live.ask()  # this instance closes their sockets now, the others within a second
        return Heard(outcome)

    return [supabase_auth]


def _understood(body: bytes) -> _Word | None:
    """None for what is not about people; Refusal 400 for what is, and cannot be read."""
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
        kind, raw = _kind_of(envelope)
        if kind is None:
            return None
        record = msgspec.json.decode(raw, type=_Record)
    except (msgspec.MsgspecError, ValueError):
        raise Refusal(400, "invalid", "this cannot be read") from None
    return _Word("deleted" if record.deleted_at else kind, record)


def _kind_of(
    envelope: _Envelope,
) -> tuple[Literal["created", "updated", "deleted"] | None, msgspec.Raw]:
    event = envelope.data if bytes(envelope.user) == b"null" else envelope.user
    match envelope.type, envelope.schema, envelope.table:
        case "INSERT", "auth", "users":
            return "created", envelope.record
        case "UPDATE", "auth", "users":
            return "updated", envelope.record
        case "DELETE", "auth", "users":
            return "deleted", envelope.old_record
        case "user.created", _, _:
            return "created", event
        case "user.updated", _, _:
            return "updated", event
        case "user.deleted", _, _:
            return "deleted", event
    return None, _NULL


async def _apply(
    pool: asyncpg.Pool, words: Words, message_id: str, word: _Word, sent_at: datetime
) -> tuple[Outcome, list[str]]:
    record, person_id = word.record, str(word.record.id)
    at = _utc(record.updated_at) or sent_at
    told = "\n".join(preferences.texts(record.told))
    # in a thread: it may be many times as long as a message
    found = await asyncio.to_thread(words.screen, {"profile": told})
    # every change of a user brings all the metadata again: the same findings are one cause
    cause_id = cause_of(found, person_id)
    async with pool.acquire() as conn, conn.transaction():
        if not await webhook_inbox.receive(conn, _SOURCE, message_id, word.kind):
            return "duplicate", []
        await webhook_inbox.take_turn(conn, _SOURCE, person_id)
        if word.kind == "deleted":
            await webhook_inbox.note_newest(conn, _SOURCE, person_id, word.kind, None)
            await auth_users.mark_deleted(conn, person_id)
            await sessions.end_all(conn, person_id, keep=None, reason="deleted")
            return "applied", [person_id]
        if await webhook_inbox.has_newer(conn, _SOURCE, person_id, at):
            return "superseded", []
        await webhook_inbox.note_newest(conn, _SOURCE, person_id, word.kind, at)
        moved = await _keep(conn, _user_of(record))
        worried = await words.keep(conn, found, person_id=person_id, conversation_id=None, cause_id=cause_id)
        for other in moved:  # last: it holds the audit's lock until the commit
            await users.note_email_moved(conn, other)
    if worried:
        words.show(found, person_id=person_id, conversation_id=None, cause_id=cause_id)
    return "applied", [person_id, *moved]


async def _keep(conn: Executor, user: AuthUser) -> list[str]:
    """A proved address is taken from whoever had it before (they are given back); an unproved one from nobody."""
    nobody = user.id + _NOBODY
    email, moved = user.email or nobody, list[str]()
    if user.email and user.email_confirmed_at:
        moved = await users.free_email(conn, user.email, for_person=user.id)
    elif user.email and not await auth_users.is_free(conn, user.email, for_person=user.id):
        email = nobody
    await auth_users.upsert(conn, user, email=email)
    return moved


def _user_of(record: _Record) -> AuthUser:
    email = (record.email or "").strip().lower()
    digits = (record.phone or "").strip().removeprefix("+")
    return AuthUser(
        id=str(record.id),
        email=email if is_email(email) else None,
        phone=f"+{digits}" if digits.isascii() and digits.isdigit() and len(digits) <= 15 else None,
        full_name=_name(record.told),
        email_confirmed_at=_utc(record.email_confirmed_at),
        phone_confirmed_at=_utc(record.phone_confirmed_at),
        last_sign_in_at=_utc(record.last_sign_in_at),
    )


def _name(told: dict[str, Any]) -> str | None:
    """The name a person gave Supabase, without what cannot be printed; it is theirs to change here later."""
    name = told.get("full_name") or told.get("name")
    shown = (
        "".join(character for character in name if character.isprintable()) if isinstance(name, str) else ""
    )
    return shown.strip()[:100] or None


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
