"""The placeholders of one conversation: which `<PERSON_1>` stands for which value.

Nothing a person types is ever a placeholder: `escaped` puts typed `<PERSON_1>` into single guillemets before
it leaves, and `restore` knows only what `assign` gave out.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence

TYPES = (
    "EMAIL",
    "PHONE",
    "CARD",
    "IBAN",
    "SSN",
    "NATIONAL_ID",
    "IP",
    "URL",
    "ADDRESS",
    "DATE_OF_BIRTH",
    "ACCOUNT",
    "HANDLE",
    "PERSON",
    "NUMBER",
)
_NAME = rf"(?:{'|'.join(TYPES)})_[0-9]{{1,6}}"
_TOKEN = re.compile(rf"<({_NAME})>")
LIKE_A_TOKEN = re.compile(rf"<{_NAME}>|\u2039{_NAME}\u203a")  # escaped ones too
_DIGITAL = frozenset({"PHONE", "CARD", "SSN", "NUMBER"})
_CODES = frozenset({"IBAN", "NATIONAL_ID", "ACCOUNT"})
_BETWEEN_DIGITS = re.compile(r"[\s().+/-]+")
_BETWEEN_SIGNS = re.compile(r"[\W_]+")
_SPACES = re.compile(r"\s+")


class PlaceholdersError(ValueError):
    """Stored placeholders that are none."""


class Placeholders:
    """Grows with a conversation, never shrinks; a number of a type is given once. Holds personal data: seal it."""

    def __init__(self) -> None:
        self._values: dict[str, list[str]] = {}
        self._given: dict[tuple[str, str], str] = {}

    def assign(self, type: str, value: str) -> str:
        """The placeholder of `value`: the one it has, else the next of its type. Raises KeyError for no type."""
        key = (type, _key(type, value))
        if key not in self._given:
            self._add(key, value)
        return self._given[key]

    def restore(self, text: str) -> str:
        """`text` with the placeholders of this map replaced by their values, which are not looked into again.

        A value comes back as it was first written.
        """
        known = self._values
        return _TOKEN.sub(lambda token: _value(known, token[1]) or token[0], text)

    def to_builtins(self) -> dict[str, list[str]]:
        """Values by type; the place in its list is a value's number less one."""
        return {type: [*values] for type, values in self._values.items()}

    @classmethod
    def from_builtins(cls, stored: Mapping[str, list[str]]) -> "Placeholders":
        """Reads what `to_builtins` gave; raises PlaceholdersError for anything else."""
        placeholders = cls()
        if not _are_placeholders(stored):
            raise PlaceholdersError("not the placeholders of a conversation")
        for type, values in stored.items():
            for value in values:
                placeholders._add((type, _key(type, value)), value)
        return placeholders

    def copy(self) -> "Placeholders":
        """The same ones, which grow apart from here on."""
        other = Placeholders()
        other._values = {type: [*values] for type, values in self._values.items()}
        other._given = {**self._given}
        return other

    def __len__(self) -> int:
        """How many placeholders were given."""
        return sum(map(len, self._values.values()))

    def _add(self, key: tuple[str, str], value: str) -> None:
        if key[0] not in TYPES:
            raise KeyError(key[0])
        values = self._values.setdefault(key[0], [])
        values.append(value)
        self._given.setdefault(key, f"<{key[0]}_{len(values)}>")


def escaped(text: str) -> str:
    """`text` with what looks like a placeholder made harmless: its brackets become single guillemets."""
    return _TOKEN.sub("\u2039\\1\u203a", text) if "<" in text else text


def unnumbered(redacted: str) -> str:
    """A redacted text without the numbers of its placeholders: `<PERSON>`, whoever that is."""
    return _TOKEN.sub(lambda token: f"<{token[1].rpartition('_')[0]}>", redacted)


def _are_placeholders(stored: object) -> bool:
    return isinstance(stored, Mapping) and all(
        type in TYPES and isinstance(values, list) and all(isinstance(value, str) for value in values)
        for type, values in stored.items()
    )


def _value(known: Mapping[str, Sequence[str]], name: str) -> str | None:
    """The value of placeholder `name`, "PERSON_1"."""
    type, _, number = name.rpartition("_")
    values = known.get(type, ())
    if number.startswith("0") or int(number) > len(values):
        return None
    return values[int(number) - 1]


def _key(type: str, value: str) -> str:
    """What two spellings of one value have in common."""
    if type in _DIGITAL:
        digits = _BETWEEN_DIGITS.sub("", value)
        return digits if digits.isdecimal() else value
    if type in _CODES:
        return _BETWEEN_SIGNS.sub("", value).casefold() or value
    if type == "URL":
        return value
    plain = unicodedata.normalize("NFKC", _SPACES.sub(" ", value)).casefold()
    return plain.removeprefix("@") if type == "HANDLE" else plain
