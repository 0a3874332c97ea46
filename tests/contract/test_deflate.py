"""permessage-deflate, where it is switched on: each message alone, compressed once, bounded when inflated."""

import random
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, PerMessageDeflate

from echo_app import echoing
from nura_rt.realtime.payload import Payload
from nura_rt.realtime.transport import EXTENSION, NuraWebSocket
from raw_websocket import BINARY, CONT, TEXT, Ended, Heard, Raw, close, frame, shaken
from servers import eventually
from uvicorn_server import serving

LIMIT = 65_536
LETTERS = random.Random(4)  # with a seed: the same text each time
WORDS = " ".join("".join(LETTERS.choices("etaoin", k=LETTERS.randrange(1, 6))) for _ in range(400))
COMPRESSED = 4  # RSV1
AGREED = (
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12"
)


@pytest.fixture(scope="module")
async def port() -> AsyncIterator[int]:
    async with echoing(ws_per_message_deflate=True, ws_max_size=LIMIT) as served:
        yield served


def deflated(data: bytes, level: int = 9) -> bytes:
    """What a client sends: a raw deflate stream of its own, without the last four octets."""
    press = zlib.compressobj(level, wbits=-12)
    return (press.compress(data) + press.flush(zlib.Z_SYNC_FLUSH))[:-4]


def bomb() -> bytes:
    """60 MB in less than the limit, made without holding them."""
    press = zlib.compressobj(9, wbits=-12)
    return b"".join(
        [*(press.compress(bytes(1_000_000)) for _ in range(60)), press.flush(zlib.Z_SYNC_FLUSH)[:-4]]
    )


def inflated(heard: Heard | None) -> bytes:
    """A frame read without any that came before it."""
    assert heard is not None
    if heard.rsv != COMPRESSED:
        return heard.data
    return zlib.decompressobj(wbits=-12).decompress(heard.data + b"\0\0\xff\xff")


def offer(*parameters: str) -> list[str]:
    return ["Sec-WebSocket-Extensions: " + "; ".join(["permessage-deflate", *parameters])]


def agreed(peer: Raw) -> str | None:
    """What the server answered to the offer."""
    lines = dict(line.split(": ", 1) for line in peer.answer.lower().splitlines() if ": " in line)
    return lines.get("sec-websocket-extensions")


@pytest.mark.parametrize("text", ["short", WORDS, "é" * 30_000, "", "x" * LIMIT])
async def test_a_real_client_gets_its_text_back(port: int, text: str) -> None:
    async with connect(f"ws://127.0.0.1:{port}", compression="deflate") as peer:
        await peer.send(text)
        await peer.send(text.encode())
        heard = [await peer.recv(), await peer.recv()]
        extensions = peer.protocol.extensions

    assert heard == [text, text.encode()]
    assert isinstance(extensions[0], PerMessageDeflate)
    assert extensions[0].local_no_context_takeover
    assert extensions[0].remote_no_context_takeover


@pytest.mark.parametrize(
    ("parameters", "answer"),
    [
        ([], AGREED),
        (["server_no_context_takeover"], AGREED),
        (["client_no_context_takeover", "server_no_context_takeover"], AGREED),
        (["client_max_window_bits"], f"{AGREED}; client_max_window_bits=12"),
        (["client_max_window_bits=15"], f"{AGREED}; client_max_window_bits=12"),
        (["client_max_window_bits=10"], f"{AGREED}; client_max_window_bits=10"),
        (["server_max_window_bits=15"], AGREED),
        (["server_max_window_bits=12"], AGREED),
        (["server_max_window_bits=11"], None),
        (["server_max_window_bits=8"], None),
        (["server_max_window_bits=16"], None),
        (["server_max_window_bits"], None),
        (["client_max_window_bits=7"], None),
        (["no_such_parameter"], None),
        (["server_no_context_takeover", "server_no_context_takeover"], None),
        (["server_max_window_bits=9, permessage-deflate"], AGREED),
        (["client_max_window_bits, permessage-deflate"], f"{AGREED}; client_max_window_bits=12"),
    ],
)
async def test_an_offer_is_met_in_our_form_or_declined(
    port: int, parameters: list[str], answer: str | None
) -> None:
    async with shaken(port, headers=offer(*parameters)) as peer:
        await peer.send(frame(TEXT, WORDS.encode()), close())
        heard = await peer.ended()

    assert agreed(peer) == answer
    assert heard.code == 1000
    assert [inflated(one) for one in heard.before] == [WORDS.encode()]
    assert heard.before[0].rsv == (COMPRESSED if answer else 0)


async def test_nothing_is_compressed_for_who_did_not_ask(port: int) -> None:
    async with shaken(port) as peer:
        await peer.send(frame(TEXT, WORDS.encode()), close())
        heard = await peer.ended()

    assert (agreed(peer), heard) == (None, Ended([Heard(TEXT, WORDS.encode())], 1000))


async def test_it_is_off_by_default() -> None:
    async with echoing() as port:
        async with shaken(port, headers=offer("client_max_window_bits")) as peer:
            await peer.send(frame(TEXT, WORDS.encode()), frame(TEXT, deflated(b"no"), rsv=COMPRESSED))
            heard = await peer.ended()
        async with connect(f"ws://127.0.0.1:{port}", compression="deflate") as client:
            extensions = client.protocol.extensions

    assert (agreed(peer), extensions) == (None, [])
    assert (heard.before, heard.code) == ([Heard(TEXT, WORDS.encode())], 1002)


async def test_two_identical_messages_are_each_read_alone(port: int) -> None:
    data = WORDS.encode()
    async with shaken(port, headers=offer("client_max_window_bits")) as peer:
        await peer.send(*[frame(TEXT, deflated(data), rsv=COMPRESSED)] * 2)
        await peer.send(*[frame(BINARY, deflated(data), rsv=COMPRESSED)] * 2, close())
        heard = await peer.ended()

    assert [one.data for one in heard.before[:2]] == [heard.before[0].data] * 2
    assert [one.data for one in heard.before[2:]] == [heard.before[2].data] * 2
    assert [inflated(one) for one in heard.before] == [data] * 4
    assert len(heard.before[0].data) < len(data) / 2


@pytest.mark.parametrize(("size", "rsv"), [(100, 0), (255, 0), (256, COMPRESSED), (2_000, COMPRESSED)])
async def test_only_what_gains_is_compressed(port: int, size: int, rsv: int) -> None:
    async with shaken(port, headers=offer()) as peer:
        await peer.send(frame(TEXT, b"x" * size), close())
        heard = await peer.ended()

    assert [(one.rsv, inflated(one)) for one in heard.before] == [(rsv, b"x" * size)]


async def test_a_broadcast_is_compressed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    outlets: list[NuraWebSocket] = []
    made: list[Any] = []
    compressobj = zlib.compressobj

    def counted(**how: Any) -> Any:
        made.append(how)
        return compressobj(**how)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept", "subprotocol": None})
        outlets.append(scope["extensions"][EXTENSION])
        while (await receive())["type"] != "websocket.disconnect":
            pass

    async with (
        serving(app, NuraWebSocket, ws_per_message_deflate=True) as port,
        shaken(port, headers=offer()) as one,
        shaken(port, headers=offer()) as two,
        shaken(port) as plain,
    ):
        await eventually(lambda: len(outlets) == 3)
        monkeypatch.setattr(zlib, "compressobj", counted)
        said = Payload(WORDS.encode())
        for outlet in outlets:
            outlet.write(said)
        heard = [await peer.hear() for peer in (one, two, plain)]

    assert [one is not None and one.rsv for one in heard] == [COMPRESSED, COMPRESSED, 0]
    assert [inflated(one) for one in heard] == [WORDS.encode()] * 3
    assert len(made) == 1


@pytest.mark.parametrize("shape", ["one frame", "two fragments", "a full fragment and its flush"])
async def test_a_bomb_is_refused_in_bounded_memory(port: int, shape: str) -> None:
    small = bomb()
    assert len(small) < LIMIT
    full = deflated(b"\0" * LIMIT)
    chunks = {
        "one frame": [frame(TEXT, small, rsv=COMPRESSED)],
        "two fragments": [frame(TEXT, small[:20], fin=False, rsv=COMPRESSED), frame(CONT, small[20:])],
        "a full fragment and its flush": [
            frame(TEXT, full, fin=False, rsv=COMPRESSED),
            frame(CONT, small[:9]),
        ],
    }[shape]
    tracemalloc.start()

    async with shaken(port, headers=offer()) as peer:
        await peer.send(*chunks)
        heard = await peer.ended()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert heard == Ended([], 4504, "frame_too_large")
    assert peak < 4_000_000


@pytest.mark.parametrize("size", [LIMIT, LIMIT + 1, 10_000_000])
async def test_the_limit_is_that_of_the_inflated_text(port: int, size: int) -> None:
    async with connect(f"ws://127.0.0.1:{port}", compression="deflate") as peer:
        await peer.send("x" * size)
        if size <= LIMIT:
            assert await peer.recv() == "x" * size
            return
        with pytest.raises(ConnectionClosed) as closed:
            await peer.recv()

    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4504, "frame_too_large")


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"\xff\xff\xff", 1002), (deflated(b"\xff\xfe"), 1007), (deflated(WORDS.encode())[5:], 1002)],
    ids=["no stream", "no text", "the end of a stream"],
)
async def test_what_does_not_inflate_to_text_is_refused(port: int, data: bytes, code: int) -> None:
    async with shaken(port, headers=offer()) as peer:
        await peer.send(frame(TEXT, data, rsv=COMPRESSED))
        heard = await peer.ended()

    assert (heard.before, heard.code) == ([], code)


async def test_a_client_that_wants_a_smaller_window_is_served_without(port: int) -> None:
    wish = ClientPerMessageDeflateFactory(server_max_window_bits=9)
    async with connect(f"ws://127.0.0.1:{port}", compression=None, extensions=[wish]) as peer:
        await peer.send(WORDS)
        heard = await peer.recv()

    assert (heard, peer.protocol.extensions) == (WORDS, [])
