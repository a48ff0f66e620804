"""A face becomes what it is not, in a real browser: by keys, on a phone, undone, in the link, as a film."""

from __future__ import annotations

import pytest
import visiting as visit

browser, screens, page = visit.browser, visit.screens, visit.page
pytestmark = pytest.mark.browser


@pytest.mark.parametrize("page", ["desktop", "phone"], indirect=True)
def test_a_face_becomes_what_it_is_not(page):
    visit.open_edit(page)
    as_it_is = visit.sources(page, visit.AFTER)
    target = page.get_by_role("group", name="Become another").get_by_label("Become", exact=True)
    assert target.locator("option").all_inner_texts() == ["Coat: black", "Coat: tabby", "Coat: white"]
    target.select_option("coat:tabby")
    target.focus()
    page.keyboard.press("ArrowDown")
    assert target.input_value() == "coat:white"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    changed = visit.wait_for_change(page, visit.AFTER, as_it_is)
    page.wait_for_function(visit.IN_ADDRESS, arg='"coat:white"')
    edit = visit.state_of(page)["face"]["edit"]
    assert "coat:white" in edit and len(edit) == 2  # of three coats two say it all
    for name, strength in edit.items():
        slider = page.get_by_label(f"Coat: {name.partition(':')[2]}", exact=True)
        assert float(slider.input_value()) == strength
    visit.playwright.expect(page.locator("#desk .said")).to_contain_text("Seen: Coat: white")
    assert target.input_value() == "coat:white"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("#make-sweep").click()
    page.wait_for_selector("#sweep img")
    visit.playwright.expect(page.locator("#sweep a.save")).to_be_in_viewport()
    page.locator("#undo").click()
    assert visit.wait_for_change(page, visit.AFTER, changed) == as_it_is
