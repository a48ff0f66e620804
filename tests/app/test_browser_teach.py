"""Teaching in a real browser: examples are clicked and dropped, the slider is there, and is nobody else's unshared."""

from __future__ import annotations

from pathlib import Path

import pytest
import visiting
from planted_faces import face_photo, turned
from visiting import AFTER, downloaded, open_edit, sources, wait_for_change

from modeling_vae import AttributeDirections

playwright = visiting.playwright
browser, screens, page = visiting.browser, visiting.screens, visiting.page
pytestmark = pytest.mark.browser
CHOICES = "#lesson .view > .thumbs .thumb"


def open_teach(page) -> None:
    page.get_by_role("tab", name="Teach").click()
    page.wait_for_selector(f"{CHOICES} img")


def count(page, side: str, number: int) -> None:
    playwright.expect(page.locator(f"#lesson .tray.{side} .thumb")).to_have_count(number)


def choose(page, side: str, places: range) -> None:
    for done, place in enumerate(places, start=1):
        face = page.locator(CHOICES).nth(place)
        face.click()
        playwright.expect(face).to_have_attribute("aria-label", f"Picture {place + 1}: With it")
        if side == "lacking":
            face.click()
            count(page, side, done)
            playwright.expect(face).to_have_attribute("aria-label", f"Picture {place + 1}: Without it")


@pytest.mark.parametrize("page", ["desktop", "phone"], indirect=True)
def test_an_attribute_is_taught_used_shared_kept_and_downloaded(page, screens, tmp_path):
    open_teach(page)
    choose(page, "having", range(5))
    choose(page, "lacking", range(5, 10))
    page.locator("#lesson-name input, #lesson-name textarea").first.fill("sunny days")
    page.locator("#teach").click()
    page.wait_for_selector("#taught-seen img >> nth=2")
    playwright.expect(page.locator("#taught-words")).to_contain_text("From 5 with it and 5 without it")
    name, data = downloaded(page, "#taught-download")
    (tmp_path / name).write_bytes(data)
    assert AttributeDirections.from_pretrained(tmp_path).names == ["sunny days"]
    page.locator("#taught-to-edit").click()
    page.wait_for_selector("#desk .row")
    before = sources(page, AFTER)
    page.get_by_label("sunny days: all the way up").click()
    wait_for_change(page, AFTER, before)
    page.wait_for_function("location.search.includes('state')")
    page.wait_for_timeout(400)  # the address follows a moment after the last change
    shared = wait_for_change(page, AFTER, before)
    stranger = screens["phone"].new_page()
    stranger.goto(page.url)
    stranger.wait_for_selector("#desk .row")
    playwright.expect(stranger.get_by_label("sunny days", exact=True)).to_have_value("3")
    assert sources(stranger, AFTER) == shared
    stranger.close()
    page.reload()
    page.wait_for_selector("#desk .row")
    playwright.expect(page.get_by_label("sunny days", exact=True)).to_have_value("3")


def test_another_visitor_sees_nothing_of_it(page, browser, server):
    open_teach(page)
    choose(page, "having", range(5))
    link = page.url
    stranger = browser.new_context().new_page()
    stranger.goto(link)
    stranger.wait_for_selector("#tabs [role=tab]")
    open_teach(stranger)
    count(stranger, "having", 0)
    open_edit(stranger)
    playwright.expect(stranger.locator("#desk .row")).to_have_count(5)
    stranger.context.close()


def test_photos_are_examples(page, tmp_path):
    files = []
    for number in range(3):
        files.append(tmp_path / f"{number}.png")
        face_photo([turned(60, 70, 70, 10 * number)], (160, 130)).save(files[-1])
    (broken := Path(tmp_path / "broken.jpg")).write_bytes(b"nothing")
    open_teach(page)
    page.locator("#lesson .tray.having input[type=file]").set_input_files([*files, broken])
    count(page, "having", 3)
    playwright.expect(page.locator("#lesson .status")).to_contain_text("1 could not be read")
    page.locator("#lesson .tray.having .thumb").first.click()
    count(page, "having", 2)
    page.locator("#teach").click()
    playwright.expect(page.locator(".toast-wrap")).to_contain_text("give 5 of each at least")
