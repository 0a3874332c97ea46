"""The composition root: builds every part, wires them, opens and closes them. The only file that knows them all."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import metadata

import httpx
from litestar import Litestar

from nura_rt import telemetry
from nura_rt.assistant.companion import Companion
from nura_rt.auth.identify import Identify
from nura_rt.auth.passwords import Passwords
from nura_rt.auth.secret import jwt_secret
from nura_rt.auth.sessions import Sessions
from nura_rt.auth.tokens import Tokens
from nura_rt.auth.verify import verifier
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
from nura_rt.stores import Stores, open_stores
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
    stores: Stores
    sessions: Sessions
    passwords: Passwords
    http: httpx.AsyncClient
    bus: RedisBus
    writer: Writer
    worker: Worker
    replay: Replay
    usage: Usage
    desk: Desk
    words: Words
    threads: Threads
    resources: Resources

    @classmethod
    async def open(
        cls, stack: AsyncExitStack, settings: Settings, database_url: str, redis_url: str
    ) -> "_Parts":
        self = cls()
        self.instance = secrets.token_hex(4)
        self.counters = Counters()
        stores = self.stores = await open_stores(
            stack, settings, self.counters, database_url=database_url, redis_url=redis_url
        )
        self.sessions = Sessions(
            stores.sign_in,
            door=stores.door,
            copies=SessionCopies(stores.sessions),
            lifetime_s=settings.refresh_ttl_s,
            watching=stores.endings,
        )
        # only settings.py reads the environment, proxies included
        self.http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        self.passwords = Passwords()
        stack.callback(self.passwords.close)
        self._wire(settings)
        return self

    def _wire(self, settings: Settings) -> None:
        limits, counters, stores = settings.limits, self.counters, self.stores
        pipeline = Pipeline.load(on_failure=lambda stage: counters.add(f"screening_failed_{stage}"))
        self.resources = Resources.load()
        self.bus = RedisBus(
            stores.bus,
            instance=self.instance,
            on_frame=lambda channel, seq, payload: hub.receive(channel, seq, payload),
            on_resync=lambda: self.replay.note_doubt(),
            counters=counters,
        )
        hub = Hub(self.bus, on_gap=lambda channel: self.replay.note_gap(channel))
        self.writer = Writer(
            stores.where, queue_at_most=limits.writer_queue, lease_s=_REPLY_LEASE_S, counters=counters
        )
        self.replay = Replay(
            people=stores.people,
            heads=stores.heads,
            hub=hub,
            bus=self.bus,
            limit=limits.replay,
            counters=counters,
        )
        companion = Companion(pace_s=settings.companion_pace_s)
        replies = Replies(
            people=stores.people, work=stores.work, writer=self.writer, hub=hub, assistant=companion
        )
        functions: dict[str, JobFunction] = {"reply": replies}
        self.worker = Worker(
            stores.work,
            functions,
            lease_s=_REPLY_LEASE_S,
            running_at_most=_REPLIES_AT_ONCE,
            held_at_most=_JOBS_HELD_AT_MOST,
            counters=counters,
        )
        self.usage = Usage(stores.work, counters)
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
        self.words = Words(pipeline, cards)
        written = Written(stores.door, stores.people, hub)
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
                    telemetry.log_for_ever(self.counters),
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
                for (
                    pool
                ) in self.stores.pools:  # a query on a frozen connection would wait for ever to be cancelled
                    pool.terminate()


def _litestar(settings: Settings, parts: _Parts, demo: DemoPerson | None) -> Litestar:
    stores, desk, limits = parts.stores, parts.desk, settings.limits
    identify, local = _identity(settings, parts)
    rooms = Rooms(stores.people, stores.reads, identify, desk.creation, parts.threads, desk.intake, limits)
    pace = Pace(per_s=limits.frames_per_s, burst=limits.frame_burst)
    return Litestar(
        [
            socket_route(desk, identify, settings, instance=parts.instance),
            *sign_in_routes(settings, local, demo=demo),
            *session_routes(identify, parts.sessions),
            *auth_hook_routes(
                settings.auth_hook_secret, stores.sign_in, parts.sessions, changed=stores.responses.invalidate
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
            *resource_routes(parts.resources),
            *health_routes(stores.people, lambda: parts.bus.connected),
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
        pool=parts.stores.sign_in,
        sessions=parts.sessions,
        identify=identify,
        delivery=delivery(settings),
        passwords=parts.passwords,
        changed=parts.stores.responses.invalidate,
    )
    return identify, local
