"""Request headers that change what a request means. Pure: a mapping in, a value or a Refusal out."""

import re
from collections.abc import Mapping

from nura_rt.protocol.problem import Refusal

KEY_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")


def idempotency_key(headers: Mapping[str, str]) -> str:
    """The `Idempotency-Key`, which is the client_id of what is made. Raises Refusal 400 without a good one."""
    key = headers.get("idempotency-key", "")
    if not _KEY.fullmatch(key):
        raise Refusal(
            400,
            "invalid",
            "choose a key once and send it again with each retry",
            field="Idempotency-Key",
            rule="must be 1 to 64 letters, digits, - or _",
        )
    return key


def require_match(headers: Mapping[str, str], tag: str) -> bool:
    """Whether `If-Match` was given. Raises Refusal 412 when it names neither `tag` nor `*`."""
    given = headers.get("if-match")
    if given is None:
        return False
    # RFC 9110 13.1.1: compared strongly, so a weak tag never matches
    if given.strip() != "*" and tag not in (item.strip() for item in given.split(",")):
        raise changed_meanwhile()
    return True


def changed_meanwhile() -> Refusal:
    """412: read again, then decide again."""
    rule = "must be the ETag of the last read"
    return Refusal(412, "changed-meanwhile", "it is not what you read", field="If-Match", rule=rule)
