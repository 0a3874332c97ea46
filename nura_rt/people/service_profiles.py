"""GET and PUT /v1/me/service-profiles: how a person wants each service to be."""

import re
import uuid
from datetime import datetime
from typing import Annotated, Any

import asyncpg
import msgspec
from litestar import Request, Response, get, put
from litestar.handlers import HTTPRouteHandler
from msgspec import Meta

from nura_rt.auth.bearer import bearer
from nura_rt.auth.identify import Identify
from nura_rt.cache import conditional
from nura_rt.cache.responses import ResponseCache
from nura_rt.conversation.words import Words
from nura_rt.people import preferences
from nura_rt.protocol.problem import Refusal
from nura_rt.protocol.server import Support
from nura_rt.realtime.pace import Pace
from nura_rt.store import service_profiles
from nura_rt.store.pool import as_person

_SERVICE = re.compile(r"[a-z][a-z0-9_-]{0,31}")  # chat, voice, memory, ...
_SERVICES_AT_MOST = 20
_TAGS = ["Me"]

Preferences = Annotated[
    dict[str, Any],
    Meta(
        description="At most 8,192 bytes and five levels deep.", examples=[{"pace": "slow", "voice": "calm"}]
    ),
]


class ServiceProfile(msgspec.Struct, frozen=True):
    """One service as this person has it. `usage_stats` and `last_used_at` are noted by the server."""

    service_type: str
    service_preferences: dict[str, Any]
    service_metadata: dict[str, Any]
    usage_stats: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    last_used_at: datetime | None


class ServiceProfileChanged(ServiceProfile, frozen=True, omit_defaults=True):
    """A service's profile after its change; `support` when the new words held something to worry about."""

    support: Support | None = None


class ServiceProfileList(msgspec.Struct, frozen=True):
    """The person's services, by name."""

    service_profiles: list[ServiceProfile]


class ServicePreferences(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of the preferences: what stood there before is replaced."""

    service_preferences: Preferences


def service_profile_routes(
    door: asyncpg.Pool, identify: Identify, words: Words, cache: ResponseCache, pace: Pace
) -> list[HTTPRouteHandler]:
    """GET /v1/me/service-profiles and PUT /v1/me/service-profiles/{service_type}."""
    return [_list_route(door, identify, cache), _put_route(door, identify, words, cache, pace)]


def _list_route(door: asyncpg.Pool, identify: Identify, cache: ResponseCache) -> HTTPRouteHandler:

    @get(
        "/v1/me/service-profiles",
        tags=_TAGS,
        summary="List your service profiles",
        description="Kept for up to 30 s; your own changes show at once.",
        opt={"etag": True},
    )
    async def list_service_profiles(request: Request[Any, Any, Any]) -> Response[ServiceProfileList]:
        person_id = (await bearer(request, identify)).user_id

        async def load() -> bytes:
            async with as_person(door, person_id) as conn:
                rows = await service_profiles.list_of(conn, person_id)
            return msgspec.json.encode(ServiceProfileList([_shown(row) for row in rows]))

        body, _ = await cache.get_or_load(
            "service_profiles",
            person_id=person_id,
            role="authenticated",
            path="/v1/me/service-profiles",
            query=b"",
            load=load,
        )
        return conditional.answer_bytes(request, body)

    return list_service_profiles


def _put_route(
    door: asyncpg.Pool, identify: Identify, words: Words, cache: ResponseCache, pace: Pace
) -> HTTPRouteHandler:
    @put(
        "/v1/me/service-profiles/{service_type:str}",
        tags=_TAGS,
        summary="Set your preferences for a service",
        description=(
            "`service_type` is `chat`, `voice`, `memory` or another name like these; at most 20 a person. Text in "
            "the preferences is screened before it is kept."
        ),
        opt={"refusals": (409, 429)},
    )
    async def put_service_profile(
        request: Request[Any, Any, Any], service_type: str, data: ServicePreferences
    ) -> ServiceProfileChanged:
        person_id = (await bearer(request, identify)).user_id
        if not _SERVICE.fullmatch(service_type):
            rule = "must be a lower case word of at most 32 characters"
            raise Refusal(400, "invalid", "this is not a service", field="service_type", rule=rule)
        preferences.check("service_preferences", data.service_preferences)
        pace.take(person_id)
        written = [re.sub("[_-]", " ", service_type), *preferences.texts(data.service_preferences)]
        found = words.screen({"profile": "\n".join(written)})
        cause_id = str(uuid.uuid4())
        card = words.show(found, person_id=person_id, conversation_id=None, cause_id=cause_id)
        async with cache.changing(person_id), as_person(door, person_id) as conn:
            row = await service_profiles.prefer(
                conn,
                person_id=person_id,
                service_type=service_type,
                preferences=data.service_preferences,
                at_most=_SERVICES_AT_MOST,
            )
            if row is None:
                rule = f"at most {_SERVICES_AT_MOST} services a person"
                raise Refusal(409, "too-many", "one of yours must do", field="service_type", rule=rule)
            await words.keep(conn, found, person_id=person_id, conversation_id=None, cause_id=cause_id)
        return ServiceProfileChanged(**msgspec.structs.asdict(_shown(row)), support=card)

    return put_service_profile


def _shown(row: service_profiles.ServiceProfile) -> ServiceProfile:
    return ServiceProfile(**msgspec.structs.asdict(row))
