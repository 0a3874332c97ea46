"""Supabase as its auth hook hears it: words about its users, signed, and a look at what became of them."""

import itertools
import json
import time
import uuid
from typing import Any

import asyncpg
import httpx

from webhook_signer import signed

KEY = bytes(range(32))
MESSAGE = itertools.count()
Row = dict[str, Any]


class Hook:
    """Supabase, and a look at what became of its words."""

    def __init__(self, http: httpx.AsyncClient, root: asyncpg.Connection) -> None:
        self.http = http
        self.root = root

    async def post(
        self, payload: Any, *, message_id: str | None = None, at: int | None = None
    ) -> httpx.Response:
        """Signed as Supabase signs."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        headers = signed(
            body,
            KEY,
            message_id=message_id or f"msg_{next(MESSAGE)}_{uuid.uuid4()}",
            at=at or int(time.time()),
        )
        return await self.http.post("/v1/hooks/supabase-auth", content=body, headers=headers)

    async def tell(self, payload: Any, **options: Any) -> str:
        """What became of a word that is heard."""
        answer = await self.post(payload, **options)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["result"])

    async def user(self, person_id: str) -> Row:
        """The person's row; empty without one."""
        row = await self.root.fetchrow("SELECT * FROM users WHERE id = $1", person_id)
        return dict(row) if row else {}


def record(person_id: str | None = None, *, second: int = 0, **fields: Any) -> Row:
    """A row of auth.users."""
    person_id = person_id or str(uuid.uuid4())
    return {
        "id": person_id,
        "aud": "authenticated",
        "email": f"{person_id}@Supa.example",
        "phone": "34600123456",
        "email_confirmed_at": "2026-01-01T00:00:00.123456+00:00",
        "phone_confirmed_at": None,
        "last_sign_in_at": "2026-01-02T00:00:00.123456789Z",
        "updated_at": f"2026-01-02T00:00:{second:02d}Z",
        "raw_user_meta_data": {"full_name": "Ada\u0000 L."},
        "encrypted_password": "never read",
        **fields,
    }


def made(row: Row) -> Row:
    """The webhook: a row is new."""
    return {"type": "INSERT", "schema": "auth", "table": "users", "record": row, "old_record": None}


def changed(row: Row) -> Row:
    """The webhook: a row is another."""
    return {"type": "UPDATE", "schema": "auth", "table": "users", "record": row, "old_record": {}}


def gone(row: Row) -> Row:
    """The webhook: a row is no more."""
    return {"type": "DELETE", "schema": "auth", "table": "users", "record": None, "old_record": row}
