"""One run: people talk and listen through two instances while things break; then it is judged.

The judge sees only the history and the dump, which stay in the folder they are written to.
"""

import asyncio
import random
import time
from collections import Counter
from pathlib import Path

import asyncpg
import dump
import history
import msgspec
import views
from cast import Cast
from checker import check
from device import World
from history import Event, History, Row
from nemesis import ENDS_WITHIN_S, Fault, Nemesis, schedule
from stack import Site, site
from verdict import Case, Violation

from nura_rt.cli.people import person_id

CONVERGED_WITHIN_S = 10.0
_SETTLED_WITHIN_S = 60.0
_A_MOMENT_S = 2.0


class Outcome(msgspec.Struct, frozen=True):
    """What came of a run. `found` is empty when every promise was kept."""

    seed: int
    found: list[Violation]
    history: list[Event]
    dump: list[Row]
    took_s: float

    def summary(self) -> dict[str, str]:
        """The figures of the run, by name."""
        kinds = Counter(event.kind for event in self.history)
        rows = Counter(row.kind for row in self.dump)
        sent = {(event.conversation, event.client_id) for event in self.history if event.kind == "invoke"}
        faults = Counter(event.what.split("@")[0] for event in self.history if event.kind == "fault")
        converged_s = views.slowest_s(Case.of(self.history, self.dump, CONVERGED_WITHIN_S))
        acked = {
            (event.conversation, event.client_id, event.seq) for event in self.history if event.kind == "ack"
        }
        return {
            "seed": str(self.seed),
            "seconds": f"{self.took_s:.0f}",
            "messages sent": str(len(sent)),
            "acked": str(len(acked)),
            "retries": str(kinds["invoke"] - len(sent)),
            "duplicates": str(sum(event.kind == "ack" and event.again for event in self.history)),
            "refused": str(kinds["refuse"]),
            "rows": str(rows["message"]),
            "removed": str(rows["removed"]),
            "notices": str(rows["notice"]),
            "delivered": str(kinds["deliver"]),
            "reconnects": str(kinds["disconnect"]),
            "read over REST": str(kinds["unrecovered"]),
            "behind": str(kinds["behind"]),
            "commits cut": str(
                max((event.about for event in self.history if event.kind == "commits_cut"), default=0)
            ),
            "slowest stop s": f"{max((e.about for e in self.history if e.kind == 'stopped'), default=0) / 1000:.1f}",
            "converged after s": f"{converged_s:.1f}",
            "faults": f"{faults.total()}: "
            + ", ".join(f"{kind} {count}" for kind, count in sorted(faults.items())),
            "violations": str(len(self.found)),
        }


async def endure(
    folder: Path, kept_in: Path, *, seed: int, seconds: float, plan: list[Fault] | None = None
) -> Outcome:
    """A run of `seconds` under the schedule of the seed (or `plan`); both files are left in `kept_in`."""
    began = time.monotonic()
    seen = History(kept_in / f"history-{seed}.jsonl")
    faults = schedule(seed, seconds) if plan is None else plan
    async with site(folder) as running:
        assert running.servers.addresses.admin_url is not None
        cast = Cast(World(running, seen, random.Random(seed)))
        await cast.gather()
        found = await _play(running, cast, faults, seconds)
        admin = await asyncpg.connect(running.servers.addresses.admin_url, database="nura")
        try:
            world = cast.world
            rows = await dump.read(admin, list(world.owner), [person_id(name) for name in world.ids])
        finally:
            await admin.close()
        for number, node in enumerate(running.nodes):
            if node.unasked:
                found.append(Violation("ended", f"instance {number} ended by itself: {node.unasked}"))
    seen.close()
    history.write(kept_in / f"dump-{seed}.jsonl", rows)
    cut = [event.about for event in seen.events if event.kind == "commits_cut"]
    if cut and not max(cut):  # then this fault proves nothing any more
        found.append(Violation("harmless", "no connection was reset in the middle of a commit"))
    found = check(seen.events, rows, within_s=CONVERGED_WITHIN_S) + found
    return Outcome(seed, found, seen.events, rows, time.monotonic() - began)


async def _play(running: Site, cast: Cast, faults: list[Fault], seconds: float) -> list[Violation]:
    """Everybody talks until the last fault has healed and a moment longer; then views may become whole."""
    url = running.servers.addresses.admin_url
    assert url is not None
    ends_at = time.monotonic() + seconds
    over = asyncio.Event()
    evil = Nemesis(running, cast.world.history)
    async with asyncio.TaskGroup() as group:
        cast.start(group, over.is_set)
        await evil.run(faults, lambda: time.monotonic() > ends_at)
        await asyncio.sleep(_A_MOMENT_S)
        over.set()
        found = await cast.settled(within_s=_SETTLED_WITHIN_S)
        admin = await asyncpg.connect(url, database="nura")
        try:
            found += await cast.come_to_rest(admin, within_s=CONVERGED_WITHIN_S)
        finally:
            await admin.close()
        cast.part()
    late = [took_s for took_s in evil.stops if took_s is None or took_s > ENDS_WITHIN_S]
    return found + [Violation("slow-stop", f"SIGTERM took {took_s} s") for took_s in late]
