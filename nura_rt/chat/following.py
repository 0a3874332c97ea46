"""The channels one connection follows: joined once access was checked and what was missed was sent, left on request."""

from nura_rt.chat import session as rules
from nura_rt.chat.session import Session
from nura_rt.chat.subscription import PersonalChannel, Subscription
from nura_rt.conversation.replay import Missed, Replay
from nura_rt.protocol import server
from nura_rt.protocol.errors import Close
from nura_rt.realtime import channels
from nura_rt.realtime.connection import Connection
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload, Tier


class Following:
    """One person's channels on one connection; `joined` and `heads` of the session are kept true."""

    def __init__(self, hub: Hub, replay: Replay, connection: Connection, session: Session) -> None:
        """Joins the person's own channel at once."""
        self._hub = hub
        self._replay = replay
        self._connection = connection
        self._session = session
        self._subscriptions: dict[str, Subscription] = {}
        self._own = channels.user(session.identity.user_id)
        self._personal = PersonalChannel(connection, on_removed=self._on_removed, on_read=self._on_read)
        hub.join(self._own, self._personal)

    def welcomed(self) -> None:
        """From now on the person's own channel is sent, beginning with what was said on it meanwhile."""
        self._personal.go_live()

    async def join(self, effect: rules.Join) -> None:
        """Answers `subscribed` and what was missed, or an error. Raises what the pool raises; then it is not joined."""
        channel = channels.conversation(effect.conversation_id)
        self._drop(channel)  # a repeated subscribe begins anew from its `since`
        listener = Subscription(self._connection, channel, self._session.heads, self._on_removed)
        person_id = self._session.identity.user_id
        try:
            missed = await self._replay.join(listener, person_id, effect.conversation_id, effect.since)
        except BaseException:
            self._session.joined.discard(channel)
            raise
        if missed is None:
            self._session.joined.discard(channel)
            self._connection.say(rules.not_found(effect.ref))
            return
        self._subscriptions[channel] = listener
        self._session.joined.add(channel)  # an earlier try that failed has taken it out
        if self._connection.gone:
            self._drop(channel)
            return
        self._connection.say(_subscribed(effect.ref, channel, missed))
        try:
            await self._send_missed(person_id, effect.conversation_id, missed)
        except BaseException:
            self._connection.close(
                Close.INTERNAL
            )  # it was told `subscribed`: it has to come back for the rest
            raise
        if self._subscriptions.get(channel) is listener:  # else it was deleted meanwhile
            listener.go_live(missed.head)

    async def _send_missed(self, person_id: str, conversation_id: str, missed: Missed) -> None:
        async for page in self._replay.pages(person_id, conversation_id, missed):
            for payload in page:
                await self._connection.drained()
                self._connection.send(payload)

    def leave(self, effect: rules.Leave) -> None:
        """Answers `unsubscribed`."""
        self._session.joined.discard(effect.channel)
        self._drop(effect.channel)
        self._connection.say(server.Unsubscribed(effect.ref))

    def tell_typing(self, effect: rules.ShowTyping) -> None:
        """To everybody else there; nothing while the channel is not joined yet."""
        channel = channels.conversation(effect.conversation_id)
        listener = self._subscriptions.get(channel)
        if listener is not None:
            frame = server.Typing(effect.conversation_id, self._session.identity.user_id, effect.on)
            self._hub.publish(channel, Payload.of(frame, Tier.EPHEMERAL), but=listener)

    def leave_all(self) -> None:
        """The connection is gone."""
        for channel in tuple(self._subscriptions):
            self._drop(channel)
        self._hub.leave(self._own, self._personal)

    def _on_removed(self, conversation_id: str) -> None:
        """The conversation is no more: its place among the subscriptions is free again."""
        channel = channels.conversation(conversation_id)
        self._session.joined.discard(channel)
        self._drop(channel)

    def _on_read(self, conversation_id: str, seq: int) -> None:
        room = self._hub.room(channels.conversation(conversation_id))
        if room is not None:
            room.read_seq = max(room.read_seq, seq)

    def _drop(self, channel: str) -> None:
        listener = self._subscriptions.pop(channel, None)
        if listener is not None:
            self._hub.leave(channel, listener)
        self._session.heads.pop(channel, None)


def _subscribed(ref: str, channel: str, missed: Missed) -> server.Subscribed:
    return server.Subscribed(
        ref, channel, missed.head, missed.recovered, tail=missed.tail, read_seq=missed.read_seq
    )
