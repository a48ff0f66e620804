"""The page, driven in a real browser as a visitor would: with a mouse, with keys, and on a phone."""

from __future__ import annotations

import io
import zipfile

import imageio.v3 as iio
import pytest
import visiting
from PIL import Image
from visiting import (
    AFTER,
    GRID,
    IN_ADDRESS,
    downloaded,
    open_doors,
    open_edit,
    open_tab,
    sources,
    state_of,
    wait_for_change,
)

playwright = visiting.playwright
browser, screens, page = visiting.browser, visiting.screens, visiting.page
pytestmark = pytest.mark.browser


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
    for step in range(1, 13):
        page.mouse.move(middle + step * thumb["width"] / 40, y)
        if step == 4:  # it follows while the button is down
            wait_for_change(page, AFTER, as_it_is)
    page.mouse.up()
    assert float(slider.input_value()) > 1
    name = slider.get_attribute("aria-label").lower().replace(": ", ":")
    page.wait_for_function(IN_ADDRESS, arg=f'"{name}":{slider.input_value()}')  # the last move is never lost
    as_dragged = sources(page, AFTER)
    playwright.expect(page.locator("#steps .thumb")).to_have_count(2)
    page.locator("#undo").click()
    page.wait_for_function("source => document.querySelector('#stage img.after').src === source", arg=as_it_is[0])
    assert slider.input_value() == "0"
    page.locator("#redo").click()
    assert wait_for_change(page, AFTER, as_it_is) == as_dragged
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
    page.locator("#variety input[type=number]").fill("1")  # of the next ones
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
    playwright.expect(page.locator("#rights")).to_contain_text("CC BY-SA 4.0")


def test_the_film_of_the_training_comes_when_it_is_opened(page):
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url))
    playwright.expect(page.locator("#training")).to_be_hidden()  # this model has none
    page.locator("#model input").click()
    page.get_by_role("option", name="drawn-people-128").click()
    page.locator("#training").wait_for()
    page.wait_for_selector(GRID)
    assert not any(url.endswith(".mp4") for url in asked)
    page.locator("#training button").first.click()
    page.wait_for_function("document.querySelector('#training-film video')?.videoWidth > 0")
    assert any(url.endswith("drawn-people-128_training.mp4") for url in asked)
    page.locator("#model input").click()
    page.get_by_role("option", name="tiny").click()
    playwright.expect(page.locator("#training")).to_be_hidden()


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_all_tabs_are_in_sight_on_a_phone(page):
    """Also on a small one, whose lines break; there is nothing to slide to, and no menu."""
    outside = (
        "() => [...document.querySelectorAll('#tabs [role=tab]')].filter(tab => {"
        " const box = tab.getBoundingClientRect();"
        " return box.left < 0 || box.right > innerWidth || box.height < 36 || tab.scrollWidth > tab.clientWidth; })"
        ".map(tab => tab.textContent)"
    )
    for width in (390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        playwright.expect(page.get_by_role("tab")).to_have_count(7)
        assert page.evaluate(outside) == [], width
        bar = page.locator("#tabs > .tab-wrapper")
        assert bar.evaluate("bar => bar.scrollWidth <= bar.clientWidth && bar.scrollHeight <= bar.clientHeight")


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


def test_the_page_on_the_endpoints_offers_no_tools_where_none_are_served(page):
    offered = open_doors(page)
    playwright.expect(page.get_by_text("/find_faces").first).to_be_visible()
    playwright.expect(offered).to_be_hidden()
