"""How long it takes from the thumb of a slider to the picture that follows it, in a real browser with a real mouse.

    python benchmarks/browser_drawing.py                     # the bundled models
    python benchmarks/browser_drawing.py faces-128 --moves 100

For each model the studio runs as a process of its own, and Chromium beside it. A move is timed from the event that
the browser made of it to the paint that shows its picture: the first frame after the picture was put on its canvas.
`single` moves come ten a second; a `drag` is as many moves as fast as the mouse sends them, of which is counted how
many were painted, and how long after the last move its picture was. `kernel` is what a picture takes in that browser,
there and back. Last, the requests that were made before the mouse let go.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
SLIDER = "#desk .row input[type=range]"
WATCH = """() => {
  window.seen = { moves: [], paints: [] };
  const draw = window.studio.painter.draw.bind(window.studio.painter);
  document.querySelector("#desk").addEventListener("input", (event) => {
    window.last = event.timeStamp;
    window.seen.moves.push(event.timeStamp);
  }, true);
  window.studio.painter.draw = async (canvas, face) => {
    const moved = window.last; // the event that asks for it, which is handled right now
    await draw(canvas, face);
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => window.seen.paints.push({ moved, at: performance.now() });
      port2.postMessage(null); // comes once the frame is painted
    });
  };
}"""
KERNEL = """async () => {
  const latent = new Float32Array(window.studio.painter.description.config.latent_dim).fill(0.1);
  const times = [];
  for (let i = 0; i < 30; i++) {
    const start = performance.now();
    await window.studio.painter.ask("draw", { latent });
    times.push(performance.now() - start);
  }
  return times;
}"""


@contextmanager
def studio(model: str) -> Iterator[str]:
    """The address of the studio with a bundled model or a published folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    with tempfile.TemporaryFile() as log:
        command = [sys.executable, "-m", "app", "--model", model, "--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "HF_HUB_OFFLINE": "1"}, stdout=log, stderr=log
        )
        try:
            for _ in range(600):
                try:
                    urllib.request.urlopen(url, timeout=60).close()
                    break
                except (urllib.error.URLError, OSError):
                    time.sleep(0.2)
            yield url
        finally:
            process.terminate()
            process.wait()


def measured(page: Page, url: str, moves: int) -> str:
    """A row of the table."""
    start = time.perf_counter()
    page.goto(url)
    page.wait_for_function("() => window.studio?.painter", timeout=120_000)
    ready = time.perf_counter() - start
    page.get_by_role("tab", name="Edit").click()
    page.wait_for_selector("#stage img.after[src]")
    page.wait_for_selector(SLIDER)
    page.wait_for_timeout(1500)
    kernel = page.evaluate(KERNEL)
    page.evaluate(WATCH)
    box = page.locator(SLIDER).first.bounding_box()
    assert box is not None
    left, y = box["x"] + box["width"] * 0.2, box["y"] + box["height"] / 2
    step = box["width"] * 0.6 / moves
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))

    page.mouse.move(left, y)
    page.mouse.down()
    for number in range(moves):
        page.mouse.move(left + number * step, y)
        page.wait_for_timeout(100)
    page.wait_for_timeout(500)
    single = [paint["at"] - paint["moved"] for paint in page.evaluate("() => window.seen.paints")]
    page.evaluate("() => { window.seen.moves = []; window.seen.paints = []; }")
    for number in range(moves):
        page.mouse.move(left + (moves - number) * step, y)
    page.wait_for_timeout(1500)
    seen = page.evaluate("() => window.seen")
    asked = len(requests)
    page.mouse.up()
    after = seen["paints"][-1]["at"] - seen["moves"][-1]
    shown = len({paint["moved"] for paint in seen["paints"]})
    return (
        f"{ready:5.1f} s | {statistics.median(kernel):5.1f} | {min(single):4.0f} / {statistics.median(single):4.0f} / "
        f"{statistics.quantiles(single, n=20)[-1]:4.0f} | {shown:3d} of {len(seen['moves']):3d}, the last after "
        f"{after:4.0f} | {asked}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    bundled = sorted(path.parent.name for path in ROOT.glob("hub_configs/*/model.safetensors"))
    parser.add_argument("models", nargs="*", default=bundled, help="bundled models, or published folders")
    parser.add_argument("--moves", type=int, default=100)
    options = parser.parse_args()
    executable = next(
        (path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None
    )
    print("| model | ready | kernel ms | single moves: fastest / median / p95 ms | drag: painted, ms | requests |")
    print("| --- | --- | --- | --- | --- | --- |")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        for model in options.models:
            with studio(model) as url:
                page = browser.new_page(viewport={"width": 1280, "height": 900})
                print(f"| {model} | {measured(page, url, options.moves)} |", flush=True)
                page.close()
        browser.close()


if __name__ == "__main__":
    main()
