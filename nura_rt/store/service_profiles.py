"""Table `user_service_profiles`: how a person wants each service. Use is noted in `store.service_usage`."""

from datetime import datetime
from typing import Any

import msgspec

from nura_rt.store.pool import Executor


class ServiceProfile(msgspec.Struct, frozen=True):
    """One service as this person has it."""

    service_type: str
    service_preferences: dict[str, Any]
    service_metadata: dict[str, Any]
    usage_stats: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    last_used_at: datetime | None


async def list_of(conn: Executor, person_id: str) -> list[ServiceProfile]:
    """Every service of the person, by name. Runs as the door, inside `as_person`."""
    rows = await conn.fetch(
        """
        SELECT service_type, coalesce(service_preferences, '{}') AS service_preferences,
               coalesce(service_metadata, '{}') AS service_metadata, coalesce(usage_stats, '{}') AS usage_stats,
               created_at, updated_at, last_used_at
          FROM user_service_profiles WHERE user_id = $1 ORDER BY service_type
        """,
        person_id,
    )
    return [ServiceProfile(**row) for row in rows]


async def prefer(
    conn: Executor, *, person_id: str, service_type: str, preferences: dict[str, Any], at_most: int
) -> ServiceProfile | None:
    """Replaces the preferences and notes their shape in `service_metadata`; the profile is made where it is missing.

    None, and nothing is written, when the person has `at_most` other profiles already.

    Runs as the door, inside `as_person`.
    """
    row = await conn.fetchrow(
        """
        INSERT INTO user_service_profiles AS p (user_id, service_type, service_preferences, service_metadata)
             SELECT $1::varchar, $2::varchar, $3::json, '{"preferences_schema": 1}'
              WHERE (SELECT count(*) FROM user_service_profiles WHERE user_id = $1 AND service_type <> $2) < $4
        ON CONFLICT (user_id, service_type) DO UPDATE
                SET service_preferences = $3,
                    service_metadata = (
                      CASE WHEN json_typeof(p.service_metadata) = 'object' THEN p.service_metadata::jsonb ELSE '{}' END
                      || excluded.service_metadata::jsonb)::json
          RETURNING service_type, service_preferences, coalesce(service_metadata, '{}') AS service_metadata,
                    coalesce(usage_stats, '{}') AS usage_stats, created_at, updated_at, last_used_at
        """,
        person_id,
        service_type,
        preferences,
        at_most,
    )
    return ServiceProfile(**row) if row else None
