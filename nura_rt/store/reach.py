"""Where a person may be written to. Runs as `nura_auth`. An address that nobody proved gets nothing."""

import msgspec

from nura_rt.store.pool import Executor


class Reach(msgspec.Struct, frozen=True):
    """Proved addresses of somebody who is here; None where there is none."""

    email: str | None = None
    phone: str | None = None

    def __repr__(self) -> str:
        return f"Reach(email={self.email is not None}, phone={self.phone is not None})"


async def may_write_to(conn: Executor, person_id: str) -> Reach:
    """Confirmed addresses of an active person who is not deleted; never a placeholder `…@no-email.invalid`."""
    row = await conn.fetchrow(
        """
        SELECT CASE WHEN email_confirmed_at IS NOT NULL AND email NOT ILIKE '%@no-email.invalid'
                    THEN email END AS email,
               CASE WHEN phone_confirmed_at IS NOT NULL THEN nullif(phone_number, '') END AS phone
          FROM users WHERE id = $1 AND deleted_at IS NULL AND is_active
        """,
        person_id,
    )
    return Reach(**row) if row else Reach()
