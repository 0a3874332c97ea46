"""A server that cannot deliver promises nothing, and one with too much to hash says so; neither tells on anybody."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from house import PASSWORD, House
from letters import letters_to
from nura_rt.auth.passwords import Passwords
from nura_rt.notify.port import Nowhere
from nura_rt.settings import Settings


@pytest.fixture
async def mute(settings: Settings, auth_pool: asyncpg.Pool, door_pool: asyncpg.Pool) -> AsyncIterator[House]:
    """A house without any delivery."""
    made = House(settings, auth_pool, door_pool, Nowhere())
    yield made
    made.passwords.close()


async def test_people_can_sign_up_and_the_log_says_that_no_letter_went_out(
    mute: House, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        person = await mute.newcomer()

    assert (await mute.ask("sign-in", email=person.email, password=PASSWORD)).status_code == 200
    assert "no delivery is set up" in caplog.text
    assert person.email not in caplog.text
    assert letters_to(mute.folder, person.email) == []


@pytest.mark.parametrize(
    ("door", "body"),
    [
        ("resend-verification", {}),
        ("phone", {"phone": "+34600123456"}),
        ("change-email", {"email": "new@b.example", "password": PASSWORD}),
    ],
)
async def test_what_needs_a_letter_is_refused(mute: House, door: str, body: dict[str, Any]) -> None:
    person = await mute.newcomer()

    answer = await mute.ask(door, bearer=person.access_token, **body)

    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/no-delivery")


async def test_a_forgotten_password_is_refused_alike_for_known_and_unknown(mute: House) -> None:
    person = await mute.newcomer()

    answers = [await mute.ask("forgot-password", email=e) for e in (person.email, "nobody@b.example")]

    assert answers[0].json() == answers[1].json()
    assert (answers[0].status_code, answers[0].json()["type"]) == (503, "/problems/no-delivery")


async def test_too_many_at_once_are_told_to_come_back_known_or_not(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await house.newcomer()
    narrow = Passwords(cost=12, at_once=1, waiting_at_most=0)
    monkeypatch.setattr(house.local, "_passwords", narrow)

    for email in (person.email, "nobody@b.example"):
        answers = await asyncio.gather(
            *[house.ask("sign-in", email=email, password="not-the-right-one") for _ in range(5)]
        )

        codes = sorted(answer.status_code for answer in answers)
        assert codes[0] == 401
        assert codes[-1] == 503
        busy = next(answer for answer in answers if answer.status_code == 503)
        assert busy.json()["type"] == "/problems/busy"
        assert int(busy.headers["retry-after"]) >= 1
    narrow.close()
