"""The composition root: builds every part, wires them, opens and closes them. The only file that knows them all."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import metadata
from typing import Any

import asyncpg
import httpx
from litestar import Litestar

from nura_rt.assistant.companion import Companion
from nura_rt.auth.identify import Identify
from nura_rt.auth.passwords import Passwords
from nura_rt.auth.secret import jwt_secret
from nura_rt.auth.sessions import Sessions
from nura_rt.auth.tokens import Tokens
from nura_rt.auth.verify import verifier
from nura_rt.cache import client as cache
from nura_rt.cache.responses import ResponseCache
from nura_rt.cache.sessions import SessionCopies
from nura_rt.chat.client import Desk
from nura_rt.chat.routes import Rooms, chat_routes
from nura_rt.chat.socket import socket_route
from nura_rt.conversation.create import Creation, Written
from nura_rt.conversation.intake import Intake
from nura_rt.conversation.recent import RecentLevels
from nura_rt.conversation.replay import Replay
from nura_rt.conversation.reply import Replies
from nura_rt.conversation.support import SupportCards
from nura_rt.conversation.threads import Threads
from nura_rt.conversation.usage import Usage
from nura_rt.conversation.words import Words
from nura_rt.conversation.writer import Writer
from nura_rt.jobs.worker import JobFunction, Worker
from nura_rt.notify.mailbox import delivery
from nura_rt.ops.health import health_routes
from nura_rt.ops.openapi import documentation
from nura_rt.people.auth_hook import auth_hook_routes
from nura_rt.people.local import Local
from nura_rt.people.profile import profile_routes
from nura_rt.people.service_profiles import service_profile_routes
from nura_rt.people.sessions import session_routes
from nura_rt.people.sign_in import DemoPerson, sign_in_routes
from nura_rt.pipeline.pipeline import Pipeline
from nura_rt.problems import EXCEPTION_HANDLERS
from nura_rt.realtime.bus import RedisBus
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.pace import Pace
from nura_rt.safety.resources import Resources, resource_routes
from nura_rt.settings import Settings
from nura_rt.store.logins import Logins, logins
from nura_rt.telemetry import Counters
from nura_rt.web.pages import load_assets, page_routes

_REPLY_LEASE_S = 30.0
_REPLIES_AT_ONCE = 64
_JOBS_HELD_AT_MOST = 1000
_LAST_WRITES_WITHIN_S = 1.5
_SIDE_POOL = 4  # the door, sign-in, heads and jobs each need a few connections of their own role


@asynccontextmanager
async def running(
    settings: Settings, *, database_url: str, redis_url: str, demo: DemoPerson | None = None
) -> AsyncIterator[Litestar]:
    """Everything open and at work; on leaving, jobs are given back, the last rows written, all closed."""
    async with AsyncExitStack() as stack:
        parts = await _Parts.open(stack, settings, database_url, redis_url)
        await stack.enter_async_context(parts.at_work())
        yield _litestar(settings, parts, demo)


class _Parts:
    """What one instance is made of."""

    instance: str
    counters: Counters
    pools: list[asyncpg.Pool]
    people: asyncpg.Pool
    sign_in: asyncpg.Pool
    sessions: Sessions
    passwords: Passwords
    http: httpx.AsyncClient
    bus: RedisBus
    writer: Writer
    worker: Worker
    replay: Replay
    usage: Usage
    desk: Desk
    door: asyncpg.Pool
    words: Words
    threads: Threads
    responses: ResponseCache
    resources: Resources

    @classmethod
    async def open(
        cls, stack: AsyncExitStack, settings: Settings, database_url: str, redis_url: str
    ) -> "_Parts":
        async def pool(role: str, *, smallest: int = 1, largest: int = _SIDE_POOL) -> asyncpg.Pool:
            opened = await where.open_pool(role, smallest=smallest, largest=largest)
            stack.callback(opened.terminate)
            self.pools.append(opened)
            return opened

        self = cls()
        where = logins(settings, database_url)
        self.pools = []
        self.instance = secrets.token_hex(4)
        self.counters = Counters()
        self.people = await pool("nura_app", smallest=settings.db_pool_min, largest=settings.db_pool_max)
        self.sign_in = await pool("nura_auth")
        door, heads, work = await pool("nura_door"), await pool("nura_writer"), await pool("nura_worker")
        redis = cache.for_bus(redis_url)
        stack.push_async_callback(redis.aclose)
        caches = cache.for_caches(settings.redis_cache_url or redis_url)
        stack.push_async_callback(caches.aclose)
        self.responses = ResponseCache(caches, self.counters, version=metadata.version("nura-rt"))
        copies = caches
        if settings.redis_cache_url is not None:  # `session:{id}` belongs where REDIS_URL says
            copies = cache.for_caches(redis_url)
            stack.push_async_callback(copies.aclose)
        self.sessions = Sessions(
            self.sign_in,
            door=door,
            copies=SessionCopies(copies),
            lifetime_s=settings.refresh_ttl_s,
            watching=await pool("nura_auth", largest=1),
        )
        self.http = await stack.enter_async_context(httpx.AsyncClient())
        self.passwords = Passwords()
        stack.callback(self.passwords.close)
        self._wire(settings, where, redis, door=door, heads=heads, work=work)
        return self

    def _wire(
        self, settings: Settings, where: Logins, redis: Any, *, door: asyncpg.Pool, heads: asyncpg.Pool,
        work: asyncpg.Pool,
    ) -> None:  # fmt: skip
        limits, counters = settings.limits, self.counters
        pipeline = Pipeline.load(on_failure=lambda stage: counters.add(f"screening_failed_{stage}"))
        self.resources = Resources.load()
        self.bus = RedisBus(
            redis,
            instance=self.instance,
            on_frame=lambda channel, seq, payload: hub.receive(channel, seq, payload),
            on_resync=lambda: self.replay.note_doubt(),
            counters=counters,
        )
        hub = Hub(self.bus, on_gap=lambda channel: self.replay.note_gap(channel))
        self.writer = Writer(
            where, queue_at_most=limits.writer_queue, lease_s=_REPLY_LEASE_S, counters=counters
        )
        self.replay = Replay(
            people=self.people, heads=heads, hub=hub, bus=self.bus, limit=limits.replay, counters=counters
        )
        companion = Companion(pace_s=settings.companion_pace_s)
        replies = Replies(people=self.people, work=work, writer=self.writer, hub=hub, assistant=companion)
        functions: dict[str, JobFunction] = {"reply": replies}
        self.worker = Worker(
            work,
            functions,
            lease_s=_REPLY_LEASE_S,
            running_at_most=_REPLIES_AT_ONCE,
            held_at_most=_JOBS_HELD_AT_MOST,
            counters=counters,
        )
        self.usage = Usage(work, counters)
        cards, recent = SupportCards(hub, self.resources.anywhere), RecentLevels()
        intake = Intake(
            pipeline=pipeline,
            writer=self.writer,
            hub=hub,
            take_job=self.worker.take,
            cards=cards,
            recent=recent,
            on_use=self.usage.note,
        )
        self.door, self.words = door, Words(pipeline, cards)
        written = Written(door, self.people, hub)
        creation = Creation(self.words, written, recent)
        self.threads = Threads(self.words, written, recent)
        self.desk = Desk(intake, self.replay, creation, hub, limits, self.sessions)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Every task of the instance is born here. Replies stop first, the writer last."""
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(self.writer.run())
            others = [
                group.create_task(part)
                for part in (
                    self.bus.send_for_ever(),
                    self.bus.receive_for_ever(),
                    self.replay.fill_for_ever(),
                    self.replay.check_for_ever(),
                    self.usage.flush_for_ever(),
                    self.sessions.watch_for_ever(),
                )
            ]
            working = group.create_task(self.worker.run())
            try:
                yield
            finally:
                await self.writer.drained(timeout_s=_LAST_WRITES_WITHIN_S)  # its reply jobs reach the worker
                working.cancel()
                await asyncio.wait([working], timeout=_LAST_WRITES_WITHIN_S)
                await self.writer.drained(timeout_s=_LAST_WRITES_WITHIN_S)
                for task in (writing, *others):
                    task.cancel()
                await self.usage.flush_at_the_end()
                for pool in self.pools:  # a query on a frozen connection would wait for ever to be cancelled
                    pool.terminate()


def _litestar(settings: Settings, parts: _Parts, demo: DemoPerson | None) -> Litestar:
    identify, local = _identity(settings, parts)
    rooms = Rooms(parts.people, identify, parts.desk.creation, parts.threads, parts.desk.intake, settings.limits)
    pace = Pace(per_s=settings.limits.frames_per_s, burst=settings.limits.frame_burst)
    return Litestar(
        [
            socket_route(parts.desk, identify, settings, instance=parts.instance),
            *sign_in_routes(settings, local, demo=demo),
            *session_routes(identify, parts.sessions),
            *auth_hook_routes(
                settings.auth_hook_secret, parts.sign_in, parts.sessions, changed=parts.responses.invalidate
            ),
            *chat_routes(rooms),
            *profile_routes(parts.door, identify, parts.words, parts.responses, pace),
            *service_profile_routes(parts.door, identify, parts.words, parts.responses, pace),
            *resource_routes(parts.resources),
            *health_routes(parts.people, lambda: parts.bus.connected),
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


def _identity(settings: Settings, parts: _Parts) -> tuple[Identify, Local | None]:
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
        pool=parts.sign_in,
        sessions=parts.sessions,
        identify=identify,
        delivery=delivery(settings),
        passwords=parts.passwords,
        changed=parts.responses.invalidate,
    )
    return identify, local
