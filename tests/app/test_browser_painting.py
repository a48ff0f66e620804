"""Where the browser can draw a model's faces, it does: what it shows is what the server would have shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import visiting
from serving import Server, serving
from visiting import AFTER, GRID, IN_ADDRESS, open_edit, open_tab, sources, state_of, wait_for_change

playwright = visiting.playwright
browser, screens = visiting.browser, visiting.screens
MODEL = Path(__file__).parents[2] / "hub_configs" / "kmnist-28"
SLIDER = "#desk .row input[type=range]"
SEED_IS = "seed => JSON.parse(new URL(location.href).searchParams.get('state') ?? '{}').seed === seed"
READY = "() => Boolean(window.studio.painter)"
PIXELS = """(selector) => Promise.all([...document.querySelectorAll(selector)].map(async (shown) => {
  if (shown.decode) await shown.decode();
  const [width, height] = [shown.naturalWidth ?? shown.width, shown.naturalHeight ?? shown.height];
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  canvas.getContext("2d").drawImage(shown, 0, 0);
  return [...canvas.getContext("2d").getImageData(0, 0, width, height).data];
}))"""
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The studio on a model that browsers can draw with."""
    with serving(MODEL, tmp_path_factory.mktemp("painting")) as running:
        yield running


page = visiting.page


def pixels(page, selector: str) -> list[list[int]]:
    return page.evaluate(PIXELS, selector)


def apart(some: list[list[int]], others: list[list[int]]) -> int:
    """Grey levels between pictures, at most."""
    assert len(some) == len(others) > 0
    return max(abs(a - b) for one, other in zip(some, others, strict=True) for a, b in zip(one, other, strict=True))


def drag(page, steps: int = 12) -> float:
    """The first slider, taken by the mouse and not let go; where it is then."""
    slider = page.locator(SLIDER).first
    box = slider.bounding_box()
    middle, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(middle, y)
    page.mouse.down()
    for step in range(1, steps + 1):
        page.mouse.move(middle + step * box["width"] / 40, y)
    return float(slider.input_value())


def test_new_faces_are_drawn_by_the_page_as_the_server_draws_them(page):
    from_server = pixels(page, GRID)
    page.wait_for_function(READY)
    seed = page.locator("#seed input")
    first_seed = seed.input_value()
    page.locator("#new-faces").click()
    playwright.expect(page.locator("#grid canvas")).to_have_count(20)
    page.wait_for_function("seed => document.querySelector('#seed input').value !== seed", arg=first_seed)
    page.wait_for_function(SEED_IS, arg=int(seed.input_value()))
    seed.fill(first_seed)
    seed.press("Enter")
    page.wait_for_function(SEED_IS, arg=int(first_seed))
    playwright.expect(page.locator("#grid canvas[width]")).to_have_count(20)
    page.wait_for_selector("#chosen-face canvas[width]")
    assert apart(pixels(page, "#grid canvas"), from_server) <= 1
    assert apart(pixels(page, "#chosen-face canvas"), from_server[:1]) <= 1


def test_a_dragged_slider_asks_the_server_for_nothing_until_it_is_let_go(page):
    page.wait_for_function(READY)
    open_edit(page)
    as_it_is, before = pixels(page, AFTER), sources(page, AFTER)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    value = drag(page)
    page.wait_for_selector("#stage .moving .live")
    assert value > 0 and apart(pixels(page, ".live"), as_it_is) > 50
    assert asked == []
    page.mouse.up()
    wait_for_change(page, AFTER, before)
    page.wait_for_selector("#stage .view:not(.moving)")
    assert apart(pixels(page, ".live"), pixels(page, AFTER)) <= 1
    page.wait_for_function(IN_ADDRESS, arg='"edit":{')
    assert [*state_of(page)["face"]["edit"].values()] == [value]
    playwright.expect(page.locator("#steps .thumb")).to_have_count(2)
    page.locator("#undo").click()
    page.wait_for_function("source => document.querySelector('#stage img.after').src === source", arg=before[0])


def test_keys_and_full_move_the_picture_and_are_said(page):
    page.wait_for_function(READY)
    open_edit(page)
    seen = sources(page, AFTER)
    page.locator(SLIDER).first.press("ArrowRight")
    seen = wait_for_change(page, AFTER, seen)
    page.locator("#desk .full").nth(3).click()
    wait_for_change(page, AFTER, seen)
    page.wait_for_selector("#stage .view:not(.moving)")
    assert apart(pixels(page, ".live"), pixels(page, AFTER)) <= 1


def test_the_strip_and_the_picker_of_a_morph(page):
    page.wait_for_function(READY)
    from_server = pixels(page, GRID)
    open_tab(page, "Morph", "#keyframes img")
    playwright.expect(page.locator("#strip canvas[width]")).to_have_count(12)
    playwright.expect(page.locator("#picker canvas[width]")).to_have_count(20)
    assert apart(pixels(page, "#picker canvas"), from_server) <= 1
    assert apart(pixels(page, "#strip canvas")[:1], pixels(page, "#keyframes img")[:1]) <= 1
    page.locator("#picker .thumb").nth(7).click()
    page.wait_for_selector("#keyframes .keyframe >> nth=3")
    playwright.expect(page.locator("#strip canvas[width]")).to_have_count(12)


@pytest.mark.parametrize("lacking", ["SIMD", "the model's file"])
def test_a_browser_that_cannot_is_served_as_ever(screens, server, lacking):
    page = screens["desktop"].new_page()
    if lacking == "SIMD":
        page.add_init_script("WebAssembly.validate = () => false")
    else:
        page.route("**/browser.safetensors", lambda route: route.abort())
    page.goto(server.url)
    page.wait_for_selector(GRID)
    open_edit(page)
    before = sources(page, AFTER)
    drag(page)
    wait_for_change(page, AFTER, before)  # while it is held
    page.mouse.up()
    assert page.evaluate("() => !window.studio.painter && !document.querySelector('#stage .moving')")
    open_tab(page, "Morph", "#strip img")
    page.close()
