"""What Gradio's client loses between its requests and their answers, and the page does not (`app/views/queue.js`)."""

from __future__ import annotations

import json

import pytest
import visiting
from visiting import AFTER, GRID, open_edit, sources, wait_for_change

playwright = visiting.playwright
browser, screens, page = visiting.browser, visiting.screens, visiting.page
pytestmark = pytest.mark.browser

LATE = """{
  const real = window.fetch;
  window.late = false;  // whether what the server says is kept back
  window.ended = 0;  // streams that the server has ended
  const inTime = async () => { while (window.late) await new Promise((done) => setTimeout(done, 10)); };
  window.fetch = async (...given) => {
    const answer = await real(...given);
    if (!String(given[0]?.url ?? given[0]).includes("/queue/data")) return answer;
    const reader = answer.body.getReader();
    let said = Promise.resolve();
    const body = new ReadableStream({
      async start(controller) {
        const say = (act) => { said = said.then(inTime).then(act).catch(() => {}); };  // it may be broken off
        for (;;) {
          const { done, value } = await reader.read().catch(() => ({ done: true }));
          say(() => (done ? controller.close() : controller.enqueue(value)));
          if (done) break;
        }
        window.ended += 1;
      },
    });
    return new Response(body, answer);
  };
}"""
"""A line on which the stream of answers is late, as it is behind some proxies and on a busy machine."""


@pytest.fixture
def late(screens, server):
    """A page on such a line."""
    page = screens["desktop"].new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.add_init_script(LATE)
    page.goto(server.url)
    page.wait_for_selector(GRID)
    yield page
    page.close()
    assert not wrong, wrong


def test_what_is_asked_as_a_stream_ends_is_answered(late):
    open_edit(late)
    ended = late.evaluate("() => { window.late = true; return window.ended; }")
    late.get_by_label("Age: all the way up").click()
    late.wait_for_function("ended => window.ended > ended", arg=ended)  # answered, and the page does not know it yet
    with late.expect_response(lambda got: "/queue/join" in got.url) as taken:
        late.locator("#random").click()
    taken.value.finished()
    late.evaluate("() => { window.late = false; }")
    playwright.expect(late.locator("#steps .thumb")).to_have_count(3)  # as it was, and both edits


def test_a_film_that_the_server_has_not_named_yet_is_cancelled(page):
    open_edit(page)
    seen = sources(page, AFTER)
    page.get_by_label("Age: all the way up").click()
    seen = wait_for_change(page, AFTER, seen)
    kept: list[playwright.Route] = []
    page.route("**/queue/join*", lambda route: kept.append(route), times=1)
    page.locator("#make-sweep").click()
    playwright.expect(page.locator("#sweep progress")).to_be_visible()
    page.get_by_label("Smiling: all the way up").click()
    with page.expect_response(lambda got: got.url.endswith("/cancel")) as cancelled:
        kept[0].continue_()
    wait_for_change(page, AFTER, seen)
    assert cancelled.value.ok and json.loads(cancelled.value.request.post_data)["event_id"]
    playwright.expect(page.locator("#sweep progress")).to_have_count(0)
    page.wait_for_timeout(600)  # longer than the server takes to look up
    assert page.locator("#sweep progress, #sweep img").count() == 0


def test_a_film_that_is_asked_for_right_after_an_edit_is_of_it(page):
    open_edit(page)
    with page.expect_download() as download:
        page.evaluate(
            "() => { document.querySelector('[aria-label=\"Age: all the way up\"]').click();"
            " setTimeout(() => document.querySelector('#make-sweep').click(), 50); }"
        )
    assert download.value.suggested_filename == "picture_seed-2_1_age+3-0.gif"
    page.wait_for_selector("#sweep img")


def test_an_edit_that_is_long_on_its_way_comes_before_the_film_of_it(page):
    open_edit(page)
    page.route("**/queue/join*", lambda route: (page.wait_for_timeout(700), route.continue_()), times=1)
    page.get_by_label("Age: all the way up").click()
    with page.expect_download() as download:
        page.locator("#make-sweep").click()
    assert download.value.suggested_filename == "picture_seed-2_1_age+3-0.gif"


def test_a_page_that_is_left_while_an_answer_is_due_says_nothing_of_errors(page):
    open_edit(page)
    page.get_by_label("Age: all the way up").click()
    with page.expect_response(lambda got: "/queue/data" in got.url):
        page.locator("#make-sweep").click()
    page.goto("about:blank")
