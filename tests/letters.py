"""Reads the development mailbox as a person would: the newest letter first, and the secret in it."""

import email
import email.message
import email.policy
import re
from pathlib import Path

SECRET = re.compile(r"#(?:verify|reset)=([A-Za-z0-9_-]{43})\b|\b([0-9]{6})\b")


def letters_to(folder: Path, address: str) -> list[email.message.EmailMessage]:
    """All letters to this address or number, the newest first."""
    read = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted(folder.glob("mailbox/*.eml"), reverse=True)
    ]
    return [letter for letter in read if letter["To"] == address]


def text_of(letter: email.message.EmailMessage) -> str:
    """What stands in it."""
    return str(letter.get_content()).replace("\r\n", "\n")


def secret_of(letter: email.message.EmailMessage) -> str:
    """The token of its link, or the six digits of its code."""
    found = SECRET.search(text_of(letter))
    assert found is not None, "there is no secret in this letter"
    return found[1] or found[2]
