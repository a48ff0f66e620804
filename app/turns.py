"""The queue of the page: visitors take turns, what is short goes first, and work that was left is not made.

Gradio's own queue has one bound for all, serves whoever came first, lets films slow sliders down, and makes what
nobody waits for: a request whose answer no stream is open for, and the rest of a film whose page was closed. And what
is asked for right after an edit begins there without it.
"""

from __future__ import annotations

import os
import random
import time
from asyncio import Queue as AsyncQueue
from collections import Counter
from collections.abc import Callable
from typing import Any, cast
from weakref import WeakKeyDictionary

import gradio as gr
from gradio.context import LocalContext
from gradio.data_classes import PredictBodyInternal
from gradio.queueing import Event, EventQueue, Queue
from gradio.server_messages import EventMessage, ProcessCompletedMessage
from gradio.utils import error_payload

from .memory import give_back_soon

MOST_WAITING = 64
"""Requests of all visitors that wait; whoever comes then is told that the queue is full."""
MOST_WAITING_EACH = 16
"""Requests of one visitor that wait; a page that opens sends about ten."""
UNHEARD_SECONDS = 120.0
"""How long a request waits for somebody who listens for its answer: a slow phone is busy for half a minute before."""
FILM, SEARCH, SHEET, TUNE = "film", "search", "sheet", "tune"
"""Concurrency ids of what takes long: films, photos in which faces are looked for, many faces as files, tuning."""
LONG = frozenset({FILM, SEARCH, SHEET, TUNE})
COUNTED = LONG - {TUNE}
LONG_AT_ONCE = max(1, (os.cpu_count() or 1) - 1)
"""Long requests in hand at once, so that a core is left for the short ones. A face that is tuned is not counted: it
takes minutes, in which others' films are to go on, and gives way at every step."""
REST = 3.0
"""How long work gives way to what is short between two steps, at most: so many times as long as its last step took."""


class Messages(AsyncQueue[EventMessage]):
    """What a visitor is told, and whether anybody listens."""

    def __init__(self) -> None:
        super().__init__()
        self._listeners = 0
        self._quiet_since = time.monotonic()

    async def get(self) -> EventMessage:
        self._listeners += 1
        try:
            return await super().get()
        finally:
            self._listeners -= 1
            self._quiet_since = time.monotonic()

    @property
    def heard(self) -> bool:
        return self._listeners > 0

    @property
    def quiet_seconds(self) -> float:
        return 0.0 if self.heard else time.monotonic() - self._quiet_since


class TurnsQueue(Queue):
    """Gradio's queue with a bound for each visitor, in which what is short comes before what takes long (`LONG`), and
    then whoever has least in hand.

    A visitor is a session; requests without one (`POST /call/...`) are one visitor for each address. A request is
    begun once somebody listens for its answer, and dropped where nobody does for `UNHEARD_SECONDS`. Of one that has
    begun and is left, `check_wanted` tells.
    """

    @classmethod
    def of(cls, page: gr.Blocks) -> TurnsQueue:
        """To take the place of the queue that `page.queue()` made, before the page is launched."""
        return cls(
            live_updates=True,
            concurrency_count=page.max_threads,
            update_intervals=1,
            max_size=MOST_WAITING,
            blocks=page,
            default_concurrency_limit=4,
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._visitors: WeakKeyDictionary[Event, str] = WeakKeyDictionary()

    async def push(self, body: PredictBodyInternal, request: Any, username: str | None) -> Any:  # of FastAPI's
        visitor = body.session_hash or f"address {request.client.host if request.client else 'unknown'}"
        if sum(self._visitors.get(event) == visitor for event in self._waiting()) >= MOST_WAITING_EACH:
            return (
                False,
                f"{MOST_WAITING_EACH} of your requests wait already; let one of them end first.",
                "queue_full",
            )
        if len(self) >= MOST_WAITING:
            self._drop_unheard(most=1, seconds=0.0)
        if body.session_hash is None:
            body.session_hash = f"{random.getrandbits(128):032x}"
        self.pending_messages_per_session.setdefault(body.session_hash, Messages())
        success, answer, state = await super().push(body, request, username)
        if success and answer in self.event_ids_to_events:
            self._visitors[self.event_ids_to_events[str(answer)]] = visitor
        return success, answer, state

    def get_events(self) -> tuple[list[Event], bool, str] | None:
        """The request whose turn it is, on its own: the page has no functions that take several at once."""
        self._drop_unheard(most=MOST_WAITING, seconds=UNHEARD_SECONDS)
        names = list(self.event_queue_per_concurrency_id)
        random.shuffle(names)
        for name in sorted(names, key=LONG.__contains__):
            if name in COUNTED and self._long_in_hand() >= LONG_AT_ONCE:
                continue
            queue = self.event_queue_per_concurrency_id[name]
            if queue.concurrency_limit is None or queue.current_concurrency < queue.concurrency_limit:
                event = self._next(queue)
                if event is not None:
                    queue.queue.remove(event)
                    return [event], False, name
        return None

    async def process_events(self, *request: Any, **named: Any) -> None:
        """Also has what it freed given back."""
        try:
            await super().process_events(*request, **named)
        finally:
            give_back_soon()

    def compute_analytics_summary(self, records: Any) -> Any:
        """Nothing: Gradio counts all its latest 10,000 requests anew after each, and nobody looks at it."""
        return self.cached_event_analytics_summary

    async def remove_from_queue(self, event_id: str) -> None:
        """Also ends one that has begun, at its next `check_wanted`."""
        if event_id in self.event_ids_to_events:
            self.event_ids_to_events[event_id].alive = False
        await super().remove_from_queue(event_id)

    @property
    def short_in_hand(self) -> bool:
        """Whether somebody waits for what is short."""
        return any(event.concurrency_id not in LONG for event in self._begun()) or any(
            event.concurrency_id not in LONG and self._messages(event).heard for event in self._waiting()
        )

    def _long_in_hand(self) -> int:
        return sum(event.concurrency_id in COUNTED for event in self._begun())

    def _begun(self) -> list[Event]:
        return [event for job in list(self.active_jobs) for event in job or ()]

    def _next(self, queue: EventQueue) -> Event | None:
        """The first of the visitor who has least in hand; None where nobody listens."""
        in_hand = Counter(
            self._visitors.get(event) for event in self._begun() if event.concurrency_id == queue.concurrency_id
        )
        heard = (e for e in queue.queue if self._messages(e).heard and not self._state_is_due(e))
        return min(heard, key=lambda event: in_hand[self._visitors.get(event)], default=None)

    def _state_is_due(self, event: Event) -> bool:
        """Whether something short that its visitor asked for before it may still change the state it begins with."""
        return _has_state(event) and any(
            other.session_hash == event.session_hash
            and other.enqueue_time < event.enqueue_time
            and other.concurrency_id not in LONG
            and _has_state(other)
            for other in (*self._begun(), *self._waiting())
        )

    def _drop_unheard(self, most: int, seconds: float) -> None:
        """Drop at most so many requests that nobody has listened for so long, those that came first before others."""
        unheard = (
            event
            for event in self._waiting()
            if not self._messages(event).heard and self._messages(event).quiet_seconds >= seconds
        )
        for event in sorted(unheard, key=lambda event: event.enqueue_time)[:most]:
            self.event_queue_per_concurrency_id[event.concurrency_id or ""].queue.remove(event)
            self.event_ids_to_events.pop(event._id, None)
            nobody = gr.Error("Nobody listened for the answer, so it was not made; ask again.", print_exception=False)
            self.send_message(event, ProcessCompletedMessage(output=error_payload(nobody, True), success=False))

    def _waiting(self) -> list[Event]:
        queues = list(self.event_queue_per_concurrency_id.values())  # also asked for by threads of work that gives way
        return [event for queue in queues for event in list(queue.queue)]

    def _messages(self, event: Event) -> Messages:
        return cast(Messages, self.pending_messages_per_session.setdefault(event.session_hash, Messages()))


def _has_state(event: Event) -> bool:
    return any(isinstance(given, gr.State) for given in event.fn.inputs)


def check_wanted(*_: int) -> None:
    """End what is being made for a visitor who has left or cancelled it; to be called at every frame.

    Raises:
        gr.Error: nobody waits for it; which nobody sees, and is no fault.
    """
    page, event_id = LocalContext.blocks.get(None), LocalContext.event_id.get(None)
    if page is None or event_id is None:
        return  # called from Python, and not by the page
    event = page._queue.event_ids_to_events.get(event_id)
    if event is None or not event.alive:
        raise gr.Error("Nobody waits for this any more.", print_exception=False)


def giving_way() -> Callable[..., None]:
    """To be made where long work is asked for, and called between its steps: lets what is short go first."""
    page, begun = LocalContext.blocks.get(None), time.monotonic()
    queue = None if page is None else cast(TurnsQueue, page._queue)

    def give_way(*_: int) -> None:
        nonlocal begun
        now = time.monotonic()
        end = now + REST * (now - begun)
        while queue is not None and queue.short_in_hand and time.monotonic() < end:
            time.sleep(0.005)
        begun = time.monotonic()

    return give_way


def between_steps() -> Callable[..., None]:
    """The same for a request that is one long work, which also ends where nobody waits for it (`check_wanted`)."""
    give_way = giving_way()

    def go_on(*steps: int) -> None:
        check_wanted(*steps)
        give_way()

    return go_on
