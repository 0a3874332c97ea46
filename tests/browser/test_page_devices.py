"""Coming back, and several devices: what one does, the page shows on the other, live and after being away."""

import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from playwright.async_api import Browser, Page, Route, expect

from devices import Phone, Wire
from guests import REMEMBER, Guest, sign_up
from looks import DESK, PHONE
from servers import Instance, eventually

pytestmark = pytest.mark.slow

OpenPage = Callable[..., Awaitable[Page]]
OPENING = "I keep waking at four."
HEAVY = "I wish I could go to sleep and never wake up."
# Chromium counts a page as visible that nobody looks at: here the test decides.
LOOKED_AT = """() => {
  window.away = false;
  Object.defineProperty(document, 'hidden', {get: () => window.away});
}"""
LOOK = "away => { window.away = away; document.dispatchEvent(new Event('visibilitychange')); }"


@pytest.fixture(scope="module")
def person(site: str) -> Guest:
    """Somebody with conversations of their own, shared by the tests of this file."""
    return sign_up(site, f"{uuid.uuid4().hex}@guest.example")


@pytest.fixture
async def phone(person: Guest) -> AsyncIterator[Phone]:
    headers = {"Authorization": f"Bearer {person.signed['access_token']}"}
    async with httpx.AsyncClient(base_url=person.site, headers=headers, timeout=30) as http:
        yield Phone(http)


@pytest.fixture
async def home(open_page: OpenPage, person: Guest) -> Page:
    """The person's page on a desk."""
    return await open_page(storage_state=person.state(), **DESK)


async def show(page: Page, conversation_id: str) -> None:
    """Opens a conversation in which two things were said, and waits until they stand there."""
    await page.wait_for_selector("#state[data-state=online]", state="attached")
    await page.evaluate(f"location.hash = '#/c/{conversation_id}'")
    await page.wait_for_selector(row(conversation_id) + "[aria-current=page]", state="attached")
    await page.wait_for_selector("[data-seq='2'][data-state=kept]", state="attached")


def row(conversation_id: str) -> str:
    """The line of a conversation in the list."""
    return f"#conversations a[href='#/c/{conversation_id}']"


async def away(page: Page) -> None:
    await page.context.set_offline(True)
    await expect(page.locator("#state")).to_have_text("Offline")


async def back(page: Page) -> None:
    await page.context.set_offline(False)
    await expect(page.locator("#state")).to_have_text("Online")


async def test_a_page_that_was_away_resumes_and_shows_what_it_missed(home: Page, phone: Phone) -> None:
    place = await phone.begin("Nights", OPENING)
    await show(home, place)
    await away(home)
    await phone.say(place, "Said on the phone.")
    wire = Wire(home)

    await back(home)

    await expect(home.locator(".own[data-seq='3'] .bubble")).to_have_text("You: Said on the phone.")
    await home.wait_for_selector(".companion[data-seq='4'][data-state=kept]")
    assert wire.said("hello")[0]["resume"] == [{"channel": f"conversation:{place}", "seq": 2}]
    assert wire.said("subscribe") == []
    assert wire.asked == []


async def test_a_message_removed_on_another_device_disappears_live_and_after_being_away(
    home: Page, phone: Phone
) -> None:
    place = await phone.begin("Two of them")
    words = [await phone.say(place, text) for text in ("The first regret.", "The second regret.")]
    await show(home, place)
    await home.wait_for_selector(f"[data-seq='{words[1]['seq']}']")

    await phone.remove(place, words[0]["message_id"])
    await expect(home.get_by_text("The first regret.")).to_have_count(0)
    await away(home)
    await phone.remove(place, words[1]["message_id"])
    await back(home)

    await expect(home.get_by_text("The second regret.")).to_have_count(0)
    await expect(home.get_by_text("A message was removed here.")).to_have_count(2)


async def test_a_conversation_removed_elsewhere_leaves_the_list_live_and_after_being_away(
    home: Page, phone: Phone
) -> None:
    live, later, still = [await phone.begin(title, OPENING) for title in ("Live", "Later", "Still")]
    await show(home, still)
    for place in (live, later):
        await expect(home.locator(row(place))).to_have_count(1)

    await phone.remove(live)
    await expect(home.locator(row(live))).to_have_count(0)
    await away(home)
    await phone.remove(later)
    await back(home)

    await expect(home.locator(row(later))).to_have_count(0)
    await phone.remove(still)
    await expect(home.get_by_text("This conversation is not here.")).to_be_visible()
    await expect(home.locator(row(still))).to_have_count(0)


async def test_a_card_that_was_put_aside_offline_does_not_come_back(home: Page, phone: Phone) -> None:
    place = await phone.begin("Heavy", HEAVY)
    await show(home, place)
    card = home.locator("#support[data-level=moderate]")
    await expect(card).to_be_visible()
    await away(home)
    await card.get_by_role("button", name="I am safe for now").click()
    wire = Wire(home)
    await back(home)
    await eventually(lambda: wire.said("notice.ack"))
    await home.evaluate("location.hash = '#/new'")
    await eventually(lambda: wire.heard("unsubscribed"))  # what was said before it is done, too
    wire.received.clear()

    await home.reload()

    await show(home, place)
    await eventually(lambda: wire.heard("subscribed"))  # what was not acknowledged comes before it
    assert wire.heard("support") == []
    await expect(card).to_be_hidden()


async def test_a_card_that_nobody_took_note_of_comes_back(home: Page, phone: Phone) -> None:
    place = await phone.begin("Heavier", HEAVY)
    await show(home, place)
    card = home.locator("#support[data-level=moderate]")
    await expect(card).to_be_visible()

    await home.reload()

    await show(home, place)
    await expect(card).to_be_visible()


async def test_reading_in_one_tab_clears_the_mark_in_the_other(home: Page, phone: Phone) -> None:
    place = await phone.begin("Read twice", OPENING)
    await show(home, place)
    await phone.until_read(place)
    await home.evaluate("location.hash = '#/new'")
    other = await home.context.new_page()
    wire = Wire(home)
    await phone.say(place, "And again at five.")
    await home.reload()  # another conversation's messages are not told live
    await other.goto(home.url)
    for tab in (home, other):
        await expect(tab.locator(row(place))).to_contain_text("Unread")
    assert wire.said("read") == []

    await show(other, place)

    await expect(home.locator(row(place))).not_to_contain_text("Unread")
    await phone.until_read(place)


@pytest.mark.parametrize("look_away", ["the tab is hidden", "the list covers it"])
async def test_nothing_is_read_while_nobody_looks(
    open_page: OpenPage, person: Guest, phone: Phone, look_away: str
) -> None:
    place = await phone.begin("Unseen", OPENING)
    page = await open_page(**PHONE)
    await page.clock.install()
    await page.add_init_script(f"({LOOKED_AT})()")
    await page.evaluate(REMEMBER, person.kept())
    await page.reload()
    wire = Wire(page)
    await page.reload()
    await show(page, place)
    await phone.until_read(place)
    hidden = look_away == "the tab is hidden"
    await (page.evaluate(LOOK, True) if hidden else page.evaluate("location.hash = '#/'"))
    wire.sent.clear()
    await phone.say(place, "Is anybody there?")
    await page.wait_for_selector(".companion[data-seq='4'][data-state=kept]", state="attached")
    await page.clock.run_for(1500)  # longer than the page waits before it tells
    early = wire.said("read")

    await (page.evaluate(LOOK, False) if hidden else page.evaluate(f"location.hash = '#/c/{place}'"))
    await page.clock.run_for(1500)

    assert early == []
    await eventually(lambda: wire.said("read"))
    assert wire.said("read")[0]["seq"] == 4
    await phone.until_read(place)


async def test_a_list_of_several_pages_is_read_to_its_end_and_only_what_changed_later(
    open_page: OpenPage, person: Guest, phone: Phone
) -> None:
    first, last = [await phone.begin(title) for title in ("On the first page", "On the last")]
    lines = [(await phone.http.get(f"/v1/conversations/{place}")).json() for place in (first, last)]
    asked: list[dict[str, str]] = []

    async def answer(route: Route) -> None:
        query = dict(httpx.URL(route.request.url).params)
        asked.append(query)
        if "cursor" in query:
            page_of = {"conversations": lines[1:], "as_of": "2026-01-02T00:00:00Z"}
        else:
            page_of = {"conversations": lines[:1], "as_of": "2026-01-01T00:00:00Z", "next": "more"}
        await route.fulfill(json=page_of)

    page = await open_page()
    await page.context.route(re.compile(r"/v1/conversations(\?.*)?$"), answer)
    await page.evaluate(REMEMBER, person.kept())
    await page.reload()

    for place in (first, last):
        await expect(page.locator(row(place))).to_have_count(1)
    await eventually(lambda: len(asked) >= 4)  # once more after the welcome
    assert asked[:2] == [{}, {"cursor": "more"}]
    assert asked[2] == {"changed_since": "2026-01-01T00:00:00Z"}
    assert asked[3] == {"changed_since": "2026-01-01T00:00:00Z", "cursor": "more"}


async def test_a_page_comes_back_by_itself_to_an_instance_that_was_stopped(
    chromium: Browser, start_instance: Callable[[], Instance], person: Guest, phone: Phone
) -> None:
    place = await phone.begin("A stop", OPENING)
    server = start_instance()
    page = await chromium.new_page(locale="en-US")
    await page.goto(server.url)
    await page.evaluate(REMEMBER, person.kept())
    wire = Wire(page)
    await page.reload()
    await show(page, place)

    await page.fill("#box", "Said in the last moment.")
    await page.press("#box", "Enter")
    await eventually(lambda: wire.said("message.send"))
    server.stop()
    await page.fill("#box", "Said while nobody listened.")
    await page.press("#box", "Enter")
    await phone.say(place, "Said on the phone.")
    server.start()

    for text in ("Said in the last moment.", "Said while nobody listened.", "Said on the phone."):
        await expect(page.locator(".own", has_text=text)).to_contain_text("Kept, no.", timeout=60_000)
    assert len(wire.heard("draining")) == 1
    await page.wait_for_selector(".companion[data-seq='8'][data-state=kept]")
    seqs = await page.locator("#messages li").evaluate_all("items => items.map(item => item.dataset.seq)")
    assert seqs == [str(seq) for seq in range(1, 9)]
    await page.context.close()
