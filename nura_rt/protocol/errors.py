"""Error codes and close codes. 4000-4499: reconnect; 4500-4999: do not."""

from enum import IntEnum, StrEnum


class Code(StrEnum):
    """What an `error` frame says went wrong; stable, for programs."""

    BAD_FRAME = "bad_frame"
    UNKNOWN_TYPE = "unknown_type"
    INVALID = "invalid"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    TOO_LONG = "too_long"
    TOO_FAST = "too_fast"
    BUSY = "busy"
    DEGRADED = "degraded"


class Close(IntEnum):
    """Why the server hung up. The close reason is the name in lower case."""

    DRAINING = 4000
    INTERNAL = 4011
    TOKEN_EXPIRED = 4401
    SIGN_IN_UNAVAILABLE = 4402
    NO_HELLO = 4403
    SLOW = 4408
    TOO_FAST = 4429
    BAD_HELLO = 4500
    BAD_TOKEN = 4501
    PROTOCOL_VIOLATION = 4502
    FRAME_TOO_LARGE = 4504
    ANOTHER_PERSON = 4505
    DISPLACED = 4507
    REVOKED = 4509
    ACCOUNT_ERASED = 4510

    @property
    def slug(self) -> str:
        """The stable word sent as the close reason."""
        return self.name.lower()
