"""The privacy switches of a person, in the column `users.privacy_settings`.

What stands there and is not one of these switches stays as it is, and is not shown.
"""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

RetentionDays = Annotated[int, Meta(ge=30, le=3_650, examples=[365])]


class PrivacySettings(msgspec.Struct, frozen=True):
    """What the person allows. The defaults are what is asked for least."""

    memory: bool = True  # the companion may remember what was said, each purpose by its consent
    voice_summaries: bool = True  # a summary of a call may be kept; its transcript never is
    care_sharing: bool = False  # staff with a consented, live access may read conversations
    analytics: bool = False  # figures of use, without words, may be counted for this person
    retention_days: RetentionDays | None = (
        None  # delete conversations so long after their last message; null keeps
    )


class PrivacyPatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A merge patch of the switches: what is absent stays, null goes back to the default."""

    memory: bool | UnsetType | None = UNSET
    voice_summaries: bool | UnsetType | None = UNSET
    care_sharing: bool | UnsetType | None = UNSET
    analytics: bool | UnsetType | None = UNSET
    retention_days: RetentionDays | UnsetType | None = UNSET


def read(stored: Any) -> PrivacySettings:
    """The switches as stored; the default where one is missing or is nothing we could mean."""
    known = stored if isinstance(stored, dict) else {}
    valid = {}
    for field in msgspec.structs.fields(PrivacySettings):
        try:
            valid[field.name] = msgspec.convert(known[field.name], field.type)
        except (KeyError, msgspec.ValidationError):
            continue
    return PrivacySettings(**valid)


def merge(stored: Any, patch: PrivacyPatch | None) -> dict[str, Any]:
    """What to store after the patch; None takes every switch back to its default."""
    kept = dict(stored) if isinstance(stored, dict) else {}
    for name in PrivacySettings.__struct_fields__:
        given = None if patch is None else getattr(patch, name)
        if given is None:
            kept.pop(name, None)
        elif given is not UNSET:
            kept[name] = given
    return kept
