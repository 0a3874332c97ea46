"""The account corner and the links of letters: where one is signed in, a new password, a confirmed address."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from guests import Guest, link_to
from looks import DESK, LANDMARKS, PHONE, SMALL, UNNAMED, WIDER

pytestmark = pytest.mark.slow

OpenPage = Callable[..., Awaitable[Page]]
ALWAYS = "If this address has an account, an e-mail with a link is on its way. The link works for one hour."
CONFIRMED = "Your e-mail address is confirmed."
OLD = "This link does not work any more. You can ask for a new one."


@pytest.fixture
def refused(complaints: list[str]) -> Any:
    """Chromium remarks on every answer that is a refusal; here they are part of the story."""
    yield
    complaints[:] = [text for text in complaints if not text.startswith("Failed to load resource")]


async def tab_to(page: Page, name: str) -> None:
    """Presses Tab until what has this name has the focus."""
    wanted = page.get_by_text(name, exact=True).first
    for _ in range(20):
        await page.keyboard.press("Tab")
        if await wanted.evaluate("node => node.closest('a, button') === document.activeElement"):
            return
    raise AssertionError(f"the keyboard does not reach {name}")


async def corner(page: Page) -> None:
    """The account corner of whoever is signed in, once everything stands there."""
    await page.wait_for_selector("#state[data-state=online]", state="attached")
    await page.wait_for_selector("#nothing:visible")  # the list has come: the page goes nowhere by itself
    await page.evaluate("location.hash = '#/account'")
    await page.wait_for_selector("#sessions li")


async def test_a_list_that_comes_late_does_not_move_whoever_went_on(
    open_page: OpenPage, guest: Guest
) -> None:
    page, let_go = await open_page(storage_state=guest.state(), **DESK), asyncio.Event()

    async def hold(route: Route) -> None:
        await let_go.wait()
        await route.continue_()

    await page.route("**/v1/conversations*", hold)
    await page.goto("about:blank")
    await page.goto(guest.site)
    await page.wait_for_selector("#state[data-state=online]", state="attached")
    await page.evaluate("location.hash = '#/account'")
    await expect(page.get_by_role("heading", name="Account")).to_be_focused()
    await page.get_by_role("button", name="Send again").focus()
    async with page.expect_response("**/v1/conversations*"):
        let_go.set()
    await page.wait_for_timeout(300)

    await expect(page.get_by_role("button", name="Send again")).to_be_focused()


async def test_another_device_is_signed_out_with_the_keyboard_alone(
    open_page: OpenPage, guest: Guest
) -> None:
    async with guest.other_device() as phone:
        page = await open_page(storage_state=guest.state(), **DESK)
        await expect(page.locator("#to-account")).to_be_visible()
        await expect(page.locator("#box")).to_be_focused()  # it is, once the list has come
        await tab_to(page, "Account")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Account")).to_be_focused()
        rows = page.get_by_role("list", name="Signed in on").get_by_role("listitem")
        await expect(rows).to_have_count(2)
        await expect(rows.nth(0)).to_contain_text("This device")
        await expect(rows.nth(1)).to_contain_text("Safari on iPhone")
        await expect(page.get_by_role("button", name="Send again")).to_be_visible()
        for name in ("Send again", "Sign out", "Sign out"):
            await page.keyboard.press("Tab")
            await expect(page.locator(":focus")).to_have_text(name)

        await page.keyboard.press("Enter")

        await expect(rows).to_have_count(1)
        await expect(page.locator("#account-said")).to_have_text("Signed out: Safari on iPhone.")
        await expect(page.get_by_role("heading", name="Signed in on")).to_be_focused()
        await expect(page.get_by_role("button", name="Sign out everywhere else")).to_be_hidden()
        assert (await phone.get("/v1/me")).status_code == 401


async def test_everywhere_else_is_signed_out_at_once_and_here_goes_on(
    open_page: OpenPage, guest: Guest
) -> None:
    async with guest.other_device() as one, guest.other_device() as two:
        page = await open_page(storage_state=guest.state(), **DESK)
        await corner(page)

        await page.get_by_role("button", name="Sign out everywhere else").click()

        await expect(page.locator("#account-said")).to_have_text("Signed out on 2 other devices.")
        await expect(page.locator("#sessions li")).to_have_count(1)
        assert [(await device.get("/v1/me")).status_code for device in (one, two)] == [401, 401]


async def test_this_device_signs_out_from_its_own_line(open_page: OpenPage, guest: Guest) -> None:
    page = await open_page(storage_state=guest.state(), **PHONE)
    await corner(page)

    await page.get_by_role("button", name="Sign out Chrome on Linux").click()

    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert await page.evaluate("localStorage.length") == 0


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_everything_in_the_corner_has_a_name_and_room(
    open_page: OpenPage, guest: Guest, size: dict[str, Any]
) -> None:
    async with guest.other_device():
        page = await open_page(storage_state=guest.state(), **size)
        await corner(page)
        await page.wait_for_selector("#unconfirmed:visible")

    assert await page.evaluate(UNNAMED) == []
    assert await page.evaluate(SMALL) == []
    assert await page.evaluate(WIDER) == 0
    assert dict(await page.evaluate(LANDMARKS)) | {"nav": 0} == {"main": 1, "nav": 0, "h1": 1}


async def test_the_corner_speaks_spanish(open_page: OpenPage, guest: Guest) -> None:
    page = await open_page(storage_state=guest.state(), locale="es-MX")

    await corner(page)

    await expect(page.locator("#sessions li")).to_contain_text("Chrome en Linux")
    await expect(page.get_by_role("heading", name="Sesiones abiertas")).to_be_visible()


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
async def test_a_forgotten_password_is_always_answered_alike(
    open_page: OpenPage, guest: Guest, known: bool
) -> None:
    page = await open_page()
    await page.get_by_role("button", name="I forgot my password").click()
    await page.get_by_label("E-mail").fill(guest.email if known else "nobody.at.all@guest.example")

    await page.get_by_role("button", name="Send the link").click()

    await expect(page.get_by_role("alert")).to_have_text(ALWAYS)


@pytest.mark.usefixtures("refused")
async def test_the_link_of_a_letter_leads_to_a_new_password_once(
    open_page: OpenPage, guest: Guest, data: Path
) -> None:
    page = await open_page()
    await page.click("#door-forgot")
    await page.fill("#email", guest.email)
    await page.click("#door-go")
    link = await link_to(data, guest.email, "reset")
    await page.goto(link)
    await expect(page.get_by_label("New password")).to_be_visible()
    await expect(page).to_have_url(f"{guest.site}/")

    await page.get_by_label("New password").fill("five other quiet words here")
    await page.get_by_role("button", name="Keep this password").click()

    await expect(page.get_by_role("alert")).to_have_text("Your new password is kept. Sign in with it.")
    await page.fill("#email", guest.email)
    await page.fill("#password", "five other quiet words here")
    await page.click("#door-go")
    await expect(page.locator("#state")).to_have_text("Online")
    await page.goto(link)
    await page.get_by_label("New password").fill("one more time with words")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_have_text(OLD)


async def test_a_reset_that_was_not_wanted_leads_back_to_the_room(open_page: OpenPage, guest: Guest) -> None:
    page = await open_page(storage_state=guest.state())
    await page.wait_for_selector("#state[data-state=online]", state="attached")
    await page.goto(f"{guest.site}/#reset={'A' * 43}")
    await expect(page.get_by_label("New password")).to_be_visible()
    await expect(page.locator("#room")).to_be_hidden()

    await page.get_by_role("button", name="Back").click()

    await page.wait_for_selector("#state[data-state=online]", state="attached")


@pytest.mark.usefixtures("refused")
async def test_the_link_of_a_letter_confirms_the_address_and_says_so(
    open_page: OpenPage, guest: Guest, data: Path
) -> None:
    page = await open_page(storage_state=guest.state())
    await corner(page)
    await expect(page.locator("#to-account")).to_contain_text("E-mail not confirmed")
    await page.get_by_role("button", name="Send again").click()
    await expect(page.locator("#account-said")).to_have_text(f"A new e-mail is on its way to {guest.email}.")
    link = await link_to(data, guest.email, "verify", at_least=2)

    await page.goto(link)

    await expect(page.locator("#account-said")).to_have_text(CONFIRMED)
    await expect(page.locator("#unconfirmed")).to_be_hidden()
    await expect(page.locator("#to-account")).not_to_contain_text("not confirmed", use_inner_text=True)
    await expect(page).to_have_url(f"{guest.site}/#/account")
    await page.goto(link)
    await expect(page.locator("#account-said")).to_have_text(OLD)


@pytest.mark.usefixtures("refused")
async def test_an_address_is_confirmed_at_the_door_too(open_page: OpenPage, guest: Guest, data: Path) -> None:
    link = await link_to(data, guest.email, "verify")
    page = await open_page()
    await page.goto("about:blank")

    await page.goto(link)

    await expect(page.get_by_role("alert")).to_have_text(CONFIRMED)
    await expect(page).to_have_url(f"{guest.site}/")
    await page.goto("about:blank")
    await page.goto(link)
    await expect(page.get_by_role("alert")).to_have_text(OLD)
