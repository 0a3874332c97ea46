"""An older instance knows no tombstones: what it keeps anew of a removed message can be removed all the same."""

from collections.abc import Callable

import asyncpg
import pytest

from nura_rt.conversation.removal import Removal
from nura_rt.pipeline.turn import LEVELS
from nura_rt.store import batch
from nura_rt.store.batch import Row
from rows import one

Place = Callable[..., Row]
AS_THE_OLDER_ONE = """
    WITH head AS (
      UPDATE conversations SET last_seq = last_seq + 1, message_count = message_count + 1 WHERE id = $1
      RETURNING id, user_id, last_seq)
    INSERT INTO messages (id, conversation_id, user_id, seq, client_id, role, content)
    SELECT $2, id, user_id, last_seq, $3, 'user', 'words' FROM head
    """


@pytest.mark.parametrize("how", ["removed", "trimmed"])
async def test_what_an_older_instance_kept_anew_can_be_taken_away_again(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, place: Place, removal: Removal, how: str
) -> None:
    row = place()
    (first,) = (await batch.keep(writer_conn, [row], levels=LEVELS, lease_s=3600)).values()
    await removal.remove(row.person_id, row.conversation_id, row.message_id)
    await root.execute(AS_THE_OLDER_ONE, row.conversation_id, f"{row.message_id}-anew", row.client_id)

    if how == "removed":
        await removal.remove(row.person_id, row.conversation_id, f"{row.message_id}-anew")
    else:
        await removal.trim(row.person_id, row.conversation_id, 2**53)

    (late,) = (await batch.keep(writer_conn, [row], levels=LEVELS, lease_s=3600)).values()
    assert (late.seq, late.created_at, late.removed) == (first.seq, first.created_at, True)
    assert await one(
        root,
        """
        SELECT last_seq, message_count, (SELECT count(*) FROM messages WHERE conversation_id = c.id)
          FROM conversations c WHERE id = $1
        """,
        row.conversation_id,
    ) == (4, 0, 0)
