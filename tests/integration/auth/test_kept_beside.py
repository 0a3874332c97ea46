"""What is kept beside a sighting is kept in its commit, however lately the session was seen; else nothing is."""

from typing import Any

import asyncpg
import pytest

from identities import MakeSessions, somebody
from nura_rt.store.pool import Executor
from nura_rt.store.sessions import Sighting

TOGETHER = "SELECT n.xmin = s.xmin FROM nura.sessions s JOIN nura.notices n USING (user_id) WHERE s.id = $1"
INSERT = "INSERT INTO nura.notices (user_id, kind, key, frame, expires_at) VALUES ($1, 'test', $2, '{}', 'infinity')"


async def beside(conn: Executor, sighting: Sighting) -> None:
    await conn.execute(INSERT, sighting.person_id, sighting.session_id)


@pytest.mark.parametrize("seen_before", [False, True])
async def test_it_is_kept_in_the_sightings_commit(
    make_sessions: MakeSessions, root: asyncpg.Connection, seen_before: bool
) -> None:
    sessions, ann = await make_sessions(), somebody()
    if seen_before:
        await sessions.seen(ann, device="tablet")

    counts = await sessions.seen(ann, device="tablet", beside=beside)

    assert counts
    assert await root.fetchval(TOGETHER, ann.session_id) is True


async def test_with_an_address_that_was_anothers_too(
    make_sessions: MakeSessions, root: asyncpg.Connection
) -> None:
    sessions = await make_sessions()
    claims: dict[str, Any] = {"email": f"{somebody().user_id}@x.example"}
    await sessions.seen(somebody(**claims))
    proved, unproved = somebody(**claims, email_confirmed_at=1.0), somebody(**claims)

    for one in (proved, unproved):
        await sessions.seen(one, beside=beside)

    for one in (proved, unproved):
        assert await root.fetchval(TOGETHER, one.session_id) is True


async def test_nothing_is_kept_beside_a_session_that_has_ended(
    make_sessions: MakeSessions, root: asyncpg.Connection
) -> None:
    sessions, ann = await make_sessions(), somebody()
    await sessions.seen(ann)
    await sessions.end(ann.user_id, ann.session_id, "signed_out")

    counts = await (await make_sessions()).seen(ann, beside=beside)

    assert not counts
    assert await root.fetchval("SELECT count(*) FROM nura.notices WHERE user_id = $1", ann.user_id) == 0


async def test_what_cannot_be_kept_beside_leaves_no_sighting(
    make_sessions: MakeSessions, root: asyncpg.Connection
) -> None:
    sessions, ann = await make_sessions(), somebody()

    async def fails(conn: Executor, sighting: Sighting) -> None:
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError):
        await sessions.seen(ann, beside=fails)

    assert await root.fetchval("SELECT count(*) FROM nura.sessions WHERE id = $1", ann.session_id) == 0
