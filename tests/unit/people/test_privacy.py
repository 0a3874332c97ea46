"""The privacy switches: defaults ask for least; a patch touches what it names; what is not ours stays."""

from typing import Any

import msgspec
import pytest

from nura_rt.people import privacy
from nura_rt.people.privacy import PrivacyPatch, PrivacySettings


@pytest.mark.parametrize(
    "stored", [None, {}, [], "x", 5, {"theirs": 1}, {"memory": "no", "retention_days": 1}]
)
def test_what_says_nothing_we_could_mean_is_the_default(stored: Any) -> None:
    assert privacy.read(stored) == PrivacySettings()


def test_each_switch_is_read_for_itself() -> None:
    stored = {"memory": False, "analytics": "yes", "retention_days": 30, "theirs": 1}

    assert privacy.read(stored) == PrivacySettings(memory=False, retention_days=30)


@pytest.mark.parametrize(
    ("patch", "stored"),
    [
        ({}, {"memory": False, "theirs": 1}),
        ({"analytics": True}, {"memory": False, "theirs": 1, "analytics": True}),
        ({"memory": None}, {"theirs": 1}),
        ({"memory": True, "retention_days": 365}, {"memory": True, "theirs": 1, "retention_days": 365}),
        (None, {"theirs": 1}),
    ],
)
def test_a_patch_touches_what_it_names(patch: Any, stored: dict[str, Any]) -> None:
    given = None if patch is None else msgspec.convert(patch, PrivacyPatch)

    assert privacy.merge({"memory": False, "theirs": 1}, given) == stored


def test_every_switch_can_be_patched() -> None:
    assert PrivacyPatch.__struct_fields__ == PrivacySettings.__struct_fields__
