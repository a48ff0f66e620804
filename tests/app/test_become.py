"""From one value of a category to another, in a real browser: by keys, on a phone, undone, in the link, as a film."""

from __future__ import annotations

import pytest
import visiting as visit

browser, screens, page = visit.browser, visit.screens, visit.page
pytestmark = pytest.mark.browser


@pytest.mark.parametrize("page", ["desktop", "phone"], indirect=True)
def test_from_one_value_to_another(page):
    visit.open_edit(page)
    as_it_is = visit.sources(page, visit.AFTER)
    row = page.get_by_role("group", name="From one value to another")
    source, target = row.get_by_label("From", exact=True), row.get_by_label("To", exact=True)
    source.select_option("coat:black")
    assert target.locator("option").all_inner_texts() == ["tabby", "white"]
    target.focus()
    page.keyboard.press("ArrowDown")
    assert target.input_value() == "coat:white"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    changed = visit.wait_for_change(page, visit.AFTER, as_it_is)
    page.wait_for_function(visit.IN_ADDRESS, arg='"coat:white"')
    edit = visit.state_of(page)["face"]["edit"]
    assert set(edit) == {"coat:black", "coat:white"}
    for name, strength in edit.items():
        slider = page.get_by_label(f"Coat: {name.partition(':')[2]}", exact=True)
        assert float(slider.input_value()) == strength
    visit.playwright.expect(page.locator("#desk .said")).to_contain_text("Seen: Coat: white")
    assert (source.input_value(), target.input_value()) == ("coat:black", "coat:white")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("#make-sweep").click()
    page.wait_for_selector("#sweep img")
    visit.playwright.expect(page.locator("#sweep a.save")).to_be_in_viewport()
    page.locator("#undo").click()
    assert visit.wait_for_change(page, visit.AFTER, changed) == as_it_is
