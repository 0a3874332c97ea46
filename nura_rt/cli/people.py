"""Demo people: a name becomes always the same UUID, so that a token can be made without asking a database."""

import uuid

from nura_rt.cli.errors import UsageError

_NAMES = uuid.UUID("6e757261-0000-4000-8000-000000000000")
DEMO_EMAIL = "demo@nura.example"
DEMO_PASSWORD = "quiet-night-demo"  # noqa: S105 - development only; production refuses to seed


def person_id(name: str) -> str:
    """A UUID as it is, any other name as its own UUID. Raises UsageError for an empty or overlong one."""
    try:
        return str(uuid.UUID(name))
    except ValueError:
        if not 1 <= len(name.strip()) <= 64:
            raise UsageError("--user: must be a UUID or a name of 1 to 64 characters") from None
        return str(uuid.uuid5(_NAMES, name.strip().lower()))
