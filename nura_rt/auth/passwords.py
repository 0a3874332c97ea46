"""Passwords: bcrypt in a thread, so the loop never waits. Wrong and unknown take the same time."""

import asyncio
import unicodedata

import bcrypt

COST = 12
SHORTEST, LONGEST = 10, 72  # bytes of UTF-8; bcrypt reads no more than 72
# A salt and digest nobody has the password of; only the time to compare with it matters.
_NOBODY = "." * 53


class PasswordRule(ValueError):
    """A new password breaks its rule; `field` and `rule` may be shown, the password is not in it."""

    def __init__(self, rule: str) -> None:
        super().__init__(f"password: {rule}")
        self.field = "password"
        self.rule = rule


async def hash_password(password: str, *, cost: int = COST) -> str:
    """The bcrypt hash to store. Raises PasswordRule for one too short, too long, or with a NUL."""
    data = _bytes(password)
    hashed = await asyncio.to_thread(lambda: bcrypt.hashpw(data, bcrypt.gensalt(cost)))
    return hashed.decode("ascii")


async def verify_password(password: str, hashed: str) -> bool:
    """Is it the password of `hashed`. False, after the usual time, for what could never have been one."""
    try:
        data = _bytes(password)
    except PasswordRule:
        await burn()
        return False
    try:
        return await asyncio.to_thread(bcrypt.checkpw, data, hashed.encode())
    except ValueError:
        await burn()
        return False


async def burn(*, cost: int = COST) -> None:
    """Spends the time of one verification, for an account that does not exist."""
    await asyncio.to_thread(bcrypt.checkpw, b"nobody", f"$2b${cost:02d}${_NOBODY}".encode())


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
