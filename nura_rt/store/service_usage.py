"""Table `user_service_profiles`: when each person last used a service, and how often. Runs as the worker."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from nura_rt.store.pool import Executor


class Use(msgspec.Struct, frozen=True):
    """So many uses of a service by a person, the last one at `at`."""

    person_id: str
    service_type: str
    count: int
    at: datetime


async def note(conn: Executor, uses: Sequence[Use]) -> None:
    """Adds to `usage_stats.uses` and moves `last_used_at` forward; the profile is made when missing.

    Raises ForeignKeyViolationError when one of the people is gone.
    """
    await conn.execute(
        """
        INSERT INTO user_service_profiles AS p (user_id, service_type, usage_stats, last_used_at)
        SELECT user_id, service_type, json_build_object('uses', uses), at
          FROM unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[]) AS u(user_id, service_type, uses, at)
         ORDER BY user_id, service_type
        ON CONFLICT (user_id, service_type) DO UPDATE
                SET last_used_at = greatest(p.last_used_at, excluded.last_used_at),
                    -- an import may have brought anything
                    usage_stats = (
                      CASE WHEN json_typeof(p.usage_stats) = 'object' THEN p.usage_stats::jsonb ELSE '{}' END
                      || jsonb_build_object('uses', (excluded.usage_stats ->> 'uses')::bigint
                           + CASE WHEN json_typeof(p.usage_stats) = 'object'
                                   AND p.usage_stats ->> 'uses' ~ '^[0-9]{1,15}$'
                                  THEN (p.usage_stats ->> 'uses')::bigint ELSE 0 END))::json
        """,
        [use.person_id for use in uses],
        [use.service_type for use in uses],
        [use.count for use in uses],
        [use.at for use in uses],
    )
