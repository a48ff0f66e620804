"""The Hub in a thread of this process, and what a test does with it."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from pathlib import Path
from typing import Any

import uvicorn

from .app import HubApp
from .calls import Site
from .faults import Fault, Held, Logged
from .store import Repo, Store, User


class LocalHub:
    """`with LocalHub(user="alice") as hub: ... hub.url, hub.token ...`

    `token` may write to what is the user's, `read_token` may only read, `other_token` is another user's.
    """

    def __init__(self, user: str = "alice") -> None:
        self.token, self.read_token, self.other_token = (
            f"hf_{role}{secrets.token_hex(15)}" for role in ("write", "read", "other")
        )
        tokens = {self.token: User(user, "write"), self.read_token: User(user, "read")}
        self.store = Store(tokens | {self.other_token: User(f"not-{user}", "write")})
        self.site = Site(self.store)
        self._app = HubApp(self.site)
        self.faults = self._app.faults

    @property
    def url(self) -> str:
        return self.site.url

    def __enter__(self) -> LocalHub:
        sockets = []
        for _ in ("hub", "cdn"):
            listener = socket.socket()
            listener.bind(("127.0.0.1", 0))
            listener.listen(128)
            sockets.append(listener)
        self.site.url, self.site.cdn_url = (f"http://127.0.0.1:{s.getsockname()[1]}" for s in sockets)
        config = uvicorn.Config(self._app, log_level="critical", access_log=False, lifespan="off", http="h11")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": sockets}, daemon=True)
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError("the local Hub did not start")
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(10)

    def env(self, hf_home: str | Path, token: str | None = None) -> dict[str, str]:
        """What a child process needs to use this Hub, with a cache of its own. token="" means signed out."""
        chosen = self.token if token is None else token
        return {"HF_ENDPOINT": self.url, "HF_HOME": str(hf_home), "HF_TOKEN": chosen, "NO_PROXY": "127.0.0.1"}

    def fault(self, pattern: str, **what: Any) -> Fault:
        """Arm a fault, see `Fault`: status=, cut=, flip= or dead=True; times= and method= say of which requests."""
        made = Fault(pattern, **what)
        self.faults.append(made)
        return made

    def hold(self, pattern: str) -> Held:
        """Hold the next request of this path, unless it is one for a fault armed before."""
        held = Held()
        self.fault(pattern, held=held)
        return held

    def clear(self) -> None:
        """Drop the faults and the log."""
        self.faults.clear()
        self._app.log.clear()

    def log(self) -> list[Logged]:
        return list(self._app.log)

    def leaks(self) -> list[Logged]:
        """Requests that carried a Hub token to the other origin."""
        return [item for item in self._app.log if item.origin == "cdn" and item.token]

    def repo(self, repo_id: str, kind: str = "model") -> Repo:
        return self.store.repos[kind, repo_id]

    def read(self, repo_id: str, path: str, revision: str = "main", kind: str = "model") -> bytes:
        return self.store.blobs[self.repo(repo_id, kind).resolve(revision).tree[path].sha256]
