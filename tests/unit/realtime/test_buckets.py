"""A bucket for each key: one person's haste costs nobody else; memory is bounded."""

from nura_rt.realtime import rate
from nura_rt.realtime.rate import Buckets


def test_keys_do_not_share_what_they_have() -> None:
    buckets = Buckets(per_s=1, burst=1)

    waits = [buckets.take(key, 0.0) for key in ("ada", "ada", "ben")]

    assert waits == [0.0, 1.0, 0.0]


def test_the_key_used_least_recently_is_forgotten() -> None:
    buckets = Buckets(per_s=1, burst=1)
    for key in ("old", "kept", *(str(number) for number in range(rate._KEYS_AT_MOST - 2)), "kept", "new"):
        buckets.take(key, 0.0)

    waits = [buckets.take(key, 0.0) for key in ("kept", "old")]

    assert waits == [1.0, 0.0]
