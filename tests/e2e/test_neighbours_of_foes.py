"""What others on an instance feel of a hostile client: their 99th of a hundred waits no more than doubles.

It is compared in the same run with what a rehearsal of the attack costs them, not with quiet: three busy processes on
two cores make each other wait, whatever the server does. So this fails where the attacked server itself makes others
wait (some three times as long, to be seen at each look), and `make bench-neighbour` says how it is beside quiet.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from crowds import LARGE, crowding

from attackers import attacking, flooding, looks
from floods import FLOODS, OPEN_DOOR
from hostile import Neighbour, hello
from nura_rt.embedded.stack import Addresses
from peers import peer
from servers import RAISED, Instance, StartInstance, environ_of

pytestmark = pytest.mark.slow

OFTEN = {"LIMIT_MESSAGES_PER_S": "200"}  # the neighbour's own pace


@pytest.fixture(scope="module")
def besieged(folder: Path, stores: Addresses) -> Iterator[Instance]:
    """The instance on which they all are."""
    (folder / "beside").mkdir()
    instance = Instance(folder / "beside", {**environ_of(stores), **OPEN_DOOR, **OFTEN}).start()
    yield instance
    instance.stop()


@pytest.fixture
async def neighbour(besieged: Instance) -> AsyncIterator[Neighbour]:
    """Somebody who minds their own business."""
    async with peer(besieged, "neighbour") as client:
        yield Neighbour(client, await client.open_conversation(), pace_s=0.005)


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
async def test_a_flood_is_not_felt_by_others(
    besieged: Instance, neighbour: Neighbour, flood: Callable[[], bytes]
) -> None:
    with attacking(*flooding(besieged.port, hello("foe") + flood())) as attacker:
        taken = await looks(attacker, neighbour)

    assert taken[-1].is_unaffected, taken


async def test_listeners_who_never_read_are_not_felt_by_others(start_instance: StartInstance) -> None:
    instance = start_instance(**RAISED, **LARGE)
    async with peer(instance, "neighbour") as client:
        neighbour = Neighbour(client, await client.open_conversation(), pace_s=0.005)
        with attacking(*crowding(instance.port)) as attacker:
            taken = await looks(attacker, neighbour)

    assert taken[-1].is_unaffected, taken
