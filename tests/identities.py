"""People as a verified token tells of them."""

import time
import uuid
from collections.abc import Awaitable, Callable

from nura_rt.auth.sessions import Sessions
from nura_rt.auth.tokens import Identity

MakeSessions = Callable[..., Awaitable[Sessions]]


def somebody(**claims: object) -> Identity:
    """A new person with a new session, for an hour, unless `claims` say otherwise."""
    told = {
        "user_id": str(uuid.uuid4()),
        "session_id": str(uuid.uuid4()),
        "email": None,
        "expires_at": time.time() + 3600,
        "issued_at": time.time(),
        **claims,
    }
    return Identity(**told)  # type: ignore[arg-type]
