"""Single flight: of many who ask for the same thing at once, one asks PostgreSQL and all get the answer."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


class Flights(Generic[Key, Answer]):
    """No task of its own: the first asker does the work, and when it is cancelled the next one takes over."""

    def __init__(self) -> None:
        self._under_way: dict[Key, asyncio.Future[Answer]] = {}

    async def share(self, key: Key, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """What `work` returns or raises, for everybody who asks while it is under way."""
        while (flight := self._under_way.get(key)) is not None:
            try:
                return await asyncio.shield(flight)
            except asyncio.CancelledError:
                ours = asyncio.current_task()
                if not flight.cancelled() or (ours is not None and ours.cancelling()):
                    raise  # it is we who are cancelled, not (or not only) the one who asks
        flight = self._under_way[key] = asyncio.get_running_loop().create_future()
        try:
            answer = await work()
        except asyncio.CancelledError:
            flight.cancel()
            raise
        except BaseException as error:
            flight.set_exception(error)
            flight.exception()  # it may be that nobody else asked
            raise
        else:
            flight.set_result(answer)
            return answer
        finally:
            del self._under_way[key]
