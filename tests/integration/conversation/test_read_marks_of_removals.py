"""What goes makes nothing unread: a removal or a trim right after what was read counts as read, no more than that."""

from collections.abc import Callable

import asyncpg
import pytest

from nura_rt.conversation.removal import Removal
from nura_rt.pipeline.turn import LEVELS
from nura_rt.store import batch, read_marks
from nura_rt.store.batch import Row
from nura_rt.store.read_marks import Mark
from relayed import Relayed

Place = Callable[..., Row]


@pytest.mark.parametrize(("read", "after"), [(3, 4), (2, 2), (None, 0)])
@pytest.mark.parametrize("how", ["remove", "trim"])
async def test_only_who_had_read_everything_has_read_on(
    writer_conn: asyncpg.Connection, place: Place, removal: Removal, relayed: Relayed,
    how: str, read: int | None, after: int,
) -> None:  # fmt: skip
    rows = [place() for _ in range(3)]
    await batch.keep(writer_conn, rows, levels=LEVELS, lease_s=3600)
    person_id, conversation_id = rows[0].person_id, rows[0].conversation_id
    if read:
        await read_marks.raise_to(writer_conn, [Mark(person_id, conversation_id, read)])

    if how == "remove":
        await removal.remove(person_id, conversation_id, rows[1].message_id)
    else:
        await removal.trim(person_id, conversation_id, 2)

    (changed,) = relayed.of_type("conversation.changed")
    assert (changed["conversation"]["head"], changed["conversation"]["read_seq"]) == (4, after)
