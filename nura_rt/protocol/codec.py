"""Bytes to frames and back. A refused frame says which field broke which rule, and never raises anything else."""

import re
from dataclasses import dataclass

import msgspec

from nura_rt.protocol.client import ClientFrame
from nura_rt.protocol.errors import Code
from nura_rt.protocol.server import ServerFrame

_decoder: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
_encoder = msgspec.json.Encoder()

_AT_PATH = re.compile(r" - at `\$\.?([^`]*)`$")
_UNKNOWN_FIELD = re.compile(r"unknown field `([^`]{1,64})")
_MISSING_FIELD = re.compile(r"missing required field `([^`]{1,64})`")


class _Referring(msgspec.Struct):
    ref: str = ""


_ref_decoder = msgspec.json.Decoder(_Referring)


@dataclass(eq=False)
class FrameError(Exception):
    """A frame that was refused: the error's code, the rule in words, and the field where one is to blame."""

    code: Code
    rule: str
    field: str | None = None
    ref: str | None = None


def encode(frame: ServerFrame) -> bytes:
    """A frame as the UTF-8 JSON that crosses the socket."""
    return _encoder.encode(frame)


def decode(text: str | bytes) -> ClientFrame:
    """The client's frame; raises `FrameError` and nothing else."""
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError as error:
        raise _explain(str(error), _ref_of(text)) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise FrameError(Code.BAD_FRAME, "must be one JSON object in UTF-8") from None


def _ref_of(text: str | bytes) -> str | None:
    """The frame's ref if it has a usable one, so that the client can match the error."""
    try:
        return _ref_decoder.decode(text).ref[:64] or None
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _explain(problem: str, ref: str | None) -> FrameError:
    path = _AT_PATH.search(problem)
    rule = _AT_PATH.sub("", problem)
    field = path.group(1) if path else None
    if field is None and rule.startswith("Expected `object`"):
        return FrameError(Code.BAD_FRAME, "must be one JSON object in UTF-8", None, ref)
    if field == "type" or "missing required field `type`" in rule:
        return FrameError(Code.UNKNOWN_TYPE, "must name a frame type of nura.v1", "type", ref)
    named, rule = blame(rule)
    return FrameError(Code.INVALID, rule, named or field or None, ref)


def blame(problem: str) -> tuple[str | None, str]:
    """The field msgspec names inside its sentence, if it does, and the rule in our words."""
    if unknown := _UNKNOWN_FIELD.search(problem):
        return unknown.group(1), "is not a known field"
    if missing := _MISSING_FIELD.search(problem):
        return missing.group(1), "is required"
    return None, problem[:200]
