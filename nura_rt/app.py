"""The composition root: makes the doors over the parts of one instance. The only file that knows them all."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import metadata

import msgspec
from litestar import Litestar

from nura_rt.auth.identify import Identify
from nura_rt.auth.secret import jwt_secret
from nura_rt.auth.tokens import Tokens
from nura_rt.auth.verify import verifier
from nura_rt.chat.gate import Gate
from nura_rt.chat.routes import Rooms, chat_routes
from nura_rt.chat.socket import socket_route
from nura_rt.notify.mailbox import delivery
from nura_rt.ops.health import health_routes
from nura_rt.ops.openapi import documentation
from nura_rt.ops.wire import wire_routes
from nura_rt.parts import Parts
from nura_rt.people.auth_hook import auth_hook_routes
from nura_rt.people.local import Local
from nura_rt.people.profile import profile_routes
from nura_rt.people.service_profiles import service_profile_routes
from nura_rt.people.sessions import session_routes
from nura_rt.people.sign_in import DemoPerson, sign_in_routes
from nura_rt.privacy.detect import privacy_routes
from nura_rt.problems import EXCEPTION_HANDLERS
from nura_rt.realtime.drain import Drain
from nura_rt.realtime.pace import Pace
from nura_rt.safety.resources import resource_routes
from nura_rt.settings import Settings
from nura_rt.web.pages import load_assets, page_routes


class Running(msgspec.Struct, frozen=True):
    """What whoever serves the instance needs of it."""

    litestar: Litestar
    drain: Drain


@asynccontextmanager
async def running(
    settings: Settings, *, database_url: str, redis_url: str, demo: DemoPerson | None = None
) -> AsyncIterator[Running]:
    """Everything open and at work; on leaving, jobs are given back, the last rows written, all closed."""
    async with AsyncExitStack() as stack:
        parts = await Parts.open(stack, settings, database_url, redis_url)
        await stack.enter_async_context(parts.at_work())
        yield Running(_litestar(settings, parts, demo), parts.drain)


def _litestar(settings: Settings, parts: Parts, demo: DemoPerson | None) -> Litestar:
    stores, limits = parts.stores, settings.limits
    identify, local = _identity(settings, parts)
    gate = Gate(
        parts.doorstep,
        allowed_origins=settings.allowed_origins,
        trusted_proxies=settings.trusted_proxies,
        draining=lambda: parts.drain.begun,
    )
    rooms = Rooms(
        people=stores.people,
        reads=stores.reads,
        identify=identify,
        creation=parts.creation,
        threads=parts.threads,
        removal=parts.removal,
        intake=parts.intake,
        rate=parts.rate,
        limits=limits,
    )
    pace = Pace(per_s=limits.frames_per_s, burst=limits.frame_burst)
    return Litestar(
        [
            socket_route(parts.desk, identify, settings, gate, parts.words, instance=parts.instance),
            *sign_in_routes(settings, local, demo=demo),
            *session_routes(identify, parts.sessions),
            *auth_hook_routes(
                settings.auth_hook_secret,
                stores.sign_in,
                parts.sessions,
                parts.words,
                changed=stores.responses.invalidate,
            ),
            *chat_routes(rooms),
            *profile_routes(
                stores.door,
                identify,
                parts.words,
                stores.responses,
                pace,
                on_privacy=parts.sessions.preferences_changed,
            ),
            *service_profile_routes(stores.door, identify, parts.words, stores.responses, pace),
            *privacy_routes(stores.door, identify, parts.pipeline, parts.words, pace, parts.detector),
            *resource_routes(parts.resources),
            *health_routes(stores.people, bus=lambda: parts.bus.state, draining=lambda: parts.drain.begun),
            *wire_routes(),
            *page_routes(load_assets()),
        ],
        openapi_config=documentation(metadata.version("nura-rt")),
        logging_config=None,
        response_headers={
            "Cache-Control": "no-store"
        },  # what a person reads is not kept on the way; pages say otherwise
        request_max_body_size=64 * 1024,
        exception_handlers=EXCEPTION_HANDLERS,
    )


def _identity(settings: Settings, parts: Parts) -> tuple[Identify, Local | None]:
    """Who is asking; and with AUTH_MODE=local, the rooms where accounts are made and kept."""
    trusted = settings.trusted_proxies
    if settings.auth_mode == "supabase":
        return Identify(verifier(settings, None, parts.http), parts.sessions, trusted=trusted), None
    secret = jwt_secret(settings)
    tokens = Tokens(secret, ttl_s=settings.token_ttl_s)
    identify = Identify(verifier(settings, tokens, parts.http), parts.sessions, trusted=trusted)
    local = Local(
        settings,
        tokens,
        secret=secret,
        pool=parts.stores.sign_in,
        sessions=parts.sessions,
        identify=identify,
        delivery=delivery(settings),
        passwords=parts.passwords,
        changed=parts.stores.responses.invalidate,
        words=parts.words,
    )
    return identify, local
