"""The REST documentation as a person sees it: drawn under our own policy, without a word from anybody else."""

import pytest
from playwright.async_api import Browser, expect

pytestmark = pytest.mark.slow


async def test_the_page_shows_the_api_and_asks_nobody_else(
    chromium: Browser, site: str, complaints: list[str]
) -> None:
    asked: set[str] = set()
    page = await chromium.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.add(request.url))
    await page.goto(f"{site}/schema")
    await page.get_by_text("Begin a conversation").click()
    await expect(page.get_by_text("Idempotency-Key", exact=True).first).to_be_visible()

    title = await page.locator(".info .title").inner_text()

    await page.close()
    assert title.startswith("Nura RT")
    assert {url for url in asked if not url.startswith((site, "data:"))} == set()
