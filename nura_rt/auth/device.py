"""A name by which a person may recognise where they are signed in. Never longer than 100 characters."""

import re

LONGEST = 100

# The first that occurs wins: most browsers also claim to be the older ones further down.
_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"), ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("CrOS", "ChromeOS"), ("Windows", "Windows"),
    ("Mac OS X", "Mac"), ("Linux", "Linux"),
)  # fmt: skip
_PRODUCT = re.compile(r"[A-Za-z][\w.+-]{0,39}")


def device_named(name: str | None) -> str | None:
    """What a client calls itself, without control and other invisible characters; None when nothing is left."""
    shown = "".join(character for character in name or "" if character.isprintable())
    return shown.strip()[:LONGEST].strip() or None


def device_of_agent(agent: str | None) -> str | None:
    """A User-Agent as a few words: "Firefox on Linux", or the first product of a program ("curl")."""
    if not agent:
        return None
    browser = next((name for mark, name in _BROWSERS if mark in agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in agent), None)
    if browser:
        return f"{browser} on {system}" if system else browser
    product = _PRODUCT.match(agent)
    return product[0] if product else None
