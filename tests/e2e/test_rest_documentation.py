"""The REST documentation: complete, true to its golden copy, and readable without a network."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema_rs
import pytest

from openapi_picture import GOLDEN, read, written
from servers import Instance

Operation = dict[str, Any]
PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def document(instance: Instance) -> dict[str, Any]:
    return read(instance.url)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def fits(document: dict[str, Any], schema: dict[str, Any], value: Any) -> bool:
    whole = {**schema, "components": document["components"]}
    return jsonschema_rs.validator_for(whole, validate_formats=True).is_valid(value)


def test_the_document_is_what_it_was(document: dict[str, Any]) -> None:
    """Changed on purpose? `python tests/openapi_picture.py --write`, and look at the difference."""
    assert written(document) == GOLDEN.read_text("utf-8")


def test_the_document_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"] == "Nura RT"
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_every_route_says_what_it_is_and_who_may(document: dict[str, Any]) -> None:
    lacking = [
        (name, word)
        for name, operation in operations(document)
        for word in ("summary", "description", "tags", "operationId", "security")
        if (word != "security" and not operation.get(word)) or word not in operation
    ]

    ids = [operation["operationId"] for _, operation in operations(document)]
    assert lacking == []
    assert len(ids) == len(set(ids))


def test_every_route_of_a_person_needs_the_token(document: dict[str, Any]) -> None:
    personal = ("/v1/me", "/v1/conversations")

    open_ones = [
        name
        for name, operation in operations(document)
        if name.split()[1].startswith(personal) and operation["security"] != [{"bearer": []}]
    ]

    assert open_ones == []


def test_refusals_are_documented_as_problems(document: dict[str, Any]) -> None:
    wrong = [
        (name, status)
        for name, operation in operations(document)
        for status, response in operation["responses"].items()
        if status[0] in "45" and list(response["content"]) != [PROBLEM]
    ]
    lacking = [
        (name, status)
        for name, operation in operations(document)
        for status, wanted in (
            ("401", operation["security"]),
            ("400", operation["parameters"] or operation.get("requestBody")),
            ("413", operation.get("requestBody")),
            ("404", "{" in name),
            ("412", "If-Match" in str(operation["parameters"])),
            ("304", "If-None-Match" in str(operation["parameters"])),
        )
        if wanted and status not in operation["responses"]
    ]

    assert wrong == []
    assert lacking == []


def test_every_body_has_an_example_that_fits_its_schema(document: dict[str, Any]) -> None:
    bodies = [
        (f"{name} {place}", media)
        for name, operation in operations(document)
        for place, spoken in [("request", operation.get("requestBody")), *operation["responses"].items()]
        if spoken
        for media in spoken.get("content", {}).values()
    ]

    bad = [
        name
        for name, media in bodies
        if "example" not in media or not fits(document, media["schema"], media["example"])
    ]
    assert len(bodies) > 30
    assert bad == []


def test_no_private_page_or_socket_is_in_it(document: dict[str, Any]) -> None:
    strange = [path for path in document["paths"] if not re.match(r"/v1/|/livez$|/readyz$", path)]

    assert strange == []
    assert "/v1/socket" not in document["paths"]


async def test_every_route_that_wants_a_token_says_so_without_one(
    instance: Instance, document: dict[str, Any]
) -> None:
    async with httpx.AsyncClient(base_url=instance.url, timeout=30) as client:
        statuses = {}
        for name, operation in operations(document):
            if operation["security"]:
                method, path = name.split()
                media = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
                address = re.sub(r"{[^}]+}", "chat", path)
                statuses[name] = await client.request(method, address, json=media.get("example"))

    assert {name: answer.status_code for name, answer in statuses.items() if answer.status_code != 401} == {}
    assert {answer.headers["content-type"] for answer in statuses.values()} == {PROBLEM}
