"""What a legacy row and a person who is here become together, and whose an address is. Pure."""

from collections.abc import Collection, Mapping

import msgspec

from nura_rt.store.legacy import PLACEHOLDER, Person, Profile, Stored, StoredProfile

_WORDS = ("phone_number", "full_name", "display_name", "bio", "avatar_url", "last_sign_in_at")
_COUNTS = ("current_streak", "xp")
_PARTS = ("service_preferences", "service_metadata", "usage_stats")


class Addresses(msgspec.Struct):
    """Who gets which address: by person; who must let go of theirs first; who waits for one that is not free."""

    emails: dict[str, str]
    freed: set[str]
    late: dict[str, str]


def replaced(person: Person, stored: Stored) -> Stored:
    """The legacy row's word for every column it has; its silence about a flag, a count or settings changes nothing."""
    columns = {name: getattr(person, name) for name in _WORDS if name in person.present}
    for name in ("is_active", *_COUNTS):
        if getattr(person, name) is not None:
            columns[name] = getattr(person, name)
    if person.privacy_settings:
        columns["privacy_settings"] = person.privacy_settings
    return msgspec.structs.replace(stored, **columns)


def filled(person: Person, stored: Stored) -> Stored:
    """Ours, with the legacy row's word only where we have nothing."""
    names = [*_WORDS, *_COUNTS, "privacy_settings"]
    columns = {
        name: getattr(person, name) for name in names if not getattr(stored, name) and getattr(person, name)
    }
    return msgspec.structs.replace(stored, **columns)


def merged_profile(user_id: str, said: Profile, stored: StoredProfile | None, *, wins: bool) -> StoredProfile:
    """A service profile part by part: the legacy row's where it wins or we have nothing."""
    parts = {}
    for name in _PARTS:
        theirs, ours = getattr(said, name), getattr(stored, name, None)
        parts[name] = theirs if theirs and (wins or not ours) else ours or {}
    return StoredProfile(user_id=user_id, service_type=said.service_type, **parts)


def addresses(
    people: Mapping[str, Person],
    here: Mapping[str, Stored],
    wins: Collection[str],
    holders: Mapping[str, str],
) -> Addresses:
    """In the order of the batch: an address goes to the first who names it, unless somebody else keeps it."""
    found = Addresses({}, set(), {})
    wanted = {id_: wish(person, here.get(id_), wins=id_ in wins) for id_, person in people.items()}
    leaving = {id_ for id_ in wins if wanted[id_] != here[id_].email}
    given: dict[str, str] = {}
    for id_, email in wanted.items():
        holder = given.get(email) or holders.get(email)
        if holder in (None, id_) or (email not in given and holder in leaving):
            found.emails[id_], given[email] = email, id_
            if holder not in (None, id_):
                found.freed.add(str(holder))
            continue
        found.late[id_] = email
        stays = id_ in here and id_ not in leaving
        found.emails[id_] = here[id_].email if stays else id_ + PLACEHOLDER
    return found


def wish(person: Person, stored: Stored | None, *, wins: bool) -> str:
    """The address this person should have: theirs by the legacy row, ours where that does not count, a placeholder."""
    if stored is None:
        return person.email or person.id + PLACEHOLDER
    may_change = wins or stored.email.endswith(PLACEHOLDER)
    return person.email if person.email and may_change else stored.email
