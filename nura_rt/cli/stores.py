"""Where the stores are: the configured addresses, those of a running embedded stack, or a stack started now."""

from collections.abc import Iterator
from contextlib import contextmanager

from nura_rt.cli.errors import UsageError
from nura_rt.embedded import stack
from nura_rt.embedded.stack import Addresses
from nura_rt.settings import Settings


def resolved(settings: Settings) -> Addresses:
    """Configured addresses, completed by the running stack's where unset; nothing is started."""
    embedded = stack.running(settings.data_dir)
    return Addresses(
        database_url=settings.database_url or (embedded.database_url if embedded else None),
        admin_url=embedded.admin_url if embedded and not settings.database_url else None,
        redis_url=settings.redis_url or (embedded.redis_url if embedded else None),
    )


@contextmanager
def database(settings: Settings) -> Iterator[Addresses]:
    """For a command that needs PostgreSQL: the configured or running one, else an embedded one for its duration."""
    found = resolved(settings)
    if found.database_url is not None:
        yield found
        return
    started = stack.start(settings.data_dir, database=True, redis=False)
    try:
        yield started.addresses
    finally:
        started.stop()


def require(url: str | None, variable: str) -> str:
    """The address, or a sentence that says how to have one."""
    if url is None:
        raise UsageError(
            f"{variable}: not set, and no embedded one is running (start it with `nura-rt serve`)"
        )
    return url
