"""Standard Webhooks: is this body, byte for byte, what the holder of the secret sent a moment ago.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping

TOLERANCE_S = 300
_ID = re.compile(r"[!-~]{1,200}")
_TIMESTAMP = re.compile(r"[0-9]{1,11}", re.ASCII)
_SIGNATURES_AT_MOST = 16


class BadSignature(Exception):
    """It was not signed with this secret, or a header is missing."""


class Stale(Exception):
    """It was signed well, but too long ago or too far in the future: maybe a copy."""


def verify(headers: Mapping[str, str], body: bytes, secret: bytes, *, now: float) -> tuple[str, float]:
    """The message's id and the second it was sent. Raises BadSignature or Stale. `headers` in lower case."""
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not _ID.fullmatch(message_id) or not _TIMESTAMP.fullmatch(timestamp):
        raise BadSignature
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256))
    shown = headers.get("webhook-signature", "").encode("utf-8", "replace").split(b" ")[:_SIGNATURES_AT_MOST]
    if not any([hmac.compare_digest(expected, one) for one in shown]):  # a list: each is compared
        raise BadSignature
    if abs(now - int(timestamp)) > TOLERANCE_S:
        raise Stale
    return message_id, float(timestamp)
