"""People with an account of their own, what their browser remembers, and what its pages say to the server."""

import json
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
from playwright.async_api import Page, Request, WebSocket

from letters import letters_to, text_of
from nura_rt.auth.tokens import Tokens
from servers import SECRET, eventually

REMEMBER = "kept => localStorage.setItem('nura.session', JSON.stringify(kept))"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1"
LINUX = "Mozilla/5.0 (X11; Linux x86_64) Chrome/130.0.0.0 Safari/537.36"
LATER, EARLIER = "2099-01-01T00:00:00Z", "2020-01-01T00:00:00Z"


class Guest(msgspec.Struct, frozen=True):
    """Somebody who has signed up over REST; `signed` is the answer, `site` where."""

    site: str
    email: str
    password: str
    signed: dict[str, Any]

    def token(self, *, left_s: int = 3600) -> str:
        """A token of the same session that lives `left_s` more seconds; below zero it is over."""
        held = Tokens(SECRET, ttl_s=3600).verify(self.signed["access_token"])
        clock = (lambda: time.time() - 3600) if left_s < 0 else time.time
        short = Tokens(SECRET, ttl_s=3600 + left_s if left_s < 0 else left_s, clock=clock)
        return short.issue(
            held.user_id, email=self.email, session_id=held.session_id, signed_in_at=held.signed_in_at
        )

    def kept(self, **changed: Any) -> dict[str, Any]:
        """What the page keeps after signing in."""
        return {"sign_in": "the-first", **self.signed, **changed}

    def state(self, **changed: Any) -> Any:
        """A browser that remembers them, for Playwright's `storage_state`."""
        item = {"name": "nura.session", "value": json.dumps(self.kept(**changed))}
        return {"cookies": [], "origins": [{"origin": self.site, "localStorage": [item]}]}

    @asynccontextmanager
    async def other_device(self) -> AsyncIterator[httpx.AsyncClient]:
        """A telephone of theirs, signed in."""
        async with httpx.AsyncClient(
            base_url=self.site, headers={"User-Agent": IPHONE}, timeout=30
        ) as device:
            answer = await device.post(
                "/v1/auth/sign-in", json={"email": self.email, "password": self.password}
            )
            device.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access_token']}"
            yield device


def sign_up(site: str, email: str) -> Guest:
    """A new person."""
    password = "four quiet words here"
    answer = httpx.post(
        f"{site}/v1/auth/sign-up",
        json={"email": email, "password": password},
        headers={"User-Agent": LINUX},
        timeout=30,
    )
    return Guest(site, email, password, answer.raise_for_status().json())


async def link_to(folder: Path, email: str, kind: str, *, at_least: int = 1) -> str:
    """The link of the newest letter with `#kind=` to this address, once there are `at_least` such letters."""

    def links() -> list[str]:
        texts = [text_of(letter) for letter in letters_to(folder, email)]
        return [found[0] for text in texts if (found := re.search(rf"\S+/#{kind}=\S+", text))]

    await eventually(lambda: len(links()) >= at_least)
    return links()[0]


class Heard:
    """What pages say from now on: refreshes over REST, sockets, and the types of their frames, both ways."""

    def __init__(self, *pages: Page) -> None:
        self.refreshes = 0
        self.sockets = 0
        self.sent: list[str] = []
        self.received: list[str] = []
        for page in pages:
            page.on("request", self._on_request)
            page.on("websocket", self._on_socket)

    def _on_request(self, request: Request) -> None:
        self.refreshes += request.url.endswith("/v1/auth/refresh")

    def _on_socket(self, socket: WebSocket) -> None:
        self.sockets += 1
        socket.on("framesent", _noting(self.sent))
        socket.on("framereceived", _noting(self.received))


def _noting(kinds: list[str]) -> Callable[[str | bytes], None]:
    return lambda payload: kinds.append(json.loads(payload)["type"])
