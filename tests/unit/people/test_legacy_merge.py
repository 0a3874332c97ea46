"""A legacy row beside a person who is here: whose word counts, and who has an address."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nura_rt.people.legacy_merge import addresses, filled, merged_profile, replaced
from nura_rt.store.legacy import PLACEHOLDER, Person, Profile, Stored, StoredProfile

THEN = datetime(2024, 2, 3, tzinfo=UTC)
NOTHING: dict[str, Any] = dict.fromkeys(
    ("phone_number", "full_name", "display_name", "bio", "avatar_url", "last_sign_in_at", "is_active",
     "current_streak", "xp")
)  # fmt: skip


def said(id_: str = "a", **values: Any) -> Person:
    given_ = {**NOTHING, "email": None, "privacy_settings": {}, "created_at": None, "profiles": {}, **values}
    return Person(id=id_, watermark=THEN, present=frozenset(values), **given_)


def kept(id_: str = "a", **values: Any) -> Stored:
    given_ = {**NOTHING, "email": f"{id_}@x.org", "privacy_settings": {}, **values}
    return Stored(id=id_, updated_at=THEN, **given_)


@pytest.mark.parametrize(
    ("theirs", "ours", "when_newer", "when_older"),
    [
        ({"bio": "old"}, {"bio": "ours"}, {"bio": "old"}, {"bio": "ours"}),
        ({"bio": None}, {"bio": "ours"}, {"bio": None}, {"bio": "ours"}),
        ({}, {"bio": "ours"}, {"bio": "ours"}, {"bio": "ours"}),
        ({"bio": "old"}, {}, {"bio": "old"}, {"bio": "old"}),
        ({"xp": 5}, {"xp": 0}, {"xp": 5}, {"xp": 5}),
        ({"xp": None}, {"xp": 7}, {"xp": 7}, {"xp": 7}),
        ({"is_active": False}, {"is_active": True}, {"is_active": False}, {"is_active": True}),
        ({"is_active": None}, {"is_active": True}, {"is_active": True}, {"is_active": True}),
        ({}, {"privacy_settings": {"a": 1}}, {"privacy_settings": {"a": 1}}, {"privacy_settings": {"a": 1}}),
    ],
)  # fmt: skip
def test_the_newer_word_counts_and_the_older_fills_gaps(
    theirs: dict[str, Any], ours: dict[str, Any], when_newer: dict[str, Any], when_older: dict[str, Any]
) -> None:
    assert replaced(said(**theirs), kept(**ours)) == kept(**when_newer)
    assert filled(said(**theirs), kept(**ours)) == kept(**when_older)


@pytest.mark.parametrize(("wins", "tone"), [(True, "legacy"), (False, "ours")])
def test_a_profile_is_merged_part_by_part(wins: bool, tone: str) -> None:
    legacy = Profile("chat", service_preferences={"tone": "legacy"}, usage_stats={"n": 1})
    ours = StoredProfile(
        user_id="a",
        service_type="chat",
        service_preferences={"tone": "ours"},
        service_metadata={"m": 1},
        usage_stats={},
    )

    merged = merged_profile("a", legacy, ours, wins=wins)

    assert merged.service_preferences == {"tone": tone}
    assert (merged.service_metadata, merged.usage_stats) == ({"m": 1}, {"n": 1})


_NAMES = st.sampled_from("abcdef")
_MAILS = st.sampled_from([f"{name}@x.org" for name in "abcdef"]) | st.none()


@given(st.dictionaries(_NAMES, _MAILS), st.dictionaries(_NAMES, _MAILS), st.sets(_NAMES))
def test_nobody_ever_shares_an_address(
    wanted: dict[str, str | None], had: dict[str, str | None], winners: set[str]
) -> None:
    owners = {email: id_ for id_, email in had.items() if email}  # as a unique index would have it
    mine = {id_: email for email, id_ in owners.items()}
    here = {id_: kept(id_, email=mine.get(id_, id_ + PLACEHOLDER)) for id_ in had if id_ in wanted}
    people = {id_: said(id_, email=email) for id_, email in wanted.items()}
    wins = winners & here.keys()

    found = addresses(people, here, wins, owners)

    after = {**mine, **found.emails}
    assert len(set(after.values())) == len(after)
    assert found.emails.keys() == people.keys()
    assert found.freed <= wins
    assert all(found.emails[id_] != email for id_, email in found.late.items())
