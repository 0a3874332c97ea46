"""Letters, and the port that carries them. What is in a letter, and to whom, appears in no log and no error."""

import logging
from typing import Literal, Protocol

import msgspec

_log = logging.getLogger(__name__)

Means = Literal["email", "sms"]


class Letter(msgspec.Struct, frozen=True):
    """One thing to deliver. `to` is an e-mail address or a number in E.164; an SMS has no subject."""

    kind: str
    to: str
    subject: str
    text: str
    means: Means = "email"

    def __repr__(self) -> str:
        return f"Letter(kind={self.kind!r}, ...)"


class DeliveryFailed(Exception):
    """It was not taken. The message names no address."""


class Delivery(Protocol):
    """Carries letters. `send` returns when another party has charge of the letter, at most once each."""

    def carries(self, means: Means) -> bool:
        """Is there any way to deliver this kind, so that a route may promise it."""

    async def send(self, letter: Letter) -> None:
        """Raises DeliveryFailed, also where `carries` is false."""


class Nowhere:
    """No delivery is set up: every letter fails, and the log says so once."""

    def __init__(self) -> None:
        self._said = False

    def carries(self, means: Means) -> bool:
        """Never."""
        return False

    async def send(self, letter: Letter) -> None:
        """Raises DeliveryFailed."""
        if not self._said:
            self._said = True
            _log.warning("no delivery is set up: letters and codes do not go out")
        raise DeliveryFailed("no delivery is set up")


async def send_quietly(delivery: Delivery, letter: Letter) -> None:
    """After an answer was given: a failure is noted without its address, and the person may ask again."""
    try:
        await delivery.send(letter)
    except DeliveryFailed:
        _log.warning("a letter was not delivered: %s", letter.kind)
    except Exception as error:  # an adapter's own error may hold the address: only its name is written
        _log.warning("a letter was not delivered: %s (%s)", letter.kind, type(error).__name__)
