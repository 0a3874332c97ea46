"""TypeScript types of the frames, written from their JSON Schema. Pure: a schema in, the text of a .d.ts out."""

import json
from typing import Any

from nura_rt.protocol.schema import DEFS, SINCE, Schema

_NAMES = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
_WIDTH = 110


def declarations(document: Schema) -> str:
    """One exported type for each of the document's `$defs`."""
    head = (
        f"// {document['title']}: the frames of GET /v1/socket; docs/protocol.md explains them.\n"
        "// Ignore frames and fields you do not know. Send what came with a minor only to a server that has it:\n"
        "// `welcome.protocol` says so. Made by `make protocol`.\n"
    )
    blocks = [_declared(name, schema) for name, schema in document["$defs"].items()]
    return "\n".join([head, *blocks])


def _declared(name: str, schema: Schema) -> str:
    comment = _comment(schema, "")
    if "oneOf" in schema:
        choices = "".join(f"{_choice(choice)}\n" for choice in schema["oneOf"])
        return f"{comment}export type {name} =\n{choices.removesuffix(chr(10))};\n"
    lines = []
    for field, inner in schema["properties"].items():
        optional = "" if field in schema["required"] else "?"
        lines.append(f"{_comment(inner, '  ')}  {field}{optional}: {_type(inner)};\n")
    return f"{comment}export interface {name} {{\n{''.join(lines)}}}\n"


def _choice(choice: Schema) -> str:
    """One line of a union: a frame, or a code with what it means."""
    return f"{_comment(choice, '  ')}  | {_type(choice)}"


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(DEFS)
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    if "anyOf" in schema:
        return _union([_type(choice) for choice in schema["anyOf"]])
    if schema["type"] == "array":
        return f"Array<{_type(schema['items'])}>"
    if schema["type"] == "object":
        return f"Record<string, {_type(schema['additionalProperties'])}>"
    return _NAMES[schema["type"]]


def _union(choices: list[str]) -> str:
    # beside `string` TypeScript would forget the known words
    open_ended = any(choice[0].isupper() for choice in choices) and "string" in choices
    return " | ".join("(string & {})" if open_ended and choice == "string" else choice for choice in choices)


def _comment(schema: dict[str, Any], indent: str) -> str:
    said = ": ".join(schema[word] for word in ("title", "description") if word in schema)
    words = [said.replace("*/", "* /")] if said else []
    if SINCE in schema:
        words.append(f"@since minor {schema[SINCE]}")
    if not words:
        return ""
    line = f"{indent}/** {' '.join(words)} */\n"
    if len(line) <= _WIDTH + 1:
        return line
    return "".join([f"{indent}/**\n", *(f"{indent} * {part}\n" for part in words), f"{indent} */\n"])
