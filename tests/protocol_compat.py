"""What would break a client written for an older minor. Pure: two documents of `protocol.schema`, a list of sentences.

Everything an old client may send must still be taken; everything sent to it must be what it was told to expect.
"""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
Side = tuple[Schema, dict[str, Schema]]  # a schema, and the definitions its references mean

_AT_LEAST = ("minimum", "minLength", "minItems")
_AT_MOST = ("maximum", "maxLength", "maxItems")
_SORTS = {str: "string", bool: "boolean", int: "integer", float: "number"}
_SINCE = "x-since-minor"


def breaking(old: Schema, new: Schema) -> list[str]:
    """What is different and may not be; a new major may do as it likes."""
    if old["x-protocol"]["major"] != new["x-protocol"]["major"]:
        return []
    return [*_minor(old, new), *_client(old, new), *_server(old, new), *_codes(old, new)]


def unnamed(old: Schema, new: Schema) -> list[str]:
    """What came after `old` and does not say with which minor."""
    minor = old["x-protocol"]["minor"]
    found = []
    for name, schema in new["$defs"].items():
        before = old["$defs"].get(name)
        if "properties" in schema and before is None:
            is_frame = "type" in schema["properties"]
            found += [name] if is_frame and schema.get(_SINCE, 0) <= minor else []
        elif "properties" in schema and before is not None:
            later = schema["properties"].keys() - before["properties"].keys()
            found += [f"{name}.{f}" for f in later if schema["properties"][f].get(_SINCE, 0) <= minor]
        elif name in ("ErrorCode", "CloseCode"):
            known = {choice["const"] for choice in before["oneOf"]} if before else set()
            fresh = [choice for choice in schema["oneOf"] if choice["const"] not in known]
            found += [f"{name} {choice['const']}" for choice in fresh if choice.get(_SINCE, 0) <= minor]
    return sorted(found)


def _minor(old: Schema, new: Schema) -> Iterator[str]:
    if new["x-protocol"]["minor"] < old["x-protocol"]["minor"]:
        yield "the minor went back"


def _client(old: Schema, new: Schema) -> Iterator[str]:
    frames = _frames(new, "ClientFrame")
    for tag, was in _frames(old, "ClientFrame").items():
        if tag not in frames:
            yield f"client frame {tag}: is not taken any more"
        else:
            yield from _beyond((was, old["$defs"]), (frames[tag], new["$defs"]), f"client frame {tag}")


def _server(old: Schema, new: Schema) -> Iterator[str]:
    frames = _frames(new, "ServerFrame")
    for tag, was in _frames(old, "ServerFrame").items():
        if tag not in frames:
            yield f"server frame {tag}: does not come any more"
        else:
            yield from _beyond((frames[tag], new["$defs"]), (was, old["$defs"]), f"server frame {tag}")


def _codes(old: Schema, new: Schema) -> Iterator[str]:
    for kind in ("ErrorCode", "CloseCode"):
        named = {choice["const"]: choice.get("title") for choice in new["$defs"][kind]["oneOf"]}
        for choice in old["$defs"][kind]["oneOf"]:
            if choice["const"] not in named:
                yield f"{kind} {choice['const']}: is gone"
            elif named[choice["const"]] != choice.get("title"):
                yield f"{kind} {choice['const']}: has another name"


def _frames(document: Schema, union: str) -> dict[str, Schema]:
    whole = document["$defs"]
    frames = [whole[choice["$ref"].rpartition("/")[2]] for choice in whole[union]["oneOf"]]
    return {frame["properties"]["type"]["const"]: frame for frame in frames}


def _beyond(said: Side, heard: Side, where: str) -> list[str]:
    """Why something that fits `said` may not fit `heard`."""
    (given, given_defs), (wanted, wanted_defs) = said, heard = _resolved(said), _resolved(heard)
    for choices in (given.get("anyOf"), given.get("oneOf")):
        if choices:
            return [why for choice in choices for why in _beyond((choice, given_defs), heard, where)]
    for choices in (wanted.get("anyOf"), wanted.get("oneOf")):
        if choices:
            tried = [_beyond(said, (choice, wanted_defs), where) for choice in choices]
            return [] if [] in tried else [f"{where}: may be what it was not"]
    if (values := _values(wanted)) is not None:
        beyond = [value for value in _values(given) or ["anything"] if value not in values]
        return [f"{where}: may be {value}" for value in beyond]
    if not _sorts(given) <= {wanted["type"], _narrower_sort(wanted["type"])}:
        return [f"{where}: was another type"]
    if wanted["type"] == "array":
        return [
            *_tighter(given, wanted, where),
            *_beyond(_at(said, "items"), _at(heard, "items"), f"{where}[]"),
        ]
    if wanted["type"] == "object":
        return _object_beyond(said, heard, where)
    return _tighter(given, wanted, where)


def _object_beyond(said: Side, heard: Side, where: str) -> list[str]:
    (given, given_defs), (wanted, wanted_defs) = said, heard
    if isinstance(wanted.get("additionalProperties"), dict):
        named = "additionalProperties"
        if not isinstance(given.get(named), dict):
            return [f"{where}: was another type"]
        return _beyond(_at(said, named), _at(heard, named), f"{where}{{}}")
    if "properties" not in given:
        return [f"{where}: was another type"]
    fields, known = given["properties"], wanted["properties"]
    missing = [name for name in wanted["required"] if name not in given["required"]]
    if wanted.get("additionalProperties") is False:  # what a client sends
        lacking = [f"{where}.{name}: is required" for name in missing]
        lacking += [f"{where}.{name}: is not taken any more" for name in fields if name not in known]
    else:
        lacking = [f"{where}.{name}: may be left out" for name in missing if name in fields]
        lacking += [f"{where}.{name}: does not come any more" for name in known if name not in fields]
    for name in fields.keys() & known.keys():
        lacking += _beyond((fields[name], given_defs), (known[name], wanted_defs), f"{where}.{name}")
    return sorted(lacking)


def _tighter(given: Schema, wanted: Schema, where: str) -> list[str]:
    """The limits of `wanted` that `given` does not keep."""
    words = [word for word in _AT_LEAST if word in wanted and not given.get(word, -1) >= wanted[word]]
    words += [word for word in _AT_MOST if word in wanted and not given.get(word, 2**64) <= wanted[word]]
    words += [word for word in ("pattern", "format") if word in wanted and given.get(word) != wanted[word]]
    return [f"{where}: {word} is tighter" for word in words]


def _at(side: Side, word: str) -> Side:
    return side[0][word], side[1]


def _resolved(side: Side) -> Side:
    schema, definitions = side
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    return schema, definitions


def _values(schema: Schema) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _sorts(schema: Schema) -> set[str]:
    """The JSON types it may have."""
    values = _values(schema)
    return {schema["type"]} if values is None else {_SORTS[type(value)] for value in values}


def _narrower_sort(sort: str) -> str:
    """A whole number is a number."""
    return "integer" if sort == "number" else sort
