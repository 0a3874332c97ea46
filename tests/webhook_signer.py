"""Signs webhooks as the Standard Webhooks specification says, apart from the code that checks them."""

import base64
import hashlib
import hmac


def signed(
    body: bytes, secret: bytes, *, message_id: str = "msg_1", at: int, also: tuple[str, ...] = ()
) -> dict[str, str]:
    """The headers; `also` are further signatures, before the right one."""
    content = message_id.encode() + b"." + str(at).encode() + b"." + body
    right = base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join([*also, f"v1,{right}"]),
    }
