"""A profile's stacks -> a table: each part of the path with its share, and its microseconds for one message.

A sample belongs to the innermost code of ours on its stack, so a library counts for whoever called it; the parts
exclude one another and add up to the whole.
"""

from collections import Counter
from pathlib import Path

import msgspec

# file ending and function (a prefix of its qualified name) -> part
PARTS = (
    ("pipeline/pipeline.py:Pipeline._screen_crisis", "screening: crisis"),
    ("pipeline/pipeline.py:Pipeline._screen_pii", "screening: PII"),
    ("pipeline/pipeline.py:Pipeline._score_mood", "screening: mood"),
    ("store/batch.py:", "writer: the batch statement (asyncpg)"),
    ("store/reply_runs.py:", "reply: its run (asyncpg)"),
    ("store/messages.py:", "reply: history (asyncpg)"),
    ("assistant/", "reply: the companion composes"),
    ("conversation/reply.py:", "reply: the job"),
    ("jobs/worker.py:", "reply: the job"),
    ("realtime/outbound.py:", "bus: publish (redis-py)"),
    ("realtime/bus.py:", "bus: receive (redis-py)"),
    ("protocol/codec.py:decode", "codec: decode"),
    ("realtime/payload.py:", "codec: encode and frame"),
    ("realtime/transport.py:NuraWebSocket.write", "fan-out: write to a socket"),
    ("realtime/transport.py:NuraWebSocket.buffered", "fan-out: what each send checks"),
    ("realtime/connection.py:Connection.send", "fan-out: what each send checks"),
    ("chat/subscription.py:", "fan-out: each subscription's order"),
    ("realtime/hub.py:", "fan-out: rooms"),
    ("chat/session.py:", "session rules"),
    ("conversation/intake.py:", "intake: row, frame and answer made"),
    ("conversation/recent.py:", "intake: row, frame and answer made"),
    ("conversation/support.py:", "intake: row, frame and answer made"),
    ("conversation/usage.py:", "intake: row, frame and answer made"),
    ("conversation/writer.py:", "writer: queue and answers"),
    ("chat/client.py:", "client: effects"),
    ("chat/socket.py:", "socket: read loop and its task"),
)
# where no code of ours is on the stack
LIBRARIES = (
    ("uvicorn/", "uvicorn: WebSocket protocol"),
    ("websockets/", "uvicorn: WebSocket protocol"),
    ("asyncpg/", "asyncpg, called by the loop"),
    ("redis/", "redis-py, called by the loop"),
    ("asyncio/runners.py:", "C code that no Python called (asyncpg's and sockets' input, the loop)"),
)
_FEW = 12


def table(file: Path, *, per_us: float, unit: str) -> str:
    """`per_us` is the whole server's CPU for one `unit`."""
    stacks = msgspec.json.decode(file.read_bytes(), type=list[tuple[int, list[str]]])
    total = sum(count for count, _ in stacks) or 1
    parts: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    for count, stack in stacks:
        parts[_part(stack)] += count
        lines[_short(stack[0])] += count

    def lines_of(counts: list[tuple[str, int]], head: str, quote: str) -> str:
        rows = [f"| {head} | share | us/{unit} |", "| --- | --- | --- |"]
        rows += [
            f"| {quote}{name}{quote} | {n / total:.1%} | {n / total * per_us:.1f} |" for name, n in counts
        ]
        return "\n".join(rows) + "\n"

    return "\n".join(
        (
            f"{total} samples; the whole is {per_us:.1f} us a {unit}.\n",
            lines_of(parts.most_common(), "part", ""),
            lines_of(lines.most_common(_FEW), "busiest lines, with the C code they call", "`"),
        )
    )


def _part(stack: list[str]) -> str:
    for parts in (PARTS, LIBRARIES):
        for frame in stack:
            for where, part in parts:
                if f"/{where}" in frame:
                    return part
    return "other"


def _short(frame: str) -> str:
    path, _, where = frame.partition(".py:")
    return "/".join(Path(path).parts[-2:]) + ".py:" + where
