"""A picture from the camera, in a Chromium whose camera shows a film of drawn faces."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
import visiting
from PIL import Image
from planted_faces import face_photo, turned
from visiting import open_tab, wait_for_change

playwright = visiting.playwright
screens, page = visiting.screens, visiting.page
pytestmark = pytest.mark.browser
SCENE = face_photo([turned(220, 240, 260, 8)], (640, 480))


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[playwright.Browser]:
    frame = io.BytesIO()
    SCENE.save(frame, "JPEG", quality=95)
    film = tmp_path_factory.mktemp("camera") / "scene.mjpeg"
    film.write_bytes(frame.getvalue() * 20)
    camera = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with visiting.launched(*camera, f"--use-file-for-fake-video-capture={film}") as browser:
        yield browser


def open_camera(page) -> None:
    open_tab(page, "Your photo", "#photo .door")
    page.get_by_role("button", name="Take one").click()
    page.wait_for_function("document.querySelector('#photo video')?.videoWidth > 0")


@pytest.mark.parametrize("page", ["desktop", "phone"], indirect=True)
def test_a_picture_is_taken_and_its_face_framed(page):
    open_camera(page)
    page.get_by_role("button", name="Take it").click()
    page.wait_for_selector("#photo .frame.chosen")
    playwright.expect(page.locator("#photo .status")).to_contain_text("One was found")
    shown = page.eval_on_selector("#photo img.whole", "image => image.src")
    taken = Image.open(io.BytesIO(page.request.get(shown).body())).convert("RGB")
    assert taken.size == SCENE.size
    difference = np.asarray(taken).astype(int) - np.asarray(SCENE).astype(int)
    assert np.abs(difference).mean() < 12, "it is what the camera saw"
    wait_for_change(page, "#seen img.after", [])


def test_the_camera_is_off_after_not_now(page):
    open_camera(page)
    page.evaluate("window.tracks = document.querySelector('#photo video').srcObject.getTracks()")
    page.get_by_role("button", name="Not now").click()
    playwright.expect(page.locator("#photo video")).to_have_count(0)
    playwright.expect(page.locator("#photo .door")).to_be_visible()
    assert page.evaluate("tracks.map((track) => track.readyState)") == ["ended"]
