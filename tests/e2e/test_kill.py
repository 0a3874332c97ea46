"""kill -9 at the worst moment: what was acknowledged is there, what was not may be sent again, once means once."""

import asyncio
import os
import re
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from ledger import answered, lines
from websockets.exceptions import ConnectionClosed

from peers import Frame, Peer, peer
from servers import RAISED, Instance, StartInstance, eventually, free_port, run, token

pytestmark = pytest.mark.slow

CONVERSATIONS = 20
EACH = 5


async def say_to_all(speaker: Peer, conversations: list[str], number: int) -> None:
    for conversation in conversations:
        client_id = f"{conversation}-{number}"[-40:]
        await speaker.say(
            "message.send",
            ref=client_id,
            conversation_id=conversation,
            client_id=client_id,
            text="hold this",
        )


async def burst(speaker: Peer, conversations: list[str], instance: Instance) -> dict[str, Frame]:
    """Sends to all at once and kills the instance amid the answers; the `accepted` that arrived, by client_id."""
    for number in range(EACH - 1):
        await say_to_all(speaker, conversations, number)
    await speaker.collect(lambda heard: any(frame["type"] == "accepted" for frame in heard))
    os.kill(pid_of(instance), signal.SIGSTOP)  # however slow we are, it does not get to answer the last ones
    await say_to_all(speaker, conversations, EACH - 1)
    instance.kill()
    with pytest.raises(ConnectionClosed):
        await speaker.collect(lambda _: False)
    return {frame["ref"]: frame for frame in speaker.heard if frame["type"] == "accepted"}


async def test_a_burst_cut_by_kill_9_keeps_every_acknowledged_message_and_answers_each_once(
    start_instance: StartInstance, admin: asyncpg.Connection
) -> None:
    instance = start_instance(**RAISED, COMPANION_PACE_S="0.05")
    async with peer(instance, "survivor") as speaker:
        conversations = [await speaker.open_conversation() for _ in range(CONVERSATIONS)]
        accepted = await burst(speaker, conversations, instance)
    kept = {line.client_id: line for line in await lines(admin, *conversations)}

    instance.start()
    async with peer(instance, "survivor") as speaker:
        again = {
            f"{conversation}-{number}"[-40:]: await speaker.send(
                conversation, "hold this", client_id=f"{conversation}-{number}"[-40:]
            )
            for number in range(EACH)
            for conversation in conversations
        }
    rows = await answered(admin, *conversations, within_s=120)

    said = [row for row in rows if row.role == "user"]
    assert 0 < len(accepted) < len(again)
    assert {name: kept[name].message_id for name in accepted} == {
        name: frame["message_id"] for name, frame in accepted.items()
    }
    assert all(again[name]["duplicate"] for name in kept)
    assert Counter(row.client_id for row in said) == dict.fromkeys(again, 1)
    assert Counter(row.answers for row in rows if row.answers) == dict.fromkeys(
        (row.message_id for row in said), 1
    )
    for conversation in conversations:
        assert [row.seq for row in await lines(admin, conversation)] == list(range(1, 2 * EACH + 1))


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Instance]:
    """An instance that was given nothing: it runs its own PostgreSQL and Valkey."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    instance = Instance(data, {})
    yield instance
    if instance.process is not None and instance.process.poll() is None:
        instance.kill()


def descendants(pid: int) -> set[int]:
    """The pids of the process's children, their children and so on."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(") ")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    found: set[int] = set()
    while more := {child for child, parent in parents.items() if parent in {pid, *found}} - found:
        found |= more
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def pid_of(instance: Instance) -> int:
    assert instance.process is not None
    return instance.process.pid


async def test_an_embedded_instance_survives_kill_9_with_all_it_acknowledged(embedded: Instance) -> None:
    await asyncio.to_thread(embedded.start)
    async with peer(embedded, "demo") as speaker:
        conversation = await speaker.open_conversation()
        accepted = [await speaker.send(conversation, f"keep {number}") for number in range(15)]
        servers = descendants(pid_of(embedded))
        embedded.kill()

    await eventually(lambda: not any(map(is_alive, servers)))
    await asyncio.to_thread(embedded.start)
    kept = history(embedded, conversation)
    took_s = await asyncio.to_thread(embedded.stop, within_s=10)

    assert len(servers) >= 2
    assert {frame["message_id"]: frame["seq"] for frame in accepted}.items() <= {
        frame["message_id"]: frame["seq"] for frame in kept
    }.items()
    assert sorted(frame["seq"] for frame in kept) == list(range(1, len(kept) + 1))
    assert took_s < 10


def history(instance: Instance, conversation: str) -> list[Frame]:
    """What the page would show after a reload."""
    response = httpx.get(
        f"{instance.url}/v1/conversations/{conversation}/messages?limit=200",
        headers={"Authorization": f"Bearer {token('demo')}"},
        timeout=30,
    )
    return list(response.raise_for_status().json()["messages"])


@pytest.mark.parametrize("same_port", [True, False], ids=["as it was started", "on another port"])
async def test_a_second_server_on_the_same_data_is_refused_and_the_first_goes_on(
    embedded: Instance, same_port: bool
) -> None:
    await asyncio.to_thread(embedded.start)
    port = str(embedded.port if same_port else free_port())
    async with peer(embedded, "demo") as speaker:
        second = await asyncio.to_thread(run, "serve", "--port", port, folder=embedded.folder)

        conversation = await speaker.open_conversation()

        accepted = await speaker.send(conversation, "still here")
    assert second.returncode == 2
    assert re.search(rf"already running on this data \(pid {pid_of(embedded)}\)", second.stderr)
    assert len(second.stderr.splitlines()) == 1
    assert accepted["seq"] == 1
