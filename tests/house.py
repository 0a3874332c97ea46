"""Local accounts as the app wires them, over a real database: everything but the socket and the price of bcrypt."""

import uuid
from functools import cache
from typing import Any

import asyncpg
import httpx
from litestar import Litestar

from letters import letters_to, secret_of
from nura_rt.auth.identify import Identify
from nura_rt.auth.passwords import Passwords
from nura_rt.auth.sessions import Sessions
from nura_rt.auth.tokens import Tokens
from nura_rt.auth.verify import LocalTokens
from nura_rt.cache.sessions import SessionCopies
from nura_rt.conversation.support import SupportCards
from nura_rt.conversation.words import Words
from nura_rt.notify.port import Delivery
from nura_rt.people.local import Local
from nura_rt.people.sign_in import sign_in_routes
from nura_rt.pipeline.pipeline import Pipeline
from nura_rt.problems import EXCEPTION_HANDLERS
from nura_rt.settings import Settings
from relayed import Relayed
from servers import SECRET as SECRET

PASSWORD = "a-long-enough-password"


@cache
def _pipeline() -> Pipeline:
    """Read once: there is a house for each test."""
    return Pipeline.load()


class House:
    """One instance's local accounts, and a client that speaks to it."""

    def __init__(
        self, settings: Settings, pool: asyncpg.Pool, door: asyncpg.Pool, delivery: Delivery
    ) -> None:
        self.folder = settings.data_dir
        self.passwords = Passwords(cost=4)
        self.changed: list[str] = []
        self.relayed = Relayed()
        self.words = Words(_pipeline(), SupportCards(self.relayed.hub, lambda level: (level, [])))
        self.tokens = Tokens(SECRET, ttl_s=settings.token_ttl_s)
        self.sessions = Sessions(
            pool, door=door, copies=SessionCopies(None), lifetime_s=settings.refresh_ttl_s
        )
        self.local = Local(
            settings,
            self.tokens,
            secret=SECRET,
            pool=pool,
            sessions=self.sessions,
            identify=Identify(LocalTokens(self.tokens, supabase_too=False), self.sessions),
            delivery=delivery,
            passwords=self.passwords,
            changed=self.note_changed,
            words=self.words,
        )
        self.app = Litestar(
            sign_in_routes(settings, self.local, demo=None),
            openapi_config=None,
            logging_config=None,
            exception_handlers=EXCEPTION_HANDLERS,
        )
        self.http = self.client("192.0.2.1")

    async def note_changed(self, person_id: str) -> None:
        """What the app tells its cache of answers."""
        self.changed.append(person_id)

    def client(self, address: str) -> httpx.AsyncClient:
        """Somebody elsewhere."""
        app: Any = self.app  # httpx knows ASGI by looser types
        transport = httpx.ASGITransport(app, client=(address, 1234))
        return httpx.AsyncClient(transport=transport, base_url="http://nura.test")

    async def ask(
        self, door: str, *, bearer: str | None = None, attempt: str | None = None, **body: Any
    ) -> httpx.Response:
        """POST /v1/auth/<door>; `attempt` is the Idempotency-Key."""
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        if attempt is not None:
            headers["Idempotency-Key"] = attempt
        return await self.http.post(f"/v1/auth/{door}", json=body, headers=headers)

    async def newcomer(self) -> "Person":
        """Somebody who has just signed up."""
        email = f"{uuid.uuid4().hex}@b.example"
        answer = await self.ask("sign-up", email=email, password=PASSWORD)
        assert answer.status_code == 201, answer.text
        return Person(email, **answer.json())

    def secret_for(self, address: str) -> str:
        """What the newest letter to this address or number proves."""
        return secret_of(letters_to(self.folder, address)[0])


class Person:
    """Somebody signed in."""

    def __init__(
        self, email: str, *, access_token: str, refresh_token: str, user_id: str, expires_at: str
    ) -> None:
        self.email = email
        self.access_token = access_token
        self.refresh_token = refresh_token
        self.user_id = user_id
