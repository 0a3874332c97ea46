"""Signed webhooks: only whoever has the secret, only these bytes, only now."""

import base64

import pytest

from nura_rt.auth.standard_webhooks import BadSignature, Stale, verify
from webhook_signer import signed

KEY, BODY, NOW = bytes(range(32)), b'{"type": "INSERT"}', 1_700_000_000


def test_the_specifications_own_example_is_accepted() -> None:
    """From the reference libraries' tests: this secret, id, time and body have this signature."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }

    found = verify(headers, b'{"test": 2432232314}', key, now=1_614_265_330)

    assert found == ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330)


def test_one_right_signature_among_several_is_enough() -> None:
    also = ("v1a,x", "v1,", "v1," + base64.b64encode(bytes(32)).decode(), "é")

    assert verify(signed(BODY, KEY, at=NOW, also=also), BODY, KEY, now=NOW) == ("msg_1", NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "msg_2"},
        {"webhook-id": ""},
        {"webhook-timestamp": str(NOW + 1)},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "now"},
        {"webhook-timestamp": "\u0661" * 10},
        {"webhook-timestamp": "9" * 400},
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,\u00e9"},
        {"webhook-signature": " ".join(["v1,x"] * 10_000)},
    ],
)
def test_what_was_not_signed_like_this_is_refused(change: dict[str, str]) -> None:
    headers = signed(BODY, KEY, at=NOW) | change

    with pytest.raises(BadSignature):
        verify(headers, BODY, KEY, now=NOW)


def test_other_bytes_and_another_secret_are_refused() -> None:
    headers = signed(BODY, KEY, at=NOW)

    for body, key in ((BODY + b" ", KEY), (BODY, KEY[::-1])):
        with pytest.raises(BadSignature):
            verify(headers, body, key, now=NOW)


def test_a_signature_of_another_version_does_not_count() -> None:
    headers = signed(BODY, KEY, at=NOW)
    headers["webhook-signature"] = headers["webhook-signature"].replace("v1,", "v2,")

    with pytest.raises(BadSignature):
        verify(headers, BODY, KEY, now=NOW)


@pytest.mark.parametrize(("off_s", "good"), [(-301, False), (-300, True), (300, True), (301, False)])
def test_five_minutes_either_way_are_forgiven(off_s: int, good: bool) -> None:
    headers = signed(BODY, KEY, at=NOW + off_s)

    if good:
        assert verify(headers, BODY, KEY, now=NOW)[1] == NOW + off_s
    else:
        with pytest.raises(Stale):
            verify(headers, BODY, KEY, now=NOW)
