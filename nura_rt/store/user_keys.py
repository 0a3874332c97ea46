"""Table `nura.user_keys`: each person's own key, wrapped by a KEK. Without the row nothing of theirs opens.

Runs as `nura_auth`.
"""

from collections.abc import Sequence

import msgspec

from nura_rt.store.pool import Executor


class UserKey(msgspec.Struct, frozen=True):
    """A person's key as it is stored: `sealing.wrap` under the KEK named `kek_id`."""

    user_id: str
    wrapped: bytes
    kek_id: str


async def find(conn: Executor, person_id: str) -> UserKey | None:
    """The person's wrapped key, None before its first use and after it was destroyed."""
    row = await conn.fetchrow(
        "SELECT user_id, wrapped, kek_id FROM nura.user_keys WHERE user_id = $1", person_id
    )
    return UserKey(**row) if row else None


async def insert_if_missing(conn: Executor, key: UserKey) -> UserKey | None:
    """The key that counts from now on: this one, or what another instance has committed before.

    Not inside a transaction that began earlier. None when that other one was destroyed meanwhile: ask again.
    Raises ForeignKeyViolationError where there is no such person.
    """
    row = await conn.fetchrow(
        """
        INSERT INTO nura.user_keys (user_id, wrapped, kek_id) VALUES ($1, $2, $3)
        ON CONFLICT (user_id) DO NOTHING
        RETURNING user_id, wrapped, kek_id
        """,
        key.user_id,
        key.wrapped,
        key.kek_id,
    )
    # a second statement, because the first one's snapshot may be older than the other's commit
    return UserKey(**row) if row else await find(conn, key.user_id)


async def list_wrapped_by(
    conn: Executor, kek_id: str, *, after: str, without: Sequence[str], limit: int
) -> list[UserKey]:
    """Keys under this KEK with user_id > `after`, in that order, but for these people."""
    rows = await conn.fetch(
        """
        SELECT user_id, wrapped, kek_id FROM nura.user_keys
         WHERE kek_id = $1 AND user_id > $2 AND user_id <> ALL($3::text[]) ORDER BY user_id LIMIT $4
        """,
        kek_id,
        after,
        without,
        limit,
    )
    return [UserKey(**row) for row in rows]


async def rewrap(conn: Executor, old: Sequence[UserKey], new: Sequence[UserKey]) -> int:
    """Puts each new row in the place of its old one, where exactly that still stands; how many did.

    A key destroyed, made anew or rewrapped by somebody else since it was read is left as it is.
    """
    status = await conn.execute(
        """
        UPDATE nura.user_keys k SET wrapped = held.wrapped, kek_id = held.kek_id
          FROM (SELECT stored.user_id, given.wrapped, given.kek_id
                  FROM unnest($1::text[], $2::bytea[], $3::text[], $4::bytea[], $5::text[])
                         AS given (user_id, old_wrapped, old_kek_id, wrapped, kek_id)
                  JOIN nura.user_keys stored ON stored.user_id = given.user_id
                       AND stored.wrapped = given.old_wrapped AND stored.kek_id = given.old_kek_id
                 ORDER BY stored.user_id FOR UPDATE OF stored) held
         WHERE k.user_id = held.user_id
        """,
        [key.user_id for key in old],
        [key.wrapped for key in old],
        [key.kek_id for key in old],
        [key.wrapped for key in new],
        [key.kek_id for key in new],
    )
    return int(status.split()[-1])


async def delete(conn: Executor, person_id: str) -> None:
    """The key is gone, if there was one."""
    await conn.execute("DELETE FROM nura.user_keys WHERE user_id = $1", person_id)
