"""What stands in the page's HTML until Gradio's scripts are there: faces, and the doors to all one can do with them.

Gradio draws the page by scripts alone, which take a slow phone many seconds. The picture is in the HTML itself, so
that it takes no request more, and goes once the page behind it shows something.
"""

from __future__ import annotations

import base64
import gzip
import io
from html import escape
from string import Template
from typing import Any

from PIL import Image

from .page_state import FIRST_SEED, FIRST_TRUNCATION
from .render_requests import GenerateRequest
from .studio import Studio
from .words import Words

COLUMNS, ROWS, SIDE = 5, 4, 88
"""Of the picture: faces, and the longer side of each in pixels."""

HTML = Template("""\
<style>
#first-sight { position: fixed; inset: 0; z-index: 9; overflow: hidden; box-sizing: border-box; padding: 20px 28px;
  background: #f6f2eb; color: #2b2620; font: 16px/1.4 ui-sans-serif, system-ui, sans-serif; }
#first-sight > div { max-width: 1180px; margin: 0 auto; }
#first-sight h1 { margin: 0 0 2px; font: 600 29px/1.1 ui-serif, Georgia, serif; }
#first-sight p { margin: 0 0 14px; color: #655b4f; }
#first-sight nav { display: flex; flex-wrap: wrap; gap: 8px; margin-bottom: 14px; }
#first-sight a { padding: 9px 16px; border: 1px solid #d8cebf; border-radius: 10px; background: #fffdfa;
  color: inherit; font-weight: 600; text-decoration: none; }
#first-sight a.chosen { border-color: #b5460f; color: #93380c; }
#first-sight img { display: block; width: 100%; max-width: 760px; height: auto; border-radius: 14px; }
@media (max-width: 860px) {
  #first-sight { padding: 12px; }
  #first-sight h1 { font-size: 24px; }
  #first-sight a { padding: 8px 11px; font-size: 14px; }
}
@media (prefers-color-scheme: dark) {
  #first-sight { background: #151210; color: #f6f2eb; }
  #first-sight p { color: #a99d8d; }
  #first-sight a { border-color: #423a31; background: #2b2620; }
  #first-sight a.chosen { border-color: #ee8a52; color: #f2a87c; }
}
</style>
<main id="first-sight" aria-busy="true"><div>
<h1>$title</h1><p role="status">$words</p>
<nav aria-label="$title">$doors</nav>
<img alt="$faces" width="$width" height="$height" src="data:image/jpeg;base64,$picture">
</div></main>
<script>
(() => {
  const sight = document.getElementById("first-sight");
  let door = null;
  sight.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link) return;
    event.preventDefault();
    door = link.dataset.door;
    for (const other of sight.querySelectorAll("a")) other.classList.toggle("chosen", other === link);
  });
  const shown = () => [...document.querySelectorAll(".studio-view img")].some((image) => image.complete)
    || document.querySelector(".studio-view .door");
  const look = setInterval(() => {
    if (!shown()) return;
    clearInterval(look);
    sight.remove();
    if (door) document.querySelector(`[data-tab-id="$${door}"]`)?.click();
  }, 100);
})();
</script>
""")
DOORS = {"photo": "Change your photo", "generate": "Draw new {words}", "morph": "Melt one into another"}
"""The three that come first, by the tab that they lead to."""
LOADING = "The page is on its way\u2026"


class FirstSight:
    """Middleware (ASGI) that puts it into the page, in the visitor's language.

    Args:
        app: the page's server.
        picture: of `ready_picture`, which is drawn before the server starts: Gradio gives it 5 seconds for that.
        words: what the model shows, in the plural.
    """

    def __init__(self, app: Any, picture: tuple[str, tuple[int, int]], words: str) -> None:
        self.app = app
        self._picture, self._size = picture
        self._words = words

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].endswith("/"):
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        said = Words.of(headers.get("accept-language", ""))
        started: dict[str, Any] = {}
        body = b""

        async def sending(message: Any) -> None:
            nonlocal started, body
            if message["type"] == "http.response.start":
                started = message
                if not _is_page(message):
                    await send(message)
                return
            if message["type"] != "http.response.body" or not _is_page(started):
                await send(message)
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                page = _with(body, self.html(said).encode())
                head = [(name, value) for name, value in started["headers"] if name.lower() != b"content-length"]
                head.append((b"vary", b"Accept-Encoding, Accept-Language"))
                if "gzip" in headers.get("accept-encoding", ""):  # Gradio compresses its scripts, and not the page
                    page = gzip.compress(page, 5)
                    head.append((b"content-encoding", b"gzip"))
                await send({**started, "headers": [*head, (b"content-length", str(len(page)).encode())]})
                await send({"type": "http.response.body", "body": page})

        await self.app(scope, receive, sending)

    def html(self, said: Words) -> str:
        """The picture and the doors."""
        doors = "".join(
            f'<a href="#" role="button" data-door="{tab}">{escape(said(words, words=self._words))}</a>'
            for tab, words in DOORS.items()
        )
        return HTML.substitute(
            title="VAE studio",
            words=escape(said(LOADING)),
            doors=doors,
            faces=escape(said("New {words}", words=self._words)),
            width=self._size[0],
            height=self._size[1],
            picture=self._picture,
        )


def ready_picture(studio: Studio) -> tuple[str, tuple[int, int]]:
    """The faces that a first visit shows, as a JPEG file in base64, and its width and height."""
    asked = GenerateRequest(FIRST_SEED, COLUMNS * ROWS, FIRST_TRUNCATION)
    pictures = studio.pictures(studio.faces(asked))
    share = SIDE / max(pictures[0].size)
    width, height = (round(side * share) for side in pictures[0].size)
    sheet = Image.new("RGB", (COLUMNS * width, ROWS * height))
    for place, picture in enumerate(pictures):
        small = picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
        sheet.paste(small, (place % COLUMNS * width, place // COLUMNS * height))
    buffer = io.BytesIO()
    sheet.save(buffer, "JPEG", quality=80)
    return base64.b64encode(buffer.getvalue()).decode(), sheet.size


def _is_page(started: Any) -> bool:
    if started.get("status") != 200:
        return False
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in started["headers"]
    )


def _with(page: bytes, sight: bytes) -> bytes:
    """The page with what is seen first at the beginning of its body."""
    place = page.find(b"<gradio-app")
    return page if place < 0 else page[:place] + sight + page[place:]
