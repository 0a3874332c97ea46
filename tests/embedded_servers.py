"""What the tests of the embedded servers share: a parent to kill, questions to ask, servers to count."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import redis

from nura_rt.embedded import leftovers
from nura_rt.embedded.stack import Addresses, Stack

PARENT = Path(__file__).with_name("embedded_parent.py")
ROOT = Path(__file__).parents[1]
SITE = Path(msgspec.__file__).parents[1]


def servers(home: Path) -> list[int]:
    """The pids of every process whose servers' folder is in `home`."""
    return [
        *leftovers.serving(home / "postgres-18", ("postgres",), home / "postgres-18" / "postmaster.pid"),
        *leftovers.serving(home / "valkey", ("valkey-server",), home / "valkey" / "valkey.pid"),
    ]


def wait_until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)


def ask(stores: Stack | Addresses, sql: str) -> Any:
    """The first value `sql` gives the superuser; None when it gives none."""
    addresses = stores.addresses if isinstance(stores, Stack) else stores
    assert addresses.admin_url is not None

    async def once(url: str) -> Any:
        conn = await asyncpg.connect(url)
        try:
            return await conn.fetchval(sql)
        finally:
            await conn.close()

    return asyncio.run(once(addresses.admin_url))


def cache(stores: Stack) -> "redis.Redis":
    assert stores.addresses.redis_url is not None
    return redis.Redis.from_url(stores.addresses.redis_url)


class Parent:
    """The script of embedded_parent.py as a process of its own."""

    def __init__(
        self, *arguments: object, command: tuple[str, ...] = (sys.executable,), path: Path = ROOT
    ) -> None:
        places = f"{path}:{SITE}" if path == ROOT else str(path)
        self.process = subprocess.Popen(
            [*command, str(path / "tests" / PARENT.name), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": places, "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]},
            cwd=path,
            start_new_session=True,
        )

    def told(self) -> bytes:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def addresses(self) -> Addresses:
        return msgspec.json.decode(self.told(), type=Addresses)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def finish(self) -> int:
        self.process.communicate(timeout=30)
        return self.process.returncode


def alive(pid: int) -> bool:
    """Whether `pid` runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # reaped meanwhile
        return False
