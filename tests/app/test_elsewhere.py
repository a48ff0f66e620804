"""The page in another page's frame, and below a path of somebody's server, as Spaces and proxies have it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import gradio as gr
import pytest
import uvicorn
import visiting
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from visiting import MILLISECONDS

from app.layout import build
from app.theme import appearance

browser = visiting.browser
pytestmark = pytest.mark.browser
PREFIX = "/people/anna/studio"
AROUND = f'<!doctype html><title>Around</title><iframe src="{PREFIX}/" style="width: 1100px; height: 800px"></iframe>'


@pytest.fixture
def address(studio, tmp_path, monkeypatch) -> Iterator[str]:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    around = FastAPI()
    around.get("/", response_class=HTMLResponse)(lambda: AROUND)
    look = appearance(studio)
    page = gr.mount_gradio_app(
        around,
        build(studio),
        PREFIX,
        **{name: look[name] for name in ("app_kwargs", "theme", "css_paths", "head", "footer_links")},
    )
    server = uvicorn.Server(uvicorn.Config(page, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    server.should_exit = True
    thread.join()


def test_below_a_path_and_in_a_frame_everything_is_there(browser, address):
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    context.set_default_timeout(MILLISECONDS)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("response", lambda got: wrong.append(got.url) if got.status >= 400 else None)
    page.goto(address)
    inside = page.frame_locator("iframe")
    inside.locator("#grid .thumb").nth(3).click()
    inside.locator("#to-edit").click()
    inside.locator("#stage img.after[src]").wait_for()
    inside.get_by_label("Age: all the way up").click()
    inside.locator("#stage .view:not(.same)").wait_for()
    with page.expect_download() as brought:
        inside.locator("#download-edit").click()
    assert brought.value.suggested_filename.endswith(".png")
    assert [frame.url.startswith(f"{address.rstrip('/')}{PREFIX}") for frame in page.frames[1:]] == [True]
    context.close()
    assert [one for one in wrong if not one.endswith("/manifest.json")] == []
