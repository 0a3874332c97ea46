"""Passwords: right is right, wrong is wrong, and unknown costs the same time."""

import asyncio
import time
from collections.abc import Awaitable

import pytest

from nura_rt.auth import passwords
from nura_rt.auth.passwords import PasswordRule

CHEAP = 4


async def test_a_password_is_known_again_and_another_is_not() -> None:
    hashed = await passwords.hash_password("correct horse", cost=CHEAP)

    assert await passwords.verify_password("correct horse", hashed)
    assert not await passwords.verify_password("correct horsf", hashed)


async def test_an_accent_may_be_written_in_two_ways() -> None:
    hashed = await passwords.hash_password("caf\u00e9 au lait", cost=CHEAP)

    assert await passwords.verify_password("cafe\u0301 au lait", hashed)


@pytest.mark.parametrize(
    ("password", "rule"),
    [
        ("", "10 to 72 bytes"),
        ("ninechars", "10 to 72 bytes"),
        ("x" * 73, "10 to 72 bytes"),
        ("\u20ac" * 25, "10 to 72 bytes"),
        ("x" * 5_000_000, "10 to 72 bytes"),
        ("nul\0inside it", "NUL"),
        ("half a pair \ud800", "must be text"),
    ],
)
async def test_a_password_that_breaks_a_rule_is_refused_without_repeating_it(
    password: str, rule: str
) -> None:
    with pytest.raises(PasswordRule) as caught:
        await passwords.hash_password(password, cost=CHEAP)

    assert caught.value.field == "password"
    assert rule in caught.value.rule
    assert not password or password not in str(caught.value)


@pytest.mark.parametrize("password", ["x" * 10, "x" * 72, "\u20ac" * 24])
async def test_the_ends_of_the_length_rule_are_allowed(password: str) -> None:
    hashed = await passwords.hash_password(password, cost=CHEAP)

    assert await passwords.verify_password(password, hashed)


@pytest.mark.parametrize("hashed", ["", "nonsense", "$2b$04$short"])
async def test_a_damaged_hash_matches_nothing(hashed: str) -> None:
    assert not await passwords.verify_password("correct horse", hashed)


async def test_the_default_cost_is_twelve() -> None:
    hashed = await passwords.hash_password("correct horse")

    assert hashed.startswith("$2b$12$")


async def test_an_unknown_account_takes_as_long_as_a_wrong_password() -> None:
    hashed = await passwords.hash_password("correct horse", cost=10)
    wrong, unknown = [], []

    for _ in range(5):
        wrong.append(await seconds(passwords.verify_password("wrong horse", hashed)))
        unknown.append(await seconds(passwords.burn(cost=10)))

    assert 0.5 < min(unknown) / min(wrong) < 2


async def test_the_loop_goes_on_while_a_password_is_hashed() -> None:
    hashing = asyncio.ensure_future(passwords.hash_password("correct horse"))
    turns = 0

    while not hashing.done():
        await asyncio.sleep(0.001)
        turns += 1

    assert turns > 10


async def seconds(work: Awaitable[object]) -> float:
    start = time.perf_counter()
    await work
    return time.perf_counter() - start
