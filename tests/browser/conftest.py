"""A real Chromium, and pages of the signed-in demo person that may not complain in the console."""

import os
import shutil
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from guests import Guest, sign_up
from nura_rt.embedded.stack import Addresses
from servers import Instance, environ_of

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
MISSING = "Chromium is missing: run `apt install chromium`, or set CHROMIUM to the path of one that is there."
OFFLINE = "ERR_INTERNET_DISCONNECTED"  # Chromium's own remark when a test takes the network away
PATIENCE_MS = 30_000

# Resolved once the page has followed: a conversation that is being opened is empty for a moment too.
TO_NEW = """new Promise(done => {
  addEventListener('hashchange', () => done(), {once: true});
  location.hash = '#/new';
})"""

OpenPage = Callable[..., Awaitable[Page]]


def chromium_path() -> str | None:
    """CHROMIUM, or the first Chromium or Chrome on the PATH."""
    named = os.environ.get("CHROMIUM")
    return next(filter(None, map(shutil.which, [named] if named else NAMES)), None)


@pytest.fixture(scope="session")
def data(folder: Path) -> Path:
    """The data folder of `site`: its mailbox is there."""
    made = folder / "browser"
    made.mkdir()
    return made


@pytest.fixture(scope="session")
def site(data: Path, stores: Addresses) -> Iterator[str]:
    """The address of an instance whose companion writes at a person's pace, so that a reply can be watched."""
    started = Instance(data, {**environ_of(stores), "COMPANION_PACE_S": "0.03"}).start()
    try:
        yield started.url
    finally:
        started.stop()


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    path = chromium_path()
    if path is None:
        pytest.fail(MISSING)
    expect.set_options(timeout=PATIENCE_MS)  # else 5 s, whatever a context says
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
async def demo_state(chromium: Browser, site: str) -> Any:
    """What a browser remembers after the demo person signed in: once, because tries are counted."""
    context = await chromium.new_context()
    page = await context.new_page()
    await page.goto(site)
    await page.click("#demo")
    await page.wait_for_selector("#room:visible")
    state = await context.storage_state()
    await context.close()
    return state


@pytest.fixture
def guest(site: str) -> Guest:
    """Somebody new, signed up; nobody else's page is theirs."""
    return sign_up(site, f"{uuid.uuid4().hex}@guest.example")


@pytest.fixture
async def complaints() -> AsyncIterator[list[str]]:
    """What the pages of this test said in the console; anything fails the test."""
    said: list[str] = []
    yield said
    assert [text for text in said if OFFLINE not in text] == []


@pytest.fixture
async def open_page(chromium: Browser, site: str, complaints: list[str]) -> AsyncIterator[OpenPage]:
    """Opens the page in a browser profile of its own; keywords go to Playwright's `new_context`."""
    opened: list[BrowserContext] = []

    async def opening(**options: Any) -> Page:
        context = await chromium.new_context(**{"locale": "en-US", **options})
        context.set_default_timeout(PATIENCE_MS)
        opened.append(context)
        page = await context.new_page()
        listen(page, complaints)
        await page.goto(site)
        return page

    yield opening
    for context in opened:
        await context.close()


def listen(page: Page, complaints: list[str]) -> None:
    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    page.on("console", on_console)
    page.on("pageerror", lambda error: complaints.append(str(error)))


@pytest.fixture
async def new_page(open_page: OpenPage) -> OpenPage:
    """Opens the page of somebody who is signed in, at a conversation that does not exist yet."""

    async def opening(**options: Any) -> Page:
        opened = await open_page(**options)
        await new_conversation(opened)
        return opened

    return opening


@pytest.fixture
async def page(new_page: OpenPage, demo_state: Any) -> Page:
    """The demo person's page on a desk."""
    return await new_page(storage_state=demo_state, viewport={"width": 1280, "height": 800})


async def new_conversation(page: Page) -> None:
    await page.wait_for_selector("#state[data-state=online]", state="attached")
    await page.evaluate(TO_NEW)
    await page.wait_for_selector("#nothing:visible")
    await page.wait_for_selector("#messages:empty", state="attached")
