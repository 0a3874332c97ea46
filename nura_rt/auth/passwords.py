"""Passwords: bcrypt in two threads of its own, so that neither the loop nor other threads wait for it.

Wrong and unknown take the same time: each costs exactly one operation.
"""

import asyncio
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import bcrypt

COST = 12
SHORTEST, LONGEST = 10, 72  # bytes of UTF-8; bcrypt reads no more than 72
# A salt and digest nobody has the password of; only the time to compare with it matters.
_NOBODY = "." * 53

Result = TypeVar("Result")


class PasswordRule(ValueError):
    """A new password breaks its rule; `field` and `rule` may be shown, the password is not in it."""

    def __init__(self, rule: str) -> None:
        super().__init__(f"password: {rule}")
        self.field = "password"
        self.rule = rule


class PasswordsBusy(Exception):
    """Too many passwords wait to be checked; nothing was done. Try again in a moment."""


class Passwords:
    """bcrypt for one instance: so many at work, so many waiting behind them, then PasswordsBusy.

    `operations` counts the costly steps begun, for the metrics. Close it in the end.
    """

    def __init__(self, *, cost: int = COST, at_once: int = 2, waiting_at_most: int = 16) -> None:
        self.operations = 0
        self._cost = cost
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="bcrypt")
        self._places = threading.BoundedSemaphore(at_once + waiting_at_most)

    async def hash(self, password: str) -> str:
        """The hash to store. Raises PasswordRule for one too short, too long, or with a NUL; PasswordsBusy."""
        data = _bytes(password)
        return await self._run(lambda: _hash(data, self._cost))

    async def verify(self, password: str, hashed: str) -> bool:
        """Is it the password of `hashed`. False, after the usual time, for what could never have been one.

        Raises PasswordsBusy.
        """
        try:
            data = _bytes(password)
        except PasswordRule:
            await self.burn()
            return False
        return await self._run(lambda: _matches(data, hashed, self._cost))

    async def burn(self) -> None:
        """Spends the time of one verification, for an account that does not exist. Raises PasswordsBusy."""
        await self._run(lambda: _burn(self._cost))

    def close(self) -> None:
        """What waits is given up; what is at work ends within half a second."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], Result]) -> Result:
        if not self._places.acquire(blocking=False):
            raise PasswordsBusy
        future = self._threads.submit(work)
        # by the thread's end and not the caller's: a caller that went away leaves its work running
        future.add_done_callback(lambda _: self._places.release())
        self.operations += 1
        return await asyncio.wrap_future(future)


async def hash_password(password: str, *, cost: int = COST) -> str:
    """One hash for a command, which serves nobody meanwhile. Raises PasswordRule."""
    return await asyncio.to_thread(_hash, _bytes(password), cost)


def require_password(password: str) -> None:
    """Raises PasswordRule for what `hash` would refuse; costs nothing."""
    _bytes(password)


def _hash(data: bytes, cost: int) -> str:
    return bcrypt.hashpw(data, bcrypt.gensalt(cost)).decode("ascii")


def _matches(data: bytes, hashed: str, cost: int) -> bool:
    try:
        return bcrypt.checkpw(data, hashed.encode())
    except ValueError:  # a damaged hash
        _burn(cost)
        return False


def _burn(cost: int) -> None:
    bcrypt.checkpw(b"nobody", f"$2b${cost:02d}${_NOBODY}".encode())


def _bytes(password: str) -> bytes:
    try:
        data = unicodedata.normalize("NFC", password[:1_000]).encode()  # keyboards write accents differently
    except UnicodeEncodeError:
        raise PasswordRule("must be text") from None
    if b"\0" in data:
        raise PasswordRule("must not contain a NUL character")
    if not SHORTEST <= len(data) <= LONGEST:
        raise PasswordRule(f"must be {SHORTEST} to {LONGEST} bytes long in UTF-8")
    return data
