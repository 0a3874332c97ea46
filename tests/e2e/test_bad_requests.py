"""REST says no as problem+json: a stable `type`, and the field and the rule where one is to blame."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from nura_rt.embedded.stack import Addresses
from peers import peer
from servers import Instance, StartInstance, environ_of, token

PROBLEM = "application/problem+json"
PASSWORD = "a-long-enough-password"
PATIENCE_S = 30


@pytest.fixture(scope="module")
def sign_in_instance(folder: Path, stores: Addresses) -> Iterator[Instance]:
    """An instance of its own: tries are counted per address, and this file makes many."""
    (folder / "sign-in").mkdir()
    one = Instance(folder / "sign-in", environ_of(stores)).start()
    yield one
    one.stop()


@pytest.fixture
async def http(instance: Instance) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=instance.url, timeout=PATIENCE_S) as client:
        yield client


def bearer(name: str, **options: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(name, **options)}"}


def problem(response: httpx.Response) -> tuple[int, str, str | None]:
    """Status, type and field, after a look at what every problem must be."""
    body = response.json()
    assert response.headers["content-type"] == PROBLEM
    assert response.headers["cache-control"] == "no-store"
    assert body["status"] == response.status_code
    assert body["title"]
    assert body["detail"]
    return response.status_code, body["type"], body.get("field")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer not.a.token"},
        {"Authorization": f"Basic {token('reader')}"},
        {"Authorization": f"Bearer {token('reader')[:-4]}AAAA"},
        bearer("reader", ttl_s=-60),
    ],
    ids=["none", "empty", "garbage", "another scheme", "wrong signature", "expired"],
)
@pytest.mark.parametrize("path", ["/v1/conversations", f"/v1/conversations/{uuid.uuid4()}/messages"])
async def test_without_a_good_token_nothing_is_shown(
    http: httpx.AsyncClient, path: str, headers: dict[str, str]
) -> None:
    response = await http.get(path, headers=headers)

    assert problem(response) == (401, "/problems/unauthorized", "Authorization")
    assert response.json()["rule"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=201", "limit"),
        ("limit=all", "limit"),
        ("limit=1.5", "limit"),
        ("limit=", "limit"),
        ("before=0", "before"),
        ("before=now", "before"),
        (f"before={2**53}", "before"),
        (f"before={2**80}", "before"),
    ],
)
async def test_a_bad_page_names_the_field_and_the_rule(
    http: httpx.AsyncClient, query: str, field: str
) -> None:
    response = await http.get(f"/v1/conversations/{uuid.uuid4()}/messages?{query}", headers=bearer("reader"))

    assert problem(response) == (400, "/problems/invalid", field)
    assert response.json()["rule"]


async def test_anothers_history_looks_exactly_like_a_missing_one(
    instance: Instance, http: httpx.AsyncClient
) -> None:
    async with peer(instance, "owner") as owner:
        real = await owner.open_conversation(title="Mine alone")

    answers = [
        await http.get(f"/v1/conversations/{conversation}/messages", headers=bearer("reader"))
        for conversation in (real, str(uuid.uuid4()))
    ]

    assert problem(answers[0]) == (404, "/problems/not-found", None)
    assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/v1/nothing", 404, "not-found"),
        ("DELETE", "/v1/conversations", 405, "wrong-method"),
        ("GET", "/v1/auth/sign-in", 405, "wrong-method"),
    ],
)
async def test_a_wrong_address_or_method_is_a_problem_too(
    http: httpx.AsyncClient, method: str, path: str, status: int, slug: str
) -> None:
    response = await http.request(method, path)

    assert problem(response) == (status, f"/problems/{slug}", None)


@pytest.mark.parametrize(
    ("door", "body", "expected"),
    [
        ("sign-up", {"email": "nobody", "password": PASSWORD}, (400, "/problems/invalid", "email")),
        ("sign-up", {"email": "a@b.example", "password": "short"}, (400, "/problems/invalid", "password")),
        ("sign-up", {"email": "a@b.example", "password": "x" * 73}, (400, "/problems/invalid", "password")),
        ("sign-up", {"email": "a@b.example"}, (400, "/problems/invalid", "password")),
        ("sign-up", {"email": 5, "password": PASSWORD}, (400, "/problems/invalid", "email")),
        (
            "sign-up", {"email": "a@b.example", "password": PASSWORD, "admin": True},
            (400, "/problems/invalid", "admin"),
        ),
        ("sign-in", {"email": "a@b.example", "password": PASSWORD}, (401, "/problems/wrong-sign-in", None)),
        ("sign-in", {"email": "a@b.example", "password": "x"}, (401, "/problems/wrong-sign-in", None)),
        ("sign-in", {"password": PASSWORD}, (400, "/problems/invalid", "email")),
    ],
)  # fmt: skip
async def test_a_bad_form_is_answered_with_its_field(
    sign_in_instance: Instance, door: str, body: dict[str, Any], expected: tuple[int, str, str | None]
) -> None:
    async with httpx.AsyncClient(base_url=sign_in_instance.url, timeout=PATIENCE_S) as client:
        response = await client.post(f"/v1/auth/{door}", json=body)

    assert problem(response) == expected
    assert PASSWORD not in response.text


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"not json", 400), (b"", 400), (b"[]", 400), (b'"x"', 400), (b"\xff\xfe", 400), (b"x" * 70_000, 413)],
)
async def test_a_body_that_is_not_a_form_is_refused(
    sign_in_instance: Instance, content: bytes, status: int
) -> None:
    async with httpx.AsyncClient(base_url=sign_in_instance.url, timeout=PATIENCE_S) as client:
        response = await client.post(
            "/v1/auth/sign-in", content=content, headers={"Content-Type": "application/json"}
        )

    kind = "/problems/too-large" if status == 413 else "/problems/invalid"
    assert problem(response)[:2] == (status, kind)


async def test_an_address_is_taken_once(sign_in_instance: Instance) -> None:
    form = {"email": f"{uuid.uuid4().hex}@b.example", "password": PASSWORD}
    async with httpx.AsyncClient(base_url=sign_in_instance.url, timeout=PATIENCE_S) as client:
        first = await client.post("/v1/auth/sign-up", json=form)

        again = await client.post("/v1/auth/sign-up", json=form | {"email": form["email"].upper()})

        wrong = await client.post("/v1/auth/sign-in", json=form | {"password": PASSWORD[:-1]})
        right = await client.post("/v1/auth/sign-in", json=form)
    assert first.status_code == 201
    assert problem(again) == (409, "/problems/taken", "email")
    assert problem(wrong) == (401, "/problems/wrong-sign-in", None)
    assert right.json()["user_id"] == first.json()["user_id"]


async def test_too_many_tries_are_told_to_wait(start_instance: StartInstance) -> None:
    tried = start_instance()
    form = {"email": "not an address", "password": PASSWORD}
    async with httpx.AsyncClient(base_url=tried.url, timeout=PATIENCE_S) as client:
        tries = [client.post("/v1/auth/sign-in", json=form) for _ in range(11)]
        answers = sorted(await asyncio.gather(*tries), key=lambda answer: answer.status_code)

    assert [answer.status_code for answer in answers[:10]] == [401] * 10
    assert problem(answers[10]) == (429, "/problems/too-fast", None)
    assert 0 < json.loads(answers[10].content)["retry_after_ms"] <= 6_000
    assert int(answers[10].headers["retry-after"]) >= 1
