"""Single flight: one asks, all get the answer; and nobody is left waiting for somebody who went away."""

import asyncio

import pytest

from nura_rt.conversation.flights import Flights
from servers import eventually


class Work:
    """Counts how often it began; ends when told to."""

    def __init__(self) -> None:
        self.began = 0
        self.go = asyncio.Event()
        self.fails: Exception | None = None

    async def __call__(self) -> int:
        self.began += 1
        await self.go.wait()
        if self.fails is not None:
            raise self.fails
        return self.began


async def test_a_thousand_who_ask_together_cost_one() -> None:
    flights, work = Flights[str, int](), Work()
    asking = [asyncio.ensure_future(flights.share("k", work)) for _ in range(1000)]
    await asyncio.sleep(0)

    work.go.set()
    answers = await asyncio.gather(*asking)

    assert answers == [1] * 1000
    assert work.began == 1


async def test_each_key_flies_alone_and_a_later_asker_flies_anew() -> None:
    flights, work = Flights[str, int](), Work()
    work.go.set()

    answers = [await flights.share(key, work) for key in ("a", "b", "a")]

    assert answers == [1, 2, 3]


async def test_everybody_hears_of_a_failure_and_the_next_try_is_a_new_one() -> None:
    flights, work = Flights[str, int](), Work()
    work.fails = ConnectionResetError()
    asking = [asyncio.ensure_future(flights.share("k", work)) for _ in range(3)]
    await asyncio.sleep(0)
    work.go.set()
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    work.fails = None

    again = await flights.share("k", work)

    assert [type(outcome) for outcome in outcomes] == [ConnectionResetError] * 3
    assert (again, work.began) == (2, 2)


async def test_when_the_one_who_asks_goes_away_the_next_one_takes_over() -> None:
    flights, work = Flights[str, int](), Work()
    first = asyncio.ensure_future(flights.share("k", work))
    others = [asyncio.ensure_future(flights.share("k", work)) for _ in range(3)]
    await asyncio.sleep(0)

    first.cancel()
    await eventually(lambda: work.began == 2)
    work.go.set()
    answers = await asyncio.gather(*others)

    assert answers == [2, 2, 2]


async def test_one_who_goes_away_while_waiting_leaves_the_others_alone() -> None:
    flights, work = Flights[str, int](), Work()
    asking = [asyncio.ensure_future(flights.share("k", work)) for _ in range(3)]
    await asyncio.sleep(0)

    asking[1].cancel()
    work.go.set()
    with pytest.raises(asyncio.CancelledError):
        await asking[1]

    assert [await asking[0], await asking[2], work.began] == [1, 1, 1]


async def test_one_who_goes_away_together_with_the_one_who_asks_is_gone() -> None:
    flights, work = Flights[str, int](), Work()
    asking = [asyncio.ensure_future(flights.share("k", work)) for _ in range(2)]
    await asyncio.sleep(0)

    for one in asking:
        one.cancel()
    await asyncio.wait(asking, timeout=5)

    assert [one.cancelled() for one in asking] == [True, True]
    assert work.began == 1
