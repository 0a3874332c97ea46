"""Every text that a client can send, by the documents of the doors themselves; and which of them are a person's words.

A field is named by its frame or route and its place: "message.send text", "PATCH /v1/me body.bio".
"""

from collections.abc import Iterator
from typing import Any, get_args

import msgspec

from nura_rt.protocol.client import ClientFrame

Schema = dict[str, Any]

_MANY = ("anyOf", "oneOf", "allOf")
_WRITING = ("post", "put", "patch", "delete")

# Whatever is in none of these must be in WORDS of test_screened_doors.py: a way to send a sentence through it.
NO_WORDS = {
    "an e-mail address or a telephone number": (
        "POST /v1/auth/change-email body.email",
        "POST /v1/auth/forgot-password body.email",
        "POST /v1/auth/phone body.phone",
        "POST /v1/auth/sign-in body.email",
        "POST /v1/auth/sign-up body.email",
    ),
    "a password: only its hash is kept": (
        "POST /v1/auth/change-email body.password",
        "POST /v1/auth/change-password body.current_password",
        "POST /v1/auth/change-password body.new_password",
        "POST /v1/auth/reset-password body.password",
        "POST /v1/auth/sign-in body.password",
        "POST /v1/auth/sign-up body.password",
    ),
    "a token or code that the server made": (
        "POST /v1/auth/refresh body.refresh_token",
        "POST /v1/auth/reset-password body.token",
        "POST /v1/auth/verify-email body.token",
        "POST /v1/auth/verify-phone body.code",
        "auth.refresh token",
        "hello token",
    ),
    "the id of something that is there: it is looked up, never kept": (
        "DELETE /v1/conversations/{conversation_id} path.conversation_id",
        "DELETE /v1/conversations/{conversation_id}/messages/{message_id} path.conversation_id",
        "DELETE /v1/conversations/{conversation_id}/messages/{message_id} path.message_id",
        "DELETE /v1/me/sessions/{session_id} path.session_id",
        "GET /v1/conversations/{conversation_id} path.conversation_id",
        "GET /v1/conversations/{conversation_id}/messages path.conversation_id",
        "PATCH /v1/conversations/{conversation_id} path.conversation_id",
        "POST /v1/conversations/{conversation_id}/messages path.conversation_id",
        "hello resume[].channel",
        "message.send conversation_id",
        "notice.ack notice_id",
        "read conversation_id",
        "subscribe channel",
        "typing conversation_id",
        "unsubscribe channel",
    ),
    "an id that the client's program makes, of letters, digits, - and _": (
        "POST /v1/auth/refresh header.Idempotency-Key",
        "POST /v1/conversations header.Idempotency-Key",
        "POST /v1/conversations/{conversation_id}/messages header.Idempotency-Key",
        "conversation.create client_id",
        "message.send client_id",
    ),
    "echoed to the client that chose it, never kept": (
        "auth.refresh ref",
        "conversation.create ref",
        "message.send ref",
        "subscribe ref",
        "unsubscribe ref",
    ),
    "an ETag, a cursor, a moment, a country or a level: it is compared, never kept": (
        "DELETE /v1/conversations/{conversation_id} header.If-Match",
        "GET /v1/conversations header.If-None-Match",
        "GET /v1/conversations query.changed_since",
        "GET /v1/conversations query.cursor",
        "GET /v1/conversations/{conversation_id} header.If-None-Match",
        "GET /v1/conversations/{conversation_id}/messages header.If-None-Match",
        "GET /v1/me header.If-None-Match",
        "GET /v1/me/service-profiles header.If-None-Match",
        "GET /v1/support/resources query.country",
        "GET /v1/support/resources query.level",
        "PATCH /v1/conversations/{conversation_id} header.If-Match",
        "PATCH /v1/me header.If-Match",
    ),
    "a URL (screened with the rest of the profile all the same)": ("PATCH /v1/me body.avatar_url",),
    "no body is read": (
        "DELETE /v1/conversations/{conversation_id} body",
        "DELETE /v1/conversations/{conversation_id}/messages/{message_id} body",
        "DELETE /v1/me/sessions body",
        "DELETE /v1/me/sessions/{session_id} body",
        "POST /v1/auth/resend-verification body",
        "POST /v1/auth/sign-out body",
    ),
}


def texts_of_routes(document: Schema) -> set[str]:
    """Of an OpenAPI document: each string of a parameter or a body, and each body that is not described at all."""
    schemas = document["components"]["schemas"]
    found = set()
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            where = f"{method.upper()} {path}"
            for one in route.get("parameters", []):
                found |= {
                    f"{where} {one['in']}.{place}" for place in _texts(one["schema"], one["name"], schemas)
                }
            bodies = route.get("requestBody", {}).get("content", {})
            for body in bodies.values():
                found |= {f"{where} {place}" for place in _texts(body["schema"], "body", schemas)}
            if not bodies and method in _WRITING:
                found.add(f"{where} body")
    return found


def texts_of_frames() -> set[str]:
    """Of everything a client can say on the socket."""
    found = set()
    for frame in get_args(ClientFrame):
        (schema,), schemas = msgspec.json.schema_components([frame], ref_template="{name}")
        found |= {f"{frame.__struct_config__.tag} {place[1:]}" for place in _texts(schema, "", schemas)}
    return found


def _texts(schema: Schema, place: str, schemas: dict[str, Schema]) -> Iterator[str]:
    """Where a client chooses the text: not one of an enumeration, but also wherever anything goes."""
    if "$ref" in schema:
        yield from _texts(schemas[schema["$ref"].rsplit("/", 1)[-1]], place, schemas)
        return
    if "enum" in schema or "const" in schema:
        return
    parts = [part for many in _MANY for part in schema.get(many, [])]
    for part in parts:
        yield from _texts(part, place, schemas)
    kinds = schema.get("type", [] if parts else ["string"])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "string" in kinds:
        yield place
    if "array" in kinds:
        yield from _texts(schema.get("items", {}), f"{place}[]", schemas)
    if "object" in kinds:
        for name, inner in schema.get("properties", {}).items():
            yield from _texts(inner, f"{place}.{name}", schemas)
        more = schema.get("additionalProperties", "properties" not in schema)
        if more is not False:
            yield f"{place}.*"
