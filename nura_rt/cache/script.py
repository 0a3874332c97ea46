"""A Lua script, run for many keys in one pipeline. Each call has one key, so a cluster finds its shard.

Failure is an answer here, not an exception: what these scripts keep may be lost.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from nura_rt.telemetry import Counters

WITHIN_S = 2.0  # a pipeline; a cluster's client has no bound of its own on the whole

Call = tuple[str, Sequence[str | int]]  # a key and the arguments


class Script:
    """One script of Redis. `name` stands in the counters `<name>_away` and `<name>_refused`."""

    def __init__(self, redis: Redis, text: str, *, name: str, counters: Counters) -> None:
        """`redis` of client.for_caches: a try that is repeated late would count twice."""
        self._redis = redis
        self._text = text
        self._sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        self._name = name
        self._counters = counters

    async def run(self, calls: Sequence[Call]) -> list[Any] | None:
        """The answer of each call, None for one that was refused; None for all when Redis is away.

        Away may mean: done, but the answer was lost.
        """
        try:
            async with asyncio.timeout(WITHIN_S):
                answers = await self._send("EVALSHA", self._sha, calls)
                unknown = [at for at, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
                if unknown:  # a server that is new, or that has restarted
                    again = await self._send("EVAL", self._text, [calls[at] for at in unknown])
                    for at, answer in zip(unknown, again, strict=True):
                        answers[at] = answer
        except (RedisError, OSError, TimeoutError):
            self._counters.add(f"{self._name}_away")
            return None
        if refused := sum(isinstance(answer, Exception) for answer in answers):
            self._counters.add(f"{self._name}_refused", refused)
        return [None if isinstance(answer, Exception) else answer for answer in answers]

    async def _send(self, command: str, script: str, calls: Sequence[Call]) -> list[Any]:
        pipe = self._redis.pipeline(transaction=False)
        for key, arguments in calls:
            pipe.execute_command(command, script, 1, key, *arguments)
        return list(await pipe.execute(raise_on_error=False))
