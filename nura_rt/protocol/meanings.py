"""What each error code and close code means, in one line. docs/protocol.md says the same words; a test compares."""

CODES = {
    "bad_frame": "not one JSON object in UTF-8",
    "unknown_type": "`type` is not one this server knows",
    "invalid": "`field` breaks `rule`",
    "unauthorized": "the token of an `auth.refresh` is not good, or no `hello` came in time",
    "not_found": "no such conversation of yours; another person's looks exactly the same",
    "too_long": "the text is longer than `welcome.limits.text_chars`",
    "too_fast": "too many sends, or too many other frames; see `retry_after_ms`",
    "busy": "not kept: too much at once; see `retry_after_ms`",
    "degraded": "not kept: the database does not answer; see `retry_after_ms`",
}
CLOSES = {
    4000: "this server stops; come back after `draining.reconnect_after_ms`",
    4011: "something failed here",
    4401: "get a newer token first",
    4402: "the database, or the keys of who signs tokens, cannot be reached",
    4403: "no `hello` within 5 s",
    4408: "more was waiting for you than the server keeps; resume",
    4429: "too much at once on one socket",
    4500: "the first frame was not a good `hello`",
    4501: "the token is not good",
    4502: "a binary frame, a second `hello`, or more than 20 bad frames",
    4504: "over `welcome.limits.frame_bytes`, or over 4 KiB before `welcome`",
    4505: "an `auth.refresh` with another person's token",
    4507: "the person opened too many sockets, and this was the oldest",
    4509: "the session was ended: sign in again",
    4510: "the account is deactivated or deleted",
}
