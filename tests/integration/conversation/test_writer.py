"""The writer on a real PostgreSQL: an answer comes after the commit, exactly once, whatever happens between."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import asyncpg
import pytest

from databases import Database
from nura_rt.conversation.writer import Busy, Kept, Outcome, Refused, Writer
from nura_rt.store.batch import Row
from nura_rt.store.logins import Logins
from nura_rt.telemetry import Counters
from rows import make_person, turn
from servers import free_port
from writers import answers, made, running

WITHIN_S = 10.0


async def stored(root: asyncpg.Connection, row: Row) -> list[tuple[int, str]]:
    found = await root.fetch(
        "SELECT seq, id FROM messages WHERE conversation_id = $1 ORDER BY seq", row.conversation_id
    )
    return [tuple(record) for record in found]


async def test_an_answer_comes_after_the_commit(
    database: Database, writer: Writer, place: Callable[..., Row]
) -> None:
    row, seen = place(), list[bool]()
    done = asyncio.Event()

    async def is_there() -> bool:
        conn = await asyncpg.connect(database.admin_url)
        try:
            return bool(await conn.fetchval("SELECT true FROM messages WHERE id = $1", row.message_id))
        finally:
            await conn.close()

    def look(_: Outcome) -> None:
        with ThreadPoolExecutor(1) as pool:  # at this very moment: the loop waits
            seen.append(pool.submit(lambda: asyncio.run(is_there())).result())
        done.set()

    writer.put(row, look)
    await asyncio.wait_for(done.wait(), WITHIN_S)

    assert seen == [True]


async def test_rows_are_answered_in_the_order_they_were_put(
    root: asyncpg.Connection, writer: Writer, place: Callable[..., Row]
) -> None:
    rows = [place() for _ in range(600)]

    told = await answers(writer, rows)

    assert [outcome.row for outcome in told] == rows
    assert await stored(root, rows[0]) == [(seq, row.message_id) for seq, row in enumerate(rows, start=1)]


async def test_repeats_that_wait_together_are_one_row(
    root: asyncpg.Connection, writer: Writer, place: Callable[..., Row]
) -> None:
    rows = [place(client_id="k1", content=text) for text in ("first", "second", "third")]

    told = await answers(writer, rows)

    kept = [outcome for outcome in told if isinstance(outcome, Kept)]
    assert [outcome.duplicate for outcome in kept] == [False, True, True]
    assert {(outcome.message_id, outcome.seq) for outcome in kept} == {(rows[0].message_id, 1)}
    assert await stored(root, rows[0]) == [(1, rows[0].message_id)]


async def test_a_later_repeat_gets_the_original_answer(writer: Writer, place: Callable[..., Row]) -> None:
    (first,) = await answers(writer, [place(client_id="k1")])
    (again,) = await answers(writer, [place(client_id="k1")])

    assert isinstance(first, Kept)
    assert isinstance(again, Kept)
    assert (first.duplicate, again.duplicate) == (False, True)
    assert (first.message_id, first.seq, first.committed_at) == (
        again.message_id,
        again.seq,
        again.committed_at,
    )


async def test_somebody_elses_conversation_is_not_found(
    root: asyncpg.Connection, writer: Writer, place: Callable[..., Row]
) -> None:
    stranger = await make_person(root)
    row = place()

    told = await answers(writer, [turn(stranger, row.conversation_id), turn(stranger, "missing"), row])

    assert [outcome.why for outcome in told if isinstance(outcome, Refused)] == ["not_found", "not_found"]
    assert isinstance(told[2], Kept)


@pytest.mark.parametrize(
    "poison",
    [
        {"content": "a lone surrogate \ud800"},
        {"processed": "\udfff"},
        {"content": "a\x00b"},
        {"client_id": "\x00"},
        {"reply_token": "not-a-uuid"},
        {"fence": "not-a-uuid"},
        {"response_ms": 2**40},
        {"role": "stranger"},
        {"indicators": {"words": "\ud800"}},
    ],
    ids=lambda poison: next(iter(poison)),
)
async def test_a_poisoned_row_harms_only_itself(
    root: asyncpg.Connection, writer: Writer, place: Callable[..., Row], poison: dict[str, Any]
) -> None:
    rows = [place(), place(), place(**poison), place(), place()]

    told = await answers(writer, rows)

    assert [isinstance(outcome, Kept) for outcome in told] == [True, True, False, True, True]
    assert told[2] == Refused(rows[2], "invalid")
    assert [seq for seq, _ in await stored(root, rows[0])] == [1, 2, 3, 4]


async def test_a_full_queue_says_so_and_takes_nothing(
    database: Database, root: asyncpg.Connection, place: Callable[..., Row]
) -> None:
    writer = made(database, queue_at_most=2)
    told: list[Outcome] = []
    rows = [place(client_id=f"k{number}") for number in range(3)]
    for row in rows[:2]:
        writer.put(row, told.append)

    with pytest.raises(Busy):
        writer.put(rows[2], told.append)
    writer.put(rows[1], told.append)  # a repeat needs no place of its own
    async with running(writer):
        await writer.drained(timeout_s=WITHIN_S)

    assert [outcome.row.client_id for outcome in told] == ["k0", "k1", "k1"]
    assert len(await stored(root, rows[0])) == 2


async def test_a_callback_that_fails_harms_nobody_else(
    writer: Writer, place: Callable[..., Row], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: Outcome) -> None:
        raise RuntimeError("broken")

    writer.put(place(), broken)
    told = await answers(writer, [place()])

    assert isinstance(told[0], Kept)
    assert "writer: an answer could not be handed on" in caplog.messages


async def test_what_is_still_queued_at_the_end_is_refused_for_now(
    database: Database, place: Callable[..., Row]
) -> None:
    writer, told = made(database), list[Outcome]()
    task = asyncio.create_task(writer.run())
    await asyncio.sleep(0)
    row = place()
    writer.put(row, told.append)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

    assert told == [Refused(row, "degraded")]


async def blocked_by(root: asyncpg.Connection) -> int:
    """The process that waits for a lock of this connection."""
    pid = root.get_server_pid()
    sql = "SELECT pid FROM pg_stat_activity WHERE $1 = any(pg_blocking_pids(pid)) LIMIT 1"
    async with asyncio.timeout(WITHIN_S):
        while (found := await root.fetchval(sql, pid)) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return int(found)


async def test_what_is_in_flight_at_the_end_is_refused_for_now_too(
    database: Database, root: asyncpg.Connection, place: Callable[..., Row]
) -> None:
    writer, told, row = made(database), list[Outcome](), place()
    task = asyncio.create_task(writer.run())
    await answers(writer, [place()])
    async with root.transaction():
        await root.execute("SELECT FROM conversations WHERE id = $1 FOR UPDATE", row.conversation_id)
        writer.put(row, told.append)
        await blocked_by(root)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    assert told == [Refused(row, "degraded")]
    await writer.drained(timeout_s=0)


async def test_a_connection_cut_in_the_middle_is_made_anew_and_the_row_kept_once(
    database: Database, root: asyncpg.Connection, writer: Writer, place: Callable[..., Row]
) -> None:
    rows = [place() for _ in range(3)]
    await answers(writer, [place()])
    told: list[Outcome] = []
    async with root.transaction():
        await root.execute("SELECT FROM conversations WHERE id = $1 FOR UPDATE", rows[0].conversation_id)
        for row in rows:
            writer.put(row, told.append)
        await root.fetchval("SELECT pg_terminate_backend($1)", await blocked_by(root))
    await writer.drained(timeout_s=WITHIN_S)

    assert [isinstance(outcome, Kept) and not outcome.duplicate for outcome in told] == [True] * 3
    assert (await stored(root, rows[0]))[1:] == [
        (seq, row.message_id) for seq, row in enumerate(rows, start=2)
    ]


async def test_an_answer_lost_after_the_commit_is_asked_for_again(
    root: asyncpg.Connection, writer: Writer, writer_conn: asyncpg.Connection, place: Callable[..., Row]
) -> None:
    row = place()
    (kept,) = await answers(writer, [row])

    (again,) = await answers(writer, [row])  # the very same row, as after a cut with unknown outcome

    assert again == kept
    assert await stored(root, row) == [(1, row.message_id)]


async def test_without_a_database_rows_are_refused_for_now(
    place: Callable[..., Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nura_rt.conversation.writer._RECONNECT_WITHIN_S", 0.2)
    url = f"postgresql://nura@127.0.0.1:{free_port()}/nura"
    nowhere = Writer(Logins(url), queue_at_most=10, lease_s=1, counters=Counters())
    row = place()
    async with running(nowhere):
        told = await answers(nowhere, [row])

    assert told == [Refused(row, "degraded")]
