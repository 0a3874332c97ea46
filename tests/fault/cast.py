"""Who takes part in a run: people with their devices, and how long they wait for each other at the end."""

import asyncio
import time
import uuid
from collections.abc import Callable
from contextlib import suppress

import asyncpg
import dump
import httpx
from device import Device, World
from senders import Remover, Sender
from subscribers import Subscriber
from verdict import Violation

from servers import eventually

PEOPLE = 4
_ANSWERED_WITHIN_S = 75.0  # a reply whose instance was killed is written when its lease has ended
_GRACE_S = 2.0  # waited longer than promised, so that the checker sees how late it was


class Cast:
    """Four people: one writes from two devices at once, each listens at both instances and on the move."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.senders: list[Sender] = []
        self.subscribers: list[Subscriber] = []
        self.removers: list[Remover] = []
        self.tasks: list[asyncio.Task[None]] = []
        self._work: list[asyncio.Task[None]] = []

    async def gather(self) -> None:
        """Opens the conversations and names who speaks and who listens."""
        people = [f"person-{number}" for number in range(PEOPLE)]
        for number, person in enumerate(people):
            for _ in range(2 + number % 2):
                await self._open(person)
        for number, person in enumerate(people):
            own = [c for c, owner in self.world.owner.items() if owner == person]
            others = next(c for c, owner in self.world.owner.items() if owner != person)
            for index, conversation in enumerate(own):
                for copy in range(2 if index == 0 else 1):
                    name = f"{person}-sender-{index}{'ab'[copy]}"
                    home = (number + index + copy) % 2
                    sender = Sender(self.world, name, person, conversation, home, old=bool(copy))
                    sender.strangers = others
                    self.senders.append(sender)
            self.subscribers += [
                Subscriber(self.world, f"{person}-left", person, 0),
                Subscriber(self.world, f"{person}-right", person, 1, resumes=True, notes=True),
                Subscriber(
                    self.world, f"{person}-rover", person, number % 2, roams=True, resumes=number % 2 == 0
                ),
            ]
            mine = [sender for sender in self.senders if sender.person == person]
            self.removers.append(Remover(self.world, person, mine))

    def start(self, group: asyncio.TaskGroup, enough: Callable[[], bool]) -> None:
        """Everybody begins."""
        devices: list[Device] = [*self.senders, *self.subscribers]
        self.tasks = [group.create_task(device.run()) for device in devices]
        workers: list[Sender | Remover] = [*self.senders, *self.removers]
        self._work = [group.create_task(worker.work(enough)) for worker in workers]

    async def settled(self, *, within_s: float) -> list[Violation]:
        """Waits until each message's fate is known."""
        _, left = await asyncio.wait(self._work, timeout=within_s)
        for task in left:
            task.cancel()
        return [Violation("stuck", f"{len(left)} had no answer within {within_s:.0f} s")] if left else []

    async def come_to_rest(self, admin: asyncpg.Connection, *, within_s: float) -> list[Violation]:
        """Waits for the replies, then for the views: at least as long as was promised, unless all are whole."""
        conversations = list(self.world.owner)
        deadline = time.monotonic() + _ANSWERED_WITHIN_S
        while left := await dump.unanswered(admin, conversations):
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(0.2)
        heads = await dump.heads(admin, conversations)
        self.world.history.add("quiet")
        with suppress(AssertionError):  # the checker says who is late
            await eventually(
                lambda: all(one.follows_up_to(heads) for one in self.subscribers),
                within_s=within_s + _GRACE_S,
            )
        self.world.history.add("end")
        return [Violation("unanswered", f"{left} messages have no reply")] if left else []

    def part(self) -> None:
        """Everybody goes."""
        for task in self.tasks:
            task.cancel()

    async def _open(self, person: str) -> str:
        async with httpx.AsyncClient(timeout=15) as client:
            answer = await client.post(
                f"{self.world.site.rest_url(0)}/v1/conversations", json={}, headers=self._headers(person)
            )
        conversation = str(answer.raise_for_status().json()["conversation_id"])
        self.world.owner[conversation] = person
        self.world.history.add("own", conversation=conversation, person=person)
        return conversation

    def _headers(self, person: str) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.world.token(person)}",
            "Idempotency-Key": uuid.uuid4().hex,
        }
