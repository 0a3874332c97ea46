"""Which words of a legacy row worry us, and which of those are written."""

from datetime import UTC, datetime
from typing import Any

import pytest

from nura_rt.conversation.words import Found
from nura_rt.people import legacy_words
from nura_rt.people.legacy_mapping import map_row, plan
from nura_rt.pipeline.turn import CrisisResult
from nura_rt.store.legacy import Person, Stored, StoredProfile
from nura_rt.store.legacy_source import Row

THEN = datetime(2024, 2, 3, tzinfo=UTC)
WIDE = dict.fromkeys(
    ("id", "name", "nickname", "bio", "avatar", "privacy", "chat_preferences", "chat_usage"), "text"
)
HIGH = CrisisResult("high", (), "v1")


class Hearing:
    """Worries about every text that holds HELP."""

    def screen(self, texts: dict[Any, str]) -> Found:
        return Found({where: HIGH for where, text in texts.items() if "HELP" in text})


def screened(**values: str) -> tuple[Person, legacy_words.Findings]:
    made = plan(WIDE, watermark="updated_at")
    row = Row("1", THEN, {name: values.get(name) for name in made.read})
    person = map_row(row, made, table="t", notes=[])
    return person, legacy_words.screen(Hearing(), row, made, person)  # type: ignore[arg-type]


def stored(person: Person, **changes: Any) -> Stored:
    fields: dict[str, Any] = {name: getattr(person, name, None) for name in Stored.__struct_fields__}
    return Stored(**fields | {"email": "a@x.org", "updated_at": THEN} | changes)


@pytest.mark.parametrize(
    ("column", "text", "field"),
    [
        ("name", "HELP", ("full_name",)),
        ("nickname", "x" * 300 + "HELP", ("display_name",)),
        ("bio", "a\nHELP", ("bio",)),
        ("avatar", "https://x.org/HELP", ("avatar_url",)),
        ("privacy", "HELP, no json", ("privacy_settings",)),
        ("chat_preferences", '{"a": [{"HELP": 1}]}', ("chat", "service_preferences")),
        ("chat_usage", '["\\u0048ELP"]', ("chat", "usage_stats")),
    ],
)
def test_words_are_found_wherever_they_stand(column: str, text: str, field: legacy_words.Field) -> None:
    person, findings = screened(**{column: text, "name" if column != "name" else "bio": "Ada"})

    assert findings == {field: HIGH}
    if len(field) == 1:
        assert legacy_words.crises({person.id: findings}, [(None, person)], []) == {person.id: [HIGH]}


def test_what_was_there_before_is_not_written() -> None:
    person, findings = screened(name="HELP", bio="HELP", chat_preferences='{"a": "HELP"}')
    profile = StoredProfile(
        user_id=person.id,
        service_type="chat",
        service_preferences={"a": "HELP"},
        service_metadata=None,
        usage_stats=None,
    )

    found = legacy_words.crises(
        {person.id: findings},
        [(stored(person, bio="ours"), stored(person))],
        [(profile, profile), (None, profile)],
    )

    assert found == {person.id: [HIGH, HIGH]}  # the bio, and the profile that is new
