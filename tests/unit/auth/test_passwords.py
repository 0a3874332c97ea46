"""Passwords: right is right, wrong is wrong, unknown costs the same, and a flood of them starves nobody."""

import asyncio
import threading
from collections.abc import Iterator

import bcrypt
import pytest

from nura_rt.auth import passwords as module
from nura_rt.auth.passwords import PasswordRule, Passwords, PasswordsBusy

CHEAP = 4


class Gate:
    """bcrypt's work does not end before it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.opened = threading.Event(), threading.Event()
        self._check = bcrypt.checkpw
        monkeypatch.setattr(bcrypt, "checkpw", self._held)

    def _held(self, password: bytes, hashed: bytes) -> bool:
        self.begun.set()
        assert self.opened.wait(30)
        return self._check(password, hashed)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    made = Gate(monkeypatch)
    yield made
    made.opened.set()


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords(cost=CHEAP)
    yield made
    made.close()


async def test_a_password_is_known_again_and_another_is_not(passwords: Passwords) -> None:
    hashed = await passwords.hash("correct horse")

    assert await passwords.verify("correct horse", hashed)
    assert not await passwords.verify("correct horsf", hashed)


async def test_an_accent_may_be_written_in_two_ways(passwords: Passwords) -> None:
    hashed = await passwords.hash("caf\u00e9 au lait")

    assert await passwords.verify("cafe\u0301 au lait", hashed)


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
    passwords: Passwords, password: str, rule: str
) -> None:
    with pytest.raises(PasswordRule) as caught:
        await passwords.hash(password)

    assert passwords.operations == 0
    assert caught.value.field == "password"
    assert rule in caught.value.rule
    assert not password or password not in str(caught.value)


@pytest.mark.parametrize("password", ["x" * 10, "x" * 72, "\u20ac" * 24])
async def test_the_ends_of_the_length_rule_are_allowed(passwords: Passwords, password: str) -> None:
    hashed = await passwords.hash(password)

    assert await passwords.verify(password, hashed)


@pytest.mark.parametrize("hashed", ["", "nonsense", "$2b$04$short"])
async def test_a_damaged_hash_matches_nothing(passwords: Passwords, hashed: str) -> None:
    assert not await passwords.verify("correct horse", hashed)


async def test_the_default_cost_is_twelve() -> None:
    hashed = await module.hash_password("correct horse")

    assert hashed.startswith("$2b$12$")


async def test_everything_that_may_be_asked_costs_one_operation(passwords: Passwords) -> None:
    hashed = await passwords.hash("correct horse")
    counted = [passwords.operations]

    for ask in (
        passwords.verify("correct horse", hashed),
        passwords.verify("wrong horse", hashed),
        passwords.verify("short", hashed),
        passwords.verify("x" * 100, hashed),
        passwords.burn(),
    ):
        await ask
        counted.append(passwords.operations)

    assert counted == [1, 2, 3, 4, 5, 6]


async def test_a_damaged_hash_and_nobody_run_bcrypt_too(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is counted is spent: bcrypt itself is watched."""
    ran: list[bytes] = []
    check = bcrypt.checkpw

    def watched(password: bytes, hashed: bytes) -> bool:
        ran.append(hashed)
        return check(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", watched)

    await passwords.verify("correct horse", "nonsense")
    await passwords.burn()

    assert [hashed[:7] for hashed in ran if hashed != b"nonsense"] == [b"$2b$04$"] * 2


async def test_the_loop_goes_on_while_a_password_is_hashed() -> None:
    passwords = Passwords()
    hashing = asyncio.ensure_future(passwords.hash("correct horse"))
    turns = 0

    while not hashing.done():
        await asyncio.sleep(0.001)
        turns += 1

    passwords.close()
    assert turns > 10


async def test_a_flood_is_turned_away_and_other_threads_stay_free(gate: Gate) -> None:
    """Two at work and three waiting; the sixth is told so at once, and the default pool answers."""
    passwords = Passwords(cost=CHEAP, waiting_at_most=3)
    flood = [asyncio.ensure_future(passwords.burn()) for _ in range(50)]
    await asyncio.sleep(0)

    at_work = {thread.name for thread in threading.enumerate() if thread.name.startswith("bcrypt")}
    elsewhere = await asyncio.to_thread(lambda: threading.current_thread().name)

    gate.opened.set()
    outcomes = await asyncio.gather(*flood, return_exceptions=True)
    passwords.close()
    assert len(at_work) <= 2
    assert not elsewhere.startswith("bcrypt")
    assert outcomes.count(None) == passwords.operations == 5
    assert sum(isinstance(outcome, PasswordsBusy) for outcome in outcomes) == 45


async def test_a_place_is_free_again_when_its_work_is_done() -> None:
    passwords = Passwords(cost=CHEAP, at_once=1, waiting_at_most=0)

    for _ in range(20):
        await passwords.burn()

    assert passwords.operations == 20
    passwords.close()


async def test_whoever_goes_away_leaves_no_more_work_than_allowed(gate: Gate) -> None:
    passwords = Passwords(cost=CHEAP, at_once=1, waiting_at_most=0)
    gone = asyncio.ensure_future(passwords.burn())
    assert await asyncio.to_thread(gate.begun.wait, 30)
    gone.cancel()

    with pytest.raises(PasswordsBusy):
        await passwords.burn()

    passwords.close()
