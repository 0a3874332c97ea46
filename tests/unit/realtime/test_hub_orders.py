"""Any order of publishes, lost and repeated hints, joins, reads and fills: each listener hears a gapless sequence."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload

CHANNEL = "conversation:c"
FILL_AT_ONCE = 3


class Ear:
    """A listener; `read` is the head PostgreSQL told when it joined, which its replay has covered."""

    def __init__(self) -> None:
        self.read: int | None = None
        self.heard: list[int] = []

    def hear(self, seq: int | None, payload: Payload) -> None:
        assert seq is not None
        assert payload.data == b"%d" % seq
        self.heard.append(seq)


class NoRelay:
    """One instance alone: what others say comes as `receive`."""

    def want(self, channel: str) -> None:
        """Nobody to ask."""

    def drop(self, channel: str) -> None:
        """Nobody to ask."""

    def publish(self, channel: str, seq: int | None, payload: Payload, prev: int | None = None) -> None:
        """Nobody to tell."""


class Orders(RuleBasedStateMachine):
    """`stored` is what PostgreSQL holds: messages 1..stored."""

    joining = Bundle("joining")
    live = Bundle("live")

    @initialize(stored=st.integers(0, 5), somebody_stays=st.booleans())
    def begin(self, stored: int, somebody_stays: bool) -> None:
        self.stored = stored
        self.gaps: set[str] = set()
        self.hub = Hub(NoRelay(), self.gaps.add)
        self.ears: list[Ear] = []
        if somebody_stays:
            self.ears.append(Ear())
            self.hub.join(CHANNEL, self.ears[0])
            self.settle(self.ears[0])

    def settle(self, ear: Ear) -> None:
        ear.read = self.stored
        self.hub.settle(CHANNEL, ear.read, owner="ann")

    @rule(number=st.integers(1, 4))
    def commit(self, number: int) -> None:
        self.stored += number

    @rule(back=st.integers(0, 4), hint_only=st.booleans())
    def tell(self, back: int, hint_only: bool) -> None:
        """Late, early, twice or never: any committed message may be told at any time."""
        seq = self.stored - back
        if seq >= 1:
            self.hub.receive(CHANNEL, seq, None if hint_only else Payload(b"%d" % seq))

    @rule(target=joining)
    def join(self) -> Ear:
        ear = Ear()
        self.hub.join(CHANNEL, ear)
        self.ears.append(ear)
        return ear

    @rule(target=live, ear=consumes(joining))
    def read(self, ear: Ear) -> Ear:
        """After the join the head is read; the replay up to it reaches the client by another way."""
        self.settle(ear)
        return ear

    @rule(ear=consumes(live))
    def leave(self, ear: Ear) -> None:
        self.hub.leave(CHANNEL, ear)
        self.ears.remove(ear)

    @rule(ear=consumes(joining))
    def fail_to_join(self, ear: Ear) -> None:
        self.hub.leave(CHANNEL, ear)
        self.ears.remove(ear)

    @rule()
    def fill(self) -> None:
        """One round of closing gaps, as `conversation.catch_up` does it."""
        room = self.hub.room(CHANNEL)
        wanted = CHANNEL in self.gaps
        self.gaps.discard(CHANNEL)
        if not wanted or room is None or room.head is None or not room.has_gap:
            return
        for seq in range(room.head + 1, min(room.head + FILL_AT_ONCE, self.stored) + 1):
            self.hub.receive(CHANNEL, seq, Payload(b"%d" % seq))

    @invariant()
    def every_listener_hears_without_gap_or_repeat(self) -> None:
        for ear in getattr(self, "ears", ()):
            assert (
                ear.heard == list(range(ear.heard[0], ear.heard[0] + len(ear.heard))) if ear.heard else True
            )
            if ear.heard and ear.read is not None:
                assert ear.heard[0] <= ear.read + 1, "between the replay and the first live message is a gap"

    @invariant()
    def a_gap_is_always_asked_for(self) -> None:
        room = self.hub.room(CHANNEL) if hasattr(self, "hub") else None
        assert room is None or not room.has_gap or CHANNEL in self.gaps

    def teardown(self) -> None:
        """When the doubts are checked and the gaps filled, everybody has everything."""
        if not hasattr(self, "hub"):
            return
        room = self.hub.room(CHANNEL)
        if room is not None and room.head is not None:
            self.hub.settle(CHANNEL, self.stored)
        while CHANNEL in self.gaps:
            self.fill()
        for ear in self.ears:
            last = ear.heard[-1] if ear.heard else ear.read
            assert ear.read is None or max(last or 0, ear.read) == self.stored


TestOrders = Orders.TestCase
TestOrders.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
