"""How an instance hears and is heard: bus, hub and whatever reads what they missed, wired to one another."""

from collections.abc import Awaitable, Callable
from functools import partial

from nura_rt.conversation.catch_up import CatchUp
from nura_rt.conversation.earshot import Earshot
from nura_rt.conversation.notices import Notices
from nura_rt.conversation.replay import Replay
from nura_rt.realtime.bus import RedisBus
from nura_rt.realtime.hub import Hub
from nura_rt.stores import Stores
from nura_rt.telemetry import Counters

_BUS_WITHIN_S = 2.0


class FanOut:
    """Built at once: each of them is told of what another one notices."""

    bus: RedisBus
    hub: Hub
    heard: Callable[[str], Awaitable[bool]]
    earshot: Earshot
    replay: Replay
    notices: Notices
    catch_up: CatchUp

    def __init__(self, stores: Stores, *, instance: str, replay_at_most: int, counters: Counters) -> None:
        self.bus = RedisBus(
            stores.bus,
            instance=instance,
            on_frame=lambda channel, seq, payload, prev: self.hub.receive(channel, seq, payload, prev),
            on_resync=lambda: self.catch_up.note_doubt(),
            counters=counters,
        )
        self.hub = Hub(self.bus, on_gap=lambda channel: self.catch_up.note_gap(channel))
        self.heard = partial(self.bus.confirmed, timeout_s=_BUS_WITHIN_S)
        self.earshot = Earshot(stores.heads, self.bus, instance=instance, counters=counters)
        self.replay = Replay(
            people=stores.people,
            hub=self.hub,
            heard=self.heard,
            hears_others=lambda: self.earshot.is_whole_now and not self.catch_up.in_doubt,
            limit=replay_at_most,
            counters=counters,
        )
        self.notices = Notices(stores.people, door=stores.door, hub=self.hub, counters=counters)
        self.catch_up = CatchUp(
            people=stores.people,
            heads=stores.heads,
            hub=self.hub,
            hears_others=lambda: self.earshot.is_whole,
            on_doubt=self.notices.say_again_here,
            counters=counters,
        )
