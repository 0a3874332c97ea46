"""Real servers for tests: an instance of the product as its own process, told everything by its environment."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from nura_rt.auth.tokens import Tokens
from nura_rt.cli.people import person_id
from nura_rt.embedded.stack import Addresses

SECRET = "a-secret-for-tests-only-0123456789abcdef0123456789"
RAISED = {
    "LIMIT_MESSAGES_PER_S": "100000",
    "LIMIT_MESSAGE_BURST": "1000000",
    "LIMIT_PERSON_MESSAGES_PER_S": "100000",
    "LIMIT_PERSON_MESSAGE_BURST": "1000000",
    "LIMIT_CONNECTIONS_PER_PERSON": "100000",
    "LIMIT_HANDSHAKES_PER_S": "100000",
    "LIMIT_HANDSHAKE_BURST": "1000000",
    "LIMIT_REPLAY": "5000",
}
_OURS = ("NURA_", "LIMIT_", "SUPABASE_", "REDIS_")  # what the environment of the tests may not decide

StartInstance = Callable[..., "Instance"]


def environ_of(stores: Addresses) -> dict[str, str]:
    """What an instance is told to use these stores."""
    assert stores.database_url is not None
    assert stores.redis_url is not None
    return {"SUPABASE_DATABASE_URL": stores.database_url, "REDIS_URL": stores.redis_url}


def token(name: str, *, ttl_s: int = 3600) -> str:
    """A good token of the person with this name."""
    return Tokens(SECRET, ttl_s=ttl_s).issue(person_id(name))


def free_port() -> int:
    """A TCP port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Instance:
    """One `nura-rt serve` process."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.port = free_port()
        self.folder = folder
        self.url = f"http://127.0.0.1:{self.port}"
        self.socket_url = f"ws://127.0.0.1:{self.port}/v1/socket"
        self._log = folder / f"instance-{self.port}.log"
        self._environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(_OURS)},
            "NURA_DATA_DIR": str(folder),
            "NURA_PORT": str(self.port),
            "SUPABASE_JWT_SECRET": SECRET,
            "COMPANION_PACE_S": "0",
            **environ,
        }
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """Everything the process has written."""
        return self._log.read_text("utf-8") if self._log.exists() else ""

    def start(self) -> "Instance":
        """Returns when it is ready; raises with its log when it is not within 90 s."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "nura_rt", "serve"],
                env=self._environ,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the instance ended with {self.process.returncode}:\n{self.log}")
            try:
                if httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200:
                    return self
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"the instance is not ready:\n{self.log}")

    def stop(self, *, within_s: float = 20) -> float:
        """SIGTERM; returns how many seconds it took, and raises when it takes longer than `within_s`."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the instance did not stop in {within_s} s:\n{self.log}") from None
        return time.monotonic() - began

    def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)


def run(*arguments: str, folder: Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    """`nura-rt ARGUMENTS` to its end (at most 60 s), with an environment that says only `environ`."""
    return subprocess.run(
        [sys.executable, "-m", "nura_rt", *arguments],
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(_OURS)},
            "NURA_DATA_DIR": str(folder),
            "NURA_PORT": str(free_port()),  # the usual one may be somebody's running server
            **environ,
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def eventually(check: Callable[[], object], *, within_s: float = 30.0) -> None:
    """Calls `check` until it returns true; raises AssertionError after `within_s`."""
    deadline = time.monotonic() + within_s
    while not check():
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.02)
