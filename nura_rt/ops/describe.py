"""The OpenAPI document as it is served: Litestar's own, with what only we know. Pure: dicts in, dicts out.

A route says by its `opt`: `etag` (304 and If-None-Match), `idempotency_key` (True or "optional"), `if_match`, and
`refusals` (statuses beside those that follow from its shape). Schemas come from msgspec, which also checks requests.
"""

from collections.abc import Iterable, Iterator
from typing import Any, get_args, get_origin

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response

from nura_rt.ops.told import TOLD
from nura_rt.protocol.headers import KEY_PATTERN
from nura_rt.protocol.problem import MEDIA_TYPE, Problem

REF = "#/components/schemas/{name}"
BEARER = "bearer"

# path prefix -> tag, and whether its routes are open to anyone unless one is told to want the token
_ROOMS = (
    ("/v1/auth/", "Sign-in", True),
    ("/v1/hooks/", "Hooks", True),
    ("/v1/support/", "Support", True),
    ("/livez", "Health", True),
    ("/readyz", "Health", True),
    ("/v1/me", "Me", False),
    ("/v1/", "More", False),
)
_REFUSALS = {
    400: ("invalid", "A field or a header breaks a rule; both are named.", "limit", "must be at least 1"),
    401: ("unauthorized", "Without a good token.", "Authorization", "must be Bearer and a token"),
    403: ("forbidden", "Not with this token, or not with this password.", None, None),
    404: ("not-found", "Not there, or another person's: nobody can tell which.", None, None),
    409: ("conflict", "It cannot be so, as things stand.", "status", "must stay ended"),
    410: ("gone", "It was there, and is no more.", None, None),
    412: ("changed-meanwhile", "It is not what you read.", "If-Match", "must be the ETag of the last read"),
    413: ("too-large", "The body is over 64 KiB.", None, None),
    429: ("too-fast", "Too much at once; see Retry-After.", None, None),
    503: ("degraded", "Not done; send it again, with the same key.", None, None),
}
_MOMENT = "2026-11-22T10:00:00.123456Z"
_ASKED = {  # examples of parameters, by name
    "limit": 50,
    "before": 120,
    "after": 40,
    "status": "active",
    "changed_since": "2026-11-22T09:00:00Z",
    "cursor": "MjAyNi0xMS0yMlQwOTowMDowMCswMDowMCAzZjJiNmMxZS03ZjRmLTRkMGUtOWI2My0wMDAwMDAwMDAwMGM",
    "level": "high",
    "service_type": "chat",
    "session_id": "3f2b6c1e-7f4f-4d0e-9b63-00000000000b",
}
_EXAMPLES = {  # of fields whose type alone says too little, by name
    "conversation_id": "3f2b6c1e-7f4f-4d0e-9b63-00000000000c",
    "message_id": "3f2b6c1e-7f4f-4d0e-9b63-000000000001",
    "user_id": "3f2b6c1e-7f4f-4d0e-9b63-00000000000a",
    "client_id": "5b0f6f1e-8a3c",
    "title": "A walk by the sea",
    "description": "What helped this week",
    "text": "I slept better this week",
    "status": "active",
    "session_type": "chat",
    "service_type": "chat",
    "crisis_level": "none",
    "email": "ada@example.org",
    "password": "quiet-night-and-stars",
    "phone_number": "+15555550100",
    "full_name": "Ada Example",
    "display_name": "Ada",
    "bio": "I like long walks",
    "avatar_url": "https://images.example/ada.png",
}


def struct_types(handlers: Iterable[HTTPRouteHandler]) -> list[Any]:
    """Everything the handlers take and give, and `Problem`."""
    found: list[Any] = [Problem]
    for handler in handlers:
        fields = [handler.parsed_data_field, handler.parsed_return_field]
        found += [field.annotation for field in fields if field is not None]
        found += [spec.data_container for spec in (handler.responses or {}).values()]
    return [kind for one in found if _is_json(kind := _unwrapped(one))]


def _unwrapped(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Response else annotation


def _is_json(annotation: Any) -> bool:
    return annotation not in (None, type(None), bytes, Any, Response)


def finished(document: dict[str, Any], handlers: dict[tuple[str, str], HTTPRouteHandler]) -> dict[str, Any]:
    """The document with everything said. `handlers` by (path, method in lower case); others are left out."""
    _, components = msgspec.json.schema_components(struct_types(handlers.values()), ref_template=REF)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.update({name: _with_formats(ours, schemas.get(name, {})) for name, ours in components.items()})
    paths: dict[str, Any] = {}
    for path, methods in sorted(document["paths"].items()):
        for method, operation in sorted(methods.items()):
            handler = handlers.get((path, method))
            if handler is not None:
                paths.setdefault(path, {})[method] = _Operation(path, operation, handler, schemas).finished()
    used = _closure(paths, schemas)
    return {
        **document,
        "paths": paths,
        "components": {
            **document["components"],
            "schemas": {name: schemas[name] for name in sorted(used)},
            "securitySchemes": {
                BEARER: {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The access token of a sign-in.",
                }
            },
        },
    }


def _with_formats(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """msgspec says of a datetime only that it is a string; Litestar knows better."""
    for name, field in ours.get("properties", {}).items():
        known = theirs.get("properties", {}).get(name, {})
        formats = [choice["format"] for choice in (known, *known.get("oneOf", ())) if "format" in choice]
        for choice in (field, *field.get("anyOf", ())):
            if formats and choice.get("type") == "string":
                choice["format"] = formats[0]
    return ours


class _Operation:
    """One operation, being finished."""

    def __init__(
        self, path: str, operation: dict[str, Any], handler: HTTPRouteHandler, schemas: dict[str, Any]
    ) -> None:
        self._path = path
        self._operation = dict(operation)
        self._opt = handler.opt
        self._schemas = schemas
        self._told = TOLD.get(operation["operationId"])
        self._room = next(room for room in _ROOMS if path.startswith(room[0]))

    def finished(self) -> dict[str, Any]:
        """In the order: who may, what is asked, what is answered."""
        operation = self._operation
        operation.pop("deprecated", None)
        self._tell(operation)
        operation["parameters"] = [*map(_parameter, operation.get("parameters", [])), *self._headers()]
        if body := operation.get("requestBody"):
            for media in body["content"].values():
                media["example"] = example_of(media["schema"], self._schemas)
        operation["responses"] = {**dict(self._successes()), **dict(self._refusals())}
        return operation

    def _tell(self, operation: dict[str, Any]) -> None:
        told = self._told
        if told is not None:
            operation["summary"] = told.summary  # Litestar's own is the function's name
            operation["description"] = told.description
        operation.setdefault("description", "")  # a test asks for one
        _, tag, is_open = self._room
        operation.setdefault("tags", [tag])
        wants_token = told.token if told is not None else not is_open
        operation.setdefault("security", [{BEARER: []}] if wants_token else [])

    def _headers(self) -> Iterator[dict[str, Any]]:
        if key := self._opt.get("idempotency_key"):
            about = "Chosen once and kept for every retry" + (
                ": the client_id of what is made." if key is True else "."
            )
            schema = {"type": "string", "pattern": KEY_PATTERN}
            yield _header("Idempotency-Key", about, schema, "5b0f6f1e-8a3c", required=key is True)
        if self._opt.get("if_match"):
            yield _header("If-Match", "Write only over this ETag.", {"type": "string"}, None)
        if self._opt.get("etag"):
            yield _header("If-None-Match", "Answer 304 over this ETag.", {"type": "string"}, None)

    def _successes(self) -> Iterator[tuple[str, Any]]:
        for status, response in self._operation["responses"].items():
            if not status.startswith("2"):
                continue
            response.pop("headers", None)
            if status == "201":
                response["description"] = "It was made."
            for media in response.get("content", {}).values():
                media["example"] = example_of(media["schema"], self._schemas)
            if self._opt.get("etag"):
                response["headers"] = {
                    "ETag": {"description": "Names this body.", "schema": {"type": "string"}}
                }
            yield status, response
        if self._opt.get("etag"):
            yield "304", {"description": "You have it already."}

    def _refusals(self) -> Iterator[tuple[str, Any]]:
        operation = self._operation
        statuses = {*self._opt.get("refusals", ()), *(self._told.refusals if self._told else ())}
        if operation["security"]:
            statuses |= {401, 503}
        if operation["parameters"] or "requestBody" in operation:
            statuses |= {400}
        if "requestBody" in operation:
            statuses |= {413}
        if "{" in self._path:
            statuses |= {404}
        if self._opt.get("if_match"):
            statuses |= {412}
        for status in sorted(statuses - {int(known) for known in operation["responses"] if known[0] == "2"}):
            yield str(status), _refusal(status)


def _header(
    name: str, about: str, schema: dict[str, Any], example: str | None, *, required: bool = False
) -> dict[str, Any]:
    shown = {} if example is None else {"example": example}
    return {
        "name": name, "in": "header", "description": about, "required": required, "schema": schema, **shown,
    }  # fmt: skip


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    """A query has no null: what may be left out is simply not required."""
    schema = dict(parameter["schema"])
    choices = [choice for choice in schema.pop("oneOf", []) if choice != {"type": "null"}]
    schema.pop("description", None)
    merged = (
        {**schema, **choices[0]} if len(choices) == 1 else {**schema, "oneOf": choices} if choices else schema
    )
    given = {**_EXAMPLES, **_ASKED}.get(parameter["name"])
    shown = {} if given is None else {"example": given}
    kept = {key: value for key, value in parameter.items() if key != "deprecated"}
    return {**kept, "schema": merged, **shown}


def _refusal(status: int) -> dict[str, Any]:
    slug, sentence, field, rule = _REFUSALS[status]
    shown = Problem(f"/problems/{slug}", slug.replace("-", " "), status, sentence, field, rule)
    media = {"schema": {"$ref": REF.format(name="Problem")}, "example": msgspec.to_builtins(shown)}
    response: dict[str, Any] = {"description": sentence, "content": {MEDIA_TYPE: media}}
    if status in (429, 503):
        seconds = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
        response["headers"] = {"Retry-After": seconds}
    return response


def example_of(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """A value that fits the schema, made of the examples its fields give."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if schema.get("examples"):
        return schema["examples"][0]
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return example_of(schema[word][0], schemas)
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    kind = schema.get("type")
    if kind == "object":
        fields = schema.get("properties", {})
        return {
            name: _field_example(name, field, schemas) for name, field in fields.items() if name != "support"
        }
    if kind == "array":
        return [example_of(schema["items"], schemas)] if schema.get("items") else []
    if kind == "string":
        return _MOMENT if schema.get("format") == "date-time" else "text"
    return {"integer": schema.get("minimum", 1), "number": 0.5, "boolean": True}.get(str(kind))


def _field_example(name: str, field: dict[str, Any], schemas: dict[str, Any]) -> Any:
    made = example_of(field, schemas)
    return _EXAMPLES.get(name, made) if made == "text" else made


def _closure(shown: Any, schemas: dict[str, Any]) -> set[str]:
    """The names of all schemas that `shown` refers to, directly or not."""
    found: set[str] = set()
    waiting = list(_references(shown))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _references(schemas[name])
    return found


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].rpartition("/")[2]
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _references(inner)
