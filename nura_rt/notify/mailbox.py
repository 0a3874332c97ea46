"""A development mailbox: letters become files in `<data_dir>/mailbox`, readable by their owner alone."""

import asyncio
import os
import secrets
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTPUTF8
from pathlib import Path

from nura_rt.notify.port import Delivery, DeliveryFailed, Letter, Means, Nowhere
from nura_rt.settings import Settings

_KEPT = 1_000  # letters; the oldest go first


class Mailbox:
    """Writes each letter as `<time>-<kind>-<id>.eml`, whole or not at all, mode 0600."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def carries(self, means: Means) -> bool:
        """Everything."""
        return True

    async def send(self, letter: Letter) -> None:
        """Raises DeliveryFailed when the folder cannot be written."""
        try:
            await asyncio.to_thread(self._write, letter)
        except (OSError, ValueError):
            raise DeliveryFailed("the mailbox folder cannot be written") from None

    def _write(self, letter: Letter) -> None:
        message = EmailMessage(policy=SMTPUTF8)
        message["To"] = letter.to
        message["Subject"] = letter.subject or letter.kind
        message["Date"] = datetime.now(UTC)
        message.set_content(letter.text)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{letter.kind}-{secrets.token_hex(4)}.eml"
        draft = self._folder / f"{name}.part"  # a glob of *.eml meets whole letters only
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(bytes(message))
        draft.rename(self._folder / name)
        for old in sorted(self._folder.glob("*.eml"))[:-_KEPT]:
            old.unlink(missing_ok=True)


def delivery(settings: Settings) -> Delivery:
    """The mailbox in development; in production nothing, until a real delivery is set up."""
    return Mailbox(settings.data_dir / "mailbox") if settings.env == "development" else Nowhere()
