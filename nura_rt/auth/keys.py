"""One server secret, a key of its own for each purpose: what is made for one proves nothing for another."""

import hashlib
import hmac


def derived(secret: str, purpose: str) -> bytes:
    """32 bytes for `purpose`, the same on every instance that has `secret`."""
    return hmac.digest(secret.encode(), f"nura-rt {purpose}".encode(), hashlib.sha256)
