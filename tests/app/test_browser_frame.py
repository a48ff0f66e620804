"""The frame of a face, moved by its grips and by keys; and a photo that is pasted."""

from __future__ import annotations

import base64
import math
from pathlib import Path

import pytest
import visiting
from planted_faces import face_photo, turned
from visiting import open_tab, sources, wait_for_change

playwright = visiting.playwright
browser, screens, page = visiting.browser, visiting.screens, visiting.page
pytestmark = pytest.mark.browser
WIDTH, HEIGHT = 200, 130
SEEN = "#seen img.after"


@pytest.fixture
def photo(tmp_path) -> Path:
    face_photo([turned(90, 66, 60, 0)], (WIDTH, HEIGHT)).save(tmp_path / "one.png")
    return tmp_path / "one.png"


@pytest.fixture
def framed(page, photo):
    """The page with the photo, whose face has its frame."""
    open_tab(page, "Your photo", "#photo .door")
    page.locator("#photo input[type=file]").set_input_files(photo)
    page.wait_for_selector("#photo .frame.chosen")
    wait_for_change(page, SEEN, [])
    return page


def frame(page) -> tuple[float, float, float, float]:
    """Middle, height and angle of the frame, in pixels of the photo and degrees."""
    style = page.eval_on_selector(
        "#photo .frame.chosen",
        "frame => [...['left', 'top', 'width', 'height'].map((side) => parseFloat(frame.style[side])),"
        " parseFloat(frame.style.transform.slice('rotate('.length))]",
    )
    left, top, width, height = (share / 100 * side for share, side in zip(style, 2 * (WIDTH, HEIGHT), strict=False))
    return left + width / 2, top + height / 2, height, style[4]


def drag(page, grip: str, to) -> None:
    """Drag a grip to where `to` says: the middle of the frame and that of the grip, both in pixels of the screen."""
    boxes = (page.locator("#photo .frame.chosen").bounding_box(), page.locator(f"#photo .grip.{grip}").bounding_box())
    middle, start = ((box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in boxes)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*to(middle, start), steps=5)
    page.mouse.up()


@pytest.mark.parametrize("page", ["desktop", "phone"], indirect=True)
def test_a_corner_makes_it_larger_around_its_middle(framed):
    x, y, height, angle = frame(framed)
    seen = sources(framed, SEEN)
    drag(framed, "br", lambda m, s: (m[0] + 1.3 * (s[0] - m[0]), m[1] + 1.3 * (s[1] - m[1])))
    wait_for_change(framed, SEEN, seen)
    assert frame(framed) == pytest.approx((x, y, 1.3 * height, angle), abs=2)


@pytest.mark.parametrize("page", ["desktop", "phone"], indirect=True)
def test_the_handle_turns_it_around_its_middle(framed):
    x, y, height, angle = frame(framed)
    seen = sources(framed, SEEN)

    def a_quarter_of_a_right_angle(middle, start):
        turn, (dx, dy) = math.radians(22.5), (start[0] - middle[0], start[1] - middle[1])
        return (
            middle[0] + dx * math.cos(turn) - dy * math.sin(turn),
            middle[1] + dx * math.sin(turn) + dy * math.cos(turn),
        )

    drag(framed, "turn", a_quarter_of_a_right_angle)
    wait_for_change(framed, SEEN, seen)
    assert frame(framed) == pytest.approx((x, y, height, angle + 22.5), abs=2)
    slider = framed.get_by_role("slider", name="Turn")
    assert float(slider.input_value()) == pytest.approx(angle + 22.5, abs=2), "the slider follows"


def test_it_stays_at_the_photo_however_far_it_is_dragged(framed):
    framed.locator("#photo .frame.chosen").scroll_into_view_if_needed()
    box = framed.locator("#photo .frame.chosen").bounding_box()
    framed.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    framed.mouse.down()
    framed.mouse.move(box["x"] + 4000, box["y"] + 4000, steps=4)
    framed.mouse.up()
    assert frame(framed)[:2] == pytest.approx((WIDTH, HEIGHT))


def test_keys_do_all_of_it_and_others_nothing(framed):
    x, y, height, angle = frame(framed)
    chosen = framed.locator("#photo .frame.chosen")
    chosen.focus()
    step = 0.02 * height
    for key, expected in (
        ("ArrowRight", (x + step, y, height, angle)),
        ("ArrowDown", (x + step, y + step, height, angle)),
        ("ArrowLeft", (x, y + step, height, angle)),
        ("ArrowUp", (x, y, height, angle)),
        ("Shift+ArrowRight", (x + 5 * step, y, height, angle)),
        ("]", (x + 5 * step, y, height, angle + 2)),
        ("[", (x + 5 * step, y, height, angle)),
        ("+", (x + 5 * step, y, 1.04 * height, angle)),
        ("-", (x + 5 * step, y, 1.04 * 0.96 * height, angle)),
        ("q", (x + 5 * step, y, 1.04 * 0.96 * height, angle)),
    ):
        framed.keyboard.press(key)
        assert frame(framed) == pytest.approx(expected, abs=0.1), key
    playwright.expect(chosen).to_be_focused()


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_a_picture_is_pasted_on_any_tab(page, photo):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate(
        "async (text) => { const picture = await (await fetch(`data:image/png;base64,${text}`)).blob();"
        " await navigator.clipboard.write([new ClipboardItem({'image/png': picture})]); }",
        base64.b64encode(photo.read_bytes()).decode(),
    )
    page.keyboard.press("Control+V")
    page.wait_for_selector("#photo .frame.chosen")
    assert page.get_by_role("tab", name="Your photo").get_attribute("aria-selected") == "true"
    playwright.expect(page.locator("#photo .status")).to_contain_text("One was found")


def test_words_are_pasted_where_words_go(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("navigator.clipboard.writeText('77')")
    page.locator("#seed input").fill("")
    page.keyboard.press("Control+V")
    playwright.expect(page.locator("#seed input")).to_have_value("77")
    assert page.get_by_role("tab", name="New pictures").get_attribute("aria-selected") == "true"


def test_without_a_camera_there_is_a_sentence(page):
    open_tab(page, "Your photo", "#photo .door")
    page.get_by_role("button", name="Take one").click()
    playwright.expect(page.locator("#photo .status")).to_have_text("The camera did not open; choose a photo instead.")
