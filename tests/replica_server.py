"""A real standby of the run's PostgreSQL, streaming from it; it can be paused, killed and started again."""

import asyncio
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from nura_rt.embedded import child, folders, postgres, privileges
from nura_rt.embedded.child import Child
from nura_rt.embedded.stack import Addresses


class Standby:
    """One replica. `url` is the server's own login on it."""

    def __init__(self, home: Path, primary: Addresses, binaries: Path) -> None:
        assert primary.admin_url is not None
        assert primary.database_url is not None
        self._home = folders.prepare(home)
        self._binaries = binaries
        self._way = privileges.find(self._home, [binaries / "postgres"])
        self._folder = self._home / f"postgres-{postgres.major_version(binaries)}"
        self._run = folders.sockets(self._home, self._way.uid, self._way.gid)
        self._server: Child | None = None
        folders.make_private(self._folder, self._way.uid, self._way.gid)
        child.run(
            [
                str(binaries / "pg_basebackup"), "-D", str(self._folder), "-R", "-X", "stream", "-c", "fast",
                "-d", primary.admin_url,
            ],
            self._way,
        )  # fmt: skip
        name = urlsplit(primary.database_url).path
        self.url = urlunsplit(urlsplit(postgres.addresses(self._run)[0])._replace(path=name))
        self.admin_url = postgres.addresses(self._run)[1]

    def start(self) -> None:
        """Returns at once; `answers` waits."""
        self._server = postgres.start(self._home, self._run, self._binaries, self._way)

    async def answers(self) -> None:
        """Returns once the standby takes connections."""
        deadline = time.monotonic() + 30
        while True:
            try:
                conn = await asyncpg.connect(self.admin_url)
            except (OSError, asyncpg.PostgresError):
                assert time.monotonic() < deadline, "the standby does not answer"
                await asyncio.sleep(0.05)
                continue
            await conn.close()
            return

    def stop(self) -> None:
        """Ends it; `start` brings it back."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def remove(self) -> None:
        """Ends it and frees its socket folder."""
        self.stop()
        folders.remove_short(self._run, self._home)
