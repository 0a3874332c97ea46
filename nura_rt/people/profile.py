"""GET and PATCH /v1/me: who a person is here, and what they allow. Their words are screened before they are kept."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

import asyncpg
import msgspec
from litestar import Request, Response, get, patch
from litestar.handlers import HTTPRouteHandler
from msgspec import UNSET, Meta, UnsetType

from nura_rt.auth.bearer import bearer
from nura_rt.auth.identify import Identify
from nura_rt.cache import conditional
from nura_rt.cache.responses import ResponseCache
from nura_rt.conversation.words import Words, clean
from nura_rt.people import privacy
from nura_rt.people.privacy import PrivacyPatch, PrivacySettings
from nura_rt.protocol import headers
from nura_rt.protocol.problem import Refusal
from nura_rt.protocol.server import Support
from nura_rt.realtime.pace import Pace
from nura_rt.store import profiles
from nura_rt.store.pool import as_person

_NOWHERE = "@no-email.invalid"  # stands in the column for a person without an address
_TAGS = ["Me"]

Name = Annotated[str, Meta(max_length=100, examples=["Ada"])]
Bio = Annotated[str, Meta(max_length=2_000, examples=["I like long walks"])]
Link = Annotated[
    str, Meta(max_length=2_048, pattern=r"^https://[!-~]+$", examples=["https://images.example/ada.png"])
]


class Me(msgspec.Struct, frozen=True):
    """The person as the service knows them. Address and telephone are changed by verifying new ones."""

    user_id: str
    email: str | None
    email_confirmed: bool
    phone_number: str | None
    phone_confirmed: bool
    full_name: str | None
    display_name: str | None
    bio: str | None
    avatar_url: str | None
    current_streak: int
    xp: int
    privacy_settings: PrivacySettings
    created_at: datetime


class MeChanged(Me, frozen=True, omit_defaults=True):
    """The profile after its change; `support` when the new words held something to worry about."""

    support: Support | None = None


class MePatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A merge patch: what is absent stays, null clears."""

    full_name: Name | UnsetType | None = UNSET
    display_name: Name | UnsetType | None = UNSET
    bio: Bio | UnsetType | None = UNSET
    avatar_url: Link | UnsetType | None = UNSET
    privacy_settings: PrivacyPatch | UnsetType | None = UNSET


def profile_routes(
    door: asyncpg.Pool,
    identify: Identify,
    words: Words,
    cache: ResponseCache,
    pace: Pace,
    *,
    on_privacy: Callable[[str], Awaitable[None]],
) -> list[HTTPRouteHandler]:
    """GET and PATCH /v1/me. `on_privacy` is told who has new privacy settings."""

    @get(
        "/v1/me",
        tags=_TAGS,
        summary="Read your profile",
        description="Kept for up to 30 s; your own changes show at once.",
        opt={"etag": True, "refusals": (404,)},
    )
    async def read_me(request: Request[Any, Any, Any]) -> Response[Me]:
        person_id = (await bearer(request, identify)).user_id

        async def load() -> bytes:
            return msgspec.json.encode(await _read(door, person_id))

        body, _ = await cache.get_or_load(
            "me", person_id=person_id, role="authenticated", path="/v1/me", query=b"", load=load
        )
        return conditional.answer_bytes(request, body)

    @patch(
        "/v1/me",
        tags=_TAGS,
        summary="Change your profile",
        description="A merge patch: what is absent stays, null clears. Words are screened before they are kept.",
        opt={"if_match": True, "refusals": (404, 429)},
    )
    async def change_me(request: Request[Any, Any, Any], data: MePatch) -> MeChanged:
        person_id = (await bearer(request, identify)).user_id
        pace.take(person_id)
        headers.require_match(request.headers, conditional.tag_of(await _read(door, person_id)))
        support = await _change(door, words, cache, person_id, data)
        if data.privacy_settings is not UNSET:
            await on_privacy(person_id)
        return MeChanged(**msgspec.structs.asdict(await _read(door, person_id)), support=support)

    return [read_me, change_me]


async def _read(door: asyncpg.Pool, person_id: str) -> Me:
    async with as_person(door, person_id) as conn:
        row = await profiles.find(conn, person_id)
    if row is None:
        raise _gone()
    return Me(
        user_id=row.id,
        email=None if row.email.endswith(_NOWHERE) else row.email,
        email_confirmed=row.email_confirmed_at is not None,
        phone_number=row.phone_number,
        phone_confirmed=row.phone_confirmed_at is not None,
        full_name=row.full_name,
        display_name=row.display_name,
        bio=row.bio,
        avatar_url=row.avatar_url,
        current_streak=row.current_streak,
        xp=row.xp,
        privacy_settings=privacy.read(row.privacy_settings),
        created_at=row.created_at,
    )


async def _change(
    door: asyncpg.Pool, words: Words, cache: ResponseCache, person_id: str, wanted: MePatch
) -> Support | None:
    written = {
        name: clean(value)
        for name in ("full_name", "display_name", "bio", "avatar_url")
        if (value := getattr(wanted, name)) is not UNSET
    }
    found = words.screen({"profile": "\n".join(text for text in written.values() if text)})
    cause_id = str(uuid.uuid4())
    card = words.show(found, person_id=person_id, conversation_id=None, cause_id=cause_id)
    if wanted == MePatch():
        return card
    async with cache.changing(person_id), as_person(door, person_id) as conn:
        own = await profiles.held(conn, person_id)
        if own is None:
            raise _gone()
        settings = own.privacy_settings
        if wanted.privacy_settings is not UNSET:
            settings = privacy.merge(settings, wanted.privacy_settings)
        changed = msgspec.structs.replace(own, **written, privacy_settings=settings)
        await profiles.write(conn, person_id, changed)
        await words.keep(conn, found, person_id=person_id, conversation_id=None, cause_id=cause_id)
    return card


def _gone() -> Refusal:
    return Refusal(404, "not-found", "this person is here no more")
