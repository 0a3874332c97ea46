"""The page for everybody: keyboard, labels, small screens, dark rooms, two languages."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Page, expect

from looks import DESK, LANDMARKS, PHONE, SMALL, UNNAMED, WIDER

pytestmark = pytest.mark.slow

OpenPage = Callable[..., Awaitable[Page]]


@pytest.fixture
def unauthorized(complaints: list[str]) -> Any:
    """Chromium remarks on a 401, also on one that comes after what the test waits for."""
    yield
    complaints[:] = [text for text in complaints if "401" not in text]


async def test_everything_can_be_done_with_the_keyboard(page: Page) -> None:
    box = page.get_by_role("textbox", name="Your message")
    await page.locator("#sign-out").focus()
    await page.keyboard.press("Escape")
    await expect(box).to_be_focused()

    await page.keyboard.type("One line")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("and another")
    await page.keyboard.press("Enter")

    await expect(page.locator(".own[data-seq='1'] .bubble")).to_have_text(
        "You: One line\nand another", use_inner_text=True
    )
    await expect(box).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("region", name="Messages")).to_be_focused()


async def test_the_first_stop_of_the_keyboard_leads_to_the_message_box(
    open_page: OpenPage, demo_state: Any
) -> None:
    page = await open_page(storage_state=demo_state, **PHONE)  # where nothing has the focus by itself
    await page.wait_for_selector("#state[data-state=online]")
    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the message box")
    await expect(skip).to_be_focused()

    await page.keyboard.press("Enter")

    await expect(page.locator("#box")).to_be_focused()


async def test_signing_in_works_with_the_keyboard_alone(open_page: OpenPage) -> None:
    page = await open_page()
    await expect(page.get_by_label("E-mail")).to_be_focused()
    await page.keyboard.type("nobody@example.org")
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Password")).to_be_focused()

    await page.keyboard.press("Enter")

    await expect(page.get_by_role("alert")).to_have_text("Write your password.")
    await expect(page.get_by_label("Password")).to_have_attribute("aria-invalid", "true")


@pytest.mark.usefixtures("unauthorized")
async def test_a_wrong_password_is_said_in_words(open_page: OpenPage) -> None:
    page = await open_page()
    await page.fill("#email", "nobody@example.org")
    await page.fill("#password", "not the right one")

    await page.get_by_role("button", name="Sign in").click()

    await expect(page.get_by_role("alert")).to_contain_text("do not match")


async def test_a_new_person_makes_an_account_and_signs_out(open_page: OpenPage) -> None:
    page = await open_page()
    await page.get_by_role("button", name="Create an account").click()
    await page.fill("#email", "robin.new@example.org")
    await page.fill("#password", "four quiet words here")
    await page.get_by_role("button", name="Create account").click()
    await expect(page.get_by_text("Your first words start a conversation.")).to_be_visible()

    await page.get_by_role("button", name="Sign out").click()

    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert await page.evaluate("localStorage.length + sessionStorage.length") == 0


async def test_signing_out_asks_before_it_discards_what_was_not_sent(page: Page) -> None:
    await page.context.set_offline(True)
    await expect(page.locator("#state")).to_have_text("Offline")
    await page.fill("#box", "Not for the next person here.")
    await page.press("#box", "Enter")
    await page.locator("#sign-out").click()
    again = page.get_by_role("button", name="Sign out and discard 1 unsent message")

    await again.click()

    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert await page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert "next person" not in await page.content()


@pytest.mark.usefixtures("unauthorized")
async def test_a_token_that_is_no_longer_good_leads_to_the_door(page: Page) -> None:
    stale = {"access_token": "not.a.token", "expires_at": "2020-01-01T00:00:00Z", "user_id": "somebody"}
    await page.evaluate("kept => localStorage.setItem('nura.session', JSON.stringify(kept))", stale)

    await page.reload()

    await expect(page.get_by_text("Your sign-in has ended.")).to_be_visible()


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_everything_on_the_page_has_a_name_and_room_for_a_finger(
    new_page: OpenPage, demo_state: Any, size: dict[str, Any]
) -> None:
    page = await new_page(storage_state=demo_state, **size)
    await page.fill("#box", "A few words.")
    await page.press("#box", "Enter")
    await page.wait_for_selector(".companion[data-seq='2']")

    assert await page.evaluate(UNNAMED) == []
    assert await page.evaluate(SMALL) == []
    assert dict(await page.evaluate(LANDMARKS))["main"] == 1
    assert await page.title() == "Nura"
    assert await page.locator("html").get_attribute("lang") == "en"


async def test_nothing_is_wider_than_a_phone(
    new_page: OpenPage, open_page: OpenPage, demo_state: Any
) -> None:
    door = await open_page(**PHONE)
    await door.wait_for_selector("#demo:visible")
    page = await new_page(storage_state=demo_state, **PHONE)
    await page.fill("#box", "Verylongwordwithoutanyspace" * 12)
    await page.press("#box", "Enter")
    await page.wait_for_selector(".companion[data-seq='2']")

    widths = [await door.evaluate(WIDER), await page.evaluate(WIDER)]
    await page.get_by_role("link", name="Conversations").click()
    await page.wait_for_selector("#list:visible")
    widths.append(await page.evaluate(WIDER))

    assert widths == [0, 0, 0]


@pytest.mark.parametrize(("scheme", "paper"), [("light", "rgb(251, 250, 247)"), ("dark", "rgb(20, 23, 26)")])
async def test_the_page_follows_the_light_of_the_room(open_page: OpenPage, scheme: str, paper: str) -> None:
    page = await open_page(color_scheme=scheme)

    colour = await page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert colour == paper


async def test_nothing_moves_for_somebody_who_asked_for_stillness(
    new_page: OpenPage, demo_state: Any
) -> None:
    page = await new_page(storage_state=demo_state, reduced_motion="reduce")
    await page.fill("#box", "Still.")
    await page.press("#box", "Enter")
    await page.wait_for_selector(".own")

    assert await page.evaluate("document.getAnimations().length") == 0


async def test_the_page_speaks_spanish_to_a_person_who_does(new_page: OpenPage, demo_state: Any) -> None:
    page = await new_page(storage_state=demo_state, locale="es-MX")

    await page.get_by_role("textbox", name="Tu mensaje").fill("Hola.")
    await page.get_by_role("button", name="Enviar").click()

    await expect(page.locator(".own[data-seq='1'] .meta")).to_contain_text("Guardado, n.º 1")
    assert await page.locator("html").get_attribute("lang") == "es"
