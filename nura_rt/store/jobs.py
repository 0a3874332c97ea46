"""Table `nura.jobs`: the outbox. Rows are inserted with their cause; a lease token fences off a late owner.

Runs as the worker.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from nura_rt.store.pool import Executor


class Job(msgspec.Struct, frozen=True):
    """One piece of follow-up work, leased to whoever holds `lease_token`. The payload holds ids only."""

    kind: str
    key: str
    user_id: str | None
    payload: dict[str, Any]
    lease_token: str
    attempt: int


async def claim(conn: Executor, kinds: Sequence[str], *, limit: int, lease_s: float) -> list[Job]:
    """Leases due jobs of these kinds and those whose lease ran out; no two callers get the same one."""
    rows = await conn.fetch(
        """
        WITH ready AS MATERIALIZED ( -- as a plain subquery a nested loop runs it again and leases beyond the limit
            SELECT id FROM nura.jobs
             WHERE kind = any($3::text[])
               AND ((state = 'due' AND due_at <= now()) OR (state = 'leased' AND lease_until < now()))
             ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
        UPDATE nura.jobs j
           SET state = 'leased', attempt = j.attempt + 1, lease_token = gen_random_uuid(),
               lease_until = now() + make_interval(secs => $2)
          FROM ready
         WHERE j.id = ready.id
        RETURNING j.kind, j.key, j.user_id, j.payload, j.lease_token::text, j.attempt
        """,
        limit,
        lease_s,
        kinds,
    )
    return [Job(**row) for row in rows]


async def renew(conn: Executor, tokens: Sequence[str], *, lease_s: float) -> set[str]:
    """Extends the leases still held; a token missing from the answer has been lost."""
    rows = await conn.fetch(
        """
        UPDATE nura.jobs j SET lease_until = now() + make_interval(secs => $2)
          FROM (SELECT id FROM nura.jobs
                 WHERE state = 'leased' AND lease_token = any($1::uuid[]) ORDER BY id FOR UPDATE) held
         WHERE j.id = held.id
        RETURNING j.lease_token::text
        """,
        tokens,
        lease_s,
    )
    return {row["lease_token"] for row in rows}


async def finish(conn: Executor, *, key: str, lease_token: str) -> bool:
    """Done; false when the lease was lost meanwhile and another owner decides."""
    status = await conn.execute(
        """
        UPDATE nura.jobs SET state = 'done', lease_token = NULL, lease_until = NULL, finished_at = now()
         WHERE key = $1 AND lease_token = $2
        """,
        key,
        lease_token,
    )
    return bool(status == "UPDATE 1")


async def release(conn: Executor, tokens: Sequence[str]) -> None:
    """Gives jobs back untried: due now, for whoever asks next."""
    await conn.execute(
        """
        UPDATE nura.jobs j
           SET state = 'due', due_at = now(), attempt = greatest(j.attempt - 1, 0),
               lease_token = NULL, lease_until = NULL
          FROM (SELECT id FROM nura.jobs
                 WHERE state = 'leased' AND lease_token = any($1::uuid[]) ORDER BY id FOR UPDATE) held
         WHERE j.id = held.id
        """,
        tokens,
    )


async def retry(
    conn: Executor, *, key: str, lease_token: str, delay_s: float, dead: bool, error_code: str
) -> None:
    """Gives the job back: due again after the delay, or dead when its attempts are used up."""
    await conn.execute(
        """
        UPDATE nura.jobs
           SET state = CASE WHEN $4 THEN 'dead' ELSE 'due' END, due_at = now() + make_interval(secs => $3),
               lease_token = NULL, lease_until = NULL, last_error_code = $5
         WHERE key = $1 AND lease_token = $2
        """,
        key,
        lease_token,
        delay_s,
        dead,
        error_code,
    )
