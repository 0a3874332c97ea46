"""A row of an un-normalised legacy table -> a person and their service profiles. Pure; notes name rules, never values.

What cannot be kept as it is (a bad address, an overlong name) is mended by a rule, and the rule is counted.
"""

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from nura_rt.store.legacy import PLACEHOLDER, Person, Profile
from nura_rt.store.legacy_source import EPOCH, Row

# Ours -> the legacy names, best first.
COLUMNS: dict[str, tuple[str, ...]] = {
    "email": ("email",),
    "phone_number": ("phone_number", "phone"),
    "full_name": ("full_name", "name"),
    "display_name": ("display_name", "nickname"),
    "bio": ("bio",),
    "avatar_url": ("avatar_url", "avatar"),
    "last_sign_in_at": ("last_login", "last_sign_in_at"),
    "is_active": ("is_active",),
    "current_streak": ("current_streak", "streak"),
    "xp": ("xp",),
    "privacy_settings": ("privacy_settings", "privacy"),
    "created_at": ("created_at",),
}
_SERVICE = re.compile(r"([a-z][a-z0-9]*)_(preferences|metadata|usage)")
_PARTS = {"preferences": "service_preferences", "metadata": "service_metadata", "usage": "usage_stats"}
_LENGTHS = {"full_name": 200, "display_name": 200, "bio": 8_000}
_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]+\.[^@\s\x00-\x1f]+")
_PHONE = re.compile(r"\+?[0-9][0-9 ().\-/]{3,30}[0-9]")
_WEB = re.compile(r"https?://[!-~]{1,2040}", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_YES, _NO = {"t", "true", "1", "yes", "y", "on", "active"}, {"f", "false", "0", "no", "n", "off", "inactive"}
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "nura-rt/legacy")
_MOST = 2_147_483_647


class Plan(msgspec.Struct, frozen=True):
    """Which legacy column becomes which of ours; `unknown` are those nobody reads."""

    columns: dict[str, str]  # ours -> theirs
    services: dict[str, tuple[str, str]]  # theirs -> (service, ours)
    unknown: list[str]

    @property
    def read(self) -> list[str]:
        """The legacy columns to read."""
        return [*self.columns.values(), *self.services]


def plan(columns: Mapping[str, str], *, watermark: str) -> Plan:
    """The plan for a table with these columns (name -> type). Bytes are no text: such columns stay unknown."""
    usable = {name for name, kind in columns.items() if kind != "bytea"}
    chosen = {
        ours: next(name for name in theirs if name in usable)
        for ours, theirs in COLUMNS.items()
        if usable & {*theirs}
    }
    services = {name: (found[1], _PARTS[found[2]]) for name in usable if (found := _SERVICE.fullmatch(name))}
    known = {"id", watermark, *chosen.values(), *services}
    return Plan(chosen, dict(sorted(services.items())), [name for name in columns if name not in known])


def person_id(legacy_id: str, table: str) -> str:
    """A UUID stays itself, in lower case; any other id becomes the same UUID in every run."""
    return (
        legacy_id.lower()
        if _UUID.fullmatch(legacy_id)
        else str(uuid.uuid5(_NAMESPACE, f"{table}:{legacy_id}"))
    )


def map_row(row: Row, plan: Plan, *, table: str, notes: list[str]) -> Person:
    """The person; appends to `notes` the name of each rule that mended something."""
    theirs = {ours: row.values[name] for ours, name in plan.columns.items()}
    if row.misread:
        notes.append("not_utf8")
    if row.watermark == EPOCH:
        notes.append("no_watermark")
    return Person(
        id=person_id(row.id, table),
        watermark=row.watermark,
        present=frozenset(plan.columns),
        email=_email(theirs.get("email"), notes),
        phone_number=_phone(theirs.get("phone_number"), notes),
        full_name=_text("full_name", theirs.get("full_name"), notes),
        display_name=_text("display_name", theirs.get("display_name"), notes),
        bio=_text("bio", theirs.get("bio"), notes),
        avatar_url=_avatar(theirs.get("avatar_url"), notes),
        last_sign_in_at=_time(theirs.get("last_sign_in_at"), notes),
        is_active=_flag(theirs.get("is_active"), notes),
        current_streak=_count(theirs.get("current_streak"), notes),
        xp=_count(theirs.get("xp"), notes),
        privacy_settings=_object(theirs.get("privacy_settings"), notes) or {},
        created_at=_time(theirs.get("created_at"), notes),
        profiles=_profiles(row, plan, notes),
    )


def _profiles(row: Row, plan: Plan, notes: list[str]) -> dict[str, Profile]:
    """One for each service about which the row says anything."""
    found: dict[str, dict[str, Any]] = {}
    for column, (service, ours) in plan.services.items():
        if said := _object(row.values[column], notes):
            found.setdefault(service, {})[ours] = said
    return {service: Profile(service_type=service, **parts) for service, parts in found.items()}


def _plain(value: object) -> str:
    return str(value).replace("\0", "").strip() if value is not None else ""


def _email(value: object, notes: list[str]) -> str | None:
    text = _plain(value).lower()
    if not text or text.endswith(PLACEHOLDER):
        notes.append("no_email")
        return None
    if not _EMAIL.fullmatch(text) or len(text) > 254:
        notes.append("bad_email")
        return None
    return text


def _phone(value: object, notes: list[str]) -> str | None:
    text = _plain(value)
    if text and not _PHONE.fullmatch(text):
        notes.append("bad_phone")
        return None
    return re.sub(r"[^+0-9]", "", text) or None


def _text(column: str, value: object, notes: list[str]) -> str | None:
    text = _plain(value) if column == "bio" else " ".join(_plain(value).split())
    if len(text) > _LENGTHS[column]:
        notes.append(f"long_{column}")
        text = text[: _LENGTHS[column]].rstrip()
    return text or None


def _avatar(value: object, notes: list[str]) -> str | None:
    text = _plain(value)
    if text and not _WEB.fullmatch(text):
        notes.append("bad_avatar")
        return None
    return text or None


def _time(value: object, notes: list[str]) -> datetime | None:
    """A text is read as ISO 8601, as UTC where it says no zone."""
    if value is None or isinstance(value, datetime):
        return value
    try:
        at = datetime.fromisoformat(_plain(value))
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        at = None
    if at is None or not EPOCH <= at < datetime(2200, 1, 1, tzinfo=UTC):
        notes.append("bad_time")
        return None
    return at


def _flag(value: object, notes: list[str]) -> bool | None:
    text = _plain(value).lower()
    if text and text not in _YES | _NO:
        notes.append("bad_flag")
        return None
    return text in _YES if text else None


def _count(value: object, notes: list[str]) -> int | None:
    text = _plain(value)
    if not text:
        return None
    if not re.fullmatch(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?", text, re.ASCII) or float(text) < 0:
        notes.append("bad_count")
        return None
    if float(text) > _MOST:
        notes.append("bad_count")
    return min(int(text.partition(".")[0]), _MOST)


def _object(value: object, notes: list[str]) -> dict[str, Any] | None:
    """A JSON object; anything else that says something is kept beneath `legacy`, as it is."""
    text = _plain(value)
    if text in ("", "null", "{}", "[]"):
        return None
    try:
        found = _clean(msgspec.json.decode(text))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        notes.append("bad_json")
        found = text
    return found if isinstance(found, dict) else {"legacy": found}


def _clean(value: Any) -> Any:
    """Without the character that PostgreSQL cannot take out of JSON again."""
    match value:
        case str():
            return value.replace("\0", "")
        case dict():
            return {_clean(key): _clean(item) for key, item in value.items()}
        case list():
            return [_clean(item) for item in value]
        case _:
            return value
