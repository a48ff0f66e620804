"""The picture in the page's HTML: there before any script, in the visitor's language, and gone with the page."""

from __future__ import annotations

import base64
import gzip
import io
import re
import urllib.request

import pytest
import visiting
from patience import PATIENCE
from PIL import Image

from app.first_sight import FirstSight, ready_picture
from app.words import Words

playwright = visiting.playwright
browser, screens, page = visiting.browser, visiting.screens, visiting.page


def fetched(server, **headers: str) -> tuple[bytes, dict[str, str]]:
    asked = urllib.request.Request(
        server.url, headers={name.replace("_", "-"): said for name, said in headers.items()}
    )
    with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
        return answer.read(), dict(answer.headers)


def test_the_pages_html_shows_faces(server):
    html, headers = fetched(server)
    assert int(headers["content-length"]) == len(html) and "content-encoding" not in headers
    assert html.index(b'id="first-sight"') < html.index(b"<gradio-app")
    (picture,) = re.findall(rb"data:image/jpeg;base64,([\w+/=]+)", html)
    assert Image.open(io.BytesIO(base64.b64decode(picture))).size == (440, 352)
    packed, headers = fetched(server, Accept_Encoding="gzip, br")
    assert headers["content-encoding"] == "gzip" and gzip.decompress(packed).count(picture) == 1
    assert len(packed) < 150_000


@pytest.mark.parametrize(
    ("accepted", "said"),
    [
        ("es-MX,es;q=0.9,en;q=0.8", "Dibujar gatos"),
        ("fr, es;q=0.8", "Dibujar gatos"),
        ("en-GB, es;q=0.8", "Draw new cats"),
        ("", "Draw new cats"),
        ("zz;;,", "Draw new cats"),
    ],
)
def test_it_speaks_the_visitors_language(accepted, said):
    assert Words.of(accepted)("Draw new {words}", words="cats").startswith(said)


def test_other_answers_pass_as_they_are(studio):
    """Files, other pages and errors: byte for byte, and not held back."""
    import asyncio

    sent = [
        {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]},
        {"type": "http.response.body", "body": b"{", "more_body": True},
        {"type": "http.response.body", "body": b"}"},
    ]

    async def app(scope, receive, send):
        for message in sent:
            await send(message)

    async def passed(scope):
        got = []

        async def send(message):
            got.append(message)

        await FirstSight(app, ready_picture(studio), "faces")(scope, None, send)
        return got

    for path in ("/", "/config"):
        scope = {"type": "http", "method": "GET", "path": path, "headers": []}
        assert asyncio.run(passed(scope)) == sent


@pytest.mark.browser
def test_it_is_seen_without_any_script(browser, server):
    context = browser.new_context(**visiting.PHONE)
    page = context.new_page()
    page.route(re.compile(r"/assets/.*\.js"), lambda route: route.abort())
    page.goto(server.url)
    page.wait_for_function("document.querySelector('#first-sight img').naturalWidth > 0")
    for name in ("Change your photo", "Draw new pictures", "Melt one into another"):
        playwright.expect(page.get_by_role("button", name=name)).to_be_visible()
    context.close()
