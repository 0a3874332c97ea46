"""`nura-rt migrate bootstrap|up|down|status|redo`."""

from nura_rt.cli import stores
from nura_rt.cli.errors import UsageError
from nura_rt.embedded.stack import Addresses
from nura_rt.store import migrate

_EMBEDDED_NAME = "nura"


async def bootstrap(admin_dsn: str, *, database: str | None, login: str, password: str | None) -> str:
    """Roles and schema, once, by an administrator."""
    await migrate.bootstrap(admin_dsn, database=database, login=login, password=password)
    return "bootstrapped: roles and schema are there; next: nura-rt migrate up"


async def up(addresses: Addresses) -> str:
    """Applies what is missing."""
    dsn = await _ready(addresses)
    applied = await migrate.up(dsn)
    return f"applied {', '.join(applied)}" if applied else "nothing to apply"


async def down(addresses: Addresses, *, steps: int, allow_data_loss: bool) -> str:
    """Takes back migrations; asks first, because dropped tables hold people's words."""
    if not allow_data_loss:
        raise UsageError(
            "--allow-data-loss: taking a migration back drops its tables and what they hold; say so"
        )
    taken = await migrate.down(await _ready(addresses), steps=steps)
    return f"took back {', '.join(taken)}" if taken else "nothing to take back"


async def redo(addresses: Addresses, *, allow_data_loss: bool) -> str:
    """The last migration down and up again."""
    return f"{await down(addresses, steps=1, allow_data_loss=allow_data_loss)}; {await up(addresses)}"


async def status(addresses: Addresses) -> str:
    """One line per migration."""
    steps = await migrate.status(await _ready(addresses))
    return "\n".join(
        f"{'applied' if step.applied else 'missing':8} {step.version} {step.name}" for step in steps
    )


async def _ready(addresses: Addresses) -> str:
    """The embedded server bootstraps itself; any other was bootstrapped by its administrator."""
    if addresses.admin_url is not None:
        await migrate.bootstrap(
            addresses.admin_url, database=_EMBEDDED_NAME, login=_EMBEDDED_NAME, password=None
        )
    return stores.require(addresses.database_url, "SUPABASE_DATABASE_URL")
