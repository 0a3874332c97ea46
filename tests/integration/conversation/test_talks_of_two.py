"""Two instances over one PostgreSQL know the same of a conversation, whoever took its last turn."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import msgspec
import pytest

from databases import Database
from nura_rt.conversation.talk import Saving
from nura_rt.conversation.talks import Talks
from nura_rt.conversation.writer import Writer
from nura_rt.pipeline.pipeline import Before, Pipeline
from nura_rt.pipeline.turn import CrisisResult, Indicator, Level
from nura_rt.realtime.hub import Hub
from nura_rt.store import pool
from nura_rt.store.kek import Kek
from nura_rt.store.keyring import Keyring
from nura_rt.telemetry import Counters
from relayed import Relayed
from rows import make_conversation, make_person, turn

PIPELINE = Pipeline.load()


class One:
    """An instance's talks, and what it makes of a text."""

    def __init__(self, talks: Talks, person: str, conversation: str) -> None:
        self.talks = talks
        self._where = (person, conversation)
        self._ids = itertools.count()

    async def before(self) -> Before:
        """What is known before the next turn."""
        known: asyncio.Future[Before] = asyncio.get_running_loop().create_future()
        self.talks.when_known(*self._where, "asked", known.set_result)
        return await known

    async def processed(self, text: str) -> str:
        """The text as others would see it, its new placeholders kept."""
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def then(before: Before) -> Saving | None:
            screened = PIPELINE.screen(text, before)
            if screened.placeholders is None:
                done.set_result(screened.processed)
                return None
            return Saving(
                screened.placeholders,
                lambda saved: done.set_result(screened.processed if saved else "not kept"),
            )

        self.talks.when_known(*self._where, f"k{next(self._ids)}", then)
        return await done


@pytest.fixture
async def sign_in(database: Database) -> AsyncIterator[asyncpg.Pool]:
    opened = await pool.open_pool(database.url, "nura_auth", smallest=1, largest=2)
    yield opened
    opened.terminate()


@pytest.fixture
async def instance(
    people: asyncpg.Pool, door: asyncpg.Pool, sign_in: asyncpg.Pool, relayed: Relayed
) -> AsyncIterator[Callable[[str, str], One]]:
    """Starts one; each has a keyring and a memory of its own."""
    serving: list[asyncio.Task[None]] = []

    def start(person: str, conversation: str) -> One:
        hub: Hub = relayed.hub
        keyring = Keyring(sign_in, Kek.of(b"k" * 32))
        talks = Talks(people=people, door=door, keyring=keyring, hub=hub, counters=Counters())
        serving.append(asyncio.create_task(talks.serve_for_ever()))
        return One(talks, person, conversation)

    yield start
    for task in serving:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def found(level: Level, name: str = "passive_ideation") -> dict[str, Any]:
    result = CrisisResult(level, (Indicator(name, level, "r", "self", "asserted", "now"),), "v")
    built: dict[str, Any] = msgspec.to_builtins(result)
    return built


async def test_what_was_found_at_one_instance_is_known_at_the_other(
    root: asyncpg.Connection, writer: Writer, instance: Callable[[str, str], One]
) -> None:
    person = await make_person(root)
    conversation = await make_conversation(root, person)
    for level in ("low", "high"):
        await writer.keep(turn(person, conversation, level=level, indicators=found(level)))

    known = await instance(person, conversation).before()

    assert [heard.level for heard in known.state.turns] == ["low", "high"]
    assert known.state.names == {"passive_ideation"}


async def test_a_question_of_a_reply_is_known_and_what_its_title_said(
    root: asyncpg.Connection, writer: Writer, instance: Callable[[str, str], One]
) -> None:
    person = await make_person(root)
    conversation = await make_conversation(root, person)
    await root.execute(
        """
        INSERT INTO nura.crisis_events (user_id, conversation_id, source, level, indicators)
        VALUES ($1, $2, 'title', 'high', $3)
        """,
        person, conversation, msgspec.json.encode(found("high")).decode(),
    )  # fmt: skip
    await writer.keep(turn(person, conversation, indicators=found("none")))
    await writer.keep(turn(person, conversation, role="assistant", indicators={"asked": ["plan"]}))

    known = await instance(person, conversation).before()

    assert [heard.level for heard in known.state.turns] == ["high", "none"]
    assert known.state.asked == {"plan"}


async def test_a_name_keeps_its_placeholder_whichever_instance_hears_it(
    root: asyncpg.Connection, instance: Callable[[str, str], One]
) -> None:
    person = await make_person(root)
    conversation = await make_conversation(root, person)
    left, right = instance(person, conversation), instance(person, conversation)

    told = [
        await left.processed("my sister Ana called"),
        await right.processed("my friend Ben knows my sister Ana"),
        await left.processed("my friend Ben laughed"),
    ]

    assert told == [
        "my sister <PERSON_1> called",
        "my friend <PERSON_2> knows my sister <PERSON_1>",
        "my friend <PERSON_2> laughed",
    ]
    stored = await root.fetchval(
        "SELECT sealed FROM nura.placeholders WHERE conversation_id = $1", conversation
    )
    assert stored.startswith("enc1:")
    assert "Ana" not in stored


async def test_names_that_are_new_at_two_instances_in_the_same_moment_get_two_numbers(
    root: asyncpg.Connection, instance: Callable[[str, str], One]
) -> None:
    person = await make_person(root)
    conversation = await make_conversation(root, person)
    names = ["Ana", "Ben", "Cora", "Dan", "Eva", "Finn"]
    both = instance(person, conversation), instance(person, conversation)

    told = await asyncio.gather(
        *(both[place % 2].processed(f"my friend {name} came") for place, name in enumerate(names))
    )

    placeholders = (await instance(person, conversation).before()).placeholders
    assert placeholders is not None
    assert len(set(told)) == len(names)
    assert [placeholders.restore(text) for text in told] == [f"my friend {name} came" for name in names]


async def test_a_stranger_is_told_nothing_and_keeps_nothing(
    root: asyncpg.Connection, writer: Writer, instance: Callable[[str, str], One]
) -> None:
    person, stranger = await make_person(root), await make_person(root)
    conversation = await make_conversation(root, person)
    await writer.keep(turn(person, conversation, indicators=found("critical"), level="critical"))
    owner = instance(person, conversation)
    await owner.processed("my sister Ana called")

    thief = instance(stranger, conversation)
    known = await thief.before()

    assert known == Before()
    assert await thief.processed("my sister Zoe called") == "my sister <PERSON> called"
    assert await owner.processed("my sister Ana again") == "my sister <PERSON_1> again"


async def test_own_names_and_those_of_who_helps_are_known(
    root: asyncpg.Connection, instance: Callable[[str, str], One]
) -> None:
    person = await make_person(root)
    conversation = await make_conversation(root, person)
    await root.execute("UPDATE users SET full_name = 'Zelda Quist' WHERE id = $1", person)
    await root.execute(
        """
        INSERT INTO safety_contacts (user_id, external_first_name, external_last_name, priority_order,
                                     allowed_communication_methods, preferred_communication_method)
        VALUES ($1, 'Tarik', 'Boumans', 1, '[]', 'call')
        """,
        person,
    )

    told = await instance(person, conversation).processed("tarik asked zelda how she is")

    assert told == "<PERSON_1> asked <PERSON_2> how she is"


async def test_another_conversation_has_placeholders_of_its_own(
    root: asyncpg.Connection, instance: Callable[[str, str], One]
) -> None:
    person = await make_person(root)
    first, second = [await make_conversation(root, person) for _ in range(2)]
    await instance(person, first).processed("my sister Ana called")

    assert await instance(person, second).processed("my friend Ben called") == "my friend <PERSON_1> called"
