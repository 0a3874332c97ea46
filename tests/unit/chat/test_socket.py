"""How a session ends when something in here fails: told to come back, never that the client was wrong."""

import asyncio
from typing import Any

import pytest

from nura_rt import settings
from nura_rt.auth.identify import Barred, SignInUnavailable
from nura_rt.auth.tokens import Identity, TokenError
from nura_rt.chat.gate import Gate
from nura_rt.chat.socket import _Door
from nura_rt.realtime.doorstep import Doorstep


async def hung_up(trouble: Exception) -> dict[str, Any]:
    """The close message of a session whose hello brings this trouble, over plain ASGI."""

    class Identifying:
        trusted = ()

        async def __call__(self, token: str, **_: object) -> Identity:
            raise trouble

    said: list[dict[str, Any]] = []
    arriving: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    arriving.put_nowait({"type": "websocket.connect"})
    arriving.put_nowait({"type": "websocket.receive", "text": '{"type":"hello","token":"t"}'})

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    scope: dict[str, Any] = {
        "type": "websocket",
        "headers": [],
        "subprotocols": ["nura.v1"],
        "extensions": {},
        "client": None,
    }
    nobody: Any = None
    gate = Gate(Doorstep(per_s=1, burst=1), allowed_origins=(), trusted_proxies=(), draining=lambda: False)
    door = _Door(nobody, Identifying(), settings.load({}, dotenv=None), gate, "i1")  # type: ignore[arg-type]
    await door.open(scope, arriving.get, send)
    return said[-1]


@pytest.mark.parametrize(
    ("trouble", "code", "reason"),
    [
        (TokenError("invalid"), 4501, "bad_token"),
        (TokenError("expired"), 4401, "token_expired"),
        (Barred("revoked"), 4509, "revoked"),
        (Barred("account_erased"), 4510, "account_erased"),
        (SignInUnavailable(), 4402, "sign_in_unavailable"),
        (RuntimeError("a defect"), 4011, "internal"),
    ],
)
async def test_a_hello_that_fails_says_whose_fault_it_is(trouble: Exception, code: int, reason: str) -> None:
    closed = await hung_up(trouble)

    assert closed == {"type": "websocket.close", "code": code, "reason": reason}
