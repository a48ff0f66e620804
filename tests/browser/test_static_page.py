"""The page without a server: generated, edited, morphed and saved in a real browser, under a path of a file server."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import visiting
from patience import PATIENCE
from PIL import Image, ImageSequence
from visiting import downloaded

from modeling_vae import VAEPipeline
from modeling_vae.commands.main import main

playwright = visiting.playwright
ROOT = Path(__file__).parents[2]
MODEL = ROOT / "hub_configs" / "kmnist-28"
PIXELS = """(selector) => [...document.querySelectorAll(selector)].map((canvas) =>
  [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data].filter((_, i) => i % 4 === 0))"""
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pipe() -> VAEPipeline:
    return VAEPipeline.from_pretrained(MODEL)


@pytest.fixture(scope="module")
def address(site) -> str:
    url, folder = site
    assert main(["export", str(MODEL), "--page", str(folder / "some" / "where")]) == 0
    return f"{url}/some/where/index.html"


@pytest.fixture
def page(browser, address, site):
    """A visit that ends without an error, and that asked for nothing but files below the page."""
    page = browser.new_page()
    page.set_default_timeout(visiting.MILLISECONDS)
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    below = (f"{site[0]}/some/where/", "blob:", "data:")
    page.on("request", lambda sent: None if sent.url.startswith(below) else wrong.append(sent.url))
    page.goto(address)
    playwright.expect(page.locator("#grid canvas[width]")).to_have_count(20)
    yield page
    page.close()
    assert not wrong


def grey(pictures: list[Image.Image]) -> np.ndarray:
    return np.array([np.asarray(picture).ravel() for picture in pictures], int)


def until_drawn(page, selector: str, wanted: np.ndarray, apart: int = 1) -> None:
    """Returns once canvases show these pictures; they are drawn in their own time."""
    for _ in range(int(20 * PATIENCE)):
        shown = page.evaluate(PIXELS, selector)
        sizes = [[len(picture) for picture in pictures] for pictures in (shown, wanted)]
        if sizes[0] == sizes[1] and np.abs(np.array(shown) - wanted).max() <= apart:
            return
        page.wait_for_timeout(50)
    pytest.fail(f"{selector} shows something else")


def set_slider(page, label: str, value: float) -> None:
    page.get_by_label(label, exact=True).evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }", value
    )


def test_new_faces_are_those_of_the_pipeline(page, pipe):
    until_drawn(page, "#grid canvas", grey(pipe.generate(20, seed=2, truncation=0.8)))
    page.locator("#seed").fill("77")
    page.locator("#seed").press("Enter")
    page.wait_for_function("() => location.hash.includes('seed=77')")
    until_drawn(page, "#grid canvas", grey(pipe.generate(20, seed=77, truncation=0.8)))
    page.locator("#draw").click()
    page.wait_for_function("() => !location.hash.includes('seed=77&')")


def test_an_edit_is_that_of_the_pipeline_and_is_saved(page, pipe):
    page.locator("#grid .face").nth(3).click()
    first, second, held = (name.replace("label:", "Label: ") for name in pipe.attributes[:3])
    set_slider(page, first, 1.5)
    page.get_by_label(f"Hold {held}").check()
    set_slider(page, second, -1.0)
    face = pipe.sample(4, seed=2, truncation=0.8)[3]
    wanted = grey([pipe.edit(face, dict(zip(pipe.attributes[:2], (1.5, -1.0), strict=True)), hold=pipe.attributes[2])])
    until_drawn(page, "#picture", wanted)
    name, data = downloaded(page, "#save")
    assert name.endswith(".png") and Image.open(io.BytesIO(data)).size == (512, 512)
    name, data = downloaded(page, "#save-edit")
    film = Image.open(io.BytesIO(data))
    assert name.endswith("_edit.gif") and film.size == (320, 320) and film.n_frames == 46
    page.locator("#reset").click()
    until_drawn(page, "#picture", grey(pipe.decode(face[None])))


def test_a_photo_is_cropped_by_hand_and_edited(page, pipe):
    picture = pipe.generate(1, seed=11)[0]
    photo = io.BytesIO()
    picture.convert("RGB").save(photo, "PNG")
    page.locator("#file").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": photo.getvalue()})
    page.wait_for_selector("#crop[open]")
    playwright.expect(page.locator("#take")).to_be_enabled()
    page.locator("#take").click()
    page.wait_for_selector("#crop:not([open])", state="attached")
    until_drawn(page, "#picture", grey(pipe.reconstruct([picture])), apart=2)
    playwright.expect(page.locator("#grid [aria-pressed=true]")).to_have_count(0)
    page.locator("#file").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"no picture"})
    playwright.expect(page.locator("#crop-said")).to_contain_text("no picture")
    page.locator("#leave").click()


def test_a_morph_is_that_of_the_pipeline_and_is_saved(page, pipe):
    playwright.expect(page.locator("#save-morph")).to_be_disabled()
    for index in (0, 5, 9):
        page.locator("#grid .face").nth(index).click()
        page.locator("#add").click()
    page.get_by_label("Take 2 out").click()
    playwright.expect(page.locator("#keyframes canvas[width]")).to_have_count(2)
    keyframes = pipe.sample(10, seed=2, truncation=0.8)[[0, 9]]
    wanted = pipe.decode(pipe.latent_path(keyframes, 12, "flow", closed=True))
    until_drawn(page, "#strip canvas", grey(wanted))
    page.locator("#frames").fill("10")
    page.locator("#seconds").fill("1.5")
    page.locator("#size").fill("64")
    name, data = downloaded(page, "#save-morph")
    film = Image.open(io.BytesIO(data))
    frames = [np.asarray(frame.convert("L"), float) for frame in ImageSequence.Iterator(film)]
    assert name.endswith("_morph.gif") and len(frames) == 10 and film.size == (64, 64)
    assert sum(frame.info["duration"] for frame in ImageSequence.Iterator(film)) == 1500
    smooth = [
        picture.convert("L").resize((64, 64), Image.Resampling.BICUBIC)
        for picture in pipe.morph([*keyframes], 10, "flow", closed=True)
    ]
    for frame, picture in zip(frames, smooth, strict=True):
        assert np.sqrt(np.square(frame - np.asarray(picture)).mean()) < 10, "the picture, but for its colours"
