"""A legacy row becomes a person: which column is which, what is mended by which rule, nothing raises."""

import uuid
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nura_rt.people.legacy_mapping import map_row, person_id, plan
from nura_rt.store.legacy import Person, Profile
from nura_rt.store.legacy_source import EPOCH, Row

THEN = datetime(2024, 2, 3, tzinfo=UTC)
WIDE = {
    name: "text"
    for name in (
        "id", "email", "phone", "name", "nickname", "bio", "avatar", "created_at", "updated_at", "last_login", "streak",
        "xp", "is_active", "privacy", "chat_preferences", "voice_metadata", "memory_usage",
    )
}  # fmt: skip


def mapped(**values: Any) -> tuple[Person, list[str]]:
    notes: list[str] = []
    made = plan(WIDE, watermark="updated_at")
    row = Row("1", THEN, {name: values.get(name) for name in made.read})
    return map_row(row, made, table="t", notes=notes), notes


def test_the_best_of_several_names_is_taken_and_the_rest_is_unknown() -> None:
    made = plan(
        {"id": "uuid", "full_name": "text", "name": "text", "avatar": "bytea", "x_usages": "text"},
        watermark="w",
    )

    assert made.columns == {"full_name": "full_name"}
    assert made.unknown == ["name", "avatar", "x_usages"]


def test_columns_of_a_service_are_found_by_their_endings() -> None:
    made = plan(
        {"id": "int", "chat_preferences": "json", "yoga_usage": "text", "_usage": "text"}, watermark="w"
    )

    assert made.services == {
        "chat_preferences": ("chat", "service_preferences"),
        "yoga_usage": ("yoga", "usage_stats"),
    }
    assert made.unknown == ["_usage"]


@pytest.mark.parametrize(
    ("column", "text", "field", "value", "rules"),
    [
        ("email", " Robin@Example.ORG ", "email", "robin@example.org", []),
        ("email", None, "email", None, ["no_email"]),
        ("email", "  ", "email", None, ["no_email"]),
        ("email", "x@no-email.invalid", "email", None, ["no_email"]),
        ("email", "robin", "email", None, ["bad_email"]),
        ("email", "a b@x.org", "email", None, ["bad_email"]),
        ("email", "a@" + "x" * 260 + ".org", "email", None, ["bad_email"]),
        ("phone", "+1 (415) 555-0100", "phone_number", "+14155550100", []),
        ("phone", "call me", "phone_number", None, ["bad_phone"]),
        ("phone", "+" * 40, "phone_number", None, ["bad_phone"]),
        ("name", " Ana \n María ", "full_name", "Ana María", []),
        ("name", "", "full_name", None, []),
        ("name", "x" * 201, "full_name", "x" * 200, ["long_full_name"]),
        ("bio", "two\nlines\0", "bio", "two\nlines", []),
        ("bio", "y" * 9_000, "bio", "y" * 8_000, ["long_bio"]),
        ("avatar", "https://x.org/a.png", "avatar_url", "https://x.org/a.png", []),
        ("avatar", "javascript:alert(1)", "avatar_url", None, ["bad_avatar"]),
        ("streak", "3", "current_streak", 3, []),
        ("streak", "3.7", "current_streak", 3, []),
        ("streak", "-1", "current_streak", None, ["bad_count"]),
        ("xp", "many", "xp", None, ["bad_count"]),
        ("xp", "99999999999", "xp", 2_147_483_647, ["bad_count"]),
        ("is_active", "T", "is_active", True, []),
        ("is_active", "no", "is_active", False, []),
        ("is_active", "", "is_active", None, []),
        ("is_active", "perhaps", "is_active", None, ["bad_flag"]),
        ("created_at", "2024-02-03T04:05:06", "created_at", datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC), []),
        ("created_at", "yesterday", "created_at", None, ["bad_time"]),
        ("created_at", "0001-01-01", "created_at", None, ["bad_time"]),
        ("created_at", THEN, "created_at", THEN, []),
        ("privacy", '{"a": 1}', "privacy_settings", {"a": 1}, []),
        ("privacy", "[1]", "privacy_settings", {"legacy": [1]}, []),
        ("privacy", "all", "privacy_settings", {"legacy": "all"}, ["bad_json"]),
        ("privacy", '"\\ud800"', "privacy_settings", {"legacy": '"\\ud800"'}, ["bad_json"]),
        ("privacy", '{"a": "x\\u0000y"}', "privacy_settings", {"a": "xy"}, []),
        ("privacy", "null", "privacy_settings", {}, []),
    ],
)
def test_a_value_is_kept_or_mended_by_a_rule_that_is_named(
    column: str, text: Any, field: str, value: object, rules: list[str]
) -> None:
    person, notes = mapped(**{"email": "a@x.org", column: text})

    assert getattr(person, field) == value
    assert notes == rules


def test_a_profile_is_made_of_what_is_said() -> None:
    person, _ = mapped(chat_preferences='{"tone": "calm"}', voice_metadata="{}", memory_usage="12")

    assert person.profiles == {
        "chat": Profile("chat", service_preferences={"tone": "calm"}),
        "memory": Profile("memory", usage_stats={"legacy": 12}),
    }


def test_a_row_without_a_watermark_is_counted() -> None:
    notes: list[str] = []
    made = plan({"id": "int"}, watermark="w")

    map_row(Row("1", EPOCH, {}, misread=True), made, table="t", notes=notes)

    assert notes == ["not_utf8", "no_watermark", "no_email"]


@pytest.mark.parametrize(
    ("legacy_id", "same"),
    [
        ("6F9619FF-8B86-D011-B42D-00C04FC964FF", True),
        ("17", False),
        ("6f9619ff8b86d011b42d00c04fc964ff", False),
    ],
)
def test_an_id_is_always_a_uuid(legacy_id: str, same: bool) -> None:
    made = person_id(legacy_id, "t")

    assert str(uuid.UUID(made)) == made
    assert (made == legacy_id.lower()) == same
    assert made == person_id(legacy_id, "t")
    assert same or made != person_id(legacy_id, "other")


_ANY = (
    st.none()
    | st.text(max_size=40)
    | st.from_regex(r"[-+0-9.eE]{1,40}")
    | st.from_regex(r'[\[{"\\u0d8,:}\]]{1,30}')
)


@given(st.fixed_dictionaries({name: _ANY for name in WIDE if name != "id"}))
def test_whatever_the_row_holds_it_becomes_a_person_that_postgresql_takes(values: dict[str, Any]) -> None:
    person, _ = mapped(**values)

    assert b"\\u0000" not in msgspec.json.encode(person.privacy_settings)
    assert "\0" not in "".join(
        filter(None, (person.full_name, person.display_name, person.bio, person.email))
    )
    assert 0 <= (person.xp or 0) < 2**31
