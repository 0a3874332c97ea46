"""Opens a conversation once per client_id. Its title is a person's words, so it is screened like them."""

import asyncpg

from nura_rt.conversation import frames
from nura_rt.conversation.intake import indicators
from nura_rt.conversation.recent import RecentLevels
from nura_rt.conversation.support import SupportCards
from nura_rt.pipeline.pipeline import Pipeline
from nura_rt.pipeline.turn import rank
from nura_rt.protocol.server import ConversationChanged
from nura_rt.realtime import channels
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload
from nura_rt.store import conversations, crisis_events
from nura_rt.store.conversations import Created
from nura_rt.store.pool import as_person


class Creation:
    """Writes as the door, in the person's name."""

    def __init__(
        self,
        *,
        pipeline: Pipeline,
        door: asyncpg.Pool,
        people: asyncpg.Pool,
        hub: Hub,
        cards: SupportCards,
        recent: RecentLevels,
    ) -> None:
        self._pipeline = pipeline
        self._door = door
        self._people = people
        self._hub = hub
        self._cards = cards
        self._recent = recent

    async def create(self, person_id: str, *, client_id: str, title: str | None) -> Created:
        """The conversation of this client_id, new or as it was made before; other devices hear of a new one."""
        title = (title or "").replace("\x00", "").strip() or None
        crisis = self._pipeline.screen(title or "").crisis
        async with as_person(self._door, person_id) as conn:
            created = await conversations.create(
                conn, person_id=person_id, client_id=client_id, title=title, crisis_level=crisis.level
            )
            if not created.duplicate and rank(crisis.level) >= rank("moderate"):
                await crisis_events.insert_for_title(
                    conn,
                    person_id=person_id,
                    conversation_id=created.id,
                    level=crisis.level,
                    indicators=indicators(crisis),
                )
        if not created.duplicate:
            self._recent.note(created.id, crisis.level)
            self._cards.show(
                person_id=person_id, conversation_id=created.id, cause_id=created.id, level=crisis.level
            )
            await self._tell(person_id, created.id)
        return created

    async def _tell(self, person_id: str, conversation_id: str) -> None:
        row = await conversations.seen_by(self._people, person_id, conversation_id)
        if row is not None:
            frame = ConversationChanged(frames.conversation(row))
            self._hub.publish(channels.user(person_id), Payload.of(frame))
