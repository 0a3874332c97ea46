"""The AsyncAPI 3.0 document of the socket. It tells of the server: it receives what clients send."""

from typing import Any

from nura_rt.protocol.schema import SINCE, definitions, document, frames_of, name_of

Document = dict[str, Any]

_CHANNEL = "#/channels/socket"
_SCHEMAS = "#/components/schemas/"
_ABOUT = """One WebSocket carries everything; frames are JSON text, told apart by `type`.

The token travels in the first frame, `hello`, never in a URL. A client ignores frames and fields it does not know,
and sends what came with a minor (`x-since-minor`) only to a server that has it. `docs/protocol.md` explains the rest.
"""
# what answers a frame; where it may be refused, `error` with the same ref does
_ANSWERS = {
    "hello": ("welcome", "subscribed", "error"),
    "auth.refresh": ("auth.refreshed", "error"),
    "subscribe": ("subscribed", "error"),
    "unsubscribe": ("unsubscribed", "error"),
    "conversation.create": ("conversation.created", "error"),
    "message.send": ("accepted", "error"),
    "ping": ("pong", "error"),
}


def asyncapi() -> Document:
    """The document; JSON values only."""
    whole = document()
    spoken = whole["x-protocol"]
    schemas = definitions(_SCHEMAS)
    messages = {name_of(side, frame): frame for side, frame in frames_of("Client", "Server")}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Nura RT: the socket",
            "version": f"{spoken['major']}.{spoken['minor']}.0",
            "description": _ABOUT,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "development": {
                "host": "127.0.0.1:8000",
                "protocol": "ws",
                "description": "Where `make run` serves. In production: `wss`, and the host's own name.",
            }
        },
        "channels": {"socket": _channel(messages, whole["$defs"])},
        "operations": _operations(),
        "components": {
            "messages": {name: _message(name, schemas[name]) for name in messages},
            "schemas": schemas,
        },
    }


def _channel(messages: dict[str, Any], definitions: Document) -> Document:
    return {
        "address": "/v1/socket",
        "title": "The socket",
        "description": (
            "`GET /v1/socket`. Offer the subprotocol `nura.v1`; offer `nura.v1.1` before it to learn from the answer, "
            "before `hello`, that the server knows minor 1. `x-error-codes` and `x-close-codes` list what may go wrong."
        ),
        "servers": [{"$ref": "#/servers/development"}],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"ws": {"method": "GET", "headers": _handshake(), "bindingVersion": "0.1.0"}},
        "x-subprotocol": "nura.v1",
        "x-error-codes": [_listed(choice) for choice in definitions["ErrorCode"]["oneOf"]],
        "x-close-codes": [
            {**_listed(choice), "reconnect": choice["const"] < 4500}
            for choice in definitions["CloseCode"]["oneOf"]
        ],
    }


def _handshake() -> Document:
    offered = {"type": "string", "description": "Names `nura.v1`.", "examples": ["nura.v1.1, nura.v1"]}
    return {
        "type": "object",
        "properties": {"Sec-WebSocket-Protocol": offered},
        "required": ["Sec-WebSocket-Protocol"],
    }


def _listed(choice: Document) -> Document:
    words = {"const": "code", "title": "reason", "description": "description", SINCE: SINCE}
    return {words[word]: value for word, value in choice.items()}


def _operations() -> Document:
    """One for each frame a client sends, with what answers it; one for all that the server sends."""
    said = {frame.__struct_config__.tag: _on_channel("Server", frame) for _, frame in frames_of("Server")}
    operations: Document = {}
    for side, frame in frames_of("Client"):
        tag = str(frame.__struct_config__.tag)
        answers = _ANSWERS.get(tag, ("error",))
        operations[f"receive{frame.__name__}"] = {
            "action": "receive",
            "title": tag,
            "channel": {"$ref": _CHANNEL},
            "messages": [_on_channel(side, frame)],
            "reply": {"channel": {"$ref": _CHANNEL}, "messages": [said[answer] for answer in answers]},
        }
    operations["send"] = {
        "action": "send",
        "title": "What the server sends",
        "channel": {"$ref": _CHANNEL},
        "messages": list(said.values()),
    }
    return operations


def _on_channel(side: str, frame: type[Any]) -> Document:
    return {"$ref": f"{_CHANNEL}/messages/{name_of(side, frame)}"}


def _message(name: str, schema: Document) -> Document:
    tag = schema["properties"]["type"]["const"]
    message = {
        "name": tag,
        "title": tag,
        "summary": schema["description"].partition(": ")[2].partition(". ")[0].removesuffix("."),
        "description": schema["description"],
        "payload": {"$ref": _SCHEMAS + name},
    }
    if "ref" in schema["properties"]:
        message["correlationId"] = {"location": "$message.payload#/ref"}
    return message | ({SINCE: schema[SINCE]} if SINCE in schema else {})
