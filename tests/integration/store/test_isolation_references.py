"""What ties rows together names the person on both sides; what lets a person in asks once who it is. By catalogue."""

import asyncpg

from neighbours import Neighbours

# A reference from one person's table to another, unless it or a second one with its columns carries both owners.
LOOSE = """
    WITH person AS (SELECT table_name::regclass AS oid, owner_column AS owner FROM nura.person_tables),
         tie AS (
             SELECT c.oid, c.conrelid, c.confrelid, here.owner AS owner_here, there.owner AS owner_there,
                    (SELECT array_agg(a.attname || '=' || b.attname)
                       FROM unnest(c.conkey, c.confkey) AS k(mine, theirs)
                       JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.mine
                       JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = k.theirs) AS pairs
               FROM pg_constraint c JOIN person here ON here.oid = c.conrelid
               JOIN person there ON there.oid = c.confrelid
              WHERE c.contype = 'f' AND c.confrelid <> 'users'::regclass)
    SELECT t.conrelid::regclass::text || ' ' || t.pairs::text FROM tie t
     WHERE NOT EXISTS (
           SELECT FROM tie whole WHERE whole.conrelid = t.conrelid AND whole.confrelid = t.confrelid
              AND whole.pairs @> t.pairs AND whole.pairs @> ARRAY[t.owner_here || '=' || t.owner_there])
    """
# Asked once a statement, not once a row, because it stands in a sub-select.
ASKED = r"\( SELECT auth\.uid\(\)"


async def loose(eyes: asyncpg.Connection) -> list[str]:
    return [row[0] for row in await eyes.fetch(LOOSE)]


async def test_every_reference_between_rows_of_people_carries_the_person(
    neighbours: Neighbours, eyes: asyncpg.Connection
) -> None:
    assert await loose(eyes) == []


async def test_a_reference_without_the_person_is_seen(
    neighbours: Neighbours, eyes: asyncpg.Connection
) -> None:
    attempt = eyes.transaction()
    await attempt.start()
    await eyes.execute("ALTER TABLE schedules ADD COLUMN about varchar REFERENCES conversations (id)")
    seen = await loose(eyes)
    await attempt.rollback()

    assert seen == ["schedules {about=id}"]


async def test_every_policy_that_lets_a_person_in_asks_who_it_is_once(
    neighbours: Neighbours, eyes: asyncpg.Connection
) -> None:
    rows = await eyes.fetch(
        """
        SELECT tablename || '.' || policyname AS name FROM pg_policies
         WHERE schemaname IN ('public', 'nura') AND roles && ARRAY['authenticated', 'public']::name[]
           AND tablename NOT IN ('voices', 'badges')
           AND NOT (coalesce(qual, '') ~ $1 AND coalesce(with_check, qual) ~ $1)
        """,
        ASKED,
    )

    assert [row["name"] for row in rows] == []
