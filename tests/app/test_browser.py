"""The page, driven in a real browser as a visitor would: with a mouse, and on a phone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import imageio.v3 as iio
import pytest
from patience import PATIENCE
from planted_faces import face_photo, turned
from tiny import many_attributes

from app.layout import build
from app.studio import MOST_SHOWN, Studio
from app.theme import appearance

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


def _at_home(url: str, home: str) -> bool:
    return url.startswith((home, "data:", "blob:"))


def open_tab(page, name: str, ready: str) -> None:
    page.get_by_role("tab", name=name).click()
    page.wait_for_selector(ready)


def sources(page, selector: str) -> list[str]:
    """The addresses of the pictures; Gradio names a file by what is in it, so equal addresses are equal pictures."""
    return page.eval_on_selector_all(f"{selector} img", "images => images.map(image => image.src)")


def wait_for_change(page, selector: str, before: list[str]) -> list[str]:
    page.wait_for_function(
        "([selector, before]) => {"
        " const now = [...document.querySelectorAll(selector + ' img')].map(image => image.src);"
        " return now.length && JSON.stringify(now) !== JSON.stringify(before); }",
        arg=[selector, before],
    )
    return sources(page, selector)


def are_painted(page, selector: str) -> bool:
    return page.eval_on_selector_all(f"{selector} img", "images => images.every(image => image.naturalWidth > 0)")


def test_a_first_visit_shows_faces_and_a_seed_brings_them_back(page):
    first = sources(page, "#grid")
    assert len(first) == 20 and len(set(first)) == 20
    page.wait_for_function("[...document.querySelectorAll('#grid img')].every(image => image.naturalWidth > 0)")
    seed = page.locator("#seed input")
    first_seed = seed.input_value()
    page.locator("#new-faces").click()
    second = wait_for_change(page, "#grid", first)
    assert not set(first) & set(second)
    chosen = seed.input_value()
    seed.fill(first_seed)
    seed.press("Enter")
    assert wait_for_change(page, "#grid", second) == first
    seed.fill(chosen)
    seed.press("Enter")
    assert wait_for_change(page, "#grid", first) == second


def test_a_chosen_face_goes_to_edit_and_to_the_tray(page):
    large = sources(page, "#chosen-face")
    page.locator("#grid .thumbnail-item").nth(4).click()
    chosen = wait_for_change(page, "#chosen-face", large)
    assert chosen == sources(page, "#grid")[4:5]
    page.get_by_role("button", name="Add to morph").click()
    page.wait_for_selector("#tray .thumbnail-item >> nth=3")
    assert page.get_by_role("tab", name="Morph").get_attribute("aria-selected") == "true"
    open_tab(page, "Generate", "#grid img")
    page.get_by_role("button", name="Edit this face").click()
    page.wait_for_selector("#reconstruction img")
    page.wait_for_function(
        "source => document.querySelector('#reconstruction img')?.src.split('/').at(-2) === source.split('/').at(-2)",
        arg=chosen[0],
    )


def test_a_morph_downloads_with_the_frames_asked_for(page, tmp_path):
    open_tab(page, "Morph", "#film img")
    page.locator("#picker .thumbnail-item").nth(7).click()
    page.wait_for_selector("#tray .thumbnail-item >> nth=3")
    page.get_by_role("button", name="Later").click()  # already the last: it stays where it is
    frames = page.locator("#frames input[type=number]")
    frames.fill("14")
    frames.press("Tab")
    before = sources(page, "#film")
    page.locator("#make-film").click()
    wait_for_change(page, "#film", before)
    playwright.expect(page.locator("#film-caption")).to_contain_text("14 frames")
    with page.expect_download() as download:
        page.locator("#download-film").click()
    download.value.save_as(tmp_path / "morph.gif")
    film = iio.imread(tmp_path / "morph.gif", index=None)
    assert film.shape == (14, 256, 256, 3)
    assert download.value.suggested_filename == "morph.gif"


def test_the_picture_follows_a_dragged_slider(page):
    open_tab(page, "Edit", "#edited img")
    playwright.expect(page.locator("#readings .reading")).to_have_count(5)
    as_it_is = sources(page, "#edited")
    page.evaluate(
        "() => { window.seen = new Set(); new MutationObserver(() =>"
        " window.seen.add(document.querySelector('#edited img')?.src))"
        ".observe(document.querySelector('#edited'), {subtree: true, childList: true, attributes: true}); }"
    )
    reading = page.locator("#readings .reading b").first
    before = reading.inner_text()
    thumb = page.locator("#slider-0 input[type=range]").bounding_box()
    middle, y = thumb["x"] + thumb["width"] / 2, thumb["y"] + thumb["height"] / 2
    page.mouse.move(middle, y)
    page.mouse.down()
    for step in range(1, 13):
        page.mouse.move(middle + step * thumb["width"] / 40, y)
        if step % 4 == 0:  # it follows while the button is down
            page.wait_for_function("count => window.seen.size >= count", arg=step // 4)
    page.mouse.up()
    change = float(page.locator("#slider-0 input[type=number]").input_value())
    assert change > 1
    page.wait_for_function(  # both readings are rounded to a tenth
        "([before, change]) => Math.abs(Number(document.querySelector('#readings .reading b').innerText"
        ".replace('\u2212', '-')) - before - change) < 0.11",
        arg=[float(before.replace("\u2212", "-")), change],
    )
    edited = wait_for_change(page, "#edited", as_it_is)
    assert sources(page, "#reconstruction")[0].split("/")[-2] == as_it_is[0].split("/")[-2]
    page.locator("#reset").click()
    assert wait_for_change(page, "#edited", edited) == as_it_is
    playwright.expect(page.locator("#slider-0 input[type=number]")).to_have_value("0")


def test_an_edit_downloads_as_a_picture_and_as_a_film(page, tmp_path):
    open_tab(page, "Edit", "#edited img")
    before = sources(page, "#edited")
    number = page.locator("#slider-1 input[type=number]")
    number.fill("2.5")
    number.press("Tab")
    edited = wait_for_change(page, "#edited", before)
    with page.expect_download() as download:
        page.locator("#download-edit").click()
    download.value.save_as(tmp_path / "edited.png")
    assert (tmp_path / "edited.png").read_bytes() == page.request.get(edited[0], timeout=MILLISECONDS).body()
    page.locator("#make-sweep").click()
    page.wait_for_selector("#sweep img")
    with page.expect_download() as download:
        page.locator("#download-sweep").click()
    download.value.save_as(tmp_path / "edit.gif")
    assert len(iio.imread(tmp_path / "edit.gif", index=None)) > 10


def test_what_is_no_picture_gets_a_toast_and_the_page_goes_on(page, photo, tmp_path):
    open_tab(page, "Edit", "#edited img")
    before = sources(page, "#edited")
    (tmp_path / "note.png").write_bytes(b"these are words, not pixels")
    page.locator("#photo input[type=file]").set_input_files(tmp_path / "note.png")
    playwright.expect(page.locator(".toast-wrap")).to_contain_text("not a picture")
    page.locator("#photo").get_by_text("Drop a photo").wait_for()  # cleared, ready for another
    assert sources(page, "#edited") == before
    page.locator("#photo input[type=file]").set_input_files(photo)
    wait_for_change(page, "#edited", before)
    page.wait_for_selector("#photo img")
    playwright.expect(page.locator("#crop-note")).to_contain_text("No face was found")
    whole = sources(page, "#edited")
    page.locator("#zoom input[type=range]").fill("3")
    wait_for_change(page, "#edited", whole)


def test_the_face_in_a_photo_is_found_unless_one_wants_the_whole(page, tmp_path):
    face_photo([turned(80, 60, 70, 10)], (180, 120)).save(tmp_path / "face.png")
    open_tab(page, "Edit", "#edited img")
    page.locator("#photo input[type=file]").set_input_files(tmp_path / "face.png")
    note, find = page.locator("#crop-note"), page.locator("#find-face input")
    playwright.expect(note).to_contain_text("largest face in your photo")
    playwright.expect(find).to_be_checked()
    face = sources(page, "#photo")
    find.click()
    wait_for_change(page, "#photo", face)
    playwright.expect(note).to_contain_text("Zoom until")
    find.click()
    page.wait_for_function("source => document.querySelector('#photo img').src === source", arg=face[0])
    page.locator("#zoom input[type=range]").fill("2")
    playwright.expect(find).not_to_be_checked()


def test_what_cannot_be_held_gets_a_toast(page):
    open_tab(page, "Edit", "#edited img")
    for number in (2, 3):  # two of three coats: the third says the same
        page.locator("#hold input").nth(number).click()
    coat = page.locator("#slider-1 input[type=number]")
    coat.fill("1")
    coat.press("Tab")
    playwright.expect(page.locator(".toast-wrap")).to_contain_text("say the same thing")
    before = sources(page, "#edited")
    page.locator("#hold input").nth(3).click()
    wait_for_change(page, "#edited", before)


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_the_picture_stays_in_sight_of_the_sliders(page):
    open_tab(page, "Edit", "#edited img")
    page.locator("#slider-4 input[type=range]").scroll_into_view_if_needed()
    page.evaluate("window.scrollBy(0, 200)")
    page.wait_for_function("document.querySelector('#edited').getBoundingClientRect().top >= 0")
    assert page.evaluate("document.querySelector('#edited').getBoundingClientRect().bottom < innerHeight")


@pytest.fixture
def many(screens, tmp_path, monkeypatch) -> Iterator[playwright.Page]:
    """The phone's page of a model with more attributes than are shown at once."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    studio = Studio(many_attributes(MOST_SHOWN + 3), "many")
    blocks = build(studio)
    _, url, _ = blocks.launch(
        server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **appearance(studio.facts)
    )
    page = screens["phone"].new_page()
    page.goto(url)
    page.wait_for_selector("#grid img")
    yield page
    page.close()
    blocks.close()


def test_of_many_attributes_a_few_are_shown_until_all_are_asked_for(many):
    open_tab(many, "Edit", "#edited img")
    rows = ("#hold label", ".desk-slider", "#readings .reading")

    def are_shown(count: int) -> None:
        for row in rows:
            playwright.expect(many.locator(f"{row}:visible")).to_have_count(count)

    many.wait_for_selector("#readings .reading")
    are_shown(MOST_SHOWN)
    many.get_by_role("button", name=f"Show all {MOST_SHOWN + 3} attributes").click()
    many.locator("#more-attributes").wait_for(state="hidden")
    are_shown(MOST_SHOWN + 3)
    last = many.locator(f"#slider-{MOST_SHOWN + 2} input[type=number]")
    before = sources(many, "#edited")
    last.fill("3")
    last.press("Tab")
    wait_for_change(many, "#edited", before)
    are_shown(MOST_SHOWN + 3)


@pytest.mark.parametrize("page", ["desktop", "phone"], indirect=True)
def test_no_tab_is_wider_than_the_screen(page):
    for name, ready in (("Generate", "#grid img"), ("Morph", "#film img"), ("Edit", "#edited img")):
        open_tab(page, name, ready)
        width, screen = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert width <= screen, name
