"""The socket's documentation, served: to anybody, with its own type, and 304 to whoever has it."""

import json
from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from nura_rt.ops.openapi import documentation
from nura_rt.ops.wire import wire_routes
from protocol_picture import DOCS

SERVED = {
    "/schema/asyncapi.json": ("application/vnd.aai.asyncapi+json;version=3.0.0", "asyncapi.json"),
    "/schema/frames.json": ("application/schema+json", "frames.schema.json"),
    "/schema/nura-client.d.ts": ("application/typescript; charset=utf-8", "nura-client.d.ts"),
}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Litestar]]:
    with TestClient(Litestar(wire_routes(), openapi_config=documentation("1"))) as client:
        yield client


@pytest.mark.parametrize("path", SERVED)
def test_what_is_served_is_what_is_committed(client: TestClient[Litestar], path: str) -> None:
    kind, name = SERVED[path]

    answer = client.get(path)

    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    kept = (DOCS / name).read_text("utf-8")
    if name.endswith(".json"):
        assert answer.json() == json.loads(kept)
    else:
        assert answer.text == kept


@pytest.mark.parametrize("path", SERVED)
def test_who_has_it_is_not_sent_it_again(client: TestClient[Litestar], path: str) -> None:
    tag = client.get(path).headers["etag"]

    again = client.get(path, headers={"If-None-Match": tag})

    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", SERVED)
def test_nothing_on_the_way_may_take_it_for_a_page(client: TestClient[Litestar], path: str) -> None:
    headers = client.get(path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["cache-control"] == "no-cache"


def test_the_page_of_the_documentation_leads_there(client: TestClient[Litestar]) -> None:
    page = client.get("/schema").text

    assert [path for path in SERVED if f'href="{path}"' not in page] == []
