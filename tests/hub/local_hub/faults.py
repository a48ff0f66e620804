"""What goes wrong with an answer, and the log of what was asked.

No fault is a matter of seconds: an answer is refused, cut, changed, held until it is let go, or never given.
"""

from __future__ import annotations

import asyncio
import fnmatch
import re
import threading
from dataclasses import dataclass

from patience import PATIENCE
from starlette.types import Message, Send


class Held:
    """A request that came, and of which nothing is done until it is released; at the latest at the end of `with`."""

    def __init__(self) -> None:
        self._arrived = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._release = asyncio.Event()

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    async def pause(self) -> None:
        """On the server's side: say that the request is here, and wait."""
        self._loop = asyncio.get_running_loop()
        self._arrived.set()
        await self._release.wait()

    def arrived(self) -> None:
        """Wait until the request is here."""
        assert self._arrived.wait(PATIENCE), "no such request came"

    def release(self) -> None:
        """Let the request be worked on and answered."""
        if self._loop:
            self._loop.call_soon_threadsafe(self._release.set)


@dataclass
class Fault:
    """What happens to the next `times` requests whose path matches the glob `pattern` (and `method`, if given).

    status: refused with it. cut: the answer ends after so many bytes of its body; at 0 the work is done, and the
    answer lost. flip: this byte of a served file is another one. dead: never answered. held: see `Held`.
    """

    pattern: str
    method: str | None = None
    times: int = 1
    status: int | None = None
    cut: int | None = None
    flip: int | None = None
    dead: bool = False
    held: Held | None = None

    def takes(self, method: str, path: str) -> bool:
        """Whether it happens to this request; one time fewer is left then."""
        if self.times <= 0 or not fnmatch.fnmatchcase(path, self.pattern):
            return False
        if self.method and self.method.upper() != method:
            return False
        if method == "HEAD" and (self.cut is not None or self.flip is not None):
            return False
        self.times -= 1
        return True

    async def before(self) -> None:
        """What happens before the request is worked on."""
        if self.held:
            await self.held.pause()
        if self.dead:
            await asyncio.Event().wait()


@dataclass
class Logged:
    """A request. `endpoint`: a short name of what was asked. `origin`: "hub" or "cdn". `token`: whether it had one."""

    method: str
    path: str
    endpoint: str
    origin: str
    token: bool
    status: int = 0
    sent: int = 0


class Cut(Exception):
    """The answer ends here."""


def faulty_send(send: Send, fault: Fault | None, logged: Logged) -> Send:
    """Wrap an ASGI `send` so that it counts, and flips a byte or stops half-way where the fault says so."""
    start = 0

    async def wrapped(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            logged.status = message["status"]
            span = dict(message.get("headers", [])).get(b"content-range", b"")
            if found := re.match(rb"bytes (\d+)-", span):
                start = int(found.group(1))
        elif message["type"] == "http.response.body":
            body = message.get("body", b"")
            if fault and fault.flip is not None and 0 <= (at := fault.flip - start - logged.sent) < len(body):
                body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
            if fault and fault.cut is not None and logged.sent + len(body) > fault.cut:
                body = body[: fault.cut - logged.sent]
                logged.sent += len(body)
                await send({**message, "body": body, "more_body": True})
                raise Cut
            logged.sent += len(body)
            message = {**message, "body": body}
        await send(message)

    return wrapped
