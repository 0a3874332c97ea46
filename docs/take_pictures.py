"""Makes the pictures of the README from the running product: `make pictures`. Needs Chromium.

The people and words in them are invented.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent / "pictures"
PORT = "8123"
SAID = ("I could not sleep again, my head kept going through the meeting", "mostly that I let everyone down")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
VIEWS = (("wide-light", 1280, 800, "light"), ("wide-dark", 1280, 800, "dark"),
         ("phone-light", 390, 844, "light"), ("phone-dark", 390, 844, "dark"))  # fmt: skip


def main() -> None:
    """Starts a server on data of its own, has a short conversation, and takes it in every view."""
    HERE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="nura-pictures-") as folder:
        # its own folder and environment: a developer's .env must not lead it to a database of theirs
        environ = {"PATH": os.environ["PATH"], "NURA_DATA_DIR": folder, "NURA_PORT": PORT}
        server = subprocess.Popen([sys.executable, "-m", "nura_rt", "serve"], env=environ, cwd=folder)
        try:
            _wait()
            with sync_playwright() as playwright:
                path = os.environ.get("CHROMIUM") or shutil.which("chromium")
                browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
                _take(browser)
                browser.close()
        finally:
            server.terminate()
            server.wait(20)


def _wait() -> None:
    for _ in range(150):
        try:
            if httpx.get(f"http://127.0.0.1:{PORT}/readyz").status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise SystemExit("the server is not ready")


def _take(browser: Browser) -> None:
    talked = False
    for name, width, height, scheme in VIEWS:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            device_scale_factor=2 if width < 900 else 1,
            locale="en-US",
        )
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{PORT}/")
        page.click("#demo")
        page.wait_for_selector("#room:visible")
        if not talked:
            for text in SAID:
                page.fill("#box", text)
                page.keyboard.press("Enter")
                page.wait_for_timeout(4000)
            talked = True
        page.wait_for_timeout(1500)
        page.screenshot(path=str(HERE / f"{name}.png"))
        context.close()


if __name__ == "__main__":
    main()
