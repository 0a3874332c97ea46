"""Who was connected to an instance that was killed is counted out for the others within a minute."""

import pytest

from peers import peer
from servers import StartInstance

pytestmark = pytest.mark.slow

WITHIN_S = 60  # docs/architecture.md: a lease of 40 s ends, and who still listens looks each 13 s


async def test_a_device_of_a_killed_instance_is_out_of_the_count_within_a_minute(
    start_instance: StartInstance,
) -> None:
    here, there = start_instance(), start_instance()
    async with peer(here, "everywhere") as laptop, peer(there, "everywhere"):
        await laptop.hear("presence", connections=2)

        there.kill()
        told = await laptop.hear("presence", within_s=WITHIN_S)

    assert told["connections"] == 1
