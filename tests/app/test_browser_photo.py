"""A visitor's own photo in a real browser: framed, edited, made the visitor's own, and seen by nobody else."""

from __future__ import annotations

import io
import re
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import visiting
from PIL import Image
from planted_faces import face_photo, turned
from visiting import AFTER, IN_ADDRESS, downloaded, open_edit, open_tab, sources, wait_for_change

playwright = visiting.playwright
browser, screens, page = visiting.browser, visiting.screens, visiting.page
pytestmark = pytest.mark.browser


@pytest.fixture
def two_faces(tmp_path) -> Path:
    face_photo([turned(60, 70, 70, 10), turned(150, 60, 44, -5)], (200, 130)).save(tmp_path / "two.png")
    return tmp_path / "two.png"


CLICKS = (
    "window.clicks = 0; document.addEventListener('click', (event) => { window.clicks += event.isTrusted; }, true);"
)
"""Counts those of a hand, and not what scripts click."""


@pytest.mark.parametrize("page", ["desktop", "phone"], indirect=True)
def test_my_photo_with_a_change_as_a_gif_on_my_disk_in_five_clicks(page, two_faces):
    """Its tab, choose one, edit it, all the way up, the GIF; where a photo is dropped the first is spared."""
    page.evaluate(CLICKS)
    open_tab(page, "Your photo", "#photo .door")
    with page.expect_file_chooser() as chooser:
        page.locator("#photo .choose").click()
    chooser.value.set_files(two_faces)
    page.wait_for_selector("#photo .frame.chosen")
    page.locator("#photo-to-edit").click()
    page.wait_for_selector(f"{AFTER}[src]")
    page.get_by_label("Age: all the way up").click()
    page.wait_for_selector("#stage .view:not(.same)")
    name, data = downloaded(page, "#make-sweep")
    assert name == "picture_age+3-0.gif" and len(iio.imread(data, index=None, extension=".gif")) > 24
    assert page.evaluate("window.clicks") == 5
    page.wait_for_selector("#sweep img")


@pytest.mark.parametrize("page", ["desktop", "phone"], indirect=True)
def test_my_photo_with_a_change_at_its_own_size(page, two_faces):
    open_tab(page, "Your photo", "#photo .door")
    page.locator("#photo input[type=file]").set_input_files(two_faces)
    # the photo is on the page before the server has answered
    page.wait_for_selector("#photo .whole[src^='blob:'], #photo .frame.chosen")
    page.wait_for_selector("#photo .frame.chosen")
    playwright.expect(page.locator("#photo .frame")).to_have_count(2)
    playwright.expect(page.locator("#photo .status")).to_contain_text("2 were found")
    page.locator("#photo-to-edit").click()
    page.wait_for_selector("#keep")
    playwright.expect(page.locator("#keep input")).to_be_checked()
    seen = wait_for_change(page, AFTER, sources(page, AFTER)) if not sources(page, AFTER) else sources(page, AFTER)
    page.get_by_label("Age: all the way up").click()
    wait_for_change(page, AFTER, seen)
    name, data = downloaded(page, "#download-edit")
    photo, changed = (
        np.asarray(Image.open(source).convert("RGB")).astype(int) for source in (two_faces, io.BytesIO(data))
    )
    assert name == "picture_age+3-0.png" and changed.shape == photo.shape and (changed != photo).any()
    assert (changed[:, 190:] == photo[:, 190:]).all()


def test_the_frame_is_chosen_dragged_and_moved_by_keys(page, two_faces):
    open_tab(page, "Your photo", "#photo .door")
    page.locator("#photo input[type=file]").set_input_files(two_faces)
    page.wait_for_selector("#photo .frame.chosen")
    first = wait_for_change(page, "#seen img.after", [])
    page.get_by_label("Face 2").click()
    second = wait_for_change(page, "#seen img.after", first)
    box = page.locator("#photo .frame.chosen").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y + 10, steps=3)
    page.mouse.up()
    third = wait_for_change(page, "#seen img.after", second)
    moved = page.locator("#photo .frame.chosen").bounding_box()
    assert abs(moved["x"] - box["x"] - 30) < 2 and abs(moved["y"] - box["y"] - 10) < 2
    page.locator("#photo .frame.chosen").focus()
    for key in ("ArrowLeft", "+", "]"):
        page.keyboard.press(key)
    fourth = wait_for_change(page, "#seen img.after", third)
    page.get_by_role("slider", name="Turn").fill("30")
    wait_for_change(page, "#seen img.after", fourth)


def test_a_face_is_made_mine(page, two_faces):
    open_tab(page, "Your photo", "#photo .door")
    page.locator("#photo input[type=file]").set_input_files(two_faces)
    plain = wait_for_change(page, "#seen img.after", [])
    page.locator("#make-mine").click()
    page.wait_for_selector("#tuning progress")
    wait_for_change(page, "#seen img.after", plain)
    playwright.expect(page.locator("#make-mine")).to_have_text("It is yours")
    page.locator("#photo-to-edit").click()
    page.wait_for_selector(f"{AFTER}[src]")
    page.get_by_label("Age: all the way up").click()
    page.wait_for_selector("#stage .view:not(.same)")


def test_a_picture_of_the_studio_brings_its_face_back(page, tmp_path):
    open_edit(page)
    seen = sources(page, AFTER)
    page.get_by_label("Age: all the way up").click()
    edited = wait_for_change(page, AFTER, seen)
    _, data = downloaded(page, "#download-edit")
    (tmp_path / "mine.png").write_bytes(data)
    page.locator("#reset").click()
    wait_for_change(page, AFTER, edited)
    open_tab(page, "Your photo", "#photo .door")
    page.locator("#photo input[type=file]").set_input_files(tmp_path / "mine.png")
    page.wait_for_selector("#photo .frame.chosen")
    page.get_by_role("tab", name="Edit").click()
    page.wait_for_function("source => document.querySelector('#stage img.after').src === source", arg=edited[0])


DROP = """bytes => {
  const files = new DataTransfer();
  files.items.add(new File([new Uint8Array(bytes)], 'two.png', {type: 'image/png'}));
  document.body.dispatchEvent(new DragEvent('drop', {dataTransfer: files, bubbles: true, cancelable: true}));
}"""


DROP_AT_ONCE = """const waiting = setInterval(() => {
  if (!window.studio?.bring || !document.body) return;
  clearInterval(waiting);
  window.tabsThen = document.querySelectorAll('[role=tab]').length;
  (%s)(%s);
}, 1);"""
"""As soon as the page can catch a drop: from outside one may come too late."""


def test_a_photo_is_dropped_anywhere(page, two_faces):
    open_edit(page)
    page.evaluate(DROP, list(two_faces.read_bytes()))
    page.wait_for_selector("#photo .frame.chosen")
    assert page.get_by_role("tab", name="Your photo").get_attribute("aria-selected") == "true"


def test_a_photo_is_dropped_while_the_page_is_on_its_way(page, two_faces):
    page.goto("about:blank")
    page.add_init_script(DROP_AT_ONCE % (DROP, list(two_faces.read_bytes())))
    page.go_back(wait_until="commit")
    page.wait_for_function("window.tabsThen !== undefined")
    assert page.evaluate("window.tabsThen") == 0  # nothing of the page was there yet
    page.wait_for_selector("#photo .frame.chosen")
    page.locator("#photo-to-edit").click()
    playwright.expect(page.locator("#keep input")).to_be_checked()  # the server knows it too


def test_of_photos_that_come_one_after_the_other_the_newest_is_taken(page, two_faces, photo):
    asked: list[playwright.Route] = []

    def look(route: playwright.Route) -> None:
        photos = '"path"' in route.request.post_data
        if photos:
            asked.append(route)
        if not photos or len(asked) > 1:
            route.continue_()

    page.route(re.compile("/queue/join"), look)
    open_tab(page, "Your photo", "#photo .door")
    for file in (photo, two_faces):
        page.locator("#photo input[type=file]").set_input_files(file)
        playwright.expect(page.locator("#photo .status")).to_have_text("Looking at your photo\u2026")
        page.wait_for_timeout(300)
    assert len(asked) == 1  # the second waits for the answer of the first
    asked[0].continue_()
    playwright.expect(page.locator("#photo .frame")).to_have_count(2)
    assert len(asked) == 2


def test_what_is_no_picture_gets_a_sentence_and_the_page_goes_on(page, photo, tmp_path):
    (tmp_path / "note.png").write_bytes(b"these are words, not pixels")
    open_tab(page, "Your photo", "#photo .door")
    page.locator("#photo input[type=file]").set_input_files(tmp_path / "note.png")
    playwright.expect(page.locator("#photo .status")).to_contain_text("not a picture")
    page.locator("#photo input[type=file]").set_input_files(photo)
    page.wait_for_selector("#photo .frame.chosen")
    playwright.expect(page.locator("#photo .status")).to_contain_text("None was found")


def test_a_photo_comes_back_after_a_reload_and_for_nobody_else(page, screens, browser, two_faces):
    open_tab(page, "Your photo", "#photo .door")
    page.locator("#photo input[type=file]").set_input_files(two_faces)
    page.wait_for_selector("#photo .frame.chosen")
    page.wait_for_function(IN_ADDRESS, arg='"photo"')
    page.reload()
    page.wait_for_selector("#photo .frame.chosen")
    stranger = browser.new_context(**visiting.DESKTOP)
    other = stranger.new_page()
    other.goto(page.url)
    other.wait_for_selector("#photo .door", state="visible", timeout=visiting.MILLISECONDS)
    assert other.locator("#photo .frame").count() == 0
    stranger.close()


def test_a_film_of_the_studio_brings_its_keyframes_back(page, tmp_path):
    open_tab(page, "Morph", "#keyframes img")
    page.get_by_label("Take 1 out").click()
    playwright.expect(page.locator("#keyframes .keyframe")).to_have_count(2)
    keyframes = sources(page, "#keyframes img")
    page.locator("#frames input[type=number]").fill("4")
    page.locator("#frames input[type=number]").press("Tab")
    page.locator("#make-film").click()
    page.wait_for_selector("#film img")
    _, data = downloaded(page, "#film .save")
    (tmp_path / "mine.gif").write_bytes(data)
    page.get_by_label("Take 1 out").click()
    playwright.expect(page.locator("#keyframes .keyframe")).to_have_count(1)
    open_tab(page, "Your photo", "#photo .door")
    page.locator("#photo input[type=file]").set_input_files(tmp_path / "mine.gif")
    page.wait_for_selector("#photo .frame.chosen")
    page.get_by_role("tab", name="Morph").click()
    playwright.expect(page.locator("#keyframes .keyframe")).to_have_count(2)
    assert sources(page, "#keyframes img") == keyframes
