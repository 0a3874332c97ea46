"""What one instance is made of: every part built and wired, and every task of it born, in one place."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import httpx

from nura_rt import telemetry
from nura_rt.assistant.companion import Companion
from nura_rt.auth.passwords import Passwords
from nura_rt.auth.sessions import Sessions
from nura_rt.cache.leases import Leases
from nura_rt.cache.rates import Rates
from nura_rt.cache.sessions import SessionCopies
from nura_rt.chat.client import Desk
from nura_rt.conversation.activity import Activity
from nura_rt.conversation.catch_up import CatchUp
from nura_rt.conversation.create import Creation, Written
from nura_rt.conversation.earshot import Earshot
from nura_rt.conversation.intake import Intake
from nura_rt.conversation.notices import Notices
from nura_rt.conversation.reading import ReadMarks
from nura_rt.conversation.removal import Removal
from nura_rt.conversation.replay import Replay
from nura_rt.conversation.reply import Replies
from nura_rt.conversation.support import SupportCards
from nura_rt.conversation.talks import Talks
from nura_rt.conversation.threads import Threads
from nura_rt.conversation.usage import Usage
from nura_rt.conversation.words import Words
from nura_rt.conversation.writer import Writer
from nura_rt.fan_out import FanOut
from nura_rt.jobs.worker import JobFunction, Worker
from nura_rt.pipeline.detectors.chosen import chosen
from nura_rt.pipeline.detectors.port import Detector
from nura_rt.pipeline.pipeline import Pipeline
from nura_rt.realtime.bus import RedisBus
from nura_rt.realtime.doorstep import Doorstep
from nura_rt.realtime.drain import Drain
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.presence import LEASE_S, Presence
from nura_rt.realtime.rate import PersonRate
from nura_rt.realtime.roster import Roster
from nura_rt.safety.resources import Resources
from nura_rt.settings import Settings
from nura_rt.stores import Stores, open_stores
from nura_rt.telemetry import Counters

_log = logging.getLogger(__name__)
_REPLY_LEASE_S = 30.0
_REPLIES_AT_ONCE = 64
_JOBS_HELD_AT_MOST = 1000
_LAST_WRITES_WITHIN_S = 1.5
_BEGINS_AGAIN_S = 1.0


async def steadily(part: Callable[[], Coroutine[Any, Any, None]], counters: Counters) -> None:
    """Runs it for ever: a defect in one part costs it a moment, never the instance and everybody on it."""
    while True:
        try:
            await part()
        except Exception:
            counters.add("parts_failed")
            _log.exception("a part of this instance failed and begins again")
        await asyncio.sleep(_BEGINS_AGAIN_S)


class Parts:
    """Built by `open`; `at_work` runs them."""

    instance: str
    counters: Counters
    stores: Stores
    sessions: Sessions
    passwords: Passwords
    http: httpx.AsyncClient
    bus: RedisBus
    hub: Hub
    heard: Callable[[str], Awaitable[bool]]
    earshot: Earshot
    catch_up: CatchUp
    replay: Replay
    roster: Roster
    presence: Presence
    rate: PersonRate
    doorstep: Doorstep
    drain: Drain
    pipeline: Pipeline
    detector: Detector | None
    talks: Talks
    writer: Writer
    worker: Worker
    usage: Usage
    activity: Activity
    notices: Notices
    reading: ReadMarks
    words: Words
    threads: Threads
    removal: Removal
    creation: Creation
    intake: Intake
    resources: Resources
    desk: Desk

    @classmethod
    async def open(
        cls, stack: AsyncExitStack, settings: Settings, database_url: str, redis_url: str
    ) -> "Parts":
        """Raises what asyncpg raises when the database does not answer; Redis may come later."""
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
        self.resources = Resources.load()
        self._wire_fan_out(settings)
        self._wire_limits(settings)
        self._wire_path(settings, stack)
        self._wire_desk(settings)
        return self

    def _wire_fan_out(self, settings: Settings) -> None:
        fan_out = FanOut(
            self.stores,
            instance=self.instance,
            replay_at_most=settings.limits.replay,
            counters=self.counters,
        )
        self.bus, self.hub, self.heard, self.earshot = (
            fan_out.bus,
            fan_out.hub,
            fan_out.heard,
            fan_out.earshot,
        )
        self.replay, self.notices, self.catch_up = fan_out.replay, fan_out.notices, fan_out.catch_up

    def _wire_limits(self, settings: Settings) -> None:
        limits, counters, redis = settings.limits, self.counters, self.stores.sessions
        self.roster = Roster()
        at_most = limits.connections_per_person
        leases = Leases(redis, counters, lease_s=LEASE_S, at_most=at_most)
        self.presence = Presence(leases, self.hub, self.roster, instance=self.instance, at_most=at_most)
        per_s, burst = limits.person_messages_per_s, limits.person_message_burst
        rates = Rates(redis, counters, kind="messages", per_s=per_s, burst=burst)
        self.rate = PersonRate(rates, per_s=per_s, burst=burst)
        self.doorstep = Doorstep(per_s=limits.handshakes_per_s, burst=limits.handshake_burst)
        self.drain = Drain(
            self.roster,
            unfinished=lambda: self.worker.people | self.writer.people | self.talks.people,
            claim_no_more=lambda: self.worker.claim_no_more(),
            start_no_more=lambda: self.worker.start_no_more(),
        )

    def _wire_path(self, settings: Settings, stack: AsyncExitStack) -> None:
        stores, counters, hub = self.stores, self.counters, self.hub
        self.pipeline = Pipeline.load(on_failure=lambda stage: counters.add(f"screening_failed_{stage}"))
        self.detector = chosen(settings.pii_detector, settings.pii_detector_model)
        if self.detector is not None:
            stack.callback(self.detector.close)
        self.writer = Writer(
            stores.where,
            queue_at_most=settings.limits.writer_queue,
            lease_s=_REPLY_LEASE_S,
            counters=counters,
        )
        companion = Companion(pace_s=settings.companion_pace_s)
        self.activity = Activity(stores.people, hub, counters)
        self.talks = Talks(
            people=stores.people, door=stores.door, keyring=stores.keyring, hub=hub, counters=counters
        )
        replies = Replies(
            people=stores.people,
            work=stores.work,
            writer=self.writer,
            hub=hub,
            assistant=companion,
            on_change=self.activity.note,
            asks=self.pipeline.asks,
            talks=self.talks,
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
        self.reading = ReadMarks(stores.heads, hub, counters)

    def _wire_desk(self, settings: Settings) -> None:
        cards = SupportCards(self.hub, self.resources.anywhere, self.notices.say_again)
        self.intake = Intake(
            pipeline=self.pipeline,
            writer=self.writer,
            hub=self.hub,
            take_job=self.worker.take,
            cards=cards,
            talks=self.talks,
            on_use=self.usage.note,
            on_change=self.activity.note,
        )
        self.words = Words(self.pipeline, cards)
        written = Written(self.stores.door, self.stores.people, self.hub)
        self.creation = Creation(self.words, written)
        self.threads = Threads(self.words, written, self.talks)
        self.removal = Removal(written)
        self.desk = Desk(
            intake=self.intake,
            replay=self.replay,
            creation=self.creation,
            hub=self.hub,
            limits=settings.limits,
            sessions=self.sessions,
            notices=self.notices,
            reading=self.reading,
            roster=self.roster,
            presence=self.presence,
            rate=self.rate,
            heartbeat_s=settings.heartbeat_s,
            heard=self.heard,
        )

    def _for_ever(self) -> tuple[Callable[[], Coroutine[Any, Any, None]], ...]:
        """Everything but the writer and the worker, which end in an order of their own."""
        return (
            self.bus.run_for_ever,
            self.catch_up.fill_for_ever,
            self.catch_up.check_for_ever,
            self.catch_up.poll_for_ever,
            self.earshot.watch_for_ever,
            self.notices.say_for_ever,
            self.reading.flush_for_ever,
            self.activity.tell_for_ever,
            self.talks.serve_for_ever,
            self.presence.run,
            self.rate.run,
            self.usage.flush_for_ever,
            self.sessions.watch_for_ever,
            partial(telemetry.log_for_ever, self.counters),
        )

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Every task of the instance is born here. Replies stop first, the writer last."""
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(self.writer.run())
            others = [group.create_task(steadily(part, self.counters)) for part in self._for_ever()]
            working = group.create_task(self.worker.run())
            try:
                yield
            finally:
                await self.talks.settled(timeout_s=_LAST_WRITES_WITHIN_S)
                await self.writer.drained(timeout_s=_LAST_WRITES_WITHIN_S)  # its reply jobs reach the worker
                working.cancel()
                await asyncio.wait([working], timeout=_LAST_WRITES_WITHIN_S)
                await self.writer.drained(timeout_s=_LAST_WRITES_WITHIN_S)
                for task in (writing, *others):
                    task.cancel()
                last = [group.create_task(part) for part in self._at_the_end()]
                # not awaited themselves: on a frozen connection even giving it back to its pool waits
                await asyncio.wait(last, timeout=_LAST_WRITES_WITHIN_S)
                # a query on a frozen connection would wait for ever to be cancelled
                for pool in self.stores.pools:
                    pool.terminate()

    def _at_the_end(self) -> tuple[Coroutine[Any, Any, None], ...]:
        return (
            self.worker.give_back(),
            self.usage.flush_at_the_end(),
            self.reading.flush_at_the_end(),
            self.presence.leave_all(),
        )
