"""Moves people from a legacy table into ours, batch by batch, until nothing is left that changed.

Whose word counts for a person who is here already: the legacy row's when it is the newer one, or when nobody touched
ours since a finished import and the legacy row changed after it. Else ours stays; the first import then only fills in
what is empty, later ones nothing but a placeholder address.
"""

from collections import Counter
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

import asyncpg
import msgspec

from nura_rt.conversation.words import Words
from nura_rt.people import legacy_words
from nura_rt.people.legacy_mapping import Plan, map_row
from nura_rt.people.legacy_merge import Addresses, addresses, filled, merged_profile, replaced, wish
from nura_rt.people.legacy_words import Findings, Written, WrittenProfiles
from nura_rt.store import legacy
from nura_rt.store.legacy import Person, Position, Stored
from nura_rt.store.legacy_source import EPOCH, Row, Source

# A transaction of the legacy backend may commit rows older than those read already: look that far back again.
OVERLAP = timedelta(minutes=10)
_TRIES = 3
_FINISHED = " (finished)"
_FIELDS = ("read", "inserted", "updated", "unchanged", "skipped", "profiles")


class Report(msgspec.Struct, kw_only=True):
    """What a run did: counts, and the names of rules and columns; never a value."""

    source: str
    dry_run: bool
    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    profiles: int = 0  # written, new or changed
    reasons: dict[str, int] = {}
    unknown_columns: list[str] = []
    watermark: datetime | None = None


class Import:
    """One run over one source. `dry` reads and decides the same and writes nothing; `words` screens what is moved."""

    def __init__(
        self, conn: asyncpg.Connection, source: Source, plan: Plan, words: Words, *, dry: bool
    ) -> None:
        self._conn = conn
        self._source = source
        self._plan = plan
        self._words = words
        self._dry = dry
        self._finished: Position | None = None  # where the last run that came to its end stood
        self._written: set[datetime] = set()  # the times of this run's own transactions
        self._told: dict[str, str | None] = {}  # who has an address, by a dry run that has no table to ask
        self._late: dict[str, str] = {}  # person -> address that somebody else still had
        self._counted: Counter[str] = Counter()
        self.report = Report(source=source.name, dry_run=dry, unknown_columns=plan.unknown)

    async def run(
        self, *, since: datetime | None, batch: int, progress: Callable[[Report], None] = lambda _: None
    ) -> Report:
        """Continues a run that was cut off, else begins anew behind the last one (or at `since`)."""
        self._finished = await legacy.position(self._conn, self._source.name + _FINISHED)
        at = await legacy.position(self._conn, self._source.name)
        anew = since is not None or at is None or _same(at, self._finished)
        after = (EPOCH, "") if anew or at is None else (at.watermark, at.last_id)
        whole = since is None  # rows without a watermark are looked at each time: nothing else tells of them
        if since is None and self._finished is not None:
            since = max(EPOCH, self._finished.watermark - OVERLAP)
        while rows := await self._source.page(
            self._plan.read, after=after, since=since, whole=whole, limit=batch
        ):
            after = (rows[-1].watermark, rows[-1].id)
            await self._batch(rows)
            self._tell()
            progress(self.report)
        await self._settle(after)
        without_id = (await self._source.totals()).without_id
        self._counted += Counter(skipped=without_id, no_id=without_id)
        self._tell()
        return self.report

    async def _batch(self, rows: list[Row]) -> None:
        notes: list[str] = []
        mapped = [map_row(row, self._plan, table=self._source.table, notes=notes) for row in rows]
        people = {person.id: person for person in mapped}  # of one id, the last stands
        repeated = len(mapped) - len(people)
        findings = {  # before the transaction, which waits for nothing but the database
            person.id: legacy_words.screen(self._words, row, self._plan, person)
            for row, person in zip(rows, mapped, strict=True)
        }
        for attempt in range(1, _TRIES + 1):
            try:
                async with self._conn.transaction(readonly=self._dry):
                    counts = await self._move(people, findings)
                    if not self._dry:
                        moved = counts["inserted"] + counts["updated"]
                        last = rows[-1]
                        at = await legacy.note(
                            self._conn,
                            self._source.name,
                            watermark=last.watermark,
                            last_id=last.id,
                            moved=moved,
                        )
                break
            except (
                asyncpg.UniqueViolationError,
                asyncpg.DeadlockDetectedError,
                asyncpg.LockNotAvailableError,
            ):
                if attempt == _TRIES:  # somebody is signing up with one of these addresses: look again
                    raise
        if not self._dry:
            self._written.add(at)
        self._counted += counts + Counter(notes)
        self._counted += Counter(read=len(rows), skipped=repeated, repeated_id=repeated)

    async def _move(self, people: dict[str, Person], findings: dict[str, Findings]) -> Counter[str]:
        """Decides for each person and, unless dry, writes; counts by the names of Report's fields."""
        ids = list(people)
        if not self._dry:
            await legacy.hold(self._conn, ids)
        here = await legacy.find(self._conn, ids)
        wins = {id_ for id_, stored in here.items() if self._legacy_wins(people[id_], stored)}
        shared = await self._addresses(people, here, wins)
        new = [(people[id_], shared.emails[id_]) for id_ in ids if id_ not in here]
        changed = [
            after
            for id_, stored in here.items()
            if (after := self._after(people[id_], stored, shared.emails[id_], wins=id_ in wins)) != stored
        ]
        profiles = await self._profiles(people, here, wins)
        written: Written = [(None, one) for one, _ in new] + [(here[one.id], one) for one in changed]
        crises = legacy_words.crises(findings, written, profiles)
        if not self._dry:
            await legacy.release(self._conn, sorted(shared.freed))
            await legacy.update(self._conn, changed)
            await legacy.insert(self._conn, new)
            await legacy.put_profiles(self._conn, [after for _, after in profiles])
            for id_, found in crises.items():
                await legacy_words.keep(self._words, self._conn, people[id_], found)
        moved = {one.id for one in changed} | {after.user_id for _, after in profiles}
        updated = len(moved & here.keys())
        ours = [id_ for id_ in here if id_ not in wins and replaced(people[id_], here[id_]) != here[id_]]
        return Counter(
            inserted=len(new), updated=updated, unchanged=len(here) - updated, profiles=len(profiles),
            duplicate_email=len(shared.late), ours_newer=len(ours), crisis_words=len(crises),
        )  # fmt: skip

    def _legacy_wins(self, person: Person, stored: Stored) -> bool:
        ours, done = stored.updated_at, self._finished
        if ours is None or person.watermark > ours or ours in self._written:
            return True
        return done is not None and person.watermark > done.watermark and ours <= done.updated_at

    def _after(self, person: Person, stored: Stored, email: str, *, wins: bool) -> Stored:
        if wins:
            stored = replaced(person, stored)
        elif self._finished is None:
            stored = filled(person, stored)
        return msgspec.structs.replace(stored, email=email)

    async def _addresses(
        self, people: dict[str, Person], here: dict[str, Stored], wins: set[str]
    ) -> Addresses:
        wanted = {wish(person, here.get(id_), wins=id_ in wins) for id_, person in people.items()}
        shared = addresses(people, here, wins, await self._holders(wanted))
        self._late |= shared.late
        if self._dry:
            self._told |= {
                stored.email: None for id_, stored in here.items() if shared.emails[id_] != stored.email
            }
            self._told |= {email: id_ for id_, email in shared.emails.items()}
        return shared

    async def _holders(self, emails: Collection[str]) -> dict[str, str]:
        holders: dict[str, str | None] = {**await legacy.holders(self._conn, emails)}
        holders |= {email: self._told[email] for email in emails if email in self._told}
        return {email: id_ for email, id_ in holders.items() if id_ is not None}

    async def _profiles(
        self, people: dict[str, Person], here: dict[str, Stored], wins: set[str]
    ) -> WrittenProfiles:
        kept = await legacy.profiles(self._conn, list(people))
        found: WrittenProfiles = []
        for id_, person in people.items():
            if id_ in here and id_ not in wins and self._finished is not None:
                continue
            for service, said in person.profiles.items():
                stored = kept.get((id_, service))
                after = merged_profile(id_, said, stored, wins=id_ in wins)
                found += [(stored, after)] if after != stored else []
        return found

    async def _settle(self, after: tuple[datetime, str]) -> None:
        """At the end: addresses that came free on the way, and the mark from which the next run begins."""
        for id_, email in self._late.items():
            holder = (await self._holders([email])).get(email)
            if holder is None and (self._dry or await legacy.claim(self._conn, person_id=id_, email=email)):
                self._counted["duplicate_email"] -= 1
                self._told |= {email: id_} if self._dry else {}
        done = self._finished
        at = after if done is None else max(after, (done.watermark, done.last_id))
        if not self._dry:
            async with self._conn.transaction():
                for name in (self._source.name, self._source.name + _FINISHED):
                    await legacy.note(self._conn, name, watermark=at[0], last_id=at[1], moved=0)
        self.report.watermark = at[0] if at[0] > EPOCH else None

    def _tell(self) -> None:
        counted = +self._counted  # without those that are none
        for name in _FIELDS:
            setattr(self.report, name, counted.pop(name, 0))
        self.report.reasons = dict(sorted(counted.items()))


def _same(one: Position | None, other: Position | None) -> bool:
    return (
        one is not None
        and other is not None
        and (one.watermark, one.last_id) == (other.watermark, other.last_id)
    )
