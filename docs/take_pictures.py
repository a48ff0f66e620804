"""Takes docs/pictures/studio.webp, the studio as a visitor finds it: `.venv/bin/python docs/take_pictures.py [MODEL]`.

Needs Chromium and the packages of the tests.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright

ROOT = Path(__file__).parents[1]
PICTURE = Path(__file__).parent / "pictures" / "studio.webp"
MODEL = "hub_configs/cats-128"
VIEW: ViewportSize = {"width": 1180, "height": 860}
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
PATIENCE = 120
"""Seconds until the studio must answer."""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_for(address: str) -> None:
    for _ in range(PATIENCE):
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(1)
    raise TimeoutError(f"the studio does not answer at {address}.")


def take(page: Page) -> Image.Image:
    """The first tab as it opens, once its pictures are there."""
    page.locator("#generate img, [role=tabpanel] img").first.wait_for(timeout=60_000)
    page.wait_for_timeout(4000)
    return Image.open(BytesIO(page.screenshot())).convert("RGB")


def main() -> None:
    port = free_port()
    model = sys.argv[1] if sys.argv[1:] else MODEL
    studio = subprocess.Popen([sys.executable, "-m", "app", "--model", model, "--port", str(port)], cwd=ROOT)
    try:
        wait_for(f"http://127.0.0.1:{port}/config")
        with sync_playwright() as driver:
            executable = shutil.which("chromium") or shutil.which("google-chrome")
            browser = driver.chromium.launch(executable_path=executable, args=list(FLAGS))
            page = browser.new_page(viewport=VIEW, color_scheme="light")
            page.goto(f"http://127.0.0.1:{port}/")
            picture = take(page)
            browser.close()
    finally:
        studio.terminate()
        studio.wait()
    PICTURE.parent.mkdir(exist_ok=True)
    picture.save(PICTURE, quality=82, method=6)
    print(PICTURE, PICTURE.stat().st_size)


if __name__ == "__main__":
    main()
