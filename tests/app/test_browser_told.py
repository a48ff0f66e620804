"""A flow that was told labels, in a real browser: new faces show what is asked for, and become what they are not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import visiting as visit
from serving import Server, serving
from tiny import told_pipeline

browser, screens, page = visit.browser, visit.screens, visit.page
pytestmark = pytest.mark.browser
GONE = f"words => !({visit.IN_ADDRESS})(words)"


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("told")
    told_pipeline().save_pretrained(folder / "told")
    with serving(folder / "told", folder) as running:
        yield running


def test_new_ones_show_what_is_asked_for(page):
    before = visit.sources(page, "#grid img")
    page.get_by_label("They show", exact=True).click()
    page.get_by_role("option", name="Coat: white", exact=True).click()
    after = visit.wait_for_change(page, "#grid img", before)
    page.wait_for_function(visit.IN_ADDRESS, arg='"like":"coat:white"')
    page.reload()
    page.wait_for_selector("#grid img")
    assert page.get_by_label("They show", exact=True).input_value() == "Coat: white"
    page.get_by_label("They show", exact=True).click()
    page.get_by_role("option", name="anything", exact=True).click()
    visit.wait_for_change(page, "#grid img", after)
    page.wait_for_function(GONE, arg='"like"')


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_a_face_becomes_one_thing_after_the_other_and_sliders_go_on(page):
    visit.open_edit(page)
    as_it_is = visit.sources(page, visit.AFTER)
    group = page.get_by_role("group", name="Become another")
    target, seen = group.get_by_label("Become", exact=True), as_it_is
    for value in ("Coat: tabby", "Smiling: yes"):
        target.select_option(label=value)
        group.get_by_role("button", name="Change").click()
        seen = visit.wait_for_change(page, visit.AFTER, seen)
    page.wait_for_function(visit.IN_ADDRESS, arg='"become":["coat:tabby","smiling:true"]')
    assert "edit" not in visit.state_of(page)["face"]
    page.get_by_label("Age", exact=True).press("End")
    moved = visit.wait_for_change(page, visit.AFTER, seen)
    page.wait_for_function(visit.IN_ADDRESS, arg='"age"')
    page.locator("#undo").click()
    assert visit.wait_for_change(page, visit.AFTER, moved) == seen
    page.locator("#reset").click()
    assert visit.wait_for_change(page, visit.AFTER, seen) == as_it_is
    page.wait_for_function(GONE, arg='"become"')
