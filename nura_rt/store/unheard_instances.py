"""Table `nura.unheard_instances`: who keeps words that the others do not hear of. Runs as the writer."""

from nura_rt.store.pool import Executor


async def say(conn: Executor, instance: str, *, lasts_s: float) -> None:
    """From now on, for so many seconds, nobody hears of what this instance keeps."""
    await conn.execute(
        """
        WITH gone AS (
          DELETE FROM nura.unheard_instances
           WHERE instance IN (SELECT instance FROM nura.unheard_instances
                               WHERE until < now() - interval '1 hour' AND instance <> $1 FOR UPDATE SKIP LOCKED))
        INSERT INTO nura.unheard_instances (instance, until) VALUES ($1, now() + make_interval(secs => $2::float8))
        ON CONFLICT (instance) DO UPDATE SET until = excluded.until
        """,
        instance,
        lasts_s,
    )


async def take_back(conn: Executor, instance: str) -> None:
    """Everything was told."""
    await conn.execute("DELETE FROM nura.unheard_instances WHERE instance = $1", instance)


async def any_but(conn: Executor, instance: str) -> bool:
    """Whether some other instance is not heard of at present."""
    found = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM nura.unheard_instances WHERE until > now() AND instance <> $1)", instance
    )
    return bool(found)
