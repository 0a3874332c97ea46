"""Table `nura.reply_runs`: one row for each reply being written; finished by the statement that keeps the reply."""

from nura_rt.store.pool import Executor


async def start(
    conn: Executor, *, message_id: str, conversation_id: str, person_id: str, lease_token: str
) -> str | None:
    """Begins or takes over the run of a message and returns its id; None when it is already over."""
    run_id: str | None = await conn.fetchval(
        """
        INSERT INTO nura.reply_runs AS r (message_id, conversation_id, user_id, lease_token)
             VALUES ($1, $2, $3, $4)
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
