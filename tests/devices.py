"""What a person's other device does over REST, and what a page says and hears on its socket meanwhile."""

import asyncio
import json
import uuid
from typing import Any

import httpx
from playwright.async_api import Page, Request, WebSocket


class Phone:
    """Another device of the same person, over REST."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def begin(self, title: str, *texts: str) -> str:
        """A conversation in which this was said."""
        made = (await self._post("/v1/conversations", {"title": title}))["conversation_id"]
        for text in texts:
            await self.say(made, text)
        return str(made)

    async def say(self, conversation_id: str, text: str) -> dict[str, Any]:
        return await self._post(f"/v1/conversations/{conversation_id}/messages", {"text": text})

    async def remove(self, conversation_id: str, message_id: str = "") -> None:
        """A message; without one the whole conversation."""
        message = f"/messages/{message_id}" if message_id else ""
        (await self.http.delete(f"/v1/conversations/{conversation_id}{message}")).raise_for_status()

    async def until_read(self, conversation_id: str) -> None:
        """Returns once the person has read all of it; fails after 30 s."""
        async with asyncio.timeout(30):
            while True:
                line = (await self.http.get(f"/v1/conversations/{conversation_id}")).json()
                if line["read_seq"] == line["head"]:
                    return
                await asyncio.sleep(0.05)

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self.http.post(path, json=body, headers={"Idempotency-Key": uuid.uuid4().hex})
        said: dict[str, Any] = answer.raise_for_status().json()
        return said


class Wire:
    """The frames of a page from now on, both ways."""

    def __init__(self, page: Page) -> None:
        self.sent: list[dict[str, Any]] = []
        self.received: list[dict[str, Any]] = []
        self.asked: list[str] = []  # histories read over REST
        page.on("websocket", self._on_socket)
        page.on("request", self._on_request)

    def _on_request(self, request: Request) -> None:
        if request.url.partition("?")[0].endswith("/messages"):
            self.asked.append(request.url)

    def _on_socket(self, socket: WebSocket) -> None:
        socket.on("framesent", lambda payload: self.sent.append(json.loads(payload)))
        socket.on("framereceived", lambda payload: self.received.append(json.loads(payload)))

    def said(self, kind: str) -> list[dict[str, Any]]:
        return [frame for frame in self.sent if frame["type"] == kind]

    def heard(self, kind: str) -> list[dict[str, Any]]:
        return [frame for frame in self.received if frame["type"] == kind]
