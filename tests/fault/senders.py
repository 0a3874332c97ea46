"""Who speaks: every message has one client_id and is sent with it, here or there, until its fate is known."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
from device import Device, Frame, World

_ANSWER_WITHIN_S = 3.0
_LONGEST_PAUSE_S = 2.0
_PAUSE_S = 0.6  # between two messages, on the average: replies keep up on two busy cores
_TEXT_CHARS = 8_000
_CRISIS = "I am going to kill myself tonight"
Fields = dict[str, Any]


class Sender(Device):
    """Speaks into one conversation until told to stop: one by one, several at once, sometimes nonsense."""

    def __init__(
        self, world: World, name: str, person: str, conversation: str, home: int, *, old: bool = False
    ) -> None:
        super().__init__(world, name, person, home, faithful=False, old=old)
        self.conversation = conversation
        self.acked: list[tuple[str, int, str]] = []  # client_id, seq, message_id
        self.removed: set[int] = set()
        self.strangers = ""  # somebody else's conversation, to be refused
        self.crisis_share = 0.01
        self._count = 0
        self._waiting: dict[str, asyncio.Future[Frame]] = {}
        self._rest = httpx.AsyncClient(timeout=4, limits=httpx.Limits(max_keepalive_connections=0))

    async def work(self, enough: Callable[[], bool]) -> None:
        """Sends until `enough`, then waits for what has no answer yet."""
        rng = self.world.rng
        while not enough():
            dice = rng.random()
            if dice < 0.05:
                await self._send_nonsense()
            elif dice < 0.08 and self.acked:
                client_id, _, _ = rng.choice(self.acked)
                await self.settle(client_id, "a repeat, much later")
            elif dice < 0.18:
                burst = [self._fresh() for _ in range(rng.randint(2, 8))]
                await asyncio.gather(*(self.settle(*one) for one in burst))
            else:
                await self.settle(*self._fresh())
            await asyncio.sleep(rng.uniform(0, 2 * _PAUSE_S))

    async def settle(self, client_id: str, text: str, *, to: str = "", bad: bool = False) -> None:
        """Returns when this message is acknowledged, or refused for good."""
        fields: Fields = {"conversation": to or self.conversation, "client_id": client_id}
        while True:
            await self.is_open.wait()
            socket = self.socket
            self._note("invoke", **fields, bad=bad, crisis=text == _CRISIS, what=str(self.at))
            if self.world.rng.random() < 0.05:
                answer = await self._by_rest(client_id, text, fields["conversation"])
            else:
                answer = await self._by_socket(client_id, text, fields["conversation"])
            if answer is None:
                self._note("unknown", **fields)
                if socket is self.socket:  # nobody else has left it meanwhile
                    self.drop()
                await asyncio.sleep(0.05)
            elif answer["type"] == "accepted":
                return
            elif not answer["temporary"]:
                self._note("refuse", **fields, what=answer["code"])
                return
            else:
                self._note("retry", **fields, what=answer["code"])
                pause_s = answer.get("retry_after_ms", 200) / 1000
                await asyncio.sleep(min(pause_s, _LONGEST_PAUSE_S))

    async def on_open(self) -> None:
        """Comes back at the other instance after a while, so that both have work at all times."""
        self.leaves_at = time.monotonic() + self.world.rng.uniform(4, 12)

    async def on_frame(self, frame: Frame) -> None:
        """Answers; cards are heard by this device too."""
        if frame["type"] == "support":
            self.world.history.add(
                "notice", client=self.name, person=self.person, notice_id=frame["notice_id"]
            )
        if frame["type"] == "accepted":
            self._on_accepted(frame, frame["ref"])
        if frame["type"] in ("accepted", "error"):
            waiting = self._waiting.pop(frame.get("ref", ""), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(frame)

    def on_closed(self) -> None:
        """What was sent and not answered is unknown."""
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            future.cancel()

    def _on_accepted(self, frame: Frame, client_id: str) -> None:
        where = {"conversation": frame["conversation_id"], "client_id": client_id, "seq": frame["seq"]}
        self._note("ack", **where, message_id=frame["message_id"], again=frame["duplicate"])
        if not frame["duplicate"]:
            self.acked.append((client_id, frame["seq"], frame["message_id"]))

    async def _by_socket(self, client_id: str, text: str, conversation: str) -> Frame | None:
        """The answer; None when none came."""
        waiting: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._waiting[client_id] = waiting
        message = {"conversation_id": conversation, "client_id": client_id, "text": text}
        if not await self.say("message.send", ref=client_id, **message):
            return None
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                return await waiting
        except TimeoutError:
            return None
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            return None  # the socket ended

    async def _by_rest(self, client_id: str, text: str, conversation: str) -> Frame | None:
        """The same through the other door, in the words of the socket."""
        headers = {
            "Authorization": f"Bearer {self.world.token(self.person)}",
            "Idempotency-Key": client_id,
        }
        url = f"{self.world.site.rest_url(self.at)}/v1/conversations/{conversation}/messages"
        try:
            answer = await self._rest.post(url, json={"text": text}, headers=headers)
        except httpx.HTTPError:
            return None
        if answer.status_code in (200, 201):
            frame: Frame = {"type": "accepted", **answer.json()}
            self._on_accepted(frame, client_id)
            return frame
        code = str(answer.status_code)
        return {"type": "error", "code": code, "temporary": answer.status_code in (429, 503)}

    async def _send_nonsense(self) -> None:
        """What is refused for good, each for another reason."""
        client_id, _ = self._fresh()
        kind = self.world.rng.randrange(3)
        if kind == 2 and self.strangers:
            await self.settle(client_id, "let me in", to=self.strangers, bad=True)
        else:
            await self.settle(client_id, " " if kind else "x" * (_TEXT_CHARS + 1), bad=True)

    def _fresh(self) -> tuple[str, str]:
        self._count += 1
        crisis = self.world.rng.random() < self.crisis_share
        return f"{self.name}-{self._count}", _CRISIS if crisis else f"thought {self._count} of {self.name}"

    def _note(self, kind: str, **fields: Any) -> None:
        self.world.history.add(kind, client=self.name, person=self.person, **fields)


class Remover:
    """Takes back messages of one person now and then, over REST, asking again until it is known to be done."""

    def __init__(self, world: World, person: str, senders: list[Sender], *, pause_s: float = 2.0) -> None:
        self.world = world
        self._person = person
        self._senders = senders
        self._pause_s = pause_s
        self._rest = httpx.AsyncClient(timeout=4, limits=httpx.Limits(max_keepalive_connections=0))

    async def work(self, enough: Callable[[], bool]) -> None:
        """Removes until `enough`."""
        rng = self.world.rng
        while not enough():
            await asyncio.sleep(rng.uniform(0, 2 * self._pause_s))
            sender = rng.choice(self._senders)
            left = [one for one in sender.acked if one[1] not in sender.removed]
            if left:
                fresh = rng.random() < 0.5  # what is still on its way to others, or remembered for them
                client_id, seq, message_id = rng.choice(left[-3:] if fresh else left)
                sender.removed.add(seq)
                await self._remove(sender.conversation, client_id, seq, message_id)

    async def _remove(self, conversation: str, client_id: str, seq: int, message_id: str) -> None:
        what: Fields = {"conversation": conversation, "client_id": client_id, "seq": seq}
        path = f"/v1/conversations/{conversation}/messages/{message_id}"
        headers = {"Authorization": f"Bearer {self.world.token(self._person)}"}
        at = self.world.rng.randrange(len(self.world.site.nodes))
        doubt = False
        while True:
            self._note("remove_invoke", message_id=message_id, **what)
            try:
                url = f"{self.world.site.rest_url(at)}{path}"
                status = (await self._rest.delete(url, headers=headers)).status_code
            except httpx.HTTPError:
                status = 0
            if status in (200, 204) or (status == 404 and doubt):
                self._note("remove_ack", message_id=message_id, **what)
                return
            if status not in (0, 429, 500, 503):
                self._note("refuse", **what, what=f"removal: {status}")
                return
            doubt = True
            at = self.world.other(at)
            await asyncio.sleep(0.3)

    def _note(self, kind: str, **fields: Any) -> None:
        self.world.history.add(kind, client=f"{self._person}-remover", person=self._person, **fields)
