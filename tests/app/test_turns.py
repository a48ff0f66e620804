"""The queue, asked by real clients: who waits for what, in which order, and what is never made."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import gradio as gr
import httpx
import pytest
from gradio_client import Client
from gradio_client.utils import QueueError
from patience import PATIENCE

from app import turns
from app.layout import build
from app.render_requests import FilmRequest, GenerateRequest, PathRequest
from app.studio import film_bytes
from app.theme import UNHURRIED
from app.turns import FILM, MOST_WAITING, MOST_WAITING_EACH, SEARCH, TurnsQueue, check_wanted, giving_way

pytestmark = pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting'")  # Gradio's, of its own statistics


@dataclass
class Kitchen:
    """A page with one dish, which takes as long as the test wants, and who was served."""

    url: str = ""
    page: gr.Blocks | None = None
    begun: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    gate: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def cook(self, name: str) -> str:
        self.begun.append(name)
        while not self.gate.acquire(timeout=0.01):
            self.go_on_if_wanted(name)
        self.done.append(name)
        return f"for {name}"

    def roast(self, name: str) -> str:
        """What takes long: two steps, between which it gives way."""
        give_way = giving_way()
        self.begun.append(name)
        time.sleep(0.1)
        give_way()
        self.done.append(name)
        return f"for {name}"

    def go_on_if_wanted(self, name: str) -> None:
        try:
            check_wanted()
        except BaseException:
            self.given_up.append(name)
            raise

    @property
    def waiting(self) -> int:
        return len(self.page._queue)

    @property
    def listeners(self) -> set[str]:
        """The sessions that listen for an answer."""
        return {session for session, m in self.page._queue.pending_messages_per_session.items() if m.heard}

    def client(self) -> Client:
        return Client(self.url, verbose=False, httpx_kwargs={"timeout": PATIENCE})

    def post(self, name: str, session: str | None = None) -> httpx.Response:
        """Ask without listening: as a program that has gone, or (with a session) as a page that was closed."""
        body = {"data": [name]} | ({"session_hash": session} if session else {})
        return httpx.post(f"{self.url}gradio_api/call/cook", json=body, timeout=PATIENCE)


@pytest.fixture
def kitchen() -> Iterator[Kitchen]:
    kitchen = Kitchen()
    with gr.Blocks(analytics_enabled=False) as page:
        name, answer = gr.Textbox(), gr.Textbox()
        gr.Button().click(kitchen.cook, name, answer, api_name="cook", concurrency_id="stove", concurrency_limit=1)
        gr.Button().click(kitchen.roast, name, answer, api_name="roast", concurrency_id=SEARCH, concurrency_limit=2)
        gr.Button().click(kitchen.cook, name, answer, api_name="bake", concurrency_id=FILM, concurrency_limit=2)
    page.queue(api_open=False)
    page._queue = TurnsQueue.of(page)
    kitchen.page = page
    _, kitchen.url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **UNHURRIED)
    yield kitchen
    kitchen.gate.release(1000)
    page.close(verbose=False)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.01)


def test_what_nobody_listens_for_is_passed_by(kitchen):
    """Twelve jobs of clients that do not listen, then one of a visitor who does."""
    for number in range(12):
        assert kitchen.post(f"gone {number}").status_code == 200
    kitchen.gate.release(1)
    assert kitchen.client().predict("visitor", api_name="/cook") == "for visitor"
    assert kitchen.begun == ["visitor"]
    assert kitchen.waiting == 12


@pytest.mark.parametrize("door", ["/film", "/picture"])
def test_what_is_asked_for_after_a_change_begins_with_it(door):
    """A click on the film right after one on a slider."""
    change, begun = threading.Event(), threading.Event()

    def edit(state: int) -> int:
        begun.set()
        assert change.wait(PATIENCE)
        return state + 1

    with gr.Blocks(analytics_enabled=False) as page:
        state, seen = gr.State(0), gr.Number()
        gr.Button().click(edit, state, state, api_name="edit")
        gr.Button().click(lambda state: state, state, seen, api_name="film", concurrency_id=FILM)
        gr.Button().click(lambda state: state, state, seen, api_name="picture")
        gr.Button().click(lambda: 7, None, seen, api_name="other")
    page.queue(api_open=False)
    page._queue = TurnsQueue.of(page)
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **UNHURRIED)
    try:
        client = Client(url, verbose=False, httpx_kwargs={"timeout": PATIENCE})
        client.submit(api_name="/edit")
        assert begun.wait(PATIENCE)
        asked = client.submit(api_name=door)
        assert client.predict(api_name="/other") == 7  # what begins with nothing waits for nobody
        time.sleep(0.3)
        assert not asked.done()
        change.set()
        assert asked.result(PATIENCE) == 1
    finally:
        change.set()
        page.close(verbose=False)


def test_what_a_request_freed_is_given_back(kitchen, monkeypatch):
    given = []
    monkeypatch.setattr(turns, "give_back_soon", lambda: given.append(True))
    kitchen.gate.release(1)
    kitchen.client().predict("visitor", api_name="/cook")
    until(lambda: given == [True])


def test_what_was_asked_for_by_call_is_made_once_somebody_listens(kitchen):
    kitchen.gate.release(1)
    event = kitchen.post("curl").json()["event_id"]
    assert kitchen.begun == []
    answer = httpx.get(f"{kitchen.url}gradio_api/call/cook/{event}", timeout=PATIENCE)
    assert 'event: complete\ndata: ["for curl"]' in answer.text and kitchen.begun == ["curl"]


def test_what_nobody_listens_for_is_dropped_with_a_sentence(kitchen, monkeypatch):
    monkeypatch.setattr(turns, "UNHEARD_SECONDS", 0.05)
    event = kitchen.post("gone").json()["event_id"]
    until(lambda: kitchen.waiting == 0)
    answer = httpx.get(f"{kitchen.url}gradio_api/call/cook/{event}", timeout=PATIENCE)
    assert "event: error" in answer.text and "Nobody listened for the answer" in answer.text
    assert kitchen.begun == []


def test_a_visitor_has_so_many_waiting_and_no_more(kitchen):
    """The others have room all the same; programs without a session are one visitor."""
    client = kitchen.client()
    jobs = [client.submit("first", api_name="/cook")]
    until(lambda: kitchen.begun == ["first"])
    jobs += [client.submit(str(number), api_name="/cook") for number in range(MOST_WAITING_EACH)]
    until(lambda: kitchen.waiting == MOST_WAITING_EACH)
    with pytest.raises(QueueError):
        client.predict("one more", api_name="/cook")
    answers = [kitchen.post("program") for _ in range(MOST_WAITING_EACH + 1)]
    assert [answer.status_code for answer in answers] == [200] * MOST_WAITING_EACH + [503]
    assert answers[-1].json()["detail"].startswith(f"{MOST_WAITING_EACH} of your requests wait already")
    kitchen.gate.release(len(jobs))
    assert [job.result(PATIENCE) for job in jobs][-1] == f"for {MOST_WAITING_EACH - 1}"


def test_a_full_queue_gives_up_what_nobody_listens_for(kitchen):
    for number in range(MOST_WAITING):
        assert kitchen.post("gone", session=f"closed page {number}").status_code == 200
    kitchen.gate.release(1)
    assert kitchen.client().predict("visitor", api_name="/cook") == "for visitor"
    assert kitchen.begun == ["visitor"] and kitchen.waiting == MOST_WAITING - 1


def test_the_next_is_whoever_has_least_in_hand(kitchen):
    kitchen.page._queue.event_queue_per_concurrency_id.clear()
    for fn in kitchen.page.fns.values():
        fn.concurrency_limit = 2
    greedy, modest = kitchen.client(), kitchen.client()
    jobs = [greedy.submit(f"greedy {number}", api_name="/cook") for number in range(2)]
    until(lambda: len(kitchen.begun) == 2)
    jobs += [greedy.submit(f"greedy {number}", api_name="/cook") for number in range(2, 6)]
    until(lambda: kitchen.waiting == 4)
    jobs.append(modest.submit("modest", api_name="/cook"))
    until(lambda: kitchen.waiting == 5 and modest.session_hash in kitchen.listeners)
    kitchen.gate.release(1)
    until(lambda: len(kitchen.begun) == 3)
    assert kitchen.begun[2] == "modest"
    kitchen.gate.release(len(jobs))
    assert [job.result(PATIENCE) for job in jobs][-1] == "for modest"


def test_what_takes_long_leaves_room_for_what_is_short(kitchen, monkeypatch):
    """Of two films and a search one is begun; what is short is begun beside it, though it came last."""
    monkeypatch.setattr(turns, "LONG_AT_ONCE", 1)
    jobs = [kitchen.client().submit("film", api_name="/bake")]
    until(lambda: kitchen.begun == ["film"])
    jobs += [kitchen.client().submit(f"long {path}", api_name=path) for path in ("/bake", "/roast")]
    until(lambda: kitchen.waiting == 2 and len(kitchen.listeners) == 3)
    jobs.append(kitchen.client().submit("slider", api_name="/cook"))
    until(lambda: len(kitchen.begun) == 2)
    assert kitchen.begun == ["film", "slider"] and kitchen.waiting == 2
    kitchen.gate.release(len(jobs))
    assert [job.result(PATIENCE) for job in jobs][-1] == "for slider"
    assert set(kitchen.done) == {"film", "slider", "long /bake", "long /roast"}


def test_long_work_waits_between_its_steps_for_what_is_short(kitchen, monkeypatch):
    monkeypatch.setattr(turns, "REST", 10 * PATIENCE)
    slider = kitchen.client().submit("slider", api_name="/cook")
    until(lambda: kitchen.begun == ["slider"])
    long = kitchen.client().submit("long", api_name="/roast")
    until(lambda: kitchen.begun == ["slider", "long"])
    time.sleep(0.5)
    assert kitchen.done == []
    kitchen.gate.release(1)
    assert long.result(PATIENCE) == "for long" and slider.result(PATIENCE) == "for slider"
    assert kitchen.done == ["slider", "long"]


def test_long_work_goes_on_in_the_end(kitchen, monkeypatch):
    """Where sliders never rest, it takes so many times as long and no longer."""
    monkeypatch.setattr(turns, "REST", 2.0)
    slider = kitchen.client().submit("slider", api_name="/cook")
    until(lambda: kitchen.begun == ["slider"])
    assert kitchen.client().predict("long", api_name="/roast") == "for long"
    assert kitchen.done == ["long"]
    kitchen.gate.release(1)
    assert slider.result(PATIENCE) == "for slider"


@pytest.fixture(params=["cancelled", "closed"])
def leave(request, kitchen):
    """Asks for so many dishes and waits until the kitchen knows; what it returns leaves: cancels them, or is gone."""

    def ask(count: int, known: Callable[[], bool]) -> Callable[[], None]:
        if request.param == "cancelled":
            client = kitchen.client()
            jobs = [client.submit(f"left {number}", api_name="/cook") for number in range(count)]
            until(lambda: known() and client.session_hash in kitchen.listeners)
            return lambda: [job.cancel() for job in jobs]
        for number in range(count):
            assert kitchen.post(f"left {number}", session="page").status_code == 200
        url = f"{kitchen.url}gradio_api/queue/data?session_hash=page"
        stream = httpx.stream("GET", url, timeout=PATIENCE)
        stream.__enter__()
        until(lambda: known() and "page" in kitchen.listeners)
        return lambda: stream.__exit__(None, None, None)

    return ask


def test_what_is_left_is_not_begun(kitchen, leave):
    other = kitchen.client().submit("other", api_name="/cook")
    until(lambda: kitchen.begun == ["other"])
    leave(3, lambda: kitchen.waiting == 3)()
    until(lambda: kitchen.waiting == 0)
    visitor = kitchen.client().submit("visitor", api_name="/cook")
    kitchen.gate.release(2)
    assert other.result(PATIENCE) == "for other" and visitor.result(PATIENCE) == "for visitor"
    assert kitchen.begun == ["other", "visitor"]


def test_what_is_left_is_not_gone_on_with(kitchen, leave):
    left = leave(1, lambda: kitchen.begun == ["left 0"])
    visitor = kitchen.client().submit("visitor", api_name="/cook")
    until(lambda: kitchen.waiting == 1)
    left()
    until(lambda: kitchen.begun == ["left 0", "visitor"])  # though nobody let the first go on
    until(lambda: kitchen.given_up == ["left 0"])  # its thread may look up from the gate a little later
    kitchen.gate.release(1)
    assert visitor.result(PATIENCE) == "for visitor" and kitchen.done == ["visitor"]


def test_there_is_no_way_past_the_queue(kitchen):
    for path in ("run/cook", "api/cook"):
        answer = httpx.post(f"{kitchen.url}gradio_api/{path}", json={"data": ["x"]}, timeout=PATIENCE)
        assert answer.status_code == 404
    assert kitchen.begun == []


def test_a_film_whose_client_cancels_is_not_made_to_its_end(studio, monkeypatch):
    """The studio's own page, and a film of 120 frames of which the client wants no more after the third look."""
    frames, third, go_on = [], threading.Event(), threading.Event()

    def watched(done: int, of: int) -> None:
        frames.append((done, of))
        if len(frames) == 3:
            third.set()
            assert go_on.wait(PATIENCE)
        check_wanted()

    monkeypatch.setattr(turns, "check_wanted", watched)
    page = build(studio)
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **UNHURRIED)
    try:
        client = Client(url, verbose=False, httpx_kwargs={"timeout": PATIENCE})
        job = client.submit([{"seed": 2}, {"seed": 3}], frames=120, size=64, api_name="/morph")
        assert third.wait(PATIENCE)
        job.cancel()
        go_on.set()
        until(lambda: not page._queue.get_active_worker_count())
        assert frames == [(0, 240), (8, 240), (16, 240)]  # half of it is drawing, a few frames at once
    finally:
        page.close(verbose=False)


@pytest.mark.parametrize("kind", ["gif", "webp", "mp4"])
def test_every_film_says_how_far_it_is(studio, kind):
    seen, faces = [], studio.faces(GenerateRequest(2, count=3))
    asked, way = FilmRequest(frames=12, size=32, format=kind), PathRequest()
    film_bytes(studio.morph(faces, way, 12), asked, way, lambda done, of: seen.append((done, of)))
    assert seen == [(number, 12) for number in range(12)]


def test_the_page_has_this_queue(studio):
    assert isinstance(build(studio)._queue, TurnsQueue)
