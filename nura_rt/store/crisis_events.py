"""Table `nura.crisis_events`: what screening found outside messages (those are written by `store.batch`)."""

from typing import Any

from nura_rt.store.pool import Executor


async def insert_for_title(
    conn: Executor, *, person_id: str, conversation_id: str, level: str, indicators: dict[str, Any]
) -> None:
    """A title worried us. Runs as the door, in the transaction that keeps the title."""
    await conn.execute(
        """
        INSERT INTO nura.crisis_events (user_id, conversation_id, source, level, indicators)
             VALUES ($1, $2, 'title', $3, $4)
        """,
        person_id,
        conversation_id,
        level,
        indicators,
    )
