"""What every transaction behind a pooler begins with: one message that makes nothing but local settings."""

import pytest

from nura_rt.store import pooler


def test_a_transaction_begins_with_every_setting_local_to_it() -> None:
    made = pooler.acting({"role": "nura_app", "lock_timeout": "2s"})

    assert made.opening == (
        " SELECT set_config('role', 'nura_app', true), set_config('lock_timeout', '2s', true);"
    )


@pytest.mark.parametrize(
    ("role", "written"),
    [("o'brien", "'o''brien'"), ("'; drop table users; --", "'''; drop table users; --'")],
)
def test_a_value_stays_a_value(role: str, written: str) -> None:
    assert f"set_config('role', {written}, true)" in pooler.acting({"role": role}).opening


def test_two_roles_are_two_kinds_of_connection() -> None:
    one, other = pooler.acting({"role": "nura_app"}), pooler.acting({"role": "nura_door"})

    assert one.opening != other.opening
