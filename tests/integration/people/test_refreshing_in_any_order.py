"""Refresh tokens under every order of calls, on two instances: one live chain at most, a thief never in peace.

The machine plays one honest client (who may lose answers, and asks again under the same name) and a thief who copied
every token that was ever given out.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

import asyncpg
import httpx
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from databases import Database
from house import House, Person
from nura_rt.notify.port import Nowhere
from nura_rt.people.tries import Tries
from nura_rt.settings import Settings
from nura_rt.store.pool import open_pool

Result = TypeVar("Result")
UNUSED = "SELECT count(*) FROM nura.refresh_tokens WHERE user_id = $1 AND used_at IS NULL"
REASON = "SELECT end_reason FROM nura.sessions WHERE user_id = $1"


class World:
    """Two instances on one database, and a superuser's hands."""

    def __init__(self, houses: list[House], root: asyncpg.Connection) -> None:
        self.houses = houses
        self.root = root
        self.loop = asyncio.get_running_loop()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """From the machine's thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    async def refresh(self, token: str, house: int, attempt: str | None = None) -> httpx.Response:
        return await self.houses[house].ask("refresh", attempt=attempt, refresh_token=token)

    async def at_once(self, token: str, times: int) -> list[httpx.Response]:
        return await asyncio.gather(
            *[self.refresh(token, n % len(self.houses), attempt_with(token)) for n in range(times)]
        )


def attempt_with(token: str) -> str:
    """What the honest client names its one attempt with this token; nobody else knows."""
    return f"mine-{token[:20]}"


class Machine(RuleBasedStateMachine):
    """`chain` is every token given out, in order; the last is the client's newest that the server knows of."""

    world: World
    instance = st.integers(0, 1)

    @initialize()
    def sign_up(self) -> None:
        self.person: Person = self.world.run(self.world.houses[0].newcomer())
        self.chain = [self.person.refresh_token]
        self.held = self.person.refresh_token  # what the honest client has
        self.alive = True

    def hear(self, answer: httpx.Response) -> str:
        successor = str(answer.json()["refresh_token"])
        if successor not in self.chain:
            self.chain.append(successor)
        return successor

    @precondition(lambda self: self.alive)
    @rule(house=instance, lost=st.booleans())
    def the_client_refreshes(self, house: int, lost: bool) -> None:
        answer = self.world.run(self.world.refresh(self.held, house, attempt_with(self.held)))

        assert answer.status_code == 200, "an honest client was signed out"
        successor = self.hear(answer)
        if not lost:
            self.held = successor

    @precondition(lambda self: self.alive)
    @rule(times=st.integers(2, 6))
    def the_client_asks_many_times_at_once(self, times: int) -> None:
        answers = self.world.run(self.world.at_once(self.held, times))

        assert {answer.status_code for answer in answers} == {200}
        assert len({self.hear(answer) for answer in answers}) == 1
        self.held = self.chain[-1]

    @precondition(lambda self: self.alive and len(self.chain) > 2)
    @rule(data=st.data(), house=instance)
    def a_thief_shows_an_old_token(self, data: Any, house: int) -> None:
        stolen = data.draw(st.sampled_from(self.chain[:-2]))

        answer = self.world.run(self.world.refresh(stolen, house))

        assert answer.status_code == 401
        self.alive = False

    @precondition(lambda self: self.alive and len(self.chain) > 1)
    @rule(house=instance)
    def somebody_else_shows_the_last_but_one(self, house: int) -> None:
        answer = self.world.run(self.world.refresh(self.chain[-2], house))

        assert answer.status_code == 401
        self.alive = False

    @precondition(lambda self: self.alive and self.held == self.chain[-1])
    @rule(house=instance)
    def a_thief_is_first_and_the_client_finds_out(self, house: int) -> None:
        """Whoever comes second with the same token ends it for both."""
        self.hear(self.world.run(self.world.refresh(self.held, house, "the-thiefs")))

        answer = self.world.run(self.world.refresh(self.held, 1 - house, attempt_with(self.held)))

        assert answer.status_code == 401
        self.alive = False

    @precondition(lambda self: not self.alive)
    @rule(data=st.data(), house=instance)
    def nothing_wakes_an_ended_session(self, data: Any, house: int) -> None:
        token = data.draw(st.sampled_from(self.chain))

        assert self.world.run(self.world.refresh(token, house)).status_code == 401

    @invariant()
    def one_chain_lives(self) -> None:
        if not hasattr(self, "person"):
            return
        unused = self.world.run(self.world.root.fetchval(UNUSED, self.person.user_id))
        reason = self.world.run(self.world.root.fetchval(REASON, self.person.user_id))

        assert unused == 1
        assert reason == (None if self.alive else "reused")


@pytest.fixture
async def world(
    settings: Settings, database: Database, auth_pool: asyncpg.Pool, door_pool: asyncpg.Pool,
    root: asyncpg.Connection,
) -> AsyncIterator[World]:  # fmt: skip
    second = await open_pool(database.url, "nura_auth", smallest=1, largest=4)
    houses = [House(settings, pool, door_pool, Nowhere()) for pool in (auth_pool, second)]
    for house in houses:  # here it is about tokens, not about tries
        house.local.limits.by_address = house.local.limits.refreshes = Tries(1_000_000)
    yield World(houses, root)
    for house in houses:
        house.passwords.close()
    second.terminate()


async def test_any_order_of_calls_keeps_one_chain_and_finds_the_thief(world: World) -> None:
    machine = type("Refreshing", (Machine,), {"world": world})
    few = hypothesis_settings(
        max_examples=25, stateful_step_count=20, deadline=None, derandomize=True,
        suppress_health_check=list(HealthCheck), database=None,
    )  # fmt: skip

    await asyncio.to_thread(run_state_machine_as_test, machine, settings=few)
