"""How a session ends when something in here fails: told to come back, never that the client was wrong."""

import asyncio
import json
from typing import Any

import pytest

from nura_rt import settings
from nura_rt.auth.identify import Barred, SignInUnavailable
from nura_rt.auth.tokens import Identity, TokenError
from nura_rt.chat.gate import Gate
from nura_rt.chat.socket import _Door
from nura_rt.conversation.words import Found
from nura_rt.realtime.doorstep import Doorstep

HELLO = '{"type":"hello","token":"t"}'


class Unworried:
    """Finds nothing in any words."""

    def screen(self, _: object) -> Found:
        return Found({})


async def said_to(trouble: Exception, *texts: str, **environ: str) -> list[dict[str, Any]]:
    """What a socket that says these texts hears over plain ASGI, when its hello brings this trouble."""

    class Identifying:
        trusted = ()

        async def __call__(self, token: str, **_: object) -> Identity:
            raise trouble

    said: list[dict[str, Any]] = []
    arriving: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    arriving.put_nowait({"type": "websocket.connect"})
    for text in texts:
        arriving.put_nowait({"type": "websocket.receive", "text": text})

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
    told = settings.load(environ, dotenv=None)
    door = _Door(nobody, Identifying(), told, gate, Unworried(), "i1")  # type: ignore[arg-type]
    await door.open(scope, arriving.get, send)
    return said


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
    said = await said_to(trouble, HELLO)

    assert said[-1] == {"type": "websocket.close", "code": code, "reason": reason}


async def test_who_says_no_hello_is_told_when_to_come_back_and_then_closed() -> None:
    accepted, told, closed = await said_to(RuntimeError("nobody"), HELLO_TIMEOUT_S="0.05")

    error = json.loads(told["text"])
    assert accepted["type"] == "websocket.accept"
    assert (error["type"], error["code"]) == ("error", "unauthorized")
    assert (error["temporary"], error["retry_after_ms"]) == (True, 1000)
    assert closed == {"type": "websocket.close", "code": 4403, "reason": "no_hello"}
