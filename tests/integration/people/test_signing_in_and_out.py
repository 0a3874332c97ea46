"""Signing in and out: the same answer and the same work for unknown and wrong, tries that run out, an end for good."""

import uuid

import asyncpg
import httpx
import pytest

from house import PASSWORD, House


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"]


async def test_a_newcomer_can_sign_in_with_what_they_chose(house: House) -> None:
    newcomer = await house.newcomer()

    again = await house.ask("sign-in", email=newcomer.email.upper(), password=PASSWORD)

    assert again.status_code == 200
    assert again.json()["user_id"] == newcomer.user_id
    identity = house.tokens.verify(again.json()["access_token"])
    assert identity.signed_in_at is not None
    assert identity.session_id != house.tokens.verify(newcomer.access_token).session_id


@pytest.mark.parametrize(
    ("known", "password"),
    [
        (False, PASSWORD),
        (True, "a-wrong-but-possible-one"),
        (True, "x"),
        (True, "x" * 100),
        (False, "x"),
        (True, "nul\0in-the-middle"),
    ],
)
async def test_unknown_and_wrong_get_the_same_answer_for_the_same_work(
    house: House, known: bool, password: str
) -> None:
    newcomer = await house.newcomer()
    before = house.passwords.operations

    answer = await house.ask(
        "sign-in", email=newcomer.email if known else "nobody@b.example", password=password
    )

    assert told(answer) == (401, "/problems/wrong-sign-in")
    assert house.passwords.operations - before == 1


@pytest.mark.parametrize("change", ["is_active = false", "deleted_at = now()"])
async def test_somebody_who_is_gone_is_told_nothing_else(
    house: House, root: asyncpg.Connection, change: str
) -> None:
    newcomer = await house.newcomer()
    await root.execute(f"UPDATE users SET {change} WHERE id = $1", newcomer.user_id)
    before = house.passwords.operations

    answer = await house.ask("sign-in", email=newcomer.email, password=PASSWORD)

    assert told(answer) == (401, "/problems/wrong-sign-in")
    assert house.passwords.operations - before == 1


async def test_signing_out_ends_the_session_and_what_would_renew_it(house: House) -> None:
    newcomer = await house.newcomer()

    out = await house.ask("sign-out", bearer=newcomer.access_token)

    assert out.status_code == 204
    assert (await house.ask("sign-out", bearer=newcomer.access_token)).status_code == 401
    renewed = await house.ask("refresh", refresh_token=newcomer.refresh_token)
    assert told(renewed) == (401, "/problems/sign-in-ended")


async def test_another_device_stays_signed_in(house: House) -> None:
    newcomer = await house.newcomer()
    other = (await house.ask("sign-in", email=newcomer.email, password=PASSWORD)).json()

    await house.ask("sign-out", bearer=newcomer.access_token)

    assert (await house.ask("refresh", refresh_token=other["refresh_token"])).status_code == 200


async def test_tries_at_one_account_run_out_and_an_unknown_one_the_same(house: House) -> None:
    newcomer = await house.newcomer()
    for email in (newcomer.email, "nobody@b.example"):
        answers = [await house.ask("sign-in", email=email, password="not-the-right-one") for _ in range(11)]

        assert [answer.status_code for answer in answers] == [401] * 10 + [429]


async def test_an_address_has_so_many_tries_whatever_it_tries(house: House) -> None:
    answers = [
        await house.ask("sign-in", email=f"{uuid.uuid4().hex}@b.example", password=PASSWORD)
        for _ in range(31)
    ]
    async with house.client("192.0.2.77") as elsewhere:
        other = await elsewhere.post(
            "/v1/auth/sign-in", json={"email": "nobody@b.example", "password": PASSWORD}
        )

    assert [answer.status_code for answer in answers[-2:]] == [401, 429]
    assert other.status_code == 401


async def test_a_network_of_ipv6_addresses_counts_as_one(house: House) -> None:
    for number in range(30):
        async with house.client(f"2001:db8:1:2::{number:x}") as client:
            await client.post("/v1/auth/verify-email", json={"token": "x"})

    async with house.client("2001:db8:1:2:ffff::1") as client:
        answer = await client.post("/v1/auth/verify-email", json={"token": "x"})

    assert answer.status_code == 429


@pytest.mark.parametrize("door", ["sign-up", "sign-in", "forgot-password", "reset-password", "verify-email"])
async def test_every_door_without_a_token_counts_tries(house: House, door: str) -> None:
    body = {
        "sign-up": {"email": "no address", "password": PASSWORD},
        "sign-in": {"email": "no address", "password": PASSWORD},
        "forgot-password": {"email": "no address"},
        "reset-password": {"token": "x", "password": PASSWORD},
        "verify-email": {"token": "x"},
    }[door]
    for _ in range(30):
        house.local.limits.by_address.take("192.0.2.1")

    answer = await house.ask(door, **body)

    assert answer.status_code == 429


async def test_refreshing_counts_tries_too(house: House) -> None:
    for _ in range(300):
        house.local.limits.refreshes.take("192.0.2.1")

    assert (await house.ask("refresh", refresh_token="x")).status_code == 429


async def test_a_taken_address_is_said_to_be_taken(house: House) -> None:
    newcomer = await house.newcomer()

    answer = await house.ask("sign-up", email=newcomer.email.upper(), password=PASSWORD)

    assert told(answer) == (409, "/problems/taken")


async def test_a_password_changed_while_somebody_signs_in_wins(
    house: House, root: asyncpg.Connection
) -> None:
    """What was read before the change is not good for a session after it."""
    newcomer = await house.newcomer()
    account = await house.local.account(house.tokens.verify(newcomer.access_token))
    await root.execute(
        "UPDATE nura.accounts SET password_changed_at = now() WHERE user_id = $1", newcomer.user_id
    )

    with pytest.raises(Exception, match="wrong-sign-in"):
        await house.local.signing.begin(account, device=None, address=None)

    live = "SELECT count(*) FROM nura.sessions WHERE user_id = $1 AND ended_at IS NULL"
    assert await root.fetchval(live, newcomer.user_id) == 1  # the first one
