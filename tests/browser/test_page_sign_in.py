"""A sign-in that lasts: tokens are renewed unseen, only a refusal ends it, and every tab follows."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, Route, WebSocketRoute, expect

from guests import EARLIER, LATER, REMEMBER, Guest, Heard
from servers import eventually

pytestmark = pytest.mark.slow

OpenPage = Callable[..., Awaitable[Page]]
WAKE = "() => { for (const name of ['online', 'pageshow']) dispatchEvent(new Event(name)) }"
WAITING = """owner => sessionStorage.setItem('nura.unsent', JSON.stringify({owner, items: [
  {client_id: 'kept-1', conversation_id: null, create_id: 'kept-0', text: 'Not lost.', at: Date.now()}]}))"""


@pytest.fixture
def refused(complaints: list[str]) -> Any:
    """Chromium remarks on every answer that is a refusal; here they are part of the story."""
    yield
    complaints[:] = [text for text in complaints if not text.startswith("Failed to load resource")]


async def entered(page: Page, kept: dict[str, Any]) -> None:
    """The page is loaded anew by somebody with these tokens."""
    await page.evaluate(REMEMBER, kept)
    await page.reload()


async def online(page: Page) -> None:
    await page.wait_for_selector("#state[data-state=online]", state="attached")


async def say(page: Page, text: str) -> None:
    await page.fill("#box", text)
    await page.press("#box", "Enter")
    await expect(page.locator(".own", has_text=text)).to_contain_text("Kept, no.")


async def sign_in(page: Page, guest: Guest) -> None:
    await page.fill("#email", guest.email)
    await page.fill("#password", guest.password)
    await page.click("#door-go")


async def test_a_token_that_runs_out_is_renewed_under_an_open_conversation(
    open_page: OpenPage, guest: Guest
) -> None:
    page = await open_page()
    heard = Heard(page)
    await entered(page, guest.kept(access_token=guest.token(left_s=60), expires_at=LATER))
    await say(page, "Before.")

    await page.wait_for_function(
        "held => JSON.parse(localStorage['nura.session']).expires_at < held", arg=LATER
    )
    await say(page, "After.")

    await eventually(lambda: "auth.refreshed" in heard.received)  # it may come after "After." was kept
    assert "auth.expiring" in heard.received
    assert "auth.refresh" in heard.sent
    assert (heard.refreshes, heard.sockets) == (1, 1)


async def test_a_token_that_is_nearly_over_is_not_connected_with(open_page: OpenPage, guest: Guest) -> None:
    page = await open_page()
    heard = Heard(page)

    await entered(page, guest.kept(access_token=guest.token(left_s=60), expires_at=EARLIER))
    await say(page, "On the first socket.")

    assert heard.refreshes == 1
    assert "auth.expiring" not in heard.received
    assert heard.sockets == 1


@pytest.mark.usefixtures("refused")
@pytest.mark.parametrize("locks", [True, False], ids=["locks", "an-older-browser"])
async def test_a_token_that_is_over_is_renewed_once_for_rest_and_socket(
    open_page: OpenPage, guest: Guest, locks: bool
) -> None:
    page = await open_page()
    heard = Heard(page)
    if not locks:
        await page.add_init_script("Object.defineProperty(navigator, 'locks', {value: undefined})")

    await entered(page, guest.kept(access_token=guest.token(left_s=-60), expires_at=LATER))
    await say(page, "As if nothing had been.")

    assert heard.refreshes == 1
    await expect(page.locator("#conversations a")).to_have_count(1)


@pytest.mark.usefixtures("refused")
async def test_two_tabs_refresh_once(open_page: OpenPage, guest: Guest) -> None:
    first = await open_page()
    second = await first.context.new_page()
    await second.goto(guest.site)
    heard = Heard(first, second)

    async def slowly(route: Route) -> None:
        await first.wait_for_timeout(500)  # long enough for the other tab to want the same
        await route.continue_()

    await first.context.route("**/v1/auth/refresh", slowly)

    await entered(first, guest.kept(access_token=guest.token(left_s=-60), expires_at=LATER))
    await online(first)
    await online(second)

    assert heard.refreshes == 1


@pytest.mark.usefixtures("refused")
@pytest.mark.parametrize("failure", ["503", "silence"])
async def test_a_refresh_that_fails_is_tried_again_and_signs_nobody_out(
    open_page: OpenPage, guest: Guest, failure: str, complaints: list[str]
) -> None:
    page = await open_page()
    failed = 0

    async def fails(route: Route) -> None:
        nonlocal failed
        failed += 1
        if failed > 4:
            await route.continue_()
        elif failure == "503":
            await route.fulfill(status=503, content_type="application/problem+json", body="{}")
        else:
            await route.abort()

    await page.route("**/v1/auth/refresh", fails)

    await entered(page, guest.kept(access_token=guest.token(left_s=-60), expires_at=LATER))

    await expect(page.locator("#state")).to_have_text("Reconnecting")
    await online(page)
    await say(page, "Still here.")
    assert failed > 4


@pytest.mark.usefixtures("refused")
async def test_a_refused_refresh_leads_to_the_door_and_loses_no_word(
    open_page: OpenPage, guest: Guest
) -> None:
    page = await open_page()
    await page.evaluate(WAITING, guest.signed["user_id"])
    over = guest.kept(access_token=guest.token(left_s=-60), expires_at=LATER, refresh_token="A" * 43)
    await entered(page, over)
    await expect(page.get_by_role("alert")).to_have_text(
        "Your sign-in has ended. Sign in again and go on where you were."
    )

    await sign_in(page, guest)

    await expect(page.locator(".own", has_text="Not lost.")).to_contain_text("Kept, no. 1")


@pytest.mark.usefixtures("refused")
async def test_a_session_ended_elsewhere_is_said_and_the_draft_waits(
    open_page: OpenPage, guest: Guest
) -> None:
    page = await open_page()
    heard = Heard(page)
    await entered(page, guest.kept())
    await online(page)
    await page.fill("#box", "Half a thought")
    async with guest.other_device() as other:
        (await other.delete("/v1/me/sessions")).raise_for_status()
    await expect(page.get_by_role("alert")).to_have_text("You were signed out on another device.")
    await page.evaluate(WAKE)

    assert heard.sockets == 1
    assert await page.evaluate("localStorage.length") == 0
    await sign_in(page, guest)
    await expect(page.locator("#box")).to_have_value("Half a thought")


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (4505, "Your sign-in has ended. Sign in again and go on where you were."),
        (4509, "You were signed out on another device."),
        (4510, "This account is closed. Nothing more can be sent from here."),
    ],
)
async def test_a_close_that_is_final_is_believed(
    open_page: OpenPage, guest: Guest, code: int, sentence: str
) -> None:
    page = await open_page()
    opened = 0

    def closing(socket: WebSocketRoute) -> None:
        nonlocal opened
        opened += 1
        socket.on_message(lambda _: socket.close(code=code))

    await page.route_web_socket("**/v1/socket", closing)
    await entered(page, guest.kept())
    await expect(page.get_by_role("alert")).to_have_text(sentence)
    await page.evaluate(WAKE)

    assert opened == 1


async def test_signing_out_in_one_tab_signs_out_the_other_and_the_server_knows(
    open_page: OpenPage, guest: Guest
) -> None:
    first = await open_page(storage_state=guest.state())
    second = await first.context.new_page()
    await second.goto(guest.site)
    await online(second)
    await online(first)

    async with first.expect_response("**/v1/auth/sign-out"):
        await first.locator("#sign-out").click()

    await expect(second.get_by_role("alert")).to_contain_text("Your sign-in has ended.")
    await expect(first.get_by_role("heading", name="Sign in")).to_be_visible()
    assert await second.evaluate("localStorage.length") == 0
    spent = {"refresh_token": guest.signed["refresh_token"]}
    async with httpx.AsyncClient(base_url=guest.site, timeout=30) as http:
        assert (await http.post("/v1/auth/refresh", json=spent)).status_code == 401


async def test_a_tab_follows_a_new_sign_in_of_another(open_page: OpenPage, guest: Guest) -> None:
    first = await open_page()
    second = await first.context.new_page()
    await second.goto(guest.site)

    await sign_in(first, guest)

    await online(second)
