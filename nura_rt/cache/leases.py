"""Redis keys `nura:{presence:<person>}`: one member for each open connection, its score the end of its lease.

What is not renewed ends by itself, by the clock of Redis alone; so a killed instance leaves nothing behind.
"""

from collections.abc import Sequence

import msgspec
from redis.asyncio import Redis

from nura_rt.cache.script import Script
from nura_rt.telemetry import Counters

# Members begin with when they joined, in digits of one length: sorted as text the oldest comes first.
_RENEW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease, at_most, held = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
for at = 4 + held, #ARGV do
  redis.call('ZREM', KEYS[1], ARGV[at])
end
for at = 4, 3 + held do
  redis.call('ZADD', KEYS[1], now + lease, ARGV[at])
end
local count, displaced = redis.call('ZCARD', KEYS[1]), {}
if count > at_most then
  local members = redis.call('ZRANGE', KEYS[1], 0, -1)
  table.sort(members)
  for at = 1, count - at_most do
    displaced[at] = members[at]
    redis.call('ZREM', KEYS[1], members[at])
  end
  count = at_most
end
if held > 0 and redis.call('PTTL', KEYS[1]) < lease then
  redis.call('PEXPIRE', KEYS[1], lease)
end
return {count, displaced}
"""
_COUNT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return redis.call('ZCOUNT', KEYS[1], string.format('(%.0f', now), '+inf')
"""


class Change(msgspec.Struct, frozen=True):
    """News of one person's connections on one instance: these are held, these are gone."""

    person_id: str
    held: list[str]
    gone: list[str]


class Leased(msgspec.Struct, frozen=True):
    """After a change: how many connections live, everywhere, and which were put out, oldest first."""

    count: int
    displaced: list[str]


class Leases:
    """Renews, ends and counts leases; never raises. Done twice is the same as done once."""

    def __init__(self, redis: Redis, counters: Counters, *, lease_s: float, at_most: int) -> None:
        """`redis` of client.for_caches; `at_most` members a person."""
        self._lease_ms = int(lease_s * 1000)
        self._at_most = at_most
        self._renew = Script(redis, _RENEW, name="leases", counters=counters)
        self._count = Script(redis, _COUNT, name="leases", counters=counters)

    async def renew(self, changes: Sequence[Change]) -> list[Leased | None] | None:
        """What came of each change, in one pipeline; None where it was refused. None: Redis is away."""
        answers = await self._renew.run(
            [
                (
                    _key(change.person_id),
                    (self._lease_ms, self._at_most, len(change.held), *change.held, *change.gone),
                )
                for change in changes
            ]
        )
        return None if answers is None else [None if answer is None else _read(answer) for answer in answers]

    async def count(self, person_id: str) -> int | None:
        """How many connections the person has, on all instances; None: unknown."""
        answers = await self._count.run([(_key(person_id), ())])
        return None if answers is None else answers[0]


def _key(person_id: str) -> str:
    return f"nura:{{presence:{person_id}}}"


def _read(answer: tuple[int, list[bytes]]) -> Leased:
    count, displaced = answer
    return Leased(count, [member.decode() for member in displaced])
