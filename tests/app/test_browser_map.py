"""The map in a real browser: clicked, walked by keys, coloured, and its face goes on to other tabs."""

from __future__ import annotations

import pytest
import visiting
from visiting import IN_ADDRESS, open_tab, sources, state_of, wait_for_change

playwright = visiting.playwright
browser, screens, page = visiting.browser, visiting.screens, visiting.page
pytestmark = pytest.mark.browser
FACE = "#map-face img"


@pytest.mark.parametrize("page", ["desktop", "phone"], indirect=True)
def test_a_click_makes_a_face_that_goes_on(page):
    open_tab(page, "Map", "#map img[src]")
    page.wait_for_selector(FACE)
    before = sources(page, FACE)
    field = page.locator("#map .field")
    box = field.bounding_box()
    field.click(position={"x": box["width"] * 3.5 / 16, "y": box["height"] * 2.5 / 12})
    clicked = wait_for_change(page, FACE, before)
    field.press("ArrowRight")
    beside = wait_for_change(page, FACE, clicked)
    field.press("ArrowLeft")
    assert wait_for_change(page, FACE, beside) == clicked
    page.wait_for_function(IN_ADDRESS, arg="3.5,2.5]")
    field.press("Shift+ArrowDown")
    page.wait_for_function(IN_ADDRESS, arg="3.5,2.75]")
    page.locator("#map-to-mix").click()
    page.wait_for_selector("#mixer .parent")
    open_tab(page, "Map", "#map img[src]")
    page.locator("#map-to-edit").click()
    page.wait_for_selector("#stage img.after[src]")
    page.wait_for_function(IN_ADDRESS, arg='"tab":"edit"')
    assert len(state_of(page)["face"]["mix"]) == 2  # between two faces


def test_axes_and_colours_are_chosen(page):
    open_tab(page, "Map", "#map img[src]")
    before = sources(page, "#map img")
    page.locator("#map-across input").click()
    page.locator("#map-across").get_by_role("option", name="Age").click()
    ordered = wait_for_change(page, "#map img", before)
    playwright.expect(page.locator("#map .tint i")).to_have_count(0)
    page.locator("#map-colour input").click()
    page.locator("#map-colour").get_by_role("option", name="Age").click()
    playwright.expect(page.locator("#map .tint i")).to_have_count(16 * 12)
    page.wait_for_function(IN_ADDRESS, arg='"map":["age"')
    page.reload()
    page.wait_for_selector("#map img[src]")
    assert sources(page, "#map img") == ordered
