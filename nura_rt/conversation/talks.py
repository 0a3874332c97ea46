"""What each conversation said before, for the screening of its next turn; read once, then kept with what follows.

It counts only as long as this instance knows every seq of the conversation; else it is read again first. Turns of
one conversation are screened in their order, also when one waits for PostgreSQL. Asked before it is known whose
conversation it is: a stranger who names it hears nothing of its owner.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable

import asyncpg
import msgspec

from nura_rt.conversation.talk import UNREAD, Talk, Then, Waiting
from nura_rt.pipeline.crisis.state import TURNS, Heard
from nura_rt.pipeline.pii.known import KnownNames
from nura_rt.pipeline.placeholders import Placeholders, PlaceholdersError
from nura_rt.pipeline.turn import CrisisResult
from nura_rt.realtime import channels
from nura_rt.realtime.hub import Hub
from nura_rt.store import sealing, talks
from nura_rt.store.keyring import Keyring, NoSuchPerson, WrongKek
from nura_rt.store.pool import UNAVAILABLE, as_person
from nura_rt.store.sealing import SealBroken
from nura_rt.telemetry import Counters

_log = logging.getLogger(__name__)
_DAYS = 30  # what was said longer ago does not colour what is said now
_KEPT_AT_MOST = 10_000
_AT_ONCE = 8
_WITHIN_S = 1.0  # nobody waits longer for the past: the words are screened without it
_TROUBLE = (*UNAVAILABLE, asyncpg.PostgresError, TimeoutError, SealBroken, WrongKek, NoSuchPerson)

Key = tuple[str, str]  # person, conversation


class Talks:
    """`when_known` from anywhere in the loop; `serve_for_ever` does what has to wait."""

    def __init__(
        self,
        *,
        people: asyncpg.Pool,
        door: asyncpg.Pool,
        keyring: Keyring | None,
        hub: Hub,
        counters: Counters,
    ) -> None:
        """`people` and `door` act for the person. Without a keyring nothing can be sealed: no placeholders are kept."""
        self._people = people
        self._door = door
        self._keyring = keyring
        self._hub = hub
        self._counters = counters
        self._talks: OrderedDict[Key, Talk] = OrderedDict()
        self._wanted: dict[Key, None] = {}
        self._serving: set[Key] = set()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def when_known(self, person_id: str, conversation_id: str, client_id: str, then: Then) -> None:
        """Calls `then` with what was said before this turn: at once, or in order after a reading."""
        key = (person_id, conversation_id)
        talk = self._talk(key)
        turn = Waiting(client_id, then)
        if not talk.served and not talk.waiting and self._is_up_to_date(conversation_id, talk):
            talk.screen(turn)
        else:
            talk.waiting.append(turn)
        if talk.saving is not None or talk.waiting:
            self._want(key)

    def note(self, person_id: str, conversation_id: str, client_id: str, result: CrisisResult) -> None:
        """This turn was screened and is on its way to the writer."""
        self._talk((person_id, conversation_id)).in_flight[client_id] = Heard.of(result)

    def settle(self, person_id: str, conversation_id: str, client_id: str, seq: int | None) -> None:
        """The writer has answered: the turn has this seq; None: it is a repeat, or was refused."""
        talk = self._talks.get((person_id, conversation_id))
        if talk is None or (heard := talk.in_flight.pop(client_id, None)) is None or seq is None:
            return
        if seq == talk.upto + 1:
            talk.upto = seq
            talk.add(client_id, heard)

    def note_reply(self, person_id: str, conversation_id: str, seq: int, asked: Iterable[str]) -> None:
        """A reply was kept; `asked`: what it asked the person about directly."""
        talk = self._talks.get((person_id, conversation_id))
        if talk is not None and seq == talk.upto + 1:
            talk.upto = seq
            talk.asked = frozenset(asked)

    def forget(self, person_id: str, conversation_id: str) -> None:
        """Its title says something else now: the next turn reads anew."""
        talk = self._talks.get((person_id, conversation_id))
        if talk is not None:
            talk.upto = UNREAD

    @property
    def people(self) -> set[str]:
        """Whose turns wait."""
        return {person_id for person_id, _ in (*self._wanted, *self._serving)}

    async def settled(self, *, timeout_s: float) -> None:
        """Returns when nobody waits, or after the timeout."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            _log.warning("talks: turns still wait while stopping")

    async def serve_for_ever(self) -> None:
        """Reads and saves what is wanted, some conversations at once; a failure costs the past, never a turn."""
        free = asyncio.Semaphore(_AT_ONCE)
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    await self._wake.wait()
                    self._wake.clear()
                    for key in list(self._wanted):
                        del self._wanted[key]
                        self._serving.add(key)
                        group.create_task(self._serve(key, free))
        finally:
            for key in [*self._wanted, *self._serving]:
                self._let_go(self._talk(key))
            self._wanted.clear()
            self._serving.clear()
            self._idle.set()

    def _want(self, key: Key) -> None:
        talk = self._talk(key)
        if not talk.served:
            talk.served = True
            self._wanted[key] = None
            self._idle.clear()
            self._wake.set()

    async def _serve(self, key: Key, free: asyncio.Semaphore) -> None:
        talk = self._talk(key)
        try:
            async with free:
                while talk.saving is not None or talk.waiting:
                    if talk.saving is not None:
                        await self._save(key, talk)
                    else:
                        await self._next(key, talk)
        except Exception:  # a defect here may cost the past, never a turn
            self._counters.add("talks_failed")
            _log.exception("talks: not read or not saved")
            self._let_go(talk)
        talk.served = False
        self._serving.discard(key)
        if not self._wanted and not self._serving:
            self._idle.set()

    async def _next(self, key: Key, talk: Talk) -> None:
        """Those that wait are screened, after a reading where one is needed, up to one that has to be saved."""
        if not self._is_up_to_date(key[1], talk):
            await self._read(key, talk)
        while talk.waiting and talk.saving is None:
            talk.screen(talk.waiting.pop(0))

    async def _read(self, key: Key, talk: Talk) -> bool:
        """False when nothing could be read, or the conversation is not this person's."""
        try:
            async with asyncio.timeout(_WITHIN_S):
                found = await talks.before(self._people, *key, limit=2 * TURNS, days=_DAYS)
        except _TROUBLE:
            self._counters.add("talks_unread")
            return False
        if found is None:
            return False
        talk.learn(found.head, found.said)
        talk.names = KnownNames.of(found.names)
        talk.version = found.version
        talk.placeholders = await self._opened(key, found.sealed)
        return True

    async def _opened(self, key: Key, sealed: str | None) -> Placeholders | None:
        """None where none can be kept: what is personal is replaced all the same, only without a number."""
        if self._keyring is None or sealed is None:
            return None if self._keyring is None else Placeholders()
        try:
            async with asyncio.timeout(_WITHIN_S):
                opened = sealing.open_sealed(await self._keyring.key_of(key[0]), sealed, **_place(key))
            return Placeholders.from_builtins(msgspec.json.decode(opened))
        except (*_TROUBLE, PlaceholdersError, msgspec.DecodeError):
            self._counters.add("placeholders_unread")
            return None

    async def _save(self, key: Key, talk: Talk) -> None:
        """Where another instance was first, the turn is screened anew, over what that one saved."""
        assert talk.saving is not None
        saving, turn = talk.saving
        saved = await self._saved(key, talk.version + 1, saving.grown)
        talk.saving = None
        if saved is False and await self._read(key, talk):
            talk.screen(turn)
            return
        if saved:
            talk.placeholders, talk.version = saving.grown, talk.version + 1
        saving.done(bool(saved))

    async def _saved(self, key: Key, version: int, grown: Placeholders) -> bool | None:
        """False: another instance has kept this version. None: it cannot be kept (no conversation, no database)."""
        person_id, conversation_id = key
        assert self._keyring is not None
        text = msgspec.json.encode(grown.to_builtins()).decode()
        try:
            async with asyncio.timeout(_WITHIN_S):
                sealed = sealing.seal(await self._keyring.key_of(person_id), text, **_place(key))
                async with as_person(self._door, person_id) as conn:
                    return await talks.keep_placeholders(
                        conn,
                        person_id=person_id,
                        conversation_id=conversation_id,
                        sealed=sealed,
                        version=version,
                    )
        except _TROUBLE:
            self._counters.add("placeholders_unsaved")
            return None

    def _let_go(self, talk: Talk) -> None:
        """Nobody waits any more: the words are screened with what is known."""
        while talk.saving is not None or talk.waiting:
            if talk.saving is not None:
                (saving, _), talk.saving = talk.saving, None
                saving.done(False)
            else:
                talk.screen(talk.waiting.pop(0))

    def _is_up_to_date(self, conversation_id: str, talk: Talk) -> bool:
        room = self._hub.room(channels.conversation(conversation_id))
        return talk.upto != UNREAD and room is not None and room.head is not None and room.known <= talk.upto

    def _talk(self, key: Key) -> Talk:
        talk = self._talks.get(key)
        if talk is None:
            talk = self._talks[key] = Talk()
            while len(self._talks) > _KEPT_AT_MOST and not next(iter(self._talks.values())).served:
                self._talks.popitem(last=False)
        else:
            self._talks.move_to_end(key)
        return talk


def _place(key: Key) -> dict[str, str]:
    return {"table": "nura.placeholders", "row_id": key[1], "person_id": key[0], "field": "sealed"}
