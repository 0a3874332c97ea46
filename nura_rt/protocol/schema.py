"""JSON Schema (2020-12) of the protocol, made from the structs.

What a client may send is closed, as the decoder is; what the server sends is open: clients ignore what they don't know.
"""

from collections.abc import Iterable
from enum import Enum
from types import ModuleType
from typing import Any, get_args

import msgspec
from msgspec import inspect

from nura_rt.protocol import client, meanings, minors, server
from nura_rt.protocol.comments import comments
from nura_rt.protocol.errors import Close, Code

Schema = dict[str, Any]
SINCE = "x-since-minor"

DEFS = "#/$defs/"
_SIDES = {"Client": client, "Server": server}
# a text that is one of these today, and may be another one tomorrow
_KNOWN_WORDS = {(server.Error, "code"): "ErrorCode"}


def document() -> Schema:
    """The whole protocol in one schema: it fits any frame, and `$defs` has each one, named by who sends it."""
    spoken = server.Version()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"nura.v{spoken.major}.{spoken.minor}",
        "description": "Frames of GET /v1/socket, both ways. docs/protocol.md explains them.",
        "x-protocol": msgspec.to_builtins(spoken),
        "anyOf": [{"$ref": f"{DEFS}ClientFrame"}, {"$ref": f"{DEFS}ServerFrame"}],
        "$defs": definitions(DEFS),
    }


def definitions(prefix: str) -> dict[str, Schema]:
    """Name -> schema of every frame and its parts. A reference is `prefix` and the name."""
    parts: dict[str, Schema] = {}
    frames: dict[str, Schema] = {}
    for side, frame in frames_of(*_SIDES):
        frames[name_of(side, frame)] = _struct(inspect.type_info(frame), prefix, parts, side)
    unions = {
        f"{side}Frame": {
            "description": f"Everything the {side.lower()} sends, told apart by `type`.",
            "oneOf": [{"$ref": prefix + name_of(side, frame)} for _, frame in frames_of(side)],
        }
        for side in _SIDES
    }
    # one name, one meaning: a part may not hide a frame
    assert not set(parts) & set(frames)
    return {**unions, **frames, **dict(sorted(parts.items())), "ErrorCode": _codes(), "CloseCode": _closes()}


def frames_of(*sides: str) -> Iterable[tuple[str, type[msgspec.Struct]]]:
    """(side, struct) of each frame of `Client` or `Server`, in the order of their modules."""
    for side in sides:
        module: ModuleType = _SIDES[side]
        for frame in get_args(getattr(module, f"{side}Frame")):
            yield side, frame


def name_of(side: str, frame: type[msgspec.Struct]) -> str:
    """As it stands in `$defs`. With the side, since both say `typing` and `read`."""
    return side + frame.__name__


def _struct(shape: Any, prefix: str, parts: dict[str, Schema], side: str) -> Schema:
    kind = shape.cls
    said, since = comments(kind), minors.FRAMES.get(kind, 0)
    fields: dict[str, Schema] = {} if shape.tag is None else {shape.tag_field: {"const": shape.tag}}
    required = list(fields)
    for field in shape.fields:
        left_out = side == "Server" and kind.__struct_config__.omit_defaults and not field.required
        inner = _type(field.type, prefix, parts, side)
        if (kind, field.name) in _KNOWN_WORDS:
            inner = {"anyOf": [{"$ref": prefix + _KNOWN_WORDS[kind, field.name]}, inner]}
        if left_out and field.default is None:
            inner = _without_null(inner)
        if field.name in said:
            inner["description"] = said[field.name]
        later = minors.FIELDS.get((kind, field.name), since)
        if later > since:
            inner[SINCE] = later
        # an older server of the same major does not send it yet
        if field.required or (side == "Server" and not left_out and later == since):
            required.append(field.encode_name)
        fields[field.encode_name] = inner
    schema: Schema = {
        "description": kind.__doc__,
        "type": "object",
        "properties": fields,
        "required": required,
    }
    if side == "Client":
        schema["additionalProperties"] = False
    return schema | ({SINCE: since} if since else {})


def _type(shape: Any, prefix: str, parts: dict[str, Schema], side: str) -> Schema:
    match shape:
        case inspect.StructType():
            name = shape.cls.__name__
            if name not in parts:
                parts[name] = _struct(shape, prefix, parts, side)
            return {"$ref": prefix + name}
        case inspect.UnionType():
            choices = [_type(choice, prefix, parts, side) for choice in shape.types]
            number = {"type": "number"}
            if number in choices:
                choices = [choice for choice in choices if choice != {"type": "integer"}]
            return choices[0] if len(choices) == 1 else {"anyOf": choices}
        case inspect.ListType():
            items = _type(shape.item_type, prefix, parts, side)
            return {"type": "array", "items": items} | _limits(
                shape, min_length="minItems", max_length="maxItems"
            )
        case inspect.DictType():
            return {"type": "object", "additionalProperties": _type(shape.value_type, prefix, parts, side)}
        case inspect.LiteralType():
            return {"enum": list(shape.values)}
        case _:
            return _plain(shape)


def _plain(shape: Any) -> Schema:
    match shape:
        case inspect.StrType():
            limits = _limits(shape, min_length="minLength", max_length="maxLength", pattern="pattern")
            if "pattern" in limits:  # JSON Schema speaks JavaScript's regexes, which know no \A and \Z
                limits["pattern"] = limits["pattern"].replace(r"\A", "^").replace(r"\Z", "$")
            return {"type": "string"} | limits
        case inspect.IntType():
            return {"type": "integer"} | _limits(shape, ge="minimum", le="maximum")
        case inspect.FloatType():
            return {"type": "number"}
        case inspect.BoolType():
            return {"type": "boolean"}
        case inspect.DateTimeType():
            return {"type": "string", "format": "date-time"}
        case inspect.NoneType():
            return {"type": "null"}
        case _:
            raise TypeError(f"say here what {shape} is in JSON Schema")


def _limits(shape: Any, **words: str) -> Schema:
    found = {word: getattr(shape, name) for name, word in words.items()}
    return {word: limit for word, limit in found.items() if limit is not None}


def _without_null(schema: Schema) -> Schema:
    """The server leaves out what is null."""
    kept = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    return kept[0] if len(kept) == 1 else {**schema, "anyOf": kept}


def _codes() -> Schema:
    listed = [_listed(code, code.value, meanings.CODES[code], minors.CODES) for code in Code]
    return {
        "description": "What an `error` says went wrong. More may come: go by `temporary`.",
        "oneOf": listed,
    }


def _closes() -> Schema:
    listed = [
        {**_listed(code, int(code), meanings.CLOSES[code], minors.CLOSES), "title": code.slug}
        for code in Close
    ]
    return {
        "description": "Why the server closed the socket. 4000-4499: reconnect. 4500-4999: do not.",
        "oneOf": listed,
    }


def _listed(code: Enum, value: Any, meaning: str, since: dict[Any, int]) -> Schema:
    return {"const": value, "description": meaning} | ({SINCE: since[code]} if code in since else {})
