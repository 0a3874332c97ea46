"""Who comes and goes at once gives nobody else anything to look into."""

import asyncio

from bus_members import conversation, member
from bus_places import Place


async def test_a_confirmation_for_somebody_who_left_meanwhile_is_no_doubt(place: Place) -> None:
    async with member(place.url, "here") as here:
        await here.listen(conversation(0))
        before = here.resyncs

        here.bus.want(conversation(50))
        line = here.bus._line_of(conversation(50))
        assert line is not None
        while conversation(50) not in line._asked:  # noqa: ASYNC110 - asked for, and not yet answered
            await asyncio.sleep(0)
        here.bus.drop(conversation(50))
        later = [conversation(number) for number in range(1, 20)]
        await asyncio.gather(*(here.listen(name) for name in later))  # on every line, behind it

        assert here.resyncs == before
