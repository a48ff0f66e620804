"""axe-core finds nothing serious on any tab, by day and by night."""

from __future__ import annotations

import pytest
import visiting
from axe_playwright_python.base import AXE_SCRIPT

browser = visiting.browser
pytestmark = pytest.mark.browser
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(scheme, browser, server):
    context = browser.new_context(**visiting.DESKTOP, color_scheme=scheme)
    context.set_default_timeout(visiting.MILLISECONDS)
    page = context.new_page()
    page.goto(server.url)
    page.wait_for_selector("#grid img")
    page.evaluate(AXE_SCRIPT)
    wrong = {}
    for tab, ready in READY.items():
        page.locator(f'[data-tab-id="{tab}"]').click()
        page.wait_for_selector(ready)
        wrong[tab] = page.evaluate(SERIOUS)
    context.close()
    assert {tab: found for tab, found in wrong.items() if found} == {}
