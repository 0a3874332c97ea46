"""What legacy rows hold of people's words is screened like any words, before it is kept.

What is older than 30 days cannot be a present emergency: it leaves its crisis event, with its time, and no card.
"""

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import reduce

from nura_rt.conversation.words import Found, Words
from nura_rt.people import preferences
from nura_rt.people.legacy_mapping import Plan
from nura_rt.pipeline.turn import CrisisResult
from nura_rt.store.legacy import Person, Stored, StoredProfile
from nura_rt.store.legacy_source import EPOCH, Row
from nura_rt.store.pool import Executor

Field = tuple[str, ...]  # a column of `users`, or a service and a column of its profile
Findings = Mapping[Field, CrisisResult]
Written = list[tuple[Stored | None, Person | Stored]]  # rows of `users`: as they were, as they become
WrittenProfiles = list[tuple[StoredProfile | None, StoredProfile]]

_PRESENT = timedelta(days=30)
_NAMES = ("full_name", "display_name", "bio")
_COLUMNS = (*_NAMES, "avatar_url", "privacy_settings")
_PARTS = ("service_preferences", "service_metadata", "usage_stats")


def screen(words: Words, row: Row, plan: Plan, person: Person) -> Findings:
    """The fields of this row that worry us."""
    found = {field: words.screen({"profile": text}) for field, text in _texts(row, plan, person).items()}
    return {field: one.crises["profile"] for field, one in found.items() if one.worrying}


def crises(
    findings: Mapping[str, Findings], rows: Written, profiles: WrittenProfiles
) -> dict[str, list[CrisisResult]]:
    """What of the findings stands in what is written anew, by person."""
    new: list[tuple[str, Field]] = [
        (after.id, (name,)) for before, after in rows for name in _changed(_COLUMNS, before, after)
    ]
    new += [
        (after.user_id, (after.service_type, part))
        for before, after in profiles
        for part in _changed(_PARTS, before, after)
    ]
    found: dict[str, list[CrisisResult]] = {}
    for person_id, field in new:
        if (crisis := findings[person_id].get(field)) is not None:
            found.setdefault(person_id, []).append(crisis)
    return found


async def keep(words: Words, conn: Executor, person: Person, found: list[CrisisResult]) -> None:
    """One crisis event for all of them, and a card unless they are old. In the transaction that writes the row."""
    at = person.watermark
    old = at != EPOCH and at < datetime.now(UTC) - _PRESENT  # without a watermark they may be of today
    await words.keep(
        conn,
        Found({"profile": reduce(CrisisResult.merge, found)}),
        person_id=person.id,
        conversation_id=None,
        cause_id=str(uuid.uuid4()),
        long_ago=at if old else None,
    )


def _texts(row: Row, plan: Plan, person: Person) -> dict[Field, str]:
    """As they stand there, before any rule mends them. Of JSON nobody knows any more which part a person wrote: all."""
    texts: dict[Field, str] = {
        (name,): str(row.values[plan.columns[name]] or "") for name in _NAMES if name in plan.columns
    }
    texts["avatar_url",] = person.avatar_url or ""
    texts["privacy_settings",] = "\n".join(preferences.texts(person.privacy_settings))
    for service, profile in person.profiles.items():
        for part in _PARTS:
            texts[service, part] = "\n".join(preferences.texts(getattr(profile, part)))
    return {field: text for field, text in texts.items() if text}


def _changed(names: Iterable[str], before: object, after: object) -> list[str]:
    return [name for name in names if getattr(before, name, None) != getattr(after, name)]
