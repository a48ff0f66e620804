"""A visit to the page in a real browser: the fixtures of the tests that drive it, and what they do again and again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from patience import PATIENCE

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

EXECUTABLES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "color_scheme": "dark"}
MILLISECONDS = 1000 * PATIENCE


@contextmanager
def launched(*flags: str) -> Iterator[playwright.Browser]:
    """Chromium, which is told so much more."""
    executable = next((path for path in map(shutil.which, EXECUTABLES) if path), None)
    if executable is None:
        pytest.skip(f"no browser: none of {', '.join(EXECUTABLES)} is installed")
    with playwright.sync_playwright() as driver:
        playwright.expect.set_options(timeout=MILLISECONDS)
        browser = driver.chromium.launch(executable_path=executable, args=[*FLAGS, *flags], timeout=MILLISECONDS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def screens(browser) -> dict[str, playwright.BrowserContext]:
    """One context for each kind of screen, so that the page's scripts are fetched once."""
    contexts = {"desktop": browser.new_context(**DESKTOP), "phone": browser.new_context(**PHONE)}
    for context in contexts.values():
        context.set_default_timeout(MILLISECONDS)
    return contexts


@pytest.fixture
def page(screens, server, request) -> Iterator[playwright.Page]:
    """A first visit. Afterwards: nothing was wrong on the console, and nothing was asked of any other host."""
    page = screens[getattr(request, "param", "desktop")].new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text + _where(message)) if _is_wrong(message) else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda sent: None if _at_home(sent.url, server.url) else wrong.append(f"asked {sent.url}"))
    page.goto(server.url)
    page.wait_for_selector("#grid img")
    yield page
    page.close()
    assert not wrong, wrong


def _at_home(url: str, home: str) -> bool:
    return url.startswith((home, "data:", "blob:"))


def open_tab(page, name: str, ready: str) -> None:
    page.get_by_role("tab", name=name).click()
    page.wait_for_selector(ready)


def open_edit(page) -> None:
    open_tab(page, "Edit", "#stage img.after[src]")
    page.wait_for_selector("#desk .row")


def open_doors(page) -> playwright.Locator:
    """Gradio's page on the endpoints; the choice of MCP there, which may be hidden."""
    page.locator("footer button.show-api").click()
    page.wait_for_selector("li.snippet")
    return page.locator("li.snippet", has_text="MCP")


def sources(page, selector: str) -> list[str]:
    """The addresses of the pictures; Gradio names a file by what is in it, so equal addresses are equal pictures."""
    return page.eval_on_selector_all(selector, "images => images.map(image => image.src)")


def wait_for_change(page, selector: str, before: list[str]) -> list[str]:
    page.wait_for_function(
        "([selector, before]) => {"
        " const now = [...document.querySelectorAll(selector)].map(image => image.src);"
        " return now.length && JSON.stringify(now) !== JSON.stringify(before); }",
        arg=[selector, before],
    )
    return sources(page, selector)


def downloaded(page, button: str) -> tuple[str, bytes]:
    with page.expect_download() as download:
        page.locator(button).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def state_of(page) -> dict:
    return json.loads(parse_qs(urlsplit(page.url).query)["state"][0])


IN_ADDRESS = "words => (new URL(location.href).searchParams.get('state') ?? '').includes(words)"
"""The address follows once nothing moves any more."""
AFTER, GRID = "#stage img.after", "#grid img"


def _where(message: playwright.ConsoleMessage) -> str:
    return f" ({message.location['url']})"


def _is_wrong(message: playwright.ConsoleMessage) -> bool:
    """Gradio's page on the endpoints asks for the tools of MCP, served or not; the browser tells of the answer 404."""
    return message.type == "error" and not message.location["url"].endswith("/mcp/schema")
