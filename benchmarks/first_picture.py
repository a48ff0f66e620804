"""When a phone on a slow line sees the studio's first picture, and when the page answers.

    python -m app --port 7860 &
    python benchmarks/first_picture.py http://127.0.0.1:7860/

Chromium, a fresh visit each time: 1.6 Mbit/s down, 0.75 up, 150 ms, a screen of 390 x 844, and a processor that is so
many times slower than this one. The first picture is the one in the page's HTML; the page answers when its own
first pictures are there.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import time
from typing import Any

from playwright.sync_api import Browser, sync_playwright

DOWN, UP, LATENCY = 1.6e6 / 8, 0.75e6 / 8, 150
PHONE: Any = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def visit(browser: Browser, address: str, slowdown: float) -> tuple[float, float, int, float]:
    """Seconds to the first picture and to the page itself, requests, and megabytes that came."""
    context = browser.new_context(**PHONE)
    page = context.new_page()
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    line.send("Network.setCacheDisabled", {"cacheDisabled": True})
    line.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": LATENCY, "downloadThroughput": DOWN, "uploadThroughput": UP},
    )
    line.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
    arrived: list[float] = []
    line.on("Network.loadingFinished", lambda told: arrived.append(told["encodedDataLength"]))
    began = time.monotonic()
    page.goto(address, wait_until="commit", timeout=120_000)
    page.wait_for_function("document.querySelector('#first-sight img')?.naturalWidth > 0", timeout=120_000)
    first = time.monotonic() - began
    page.wait_for_selector("#grid img", timeout=120_000)
    page.wait_for_selector("#first-sight", state="detached", timeout=120_000)
    whole = time.monotonic() - began
    context.close()
    return first, whole, len(arrived), sum(arrived) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", nargs="?", default="http://127.0.0.1:7860/")
    parser.add_argument("--visits", type=int, default=3)
    parser.add_argument("--slowdown", type=float, default=4.0, help="of the processor (default: 4)")
    options = parser.parse_args()
    executable = next((path for path in map(shutil.which, ("chromium", "google-chrome")) if path), None)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        visits = [visit(browser, options.address, options.slowdown) for _ in range(options.visits)]
        browser.close()
    first, whole, requests, megabytes = (statistics.median(column) for column in zip(*visits, strict=True))
    print(f"first picture {first:.1f} s, the page {whole:.1f} s, {requests:.0f} requests, {megabytes:.2f} MB")


if __name__ == "__main__":
    main()
