"""One worker per instance. Whoever holds a job's lease runs it; the effect of a lost lease is refused (fenced)."""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from typing import Protocol

import asyncpg

from nura_rt.store import jobs
from nura_rt.store.jobs import Job
from nura_rt.store.pool import UNAVAILABLE
from nura_rt.telemetry import Counters

_log = logging.getLogger(__name__)
_ATTEMPTS_AT_MOST = 6
_POLL_S = 1.0
_GIVE_BACK_WITHIN_S = 1.0
_HAND_BACK_TRIES, _HAND_BACK_PAUSE_S = 20, 0.5


class JobFunction(Protocol):
    """What runs one kind of job. It finishes the job itself, in the commit of its effect."""

    def serial(self, job: Job) -> str:
        """Jobs with the same answer run one after another on this instance."""

    async def run(self, job: Job) -> None:
        """Does the work; an exception means: try again later."""

    async def give_up(self, job: Job) -> None:
        """The last attempt failed: says so to whoever waits."""


class Worker:
    """Holds leased jobs, runs them in bounded number, keeps their leases and takes orphans each second."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        functions: Mapping[str, JobFunction],
        *,
        lease_s: float,
        running_at_most: int,
        held_at_most: int,
        counters: Counters,
    ) -> None:
        self._pool = pool
        self._functions = functions
        self._lease_s = lease_s
        self._held_at_most = held_at_most
        self._counters = counters
        self._free = asyncio.Semaphore(running_at_most)
        self._queues: dict[str, deque[Job]] = {}
        self._held: dict[str, Job] = {}
        self._claiming: asyncio.Task[list[Job]] | None = None
        self._group: asyncio.TaskGroup | None = None
        self._claims = self._starts = True

    @property
    def people(self) -> set[str]:
        """Whose jobs are held here, running or waiting; "" is nobody's."""
        return {job.user_id or "" for job in self._held.values()}

    def claim_no_more(self) -> None:
        """What falls due is for the others now; what comes with its cause is still begun here."""
        self._claims = False

    def start_no_more(self) -> None:
        """What runs goes on; the rest is only held, for `give_back`."""
        self._claims = self._starts = False

    def take(self, job: Job) -> None:
        """A job this instance has leased with its cause. Above the bound it is left for its lease to run out."""
        if len(self._held) >= self._held_at_most or (self._group is None and self._starts):
            self._counters.add("jobs_not_taken")
            return
        self._held[job.lease_token] = job
        if self._group is None or not self._starts:
            return
        serial = self._functions[job.kind].serial(job)
        queue = self._queues.get(serial)
        if queue is not None:
            queue.append(job)
            return
        queue = self._queues[serial] = deque([job])
        self._group.create_task(self._run_queue(serial, queue))

    async def run(self) -> None:
        """Until cancelled; then what is held is given back for another instance to take at once."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                group.create_task(self._poll_for_ever())
                group.create_task(self._renew_for_ever())
                try:
                    await asyncio.Event().wait()
                finally:
                    self.start_no_more()
                    self._group = None  # a group that ends takes nobody in
        finally:
            await self.give_back()

    async def _run_queue(self, serial: str, queue: deque[Job]) -> None:
        try:
            while queue:
                job = queue.popleft()
                async with self._free:
                    if not self._starts:
                        return
                    failure = await self._run_one(job) if job.lease_token in self._held else None
                if failure is not None:
                    await self._hand_back(job, failure)
                self._held.pop(job.lease_token, None)
        finally:
            self._queues.pop(serial, None)

    async def _run_one(self, job: Job) -> str | None:
        """None when it went well, else the name of what went wrong."""
        try:
            await self._functions[job.kind].run(job)
        except (Exception, asyncio.CancelledError) as error:
            ours = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and (ours is None or ours.cancelling()):
                raise  # it is we who are told to stop; else something the job waited for was
            self._counters.add("jobs_failed")
            _log.exception("a job failed", extra={"kind": job.kind, "attempt": job.attempt})
            return type(error).__name__
        return None

    async def _hand_back(self, job: Job, error_code: str) -> None:
        """Due again soon; a database that is away is asked for a while, then the lease runs out instead."""
        dead = job.attempt >= _ATTEMPTS_AT_MOST
        for _ in range(_HAND_BACK_TRIES):
            try:
                if dead:
                    await self._functions[job.kind].give_up(job)
                await jobs.retry(
                    self._pool,
                    key=job.key,
                    lease_token=job.lease_token,
                    delay_s=float(2 ** (job.attempt - 1)),
                    dead=dead,
                    error_code=error_code,
                )
            except Exception:  # whatever it is, the lease still runs out and another attempt follows
                await asyncio.sleep(_HAND_BACK_PAUSE_S)
            else:
                return
        self._counters.add("jobs_not_handed_back")
        _log.warning("a job could not be handed back", extra={"kind": job.kind})

    async def _poll_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_POLL_S)
            if not self._claims:
                return
            try:
                await self._take_orphans()
            except UNAVAILABLE:
                self._counters.add("jobs_poll_failed")
            except Exception:  # a defect here may cost one poll, never the instance
                self._counters.add("jobs_poll_failed")
                _log.exception("polling for jobs failed")

    async def _take_orphans(self) -> None:
        room = self._held_at_most - len(self._held)
        if room <= 0:
            return
        kinds = list(self._functions)  # a newer version's jobs wait for a newer instance
        claim = jobs.claim(self._pool, kinds, limit=min(room, 100), lease_s=self._lease_s)
        # its commit may come before a cancellation and its answer after
        self._claiming = asyncio.create_task(claim)
        try:
            found = await asyncio.shield(self._claiming)
        except Exception:
            self._claiming = None
            raise
        for job in found:
            self._counters.add("jobs_taken_over")
            self.take(job)
        self._claiming = None

    async def _renew_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._lease_s / 3)
            try:
                await self._renew()
            except UNAVAILABLE:
                self._counters.add("jobs_renew_failed")
            except Exception:
                self._counters.add("jobs_renew_failed")
                _log.exception("renewing leases failed")

    async def _renew(self) -> None:
        tokens = list(self._held)
        kept = await jobs.renew(self._pool, tokens, lease_s=self._lease_s) if tokens else set()
        for token in set(tokens) - kept:
            if (job := self._held.pop(token, None)) is not None:
                self._counters.add("jobs_lease_lost")
                _log.warning("a job's lease was lost", extra={"kind": job.kind})

    async def give_back(self) -> None:
        """What was not finished is due at once, so that another instance need not wait for the lease.

        At the end of `run`; again by whoever may have had something kept since.
        """
        try:
            async with asyncio.timeout(_GIVE_BACK_WITHIN_S):
                if tokens := list(self._held):
                    await jobs.release(self._pool, tokens)
                    self._held = {token: job for token, job in self._held.items() if token not in tokens}
                if self._claiming is not None:
                    claimed = await self._claiming
                    self._claiming = None
                    await jobs.release(self._pool, [job.lease_token for job in claimed])
        except Exception:
            _log.warning("jobs could not be given back; their leases run out instead")
