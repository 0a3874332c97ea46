"""An instance is killed and two thousand sockets come to the other at once: all recover everything, for few queries."""

import asyncio
import json
import os
import random
import resource
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from ledger import answered
from rest import begin, key, rest

from databases import Database, scratch
from hostile import foe, text
from nura_rt.embedded.stack import Addresses
from raw_websocket import CLOSE, TEXT, Raw
from servers import RAISED, Instance, environ_of, token

pytestmark = pytest.mark.slow

PEOPLE = 100
SOCKETS_EACH = 20
MISSED = 4  # two messages and their replies
NEWER = "Sec-WebSocket-Protocol: nura.v1, nura.v1.1"


@pytest.fixture
async def counted(stores: Addresses) -> AsyncIterator[Database]:
    """A database of its own that counts the calls of functions."""
    async with scratch(stores, migrated=True) as database:
        conn = await asyncpg.connect(database.admin_url)
        name = await conn.fetchval("SELECT current_database()")
        await conn.execute(f"ALTER DATABASE {name} SET track_functions = 'pl'")
        await conn.close()
        yield database


@pytest.fixture(autouse=True)
def enough_files() -> None:
    """Both ends' files of two thousand sockets; the instances inherit the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = PEOPLE * SOCKETS_EACH * 2 + 1_000
    if hard != resource.RLIM_INFINITY and hard < wanted:
        if os.environ.get("CI"):
            pytest.fail(f"CI must prove it: allow {wanted} open files")
        pytest.skip(f"this machine allows {hard} open files; {wanted} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


class Device:
    """One socket of one person, in one conversation. Turned away to come again, it does, as client.js would."""

    def __init__(self, name: str, room: str) -> None:
        self._channel = f"conversation:{room}"
        self._token = token(name)
        self.seqs: list[int] = []
        self.recovered: list[bool] = []
        self.turned_away = 0

    async def come(self, stack: AsyncExitStack, instance: Instance, head: int) -> None:
        """Connects and resumes from what it has, until it has everything up to the head."""
        patience_s = 0.5
        while True:
            raw = await stack.enter_async_context(foe(instance, NEWER))
            resume = [{"channel": self._channel, "seq": self.seqs[-1] if self.seqs else 0}]
            await raw.send(text("hello", token=self._token, resume=resume))
            if await self._hears_all(raw, head):
                return
            self.turned_away += 1
            await asyncio.sleep(random.uniform(0, patience_s))
            patience_s = min(2 * patience_s, 20.0)

    async def _hears_all(self, raw: Raw, head: int) -> bool:
        """False when it was closed with a code that says to come again."""
        while not self.recovered or (self.seqs or [0])[-1] < head:
            heard = await raw.hear()
            assert heard is not None, "the socket ended"
            if heard.opcode == CLOSE:
                assert 4000 <= int.from_bytes(heard.data[:2], "big") < 4500, heard
                return False
            said: dict[str, Any] = json.loads(heard.data) if heard.opcode == TEXT else {"type": ""}
            if said["type"] == "subscribed":
                self.recovered.append(said["recovered"])
            elif said["type"] == "message":
                self.seqs.append(said["seq"])
        return True


async def all_of(devices: list[Device], instance: Instance, stack: AsyncExitStack, head: int) -> float:
    """All come at once, in any order, and hear everything; the seconds it took."""
    began = time.monotonic()
    for one in devices:
        one.recovered, one.turned_away = [], 0
    shuffled = random.sample(devices, len(devices))
    async with asyncio.timeout(60):
        await asyncio.gather(*(one.come(stack, instance, head) for one in shuffled))
    return time.monotonic() - began


async def said_by_all(instance: Instance, rooms: dict[str, str], count: int) -> None:
    async def say(name: str, room: str) -> None:
        async with rest(instance, name) as http:
            for _ in range(count):
                answer = await http.post(
                    f"/v1/conversations/{room}/messages", json={"text": "step"}, headers=key()
                )
                assert answer.status_code == 201

    people = list(rooms.items())
    for start in range(0, len(people), 10):
        await asyncio.gather(*(say(*one) for one in people[start : start + 10]))


async def test_two_thousand_sockets_of_a_killed_instance_recover_everything_at_the_other(
    folder: Path, stores: Addresses, counted: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {**environ_of(stores), **RAISED, "SUPABASE_DATABASE_URL": counted.url}
    killed, other = [Instance(folder, environ).start() for _ in range(2)]
    admin = await asyncpg.connect(counted.admin_url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(admin.close)
        stack.callback(other.kill)
        stack.callback(killed.kill)
        rooms: dict[str, str] = {}
        for number in range(PEOPLE):
            async with rest(killed, f"storm {number}") as http:
                rooms[f"storm {number}"] = (await begin(http))["conversation_id"]
        await said_by_all(killed, rooms, 1)
        await answered(admin, *rooms.values())
        devices = [Device(name, room) for name, room in rooms.items() for _ in range(SOCKETS_EACH)]
        async with AsyncExitStack() as before:
            await all_of(devices, killed, before, 2)
            killed.kill()
        await said_by_all(other, rooms, MISSED // 2)
        await answered(admin, *rooms.values())

        took_s = await all_of(devices, other, stack, 2 + MISSED)

        recovered = [one.recovered for one in devices]
        await asyncio.to_thread(other.stop)  # its connections end, and so all their calls are counted
        called = await calls(admin)
    with capsys.disabled():
        sys.stdout.write(
            f"\n  {len(devices)} sockets recovered {MISSED} entries each in {took_s:.1f} s, "
            f"{sum(one.turned_away for one in devices)} times turned away; {called}\n"
        )
    assert recovered == [[True]] * len(devices)
    assert {tuple(one.seqs) for one in devices} == {tuple(range(1, 3 + MISSED))}
    # of each conversation once at its making, and once on each instance
    assert called["conversation_seen_by"] <= 3 * PEOPLE
    assert called["log_tail"] <= 2 * PEOPLE
    assert called.get("log_after", 0) == 0
    # and of each socket once, for what its person has not taken note of
    turned_away = sum(one.turned_away for one in devices)
    assert called["notices_of"] <= 2 * len(devices) + turned_away
    assert called.get("notices_of_many", 0) <= PEOPLE


async def calls(admin: asyncpg.Connection) -> dict[str, int]:
    """How often the replay's functions were called since the database was made."""
    rows = await admin.fetch(
        "SELECT funcname, calls FROM pg_stat_user_functions WHERE funcname = any($1::text[])",
        ["conversation_seen_by", "log_tail", "log_after", "notices_of", "notices_of_many"],
    )
    return {row["funcname"]: row["calls"] for row in rows}
