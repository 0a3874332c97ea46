"""Table `nura.crisis_events`: what screening found outside messages (those are written by `store.batch`)."""

from typing import Any, Literal

from nura_rt.store.pool import Executor

Source = Literal["title", "description", "profile", "device", "privacy"]


async def insert(
    conn: Executor,
    *,
    person_id: str,
    conversation_id: str | None,
    source: Source,
    level: str,
    indicators: dict[str, Any],
) -> None:
    """Words outside messages worried us. Runs as the door, the sign-in or the import, in the words' transaction."""
    await conn.execute(
        """
        INSERT INTO nura.crisis_events (user_id, conversation_id, source, level, indicators)
             VALUES ($1, $2, $3, $4, $5)
        """,
        person_id,
        conversation_id,
        source,
        level,
        indicators,
    )
