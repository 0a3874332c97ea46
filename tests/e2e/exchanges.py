"""Plays the exchanges of docs/protocol.md against a real instance, as somebody new who follows them word by word.

All blocks fenced as `frames` are one story of one new person; one with settings beside the word is a story of its own,
on an instance of its own. Lines, each said by a device if one is named: `-> {...}` is sent; `<- {...}` is the next
frame; `<- closed 4501 bad_token`; `.. anything` cuts the line; `=> METHOD /path` asks REST, `<= 200 {...}` answers;
`!! anything` stops the server; `# anything` is for the reader. Indented lines go on.
Ids and moments stand for whatever they are there, the same everywhere; `…` stands for any text, or whatever else.
"""

import asyncio
import json
import re
import signal
import uuid
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from peers import ended
from servers import Instance, token

WITHIN_S = 20.0
MINOR = [Subprotocol("nura.v1.1"), Subprotocol("nura.v1")]
# may come between others at any time; where the page shows one, it must come
ASIDE = {
    "conversation.changed",
    "presence",
    "heartbeat",
    "reply.started",
    "reply.delta",
    "reply.ended",
    "read",
}
_ANY_NUMBER = {"retry_after_ms", "reconnect_after_ms"}

_FENCE = re.compile(r"^```frames *([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"(?:(\w+) )?(->|<-|=>|<=|\.\.|!!|#)(?: (.*))?")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b(?:[0-9a-f]{32}|[0-9a-f]{16}|[0-9a-f]{8})\b")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")


class Line(msgspec.Struct, frozen=True):
    """One step. `number` is its place in the page."""

    number: int
    device: str
    sign: str
    said: str

    @property
    def frame(self) -> Any:
        """What is sent or heard, where it is JSON."""
        return json.loads(self.said)


class Story(msgspec.Struct, frozen=True):
    """What happens one after the other, on an instance with these settings, or on any."""

    settings: dict[str, str]
    lines: list[Line]

    @property
    def name(self) -> str:
        """For the report of a test."""
        return f"line-{self.lines[0].number}"


def stories(page: str) -> list[Story]:
    """Every story of a page. Raises AssertionError for a line that is none of the above."""
    found = [Story({}, [])]
    for block in _FENCE.finditer(page):
        lines = _lines(block[2], page.count("\n", 0, block.start()) + 2)
        if settings := dict(pair.split("=", 1) for pair in block[1].split()):
            found.append(Story(settings, lines))
        else:
            found[0].lines.extend(lines)
    return [story for story in found if story.lines]


def _lines(text: str, first: int) -> list[Line]:
    found: list[Line] = []
    for number, row in enumerate(text.splitlines(), first):
        if row.startswith(" "):
            found[-1] = msgspec.structs.replace(found[-1], said=f"{found[-1].said} {row.strip()}")
            continue
        parsed = _LINE.fullmatch(row)
        assert parsed is not None, f"line {number} is not an exchange's: {row}"
        found.append(Line(number, parsed[1] or "", parsed[2], parsed[3] or ""))
    return [line for line in found if line.sign != "#"]


class Bound:
    """What the ids and moments of the page are in this run."""

    def __init__(self) -> None:
        self._real: dict[str, str] = {}

    def real(self, shown: Any) -> Any:
        """A value to send: what is known takes the place of what is shown."""
        if isinstance(shown, str):
            return _ID.sub(lambda found: self._real.get(found[0], found[0]), shown)
        if isinstance(shown, dict):
            return {self.real(name): self.real(value) for name, value in shown.items()}
        return [self.real(value) for value in shown] if isinstance(shown, list) else shown

    def differs(self, shown: Any, came: Any) -> str | None:
        """Where what came is not what is shown; None, and then what is shown stands for what came."""
        known = dict(self._real)
        why = self._differs(shown, came, "frame")
        if why is not None:
            self._real = known
        return why

    def _differs(self, shown: Any, came: Any, at: str) -> str | None:
        if isinstance(shown, dict) and isinstance(came, dict):
            return self._fields_differ(shown, came, at)
        if isinstance(shown, list) and isinstance(came, list):
            items = [one for one in shown if one != "…"]
            if len(items) > len(came) or (len(items) < len(came) and items == shown):
                return f"{at} has {len(came)} items"
            found = [self._differs(one, came[n], f"{at}[{n}]") for n, one in enumerate(items)]
            return next((why for why in found if why), None)
        if isinstance(shown, str) and isinstance(came, str):
            return self._text_differs(shown, came, at)
        if type(shown) is not type(came):
            return f"{at} is a {type(came).__name__}"
        if at.rpartition(".")[2] in _ANY_NUMBER:
            return None if came >= 0 else f"{at} is {came}"
        return None if shown == came else f"{at} is {came}"

    def _fields_differ(self, shown: dict[str, Any], came: dict[str, Any], at: str) -> str | None:
        known = {self.real(name): value for name, value in shown.items() if name != "…"}
        if not known.keys() <= came.keys() or (known.keys() < came.keys() and "…" not in shown):
            return f"{at} has {', '.join(sorted(known.keys() ^ came.keys()))} on one side only"
        found = [self._differs(known[name], came[name], f"{at}.{name}") for name in known]
        return next((why for why in found if why), None)

    def _text_differs(self, shown: str, came: str, at: str) -> str | None:
        if _MOMENT.fullmatch(shown):
            same = _is_moment(came) and self._real.setdefault(shown, came) == came
            return None if same else f"{at} is {came}"
        names, values = _ID.findall(shown), _ID.findall(came)
        if len(names) != len(values) or not all(map(self._is, names, values)):
            return f"{at} is {came}"
        shown = self.real(shown)
        if shown == came or (shown.endswith("…") and came.startswith(shown.removesuffix("…"))):
            return None
        return f"{at} is {came}"

    def _is(self, shown: str, came: str) -> bool:
        """One name, one thing."""
        named = next((name for name, real in self._real.items() if real == came), shown)
        return named == shown and self._real.setdefault(shown, came) == came


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


class Player:
    """One run of a story."""

    def __init__(self, instance: Instance, stack: AsyncExitStack) -> None:
        self._instance = instance
        self._stack = stack
        self._person = uuid.uuid4().hex
        self._sockets: dict[str, ClientConnection] = {}
        self._answer: httpx.Response | None = None
        self.bound = Bound()
        self.came: list[tuple[Line, Any]] = []  # what really came, for whoever writes the page

    async def play(self, story: Story) -> None:
        """Raises AssertionError with the page's line where it is not true."""
        for line in story.lines:
            match line.sign:
                case "->":
                    await self._say(line)
                case "<-" if line.said.startswith("closed "):
                    await self._closed(line)
                case "<-":
                    await self._hear(line)
                case "=>":
                    await self._ask(line)
                case "<=":
                    self._answered(line)
                case "..":
                    await self._sockets.pop(line.device).close()
                case "!!":
                    assert self._instance.process is not None
                    self._instance.process.send_signal(signal.SIGTERM)

    async def _say(self, line: Line) -> None:
        if line.device not in self._sockets:
            self._sockets[line.device] = await self._stack.enter_async_context(
                connect(self._instance.socket_url, subprotocols=MINOR, compression=None)
            )
            assert self._sockets[line.device].subprotocol == MINOR[0]
        frame = self.bound.real(line.frame)
        if frame.get("token", "").startswith("eyJ"):
            frame["token"] = token(self._person)
        await self._sockets[line.device].send(json.dumps(frame))

    async def _hear(self, line: Line) -> None:
        shown = line.frame
        passed: list[Any] = []
        while True:
            try:
                async with asyncio.timeout(WITHIN_S):
                    frame = json.loads(await self._sockets[line.device].recv())
            except (TimeoutError, ConnectionClosed) as error:
                raise AssertionError(f"line {line.number}: {error!r}; before: {passed}") from error
            why = self.bound.differs(shown, frame) if frame["type"] == shown["type"] else "another type"
            if why is None:
                self.came.append((line, frame))
                return
            assert frame["type"] in ASIDE, f"line {line.number}: {why}: {frame}"
            passed.append(frame)

    async def _closed(self, line: Line) -> None:
        code, reason = await ended(self._sockets.pop(line.device), within_s=WITHIN_S)
        assert f"closed {code} {reason}" == line.said, f"line {line.number}: {code} {reason}"

    def _answered(self, line: Line) -> None:
        assert self._answer is not None
        status, _, body = line.said.partition(" ")
        assert str(self._answer.status_code) == status, f"line {line.number}: {self._answer}"
        why = self.bound.differs(json.loads(body), self._answer.json()) if body else None
        assert why is None, f"line {line.number}: {why}"

    async def _ask(self, line: Line) -> None:
        method, path, body = [*line.said.split(" ", 2), ""][:3]
        headers = {"Authorization": f"Bearer {token(self._person)}"}
        async with httpx.AsyncClient(base_url=self._instance.url, timeout=WITHIN_S) as client:
            self._answer = await client.request(
                method, self.bound.real(path), headers=headers, json=json.loads(body) if body else None
            )
