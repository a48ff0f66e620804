"""A blank page of a plain file server, beside the scripts and model files; what it computes comes back as arrays."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import visiting

from modeling_vae import VAEPipeline
from modeling_vae.browser.browser_model import SCRIPTS, browser_encoder, browser_model, encodable

browser = visiting.browser
TO_TEXT = """() => {
  globalThis.toText = (array) => {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  };
}"""


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Address and folder of a plain file server, which serves what is put into the folder."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "scripts").symlink_to(SCRIPTS)
    (folder / "index.html").write_text("<!doctype html><title>blank</title><link rel=icon href=data:,>")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        server.shutdown()


@pytest.fixture(scope="module")
def blank(browser, site):
    page = browser.new_page()
    page.set_default_timeout(visiting.MILLISECONDS)
    page.goto(site[0])
    page.evaluate(TO_TEXT)
    yield page
    page.close()


@pytest.fixture
def maker(blank, site, request) -> Callable[..., list[np.ndarray]]:
    """`maker(pipe, code, kind, **given)`: what JavaScript says of the `maker` of a pipeline, as arrays of a kind."""
    url, folder = site

    def run(pipe: VAEPipeline, code: str, kind: type, **given: object) -> list[np.ndarray]:
        data = browser_model(pipe.parts)
        name = f"{hashlib.sha256(data).hexdigest()}.safetensors"  # another name for each: the browser keeps files
        (folder / name).write_bytes(data)
        if encodable(pipe.model.config):
            (folder / f"encoder-{name}").write_bytes(browser_encoder(pipe.parts))
        script = f"""async (given) => {{
            const {{ FaceMaker }} = await import("/scripts/face_maker.js");
            const maker = await FaceMaker.open({{ kernel: "/scripts/kernel.wasm", model: "/{name}" }});
            const encoder = "/encoder-{name}";
            return (await Promise.all({code})).map(toText);
        }}"""
        return [np.frombuffer(base64.b64decode(text), kind) for text in blank.evaluate(script, given)]

    return run
