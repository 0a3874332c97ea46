"""The page in a real browser: what a person sees, hears and can press."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from servers import Instance

pytestmark = pytest.mark.slow

OpenPage = Callable[..., Awaitable[Page]]
WATCH_REPLY = """() => {
  window.seen = [];
  window.tops = new Set();
  new MutationObserver(() => {
    const bubble = document.querySelector('.writing .bubble');
    if (bubble) window.seen.push(bubble.lastChild.data);
    window.tops.add(document.querySelector('#composer').getBoundingClientRect().top);
  }).observe(document.querySelector('#messages'), {subtree: true, childList: true, characterData: true});
}"""


async def say(page: Page, text: str) -> None:
    await page.fill("#box", text)
    await page.press("#box", "Enter")


async def whole_reply(page: Page, seq: int) -> str:
    """The text of the companion's message once it is kept."""
    bubble = page.locator(f".companion[data-seq='{seq}'] .bubble")
    await bubble.wait_for()
    return await bubble.text_content() or ""


async def test_the_demo_person_signs_in_and_can_write_at_once(open_page: OpenPage) -> None:
    page = await open_page()

    await page.get_by_role("button", name="Continue as the demo person").click()

    await expect(page.get_by_role("textbox", name="Your message")).to_be_visible()
    await expect(page.get_by_text("Your companion is a computer program, not a person.").last).to_be_visible()


async def test_a_message_says_its_number_once_it_is_kept(page: Page) -> None:
    await say(page, "I keep waking at four.")

    await expect(page.locator(".own[data-seq='1'] .meta")).to_contain_text("Kept, no. 1")


async def test_the_reply_grows_and_nothing_under_the_thumb_moves(page: Page) -> None:
    await page.evaluate(WATCH_REPLY)

    await say(page, "My head starts as soon as I lie down.")
    text = await whole_reply(page, 2)

    seen = [part for part in await page.evaluate("window.seen") if part]
    assert len(set(seen)) >= 3
    assert all(text.endswith(part) or part in text for part in seen)
    assert len(await page.evaluate("[...window.tops]")) == 1


async def test_a_listener_hears_the_reply_once_and_whole(page: Page) -> None:
    heard = "() => { window.heard = []; new MutationObserver(() => window.heard.push(announcer.textContent))"
    await page.evaluate(heard + ".observe(announcer, {childList: true}) }")

    await say(page, "It was a long day.")
    text = await whole_reply(page, 2)

    assert await page.evaluate("window.heard") == [text]


async def test_a_second_tab_shows_both_sides_live_in_both_directions(page: Page) -> None:
    await say(page, "Written in the first tab.")
    await whole_reply(page, 2)
    second = await page.context.new_page()
    await second.goto(page.url)
    await expect(second.locator(".own .bubble")).to_have_text(["You: Written in the first tab."])

    await say(second, "Written in the second tab.")

    await expect(page.locator(".own[data-seq='3'] .bubble")).to_have_text("You: Written in the second tab.")
    assert await whole_reply(page, 4) == await whole_reply(second, 4)


async def test_a_reload_keeps_the_history_and_the_place(page: Page) -> None:
    await say(page, "Please remember this.")
    text = await whole_reply(page, 2)

    await page.reload()

    await expect(page.locator(".own .bubble")).to_have_text(["You: Please remember this."])
    await expect(page.locator(".own .meta")).to_contain_text("Kept, no. 1")
    assert await whole_reply(page, 2) == text


async def go_offline(context: BrowserContext, page: Page) -> None:
    await context.set_offline(True)
    await expect(page.locator("#state")).to_have_text("Offline")


async def test_what_is_written_offline_says_so_and_goes_out_once(page: Page) -> None:
    await say(page, "First.")
    await whole_reply(page, 2)
    await go_offline(page.context, page)
    await say(page, "Are you still there?")
    waiting = page.locator(".own[data-state=unsent] .meta")
    sentence = "Not sent yet. You are offline; it will go out when you are back."
    await expect(waiting).to_have_text(sentence)

    await page.context.set_offline(False)

    await expect(page.locator(".own[data-seq='3'] .meta")).to_contain_text("Kept, no. 3")
    await whole_reply(page, 4)
    await page.reload()
    await expect(page.locator(".own .bubble")).to_have_text(["You: First.", "You: Are you still there?"])


async def test_a_killed_server_loses_nothing_that_was_written(
    chromium: Browser, start_instance: Callable[[], Instance]
) -> None:
    server = start_instance()
    page = await chromium.new_page(locale="en-US")
    await page.goto(server.url)
    await page.click("#demo")
    await expect(page.locator("#state")).to_have_text("Online")
    server.kill()
    await expect(page.locator("#state")).to_have_text("Reconnecting")
    await say(page, "Said while nobody listened.")
    said = page.locator(".own", has_text="Said while nobody listened.")
    await expect(said).to_contain_text("it will go out by itself")

    server.start()

    await expect(said).to_contain_text("Kept, no.", timeout=60_000)  # the page waits up to 20 s
    await page.reload()
    await expect(said).to_have_count(1)
    await page.context.close()


async def test_an_unsent_first_message_survives_leaving_the_page(page: Page) -> None:
    address = page.url
    await go_offline(page.context, page)
    await say(page, "Typed on the train.")
    await page.goto("about:blank")

    await page.context.set_offline(False)
    await page.goto(address)

    await expect(page.locator(".own[data-seq='1'] .bubble")).to_have_text("You: Typed on the train.")


async def test_markup_is_shown_as_the_text_it_is(page: Page) -> None:
    text = "<img src=x onerror=alert(1)> & <b>bold</b>"

    await say(page, text)

    await expect(page.locator(".own[data-seq='1'] .bubble")).to_have_text(f"You: {text}")
    assert await page.locator("#messages img, #messages b").count() == 0


async def test_the_list_shows_the_conversation_and_leads_back_to_it(page: Page) -> None:
    await say(page, "Something for the list.")
    await whole_reply(page, 2)
    address = page.url
    await page.get_by_role("link", name="New conversation").click()
    await expect(page.get_by_role("heading", name="What is on your mind?")).to_be_visible()

    await page.locator("#conversations a").first.click()

    await expect(page.locator(".own .bubble")).to_have_text(["You: Something for the list."])
    await expect(page).to_have_url(address)


async def test_the_list_counts_what_arrives(page: Page) -> None:
    await say(page, "One.")
    await whole_reply(page, 2)

    line = page.locator("#conversations a[aria-current=page]")

    await expect(line).to_contain_text("2 messages")


async def test_a_conversation_that_is_not_there_is_said_in_words(page: Page) -> None:
    await page.evaluate("location.hash = '#/c/00000000-0000-4000-8000-000000000000'")

    await expect(page.get_by_text("This conversation is not here.")).to_be_visible()


@pytest.mark.parametrize(
    ("locale", "number"), [("en-US", "tel:988"), ("en-GB", "tel:116123"), ("es-MX", "tel:8009112000")]
)
async def test_words_of_crisis_bring_the_country_s_numbers_and_they_stay(
    new_page: OpenPage, demo_state: Any, locale: str, number: str
) -> None:
    page = await new_page(storage_state=demo_state, locale=locale)
    await say(page, "I want to kill myself tonight.")
    card = page.locator("#support")
    call = card.locator(f"a[href='{number}']")
    await expect(call).to_be_visible()
    await whole_reply(page, 2)

    await card.get_by_role("button").last.click()
    await expect(call).to_be_visible()
    await page.reload()

    await expect(call).to_be_visible()
    await expect(page.locator("#box")).to_be_editable()


async def test_below_high_the_card_can_be_put_aside(page: Page) -> None:
    await say(page, "I wish I could go to sleep and never wake up.")
    card = page.locator("#support[data-level=moderate]")
    await expect(card).to_be_visible()

    await card.get_by_role("button", name="I am safe for now").click()

    await expect(page.locator("#support")).to_be_hidden()
    await expect(page.locator("#box")).to_be_focused()
