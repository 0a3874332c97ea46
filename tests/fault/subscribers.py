"""Who listens: keeps the view of each conversation by the rules for clients, and notes what the server did wrong.

`last` is how far the view goes, `said` how far the server has spoken on this subscription.
"""

import asyncio
import time
from typing import Any

import httpx
import msgspec
from device import Device, Frame, World

_ENTRIES = {"message": "deliver", "message.removed": "removed", "history.trimmed": "trimmed"}
_PAGES_AT_MOST = 50
_PAGE_TRIES = 4


class _View(msgspec.Struct):
    conversation: str
    last: int = 0
    said: int | None = None  # none: not subscribed (any more)
    again_at: float | None = None  # when to subscribe again, by the monotonic clock
    behind: int = 0  # how often in a row the server named a head that did not come


class Subscriber(Device):
    """Follows all conversations of its person. `roams`: leaves every few seconds, comes back at the other one."""

    def __init__(
        self,
        world: World,
        name: str,
        person: str,
        home: int,
        *,
        roams: bool = False,
        resumes: bool = False,
        notes: bool = False,
    ) -> None:
        """`resumes`: joins by the hello; `notes`: takes note of support cards some time after they came."""
        super().__init__(world, name, person, home, faithful=not roams)
        self.views = {c: _View(c) for c, owner in world.owner.items() if owner == person}
        self._roams = roams
        self._resumes = resumes
        self._notes = notes
        self._cards: dict[str, float] = {}  # notice_id -> when to take note of it
        self._rest = httpx.AsyncClient(timeout=4, limits=httpx.Limits(max_keepalive_connections=0))

    def follows_up_to(self, heads: dict[str, int]) -> bool:
        """Whether every view has reached these heads."""
        return all(self.views[c].last >= heads.get(c, 0) for c in self.views)

    def resumed(self) -> list[Frame]:
        """Where each view ends."""
        if not self._resumes:
            return []
        for view in self.views.values():
            self._note_join(view)
        return [{"channel": f"conversation:{c}", "seq": view.last} for c, view in self.views.items()]

    async def on_open(self) -> None:
        """Joins everything, unless the hello has."""
        rng = self.world.rng
        if self._roams:
            self.leaves_at = time.monotonic() + rng.uniform(2, 8)
        self.away_s = rng.choice((0.05, 0.5, 3.0)) if self._roams else 0.0
        for view in self.views.values():
            if not (self._resumes and self.minor):
                await self._join(view)

    def on_closed(self) -> None:
        """Nothing is subscribed any more."""
        for view in self.views.values():
            view.said = view.again_at = None
            view.behind = 0

    async def on_tick(self) -> None:
        """What has to be tried again by now."""
        now = time.monotonic()
        for view in self.views.values():
            if view.again_at is not None and now >= view.again_at:
                await self._join(view)
        if self._notes:
            for notice_id in [name for name, due in self._cards.items() if now >= due]:
                self._cards[notice_id] = float("inf")
                await self._take_note(notice_id)

    async def on_frame(self, frame: Frame) -> None:
        """The rules for clients."""
        match frame["type"]:
            case "subscribed":
                await self._on_subscribed(frame)
            case "message" | "message.removed" | "history.trimmed":
                await self._on_entry(frame)
            case "gap":
                await self._on_gap(frame)
            case "support":
                await self._on_card(str(frame["notice_id"]))
            case "pong" | "heartbeat":
                self._compare(frame["heads"])
            case "error" if (view := self.views.get(_of(str(frame.get("ref", ""))))) is not None:
                if frame["temporary"]:
                    view.again_at = time.monotonic() + frame.get("retry_after_ms", 500) / 1000
                else:
                    self._note("refuse", view, what=frame["code"])
            case _:
                pass

    async def _on_subscribed(self, frame: Frame) -> None:
        view = self.views[_of(frame["channel"])]
        view.said = view.last if frame["recovered"] else frame["head"]
        view.again_at = None
        if not frame["recovered"]:
            self._note("unrecovered", view, seq=view.last, to=frame["head"])
            await self._page(view, frame["head"])

    async def _on_entry(self, frame: Frame) -> None:
        view = self.views.get(frame["conversation_id"])
        if view is None or view.said is None:
            return  # of a subscription that was given up
        seq = frame["seq"]
        if frame["type"] == "history.trimmed" and seq != view.said + 1:
            return  # it comes once more on user:{id}, in no order
        if seq <= view.said:
            self._note("repeat", view, seq=seq)
        elif seq > view.said + 1:
            self._note("skip", view, seq=seq, about=view.said)
            view.again_at, view.said = time.monotonic(), None
        else:
            view.said = seq
            self._take(view, frame)

    def _take(self, view: _View, frame: Frame, how: str = "") -> None:
        """One entry into the view, unless it has it: `seq` is the next one."""
        if frame["seq"] <= view.last:
            return
        view.last = frame["seq"]
        fields: dict[str, Any] = {"about": frame.get("removed_seq") or frame.get("before_seq") or 0}
        if frame["type"] == "message":
            fields = {"message_id": frame["message_id"], "client_id": frame.get("client_id", "")}
        self._note(_ENTRIES[frame["type"]], view, seq=frame["seq"], what=how, **fields)

    async def _on_gap(self, frame: Frame) -> None:
        view = self.views.get(_of(frame["channel"]))
        if view is None or view.said is None:
            return
        first, last = frame["from"], frame["to"]
        if last <= view.said:
            self._note("repeat", view, seq=first)
        elif first > view.said + 1:
            self._note("skip", view, seq=first, about=view.said)
            view.again_at, view.said = time.monotonic(), None
            return
        view.said = max(view.said, last)
        if frame["reason"] == "lost":
            self._note("gap", view, seq=first, to=last, what="lost")
            await self._page(view, last)
        elif last > view.last:
            self._note("gap", view, seq=max(first, view.last + 1), to=last, what=frame["reason"])
            view.last = last

    async def _page(self, view: _View, head: int) -> None:
        """Reads on over REST up to `head`; what the pages leave out will never come."""
        for _ in range(_PAGES_AT_MOST):
            if view.last >= head:
                return
            page = await self._one_page(view)
            if page is None:
                view.said = None  # begin anew; what is still on its way belongs to the past
                self.drop()
                return
            for message in page["messages"]:
                if message["seq"] > view.last + 1:
                    self._note("gap", view, seq=view.last + 1, to=message["seq"] - 1, what="page")
                self._take(view, {"type": "message", **message}, "page")
            if not page["more"] and view.last < head:
                self._note("gap", view, seq=view.last + 1, to=head, what="page")
                view.last = head

    async def _one_page(self, view: _View) -> Frame | None:
        for number in range(_PAGE_TRIES):
            at = self.at if number % 2 == 0 else self.world.other(self.at)
            url = f"{self.world.site.rest_url(at)}/v1/conversations/{view.conversation}/messages"
            try:
                answer = await self._rest.get(
                    url,
                    params={"after": view.last, "limit": 100},
                    headers={"Authorization": f"Bearer {self.world.token(self.person)}"},
                )
            except httpx.HTTPError:
                continue
            if answer.status_code == 200:
                return dict(answer.json())
            await asyncio.sleep(0.3)
        return None

    async def _on_card(self, notice_id: str) -> None:
        self.world.history.add("notice", client=self.name, person=self.person, notice_id=notice_id)
        if self._cards.get(notice_id) == float("inf"):
            await self._take_note(notice_id)  # it was not heard the first time
        else:
            self._cards.setdefault(notice_id, time.monotonic() + self.world.rng.uniform(11, 20))

    async def _take_note(self, notice_id: str) -> None:
        self.world.history.add("ack_notice", client=self.name, person=self.person, notice_id=notice_id)
        if not self.minor or not await self.say("notice.ack", notice_id=notice_id):
            self._cards[notice_id] = time.monotonic() + 1

    def _compare(self, heads: dict[str, int]) -> None:
        for channel, head in heads.items():
            view = self.views.get(_of(channel))
            if view is None or view.said is None or head <= view.said:
                continue
            view.behind += 1
            if view.behind > 1:
                self._note("behind", view, seq=head, about=view.said)
                view.again_at, view.said, view.behind = time.monotonic(), None, 0

    async def _join(self, view: _View) -> None:
        view.said = view.again_at = None
        self._note_join(view)
        channel = f"conversation:{view.conversation}"
        await self.say("subscribe", ref=channel[:64], channel=channel, since=view.last)

    def _note_join(self, view: _View) -> None:
        self._note("join", view, seq=view.last)

    def _note(self, kind: str, view: _View, **fields: Any) -> None:
        self.world.history.add(
            kind, client=self.name, person=self.person, conversation=view.conversation, **fields
        )


def _of(channel: str) -> str:
    return channel.removeprefix("conversation:")
