"""A person's hand on the REST doors, for tests: a client with their token, and looks that every answer must bear."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from servers import Instance, token

PROBLEM = "application/problem+json"
SERIOUS = "I want to kill myself tonight"


@asynccontextmanager
async def rest(instance: Instance, name: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client with this person's token."""
    headers = {"Authorization": f"Bearer {token(name)}"}
    async with httpx.AsyncClient(base_url=instance.url, headers=headers, timeout=20) as client:
        yield client


def key() -> dict[str, str]:
    """A fresh Idempotency-Key."""
    return {"Idempotency-Key": uuid.uuid4().hex}


async def begin(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    """A new conversation."""
    response = await client.post("/v1/conversations", json=fields, headers=key())
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


def problem(response: httpx.Response) -> tuple[int, str, str | None]:
    """Status, type and field, after a look at what every problem must be."""
    body = response.json()
    assert response.headers["content-type"] == PROBLEM
    assert response.headers["cache-control"] == "no-store"
    assert body["status"] == response.status_code
    assert body["title"]
    assert body["detail"]
    return response.status_code, body["type"], body.get("field")
