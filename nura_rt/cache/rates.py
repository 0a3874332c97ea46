"""Redis keys `nura:{rate:<kind>:<id>}`: token buckets that all instances share, each one number with an expiry.

GCRA (the generic cell rate algorithm): the number is when the bucket will be full again, by the clock of Redis.
"""

from collections.abc import Mapping

from redis.asyncio import Redis

from nura_rt.cache.script import Script
from nura_rt.telemetry import Counters

# All in microseconds, whole numbers below 2^53.
# A debt is forgiven beyond a minute, so that a clock that was set back shuts nobody out for long.
_CHARGE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local n, each, burst, ask = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == 'ask'
local room = burst * each
local full = tonumber(redis.call('GET', KEYS[1])) or now
full = math.min(math.max(full, now), now + room + 60000000)
local charged = full + n * each
if ask and charged - room > now then
  return math.ceil(charged - room - now)
end
redis.call('SET', KEYS[1], charged, 'PX', math.ceil((charged - now) / 1000))
if ask then
  return 0
end
return math.max(0, math.ceil(charged + each - room - now))
"""
_US = 1_000_000


class Rates:
    """`per_s` and `burst` of one kind of thing, for each id; never raises."""

    def __init__(self, redis: Redis, counters: Counters, *, kind: str, per_s: float, burst: int) -> None:
        """`redis` of client.for_caches: a repeated charge would count twice."""
        self._kind = kind
        self._each_us = max(1, round(_US / per_s))
        self._burst = burst
        self._charge = Script(redis, _CHARGE, name="rates", counters=counters)

    async def take(self, owner: str, n: int = 1) -> float | None:
        """0.0 when n were taken, else the seconds until they may be (and nothing was). None: Redis is away."""
        answers = await self._charge.run([(self._key(owner), (n, self._each_us, self._burst, "ask"))])
        return None if answers is None or answers[0] is None else answers[0] / _US

    async def settle(self, taken: Mapping[str, int]) -> dict[str, float] | None:
        """Charges what was taken already, even beyond the limit, in one pipeline.

        For each owner the seconds until one more may be taken. Owners that were refused are left out;
        None: Redis is away.
        """
        answers = await self._charge.run(
            [(self._key(owner), (n, self._each_us, self._burst, "owe")) for owner, n in taken.items()]
        )
        if answers is None:
            return None
        return {
            owner: answer / _US for owner, answer in zip(taken, answers, strict=True) if answer is not None
        }

    def _key(self, owner: str) -> str:
        return f"nura:{{rate:{self._kind}:{owner}}}"
