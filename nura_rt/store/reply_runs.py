"""Table `nura.reply_runs`: one row for each reply being written. Runs as the worker.

A run ends in the statement that keeps its reply (`store.batch`); the functions here are for the other endings.
"""

from nura_rt.store.pool import Executor


async def start(
    conn: Executor, *, message_id: str, conversation_id: str, person_id: str, lease_token: str
) -> str | None:
    """Begins or takes over the run of a message and returns its id.

    None when it is already over, or when `lease_token` no longer holds the job: then the run is another's.
    """
    run_id: str | None = await conn.fetchval(
        """
        INSERT INTO nura.reply_runs AS r (message_id, conversation_id, user_id, lease_token)
             SELECT $1::varchar, $2, $3, $4::uuid
              WHERE EXISTS (SELECT FROM nura.jobs WHERE key = 'reply:' || $1::varchar AND lease_token = $4::uuid)
        ON CONFLICT (message_id) DO UPDATE
                SET attempt = r.attempt + 1, lease_token = $4, started_at = now()
              WHERE r.state = 'running'
          RETURNING id
        """,
        message_id,
        conversation_id,
        person_id,
        lease_token,
    )
    return run_id


async def complete(conn: Executor, *, message_id: str, lease_token: str, reply_message_id: str) -> None:
    """The reply had been kept before: the run only catches up."""
    await conn.execute(
        """
        UPDATE nura.reply_runs SET state = 'completed', ended_at = now(), reply_message_id = $3
         WHERE message_id = $1 AND lease_token = $2 AND state = 'running'
        """,
        message_id,
        lease_token,
        reply_message_id,
    )


async def fail(conn: Executor, *, message_id: str, lease_token: str) -> str | None:
    """Gives the run up and returns its id; None when it is over or another's."""
    run_id: str | None = await conn.fetchval(
        """
        UPDATE nura.reply_runs SET state = 'failed', ended_at = now()
         WHERE message_id = $1 AND lease_token = $2 AND state = 'running'
        RETURNING id
        """,
        message_id,
        lease_token,
    )
    return run_id
