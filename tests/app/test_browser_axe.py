"""axe-core finds nothing serious on any tab, by day and by night.

It comes through npm alone (`npm install axe-core` in this folder's project, or `-g`); where it is not there, this says
so and is skipped.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import visiting

browser = visiting.browser
pytestmark = pytest.mark.browser
SCRIPT = Path("axe-core") / "axe.min.js"
READY = {
    "generate": "#grid img",
    "photo": "#photo .door",
    "edit": "#desk .row",
    "morph": "#keyframes img",
    "mix": "#mix-picker img",
    "map": "#map img[src]",
    "teach": "#lesson .thumb img",
}
"""By tab, what is there when it is drawn."""
SERIOUS = """
async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
  .filter((found) => ["serious", "critical"].includes(found.impact))
  .map((found) => `${found.id}: ${found.nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`)
"""


@pytest.fixture(scope="module")
def axe() -> str:
    folders = [Path(__file__).parents[2] / "node_modules"]
    if shutil.which("npm"):
        told = subprocess.run(["npm", "root", "-g"], capture_output=True, text=True, timeout=60, check=False)
        folders.append(Path(told.stdout.strip()))
    found = next((folder / SCRIPT for folder in folders if (folder / SCRIPT).is_file()), None)
    if found is None:
        pytest.skip("axe-core is not installed: npm install axe-core")
    return found.read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(scheme, axe, browser, server):
    context = browser.new_context(**visiting.DESKTOP, color_scheme=scheme)
    context.set_default_timeout(visiting.MILLISECONDS)
    page = context.new_page()
    page.goto(server.url)
    page.wait_for_selector("#grid img")
    page.evaluate(axe)
    wrong = {}
    for tab, ready in READY.items():
        page.locator(f'[data-tab-id="{tab}"]').click()
        page.wait_for_selector(ready)
        wrong[tab] = page.evaluate(SERIOUS)
    context.close()
    assert {tab: found for tab, found in wrong.items() if found} == {}
