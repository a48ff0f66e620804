"""The page without a server: generated, edited, morphed and saved in a real browser, under a path of a file server."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import visiting
from PIL import Image, ImageSequence
from visiting import downloaded

from modeling_vae import VAEPipeline
from modeling_vae.commands.main import main
from modeling_vae.model.latents import keyframe_path

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


def pixels(page, selector: str) -> np.ndarray:
    return np.array(page.evaluate(PIXELS, selector))


def grey(pictures: list[Image.Image]) -> np.ndarray:
    return np.array([np.asarray(picture).ravel() for picture in pictures], int)


def set_slider(page, label: str, value: float) -> None:
    page.get_by_label(label, exact=True).evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }", value
    )


def test_new_faces_are_those_of_the_pipeline(page, pipe):
    assert np.abs(pixels(page, "#grid canvas") - grey(pipe.generate(20, seed=2, truncation=0.8))).max() <= 1
    page.locator("#seed").fill("77")
    page.locator("#seed").press("Enter")
    page.wait_for_function("() => location.hash.includes('seed=77')")
    playwright.expect(page.locator("#grid canvas[width]")).to_have_count(20)
    assert np.abs(pixels(page, "#grid canvas") - grey(pipe.generate(20, seed=77, truncation=0.8))).max() <= 1
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
    page.wait_for_timeout(100)
    name, data = downloaded(page, "#save")
    assert name.endswith(".png") and Image.open(io.BytesIO(data)).size == (512, 512)
    assert np.abs(pixels(page, "#picture") - wanted).max() <= 1
    name, data = downloaded(page, "#save-edit")
    film = Image.open(io.BytesIO(data))
    assert name.endswith("_edit.gif") and film.size == (320, 320) and film.n_frames == 46
    page.locator("#reset").click()
    page.wait_for_timeout(300)
    assert np.abs(pixels(page, "#picture") - grey(pipe.decode(face[None]))).max() <= 1


def test_a_morph_is_that_of_the_pipeline_and_is_saved(page, pipe):
    playwright.expect(page.locator("#save-morph")).to_be_disabled()
    for index in (0, 5, 9):
        page.locator("#grid .face").nth(index).click()
        page.locator("#add").click()
    page.get_by_label("Take 2 out").click()
    playwright.expect(page.locator("#keyframes canvas[width]")).to_have_count(2)
    playwright.expect(page.locator("#strip canvas[width]")).to_have_count(12)
    keyframes = pipe.sample(10, seed=2, truncation=0.8)[[0, 9]]
    wanted = pipe.decode(keyframe_path(keyframes, 12, closed=True))
    assert np.abs(pixels(page, "#strip canvas") - grey(wanted)).max() <= 1
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
        for picture in pipe.morph([*keyframes], 10, closed=True)
    ]
    for frame, picture in zip(frames, smooth, strict=True):
        assert np.sqrt(np.square(frame - np.asarray(picture)).mean()) < 10, "the picture, but for its colours"
