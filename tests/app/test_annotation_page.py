"""The page in a real browser: keys answer, skip and undo, and a reload goes on."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import visiting
from PIL import Image

from modeling_vae.annotating.annotations import Annotations
from modeling_vae.annotating.page import KEYS, STYLE, Page

pytestmark = pytest.mark.browser
playwright = visiting.playwright
browser, screens = visiting.browser, visiting.screens


@pytest.fixture
def folder(tmp_path) -> Path:
    for number in range(5):
        Image.new("RGB", (48, 32), (50 * number, 80, 90)).save(tmp_path / f"{number}.png")
    return tmp_path


@pytest.fixture
def address(folder):
    page = Page(Annotations(folder, "grumpy", ("yes", "no"))).build()
    _, url, _ = page.launch(
        server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, head=KEYS, css=STYLE, footer_links=[]
    )
    yield url
    page.close()


def answers(folder: Path) -> dict[str, str]:
    with open(folder / "metadata.csv", encoding="utf-8", newline="") as file:
        return {row["file_name"]: row["grumpy"] for row in csv.DictReader(file)}


def test_keys_answer_skip_and_undo_and_a_reload_goes_on(screens, folder, address):
    expect = playwright.expect
    page = screens["desktop"].new_page()
    page.goto(address)
    said = page.locator("#said")
    expect(said).to_contain_text("0 of 5")
    order = Annotations(folder, "grumpy", ("yes", "no")).pictures
    expect(said).to_contain_text(order[0])
    expect(page.locator("#picture img")).to_be_visible()
    expect(page.locator("#key-undo")).to_be_disabled()
    page.keyboard.press("1")
    expect(said).to_contain_text(order[1])
    page.keyboard.press("2")
    expect(said).to_contain_text(order[2])
    assert answers(folder) == {order[0]: "yes", order[1]: "no"}
    page.keyboard.press("Backspace")
    expect(said).to_contain_text(order[1])
    expect(said).to_contain_text("1 of 5: yes 1, no 0")
    page.keyboard.press("Space")
    expect(said).to_contain_text(order[2])
    page.reload()
    expect(said).to_contain_text(order[2])
    page.locator("#key-1").click()
    expect(said).to_contain_text(order[3])
    page.keyboard.press("1")
    expect(said).to_contain_text(order[4])
    page.keyboard.press("1")
    expect(said).to_contain_text("Every picture has been asked about")
    expect(page.locator("#key-1")).to_be_disabled()
    assert answers(folder) == {order[0]: "yes", order[1]: "", **dict.fromkeys(order[2:], "yes")}
    page.close()
