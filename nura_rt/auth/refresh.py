"""Refresh tokens: how one follows another, and what becomes of one that is shown. Pure; only digests are stored.

A token works once. Its successor is derived from it, so a client whose answer was lost may ask again, under the
name it gave that attempt, and hear the same; whoever shows a used token otherwise ends the session.
"""

import base64
import hashlib
import hmac
import re
import secrets
from typing import Literal

from nura_rt.auth.keys import derived
from nura_rt.store.refresh_tokens import TokenState

_FORM = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)

Decision = Literal["rotate", "repeat", "refuse", "kill"]


def decide(state: TokenState, *, session_live: bool) -> Decision:
    """What to do with a known token: a used one ends its session, unless only its answer was lost."""
    if not session_live:
        return "refuse"
    if state.used:
        return "repeat" if state.same_attempt and state.successor_waits and not state.expired else "kill"
    return "refuse" if state.expired else "rotate"


def first() -> str:
    """A token that follows none: 32 random bytes, as 43 characters that are safe in a URL."""
    return secrets.token_urlsafe(32)


def is_token(text: str) -> bool:
    """Has it the form of one; nothing else is worth asking a database about."""
    return _FORM.fullmatch(text) is not None


def digest(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode("ascii")).digest()


class Succession:
    """Which token follows which; whoever lacks the server's secret cannot tell."""

    def __init__(self, secret: str) -> None:
        self._key = derived(secret, "refresh")

    def after(self, token: str) -> str:
        """The one successor of `token`."""
        made = hmac.digest(self._key, b"refresh|" + token.encode("ascii"), hashlib.sha256)
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode()
