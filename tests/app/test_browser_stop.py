"""What takes long can be stopped: it ends, leaves nothing, and can be begun again."""

from __future__ import annotations

import re

import pytest
import visiting
from planted_faces import face_photo, turned
from visiting import open_tab, sources, wait_for_change

playwright = visiting.playwright
browser, screens, page = visiting.browser, visiting.screens, visiting.page
pytestmark = pytest.mark.browser
LEARNT = re.compile(r"Learning your photo\S* [1-9]\d*%")


@pytest.fixture
def drawn_people(page):
    """The page on a model that takes long enough."""
    page.locator("#model input").click()
    page.get_by_role("option", name="drawn-people-128").click()
    page.get_by_role("tab", name="New drawn faces").wait_for()
    page.wait_for_selector(visiting.GRID)
    return page


def stop(page, button: str) -> None:
    """Gradio cancels what runs a moment after the button, whatever was begun in between."""
    with page.expect_response(lambda got: got.url.endswith("/cancel")):
        page.locator(button).click()


def test_a_tuning_is_stopped_and_begun_again(drawn_people, tmp_path):
    page = drawn_people
    face_photo([turned(90, 66, 60, 0)], (200, 130)).save(tmp_path / "one.png")
    open_tab(page, "Your photo", "#photo .door")
    page.locator("#photo input[type=file]").set_input_files(tmp_path / "one.png")
    plain = wait_for_change(page, "#seen img.after", [])
    for _ in range(2):  # a first one that went on would leave no place for the second
        page.locator("#make-mine").click()
        playwright.expect(page.locator("#tuning")).to_contain_text(LEARNT)
        stop(page, "#stop-tuning")
        playwright.expect(page.locator("#tuning progress")).to_have_count(0)
        playwright.expect(page.locator("#stop-tuning")).to_be_hidden()
        playwright.expect(page.locator("#make-mine")).to_be_enabled()
    page.wait_for_timeout(600)  # longer than the server takes to look up
    playwright.expect(page.locator("#tuning progress")).to_have_count(0)
    playwright.expect(page.locator("#make-mine")).to_have_text("Make it mine")
    assert sources(page, "#seen img.after") == plain


def test_a_film_is_stopped_and_made_again(drawn_people):
    page = drawn_people
    open_tab(page, "Morph", "#keyframes img")
    frames = page.locator("#frames input[type=number]")
    frames.fill("120")
    frames.press("Tab")
    playwright.expect(page.locator("#stop-film")).to_be_hidden()
    page.locator("#make-film").click()
    page.wait_for_selector("#film progress")
    stop(page, "#stop-film")
    playwright.expect(page.locator("#film progress")).to_have_count(0)
    page.wait_for_timeout(600)
    assert page.locator("#film progress, #film img").count() == 0
    page.locator("#make-film").click()
    page.wait_for_selector("#film progress")
    for button in ("#stop-film", "#stop-film", "#make-film"):  # in a hurry: twice, and again before it has stopped
        page.locator(button).dispatch_event("click")  # also where it has gone already
    page.wait_for_selector("#film img")
    playwright.expect(page.locator("#film .words")).to_contain_text("120 frames")
