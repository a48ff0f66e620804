"""The page, driven in a real browser as a visitor would: with a mouse, with keys, and on a phone."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import imageio.v3 as iio
import numpy as np
import pytest
from patience import PATIENCE
from PIL import Image
from planted_faces import face_photo, turned

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = pytest.mark.browser

EXECUTABLES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "color_scheme": "dark"}
MILLISECONDS = 1000 * PATIENCE


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    executable = next((path for path in map(shutil.which, EXECUTABLES) if path), None)
    if executable is None:
        pytest.skip(f"no browser: none of {', '.join(EXECUTABLES)} is installed")
    with playwright.sync_playwright() as driver:
        playwright.expect.set_options(timeout=MILLISECONDS)
        browser = driver.chromium.launch(executable_path=executable, args=list(FLAGS), timeout=MILLISECONDS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def screens(browser) -> dict[str, playwright.BrowserContext]:
    """One context for each kind of screen, so that the page's scripts are fetched once."""
    contexts = {"desktop": browser.new_context(**DESKTOP), "phone": browser.new_context(**PHONE)}
    for context in contexts.values():
        context.set_default_timeout(MILLISECONDS)
    return contexts


@pytest.fixture
def page(screens, server, request) -> Iterator[playwright.Page]:
    """A first visit. Afterwards: nothing was wrong on the console, and nothing was asked of any other host."""
    page = screens[getattr(request, "param", "desktop")].new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda sent: None if _at_home(sent.url, server.url) else wrong.append(f"asked {sent.url}"))
    page.goto(server.url)
    page.wait_for_selector("#grid img")
    yield page
    page.close()
    assert not wrong


@pytest.fixture
def two_faces(tmp_path) -> Path:
    face_photo([turned(60, 70, 70, 10), turned(150, 60, 44, -5)], (200, 130)).save(tmp_path / "two.png")
    return tmp_path / "two.png"


def _at_home(url: str, home: str) -> bool:
    return url.startswith((home, "data:", "blob:"))


def open_tab(page, name: str, ready: str) -> None:
    page.get_by_role("tab", name=name).click()
    page.wait_for_selector(ready)


def open_edit(page) -> None:
    open_tab(page, "Edit", "#stage img.after[src]")
    page.wait_for_selector("#desk .row")


def sources(page, selector: str) -> list[str]:
    """The addresses of the pictures; Gradio names a file by what is in it, so equal addresses are equal pictures."""
    return page.eval_on_selector_all(selector, "images => images.map(image => image.src)")


def wait_for_change(page, selector: str, before: list[str]) -> list[str]:
    page.wait_for_function(
        "([selector, before]) => {"
        " const now = [...document.querySelectorAll(selector)].map(image => image.src);"
        " return now.length && JSON.stringify(now) !== JSON.stringify(before); }",
        arg=[selector, before],
    )
    return sources(page, selector)


def downloaded(page, button: str) -> tuple[str, bytes]:
    with page.expect_download() as download:
        page.locator(button).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def state_of(page) -> dict:
    return json.loads(parse_qs(urlsplit(page.url).query)["state"][0])


IN_ADDRESS = "words => (new URL(location.href).searchParams.get('state') ?? '').includes(words)"
"""The address follows once nothing moves any more."""
AFTER, GRID = "#stage img.after", "#grid img"


def test_a_first_visit_shows_faces_and_a_seed_brings_them_back(page):
    first = sources(page, GRID)
    assert len(first) == 20 and len(set(first)) == 20
    page.wait_for_function("[...document.querySelectorAll('#grid img')].every(image => image.naturalWidth > 0)")
    seed = page.locator("#seed input")
    first_seed = seed.input_value()
    page.locator("#new-faces").click()
    second = wait_for_change(page, GRID, first)
    assert not set(first) & set(second)
    seed.fill(first_seed)
    seed.press("Enter")
    assert wait_for_change(page, GRID, second) == first


def test_truncation_answers_to_keys(page):
    first = sources(page, GRID)
    page.locator("#truncation input[type=range]").focus()
    page.keyboard.press("ArrowRight")
    second = wait_for_change(page, GRID, first)
    number = page.locator("#truncation input[type=number]")
    number.fill("0.2")
    number.press("Enter")
    wait_for_change(page, GRID, second)


def test_a_chosen_face_goes_to_edit_to_the_morph_and_to_the_disk(page):
    large = sources(page, "#chosen-face img")
    page.locator("#grid .thumb").nth(4).click()
    chosen = wait_for_change(page, "#chosen-face img", large)
    assert chosen == sources(page, GRID)[4:5]
    name, data = downloaded(page, "#download-face")
    assert name == "picture_seed-2_5.png" and Image.open(io.BytesIO(data)).size == (512, 512)
    page.locator("#to-morph").click()
    page.wait_for_selector("#keyframes .keyframe >> nth=3")
    assert page.get_by_role("tab", name="Morph").get_attribute("aria-selected") == "true"
    open_tab(page, "New pictures", GRID)
    page.locator("#to-edit").click()
    page.wait_for_function("source => document.querySelector('#stage img.before')?.src === source", arg=chosen[0])


def test_the_picture_follows_a_dragged_slider_and_steps_are_undone(page):
    open_edit(page)
    as_it_is = sources(page, AFTER)
    slider = page.locator("#desk .row input[type=range]").first
    thumb = slider.bounding_box()
    middle, y = thumb["x"] + thumb["width"] / 2, thumb["y"] + thumb["height"] / 2
    page.mouse.move(middle, y)
    page.mouse.down()
    seen = as_it_is
    for step in range(1, 13):
        page.mouse.move(middle + step * thumb["width"] / 40, y)
        if step % 4 == 0:  # it follows while the button is down
            seen = wait_for_change(page, AFTER, seen)
    page.mouse.up()
    assert float(slider.input_value()) > 1
    playwright.expect(page.locator("#steps .thumb")).to_have_count(2)
    page.locator("#undo").click()
    page.wait_for_function("source => document.querySelector('#stage img.after').src === source", arg=as_it_is[0])
    assert slider.input_value() == "0"
    page.locator("#redo").click()
    wait_for_change(page, AFTER, as_it_is)
    page.locator("#reset").click()
    page.wait_for_function("source => document.querySelector('#stage img.after').src === source", arg=as_it_is[0])


def test_full_by_one_click_hold_and_random(page):
    open_edit(page)
    seen = sources(page, AFTER)
    page.get_by_label("Age: all the way up").click()
    seen = wait_for_change(page, AFTER, seen)
    page.wait_for_function(IN_ADDRESS, arg='"age":3')
    assert state_of(page)["face"]["edit"] == {"age": 3.0}
    page.get_by_label("Hold Smiling").check()
    page.locator("#random").click()
    wait_for_change(page, AFTER, seen)
    page.wait_for_function(IN_ADDRESS, arg='"hold"')
    face = state_of(page)["face"]
    assert face["hold"] == ["smiling"] and face["edit"] and "smiling" not in face["edit"]


def test_before_and_after_by_keys(page):
    open_edit(page)
    page.get_by_label("Age: all the way up").click()
    page.wait_for_selector("#stage .view:not(.same)")
    page.get_by_label("Before and after").focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    share = page.eval_on_selector("#stage .frame", "frame => frame.style.getPropertyValue('--share')")
    assert share == "10%"


def test_search_among_attributes(page):
    open_edit(page)
    page.locator("#desk .search").fill("coat")
    playwright.expect(page.locator("#desk .row:visible")).to_have_count(3)
    page.locator("#desk .search").fill("")
    playwright.expect(page.locator("#desk .row:visible")).to_have_count(5)


def test_what_cannot_be_held_gets_a_toast(page):
    open_edit(page)
    for name in ("black", "tabby"):  # two of three coats: the third says the same
        page.get_by_label(f"Hold Coat: {name}").check()
    page.get_by_label("Coat: white: all the way up").click()
    playwright.expect(page.locator(".toast-wrap")).to_contain_text("say the same thing")


def test_an_edit_downloads_as_a_picture_and_as_a_film_that_is_never_old(page):
    open_edit(page)
    before = sources(page, AFTER)
    page.get_by_label("Age: all the way up").click()
    edited = wait_for_change(page, AFTER, before)
    name, data = downloaded(page, "#download-edit")
    assert name == "picture_seed-2_1_age+3-0.png" and Image.open(io.BytesIO(data)).size == (512, 512)
    page.locator("#make-sweep").click()
    page.wait_for_selector("#sweep img")
    name, data = downloaded(page, "#sweep .save")
    assert name == "picture_seed-2_1_age+3-0.gif" and len(iio.imread(data, index=None, extension=".gif")) > 24
    page.get_by_label("Age: all the way up").click()
    wait_for_change(page, AFTER, edited)
    playwright.expect(page.locator("#sweep img")).to_have_count(0)
    playwright.expect(page.locator("#sweep .save")).to_have_count(0)


def test_a_morph_is_ordered_made_and_downloaded(page):
    open_tab(page, "Morph", "#keyframes img")
    page.locator("#picker .thumb").nth(7).click()
    page.wait_for_selector("#keyframes .keyframe >> nth=3")
    order = sources(page, "#keyframes img")
    page.get_by_label("Move 4 earlier").click()
    assert wait_for_change(page, "#keyframes img", order) == [order[i] for i in (0, 1, 3, 2)]
    page.locator("#keyframes .thumb").nth(0).drag_to(page.locator("#keyframes .thumb").nth(3))
    page.wait_for_function("source => document.querySelectorAll('#keyframes img')[3].src === source", arg=order[0])
    frames = page.locator("#frames input[type=number]")
    frames.fill("14")
    frames.press("Tab")
    page.locator("#make-film").click()
    page.wait_for_selector("#film img")
    playwright.expect(page.locator("#film .words")).to_contain_text("14 frames")
    name, data = downloaded(page, "#film .save")
    assert name == "picture_morph_4-keyframes.gif"
    assert iio.imread(data, index=None, extension=".gif").shape == (14, 256, 256, 3)
    _, data = downloaded(page, "#save-frames")
    assert len(zipfile.ZipFile(io.BytesIO(data)).namelist()) == 14
    name, data = downloaded(page, "#save-strip")
    assert name.endswith("_strip.png") and Image.open(io.BytesIO(data)).size == (12 * 32, 32)
    page.get_by_label("Take 1 out").click()
    playwright.expect(page.locator("#keyframes .keyframe")).to_have_count(3)
    playwright.expect(page.locator("#film img")).to_have_count(0)


@pytest.mark.parametrize("page", ["desktop", "phone"], indirect=True)
def test_my_photo_with_a_change_as_a_gif(page, two_faces):
    """Choose, edit, all the way up, make the GIF: four clicks, and the download."""
    open_tab(page, "Your photo", "#photo .door")
    page.locator("#photo input[type=file]").set_input_files(two_faces)
    # the photo is on the page before the server has answered
    page.wait_for_selector("#photo .whole[src^='blob:'], #photo .frame.chosen")
    page.wait_for_selector("#photo .frame.chosen")
    playwright.expect(page.locator("#photo .frame")).to_have_count(2)
    playwright.expect(page.locator("#photo .status")).to_contain_text("2 faces were found")
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
    page.locator("#make-sweep").click()
    page.wait_for_selector("#sweep img")


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


def test_what_is_no_picture_gets_a_sentence_and_the_page_goes_on(page, photo, tmp_path):
    (tmp_path / "note.png").write_bytes(b"these are words, not pixels")
    open_tab(page, "Your photo", "#photo .door")
    page.locator("#photo input[type=file]").set_input_files(tmp_path / "note.png")
    playwright.expect(page.locator("#photo .status")).to_contain_text("not a picture")
    page.locator("#photo input[type=file]").set_input_files(photo)
    page.wait_for_selector("#photo .frame.chosen")
    playwright.expect(page.locator("#photo .status")).to_contain_text("No face was found")


def test_reload_and_a_link_show_the_same_pixels(page, screens):
    page.locator("#new-faces").click()
    wait_for_change(page, GRID, sources(page, GRID))
    page.locator("#to-edit").click()
    page.wait_for_selector(f"{AFTER}[src]")
    seen = sources(page, AFTER)
    page.get_by_label("Age: all the way up").click()
    seen = wait_for_change(page, AFTER, seen)
    page.wait_for_function(IN_ADDRESS, arg='"age"')
    page.reload()
    page.wait_for_selector(f"{AFTER}[src]")
    assert sources(page, AFTER) == seen
    other = screens["phone"].new_page()
    other.goto(page.url)
    other.wait_for_selector(f"{AFTER}[src]")
    assert sources(other, AFTER) == seen
    other.close()


def test_back_and_forward_stay_on_the_page(page):
    first = sources(page, GRID)
    page.wait_for_function("() => new URL(location.href).searchParams.has('state')")
    page.locator("#new-faces").click()
    second = wait_for_change(page, GRID, first)
    page.wait_for_timeout(400)  # the address follows once nothing moves any more
    page.go_back()
    assert wait_for_change(page, GRID, second) == first
    page.go_forward()
    assert wait_for_change(page, GRID, first) == second


def test_a_photo_comes_back_after_a_reload_and_for_nobody_else(page, screens, browser, two_faces):
    open_tab(page, "Your photo", "#photo .door")
    page.locator("#photo input[type=file]").set_input_files(two_faces)
    page.wait_for_selector("#photo .frame.chosen")
    page.wait_for_function(IN_ADDRESS, arg='"photo"')
    page.reload()
    page.wait_for_selector("#photo .frame.chosen")
    stranger = browser.new_context(**DESKTOP)
    other = stranger.new_page()
    other.goto(page.url)
    other.wait_for_selector("#photo .door", state="visible", timeout=MILLISECONDS)
    assert other.locator("#photo .frame").count() == 0
    stranger.close()


def test_mixing_and_breeding(page):
    open_tab(page, "Mix", "#mix-picker img")
    for index in (1, 4, 6):
        page.locator("#mix-picker .thumb").nth(index).click()
        page.wait_for_selector(f"#mixer .parent >> nth={(1, 4, 6).index(index)}")
    even = sources(page, "#mixed img")
    page.locator("#mix-analogy").click()
    sum_of_three = wait_for_change(page, "#mixed img", even)
    playwright.expect(page.locator("#mixer output")).to_have_text(["+1.0", "\u22121.0", "+1.0"])
    page.get_by_label("Weight of parent A").fill("0.5")
    wait_for_change(page, "#mixed img", sum_of_three)
    page.locator("#breed").click()
    playwright.expect(page.locator("#children .thumb")).to_have_count(12)
    children = sources(page, "#children img")
    assert len(set(children)) == 12
    page.locator("#children .thumb").nth(3).click()
    wait_for_change(page, "#children img", children)
    assert sources(page, "#mixer img")[0] == children[3] == sources(page, "#lineage img")[0]
    page.locator("#mix-to-edit").click()
    page.wait_for_selector(f"{AFTER}[src]")


def test_another_model_without_a_restart(page):
    page.locator("#model input").click()
    page.get_by_role("option", name="kmnist-28").click()
    page.get_by_role("tab", name="New characters").wait_for()
    page.wait_for_selector(GRID)
    assert page.eval_on_selector_all(GRID, "images => images.length") == 20
    playwright.expect(page.locator("#rights")).to_contain_text("cc by sa 4.0")


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_picture_and_main_actions_stay_in_sight(page):
    in_sight = (
        "selectors => selectors.map(selector => document.querySelector(selector).getBoundingClientRect())"
        ".every(box => box.height > 0 && box.top >= 0 && box.bottom <= innerHeight + 1)"
    )
    open_edit(page)
    page.locator("#desk .row").last.scroll_into_view_if_needed()
    page.wait_for_function(in_sight, arg=["#stage .frame", "#download-edit", "#make-sweep", "#reset"])
    open_tab(page, "New pictures", GRID)
    page.wait_for_function(in_sight, arg=["#to-edit", "#to-morph", "#chosen-face img"])


@pytest.mark.parametrize("page", ["desktop", "phone"], indirect=True)
def test_no_tab_is_wider_than_the_screen(page):
    tabs = (
        ("Your photo", "#photo .door"),
        ("New pictures", GRID),
        ("Morph", "#keyframes img"),
        ("Mix", "#mix-picker img"),
        ("Edit", "#desk .row"),
    )
    for name, ready in tabs:
        open_tab(page, name, ready)
        width, screen = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert width <= screen, name
