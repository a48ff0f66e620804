"""One request, taken apart: who asks for what of which repository, and whether they may."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .store import HubError, Repo, Store, User

KINDS = {"models": "model", "datasets": "dataset", "spaces": "space"}


@dataclass
class Site:
    """What there is, where it is, and whether a Space on free hardware has to be paid for."""

    store: Store
    url: str = ""
    cdn_url: str = ""
    space_needs_payment: bool = False

    def repo(self, kind: str, repo_id: str, user: User | None) -> Repo:
        found = self.store.repos.get((kind, repo_id))
        if found is None or (found.private and (user is None or user.name != found.owner)):
            if user is None:  # the Hub does not tell a missing repository from a private one
                raise HubError(401, "Invalid username or password.", "RepoNotFound")
            raise HubError(404, "Repository not found", "RepoNotFound")
        return found


@dataclass
class Call:
    """`rest` is the path after the repository, unquoted: ["commit", "main"]; of other calls it is the whole path."""

    site: Site
    request: Request
    user: User | None
    body: bytes
    rest: list[str]
    found: Repo | None = None

    @property
    def repo(self) -> Repo:
        if self.found is None:
            raise HubError(404, "Repository not found", "RepoNotFound")
        return self.found

    @property
    def query(self) -> dict[str, str]:
        return dict(self.request.query_params)

    def json(self) -> dict[str, Any]:
        return json.loads(self.body or b"{}")

    def rest_path(self, start: int) -> str:
        return "/".join(self.rest[start:])

    def writer(self, owner: str | None = None) -> User:
        """Who asks, where they may write to what is the owner's (the repository's, if none is given)."""
        owner = owner or (self.found.owner if self.found else None)
        if self.user is None:
            raise HubError(401, "Invalid username or password.")
        if self.user.role != "write" or (owner and owner != self.user.name):
            raise HubError(403, "Forbidden: you must use a write token with access to this namespace")
        return self.user

    def committer(self) -> User:
        """As `writer`; but anyone signed in may open a pull request, and write to one."""
        if self.user and (self.query.get("create_pr") or self.rest_path(1).startswith("refs/pr/")):
            return self.writer(self.user.name)
        return self.writer()

    def refuse_ungranted(self) -> None:
        repo, user = self.repo, self.user
        if repo.gated and (user is None or (user.name != repo.owner and user.name not in repo.granted)):
            text = f"Access to {repo.kind} {repo.id} is restricted"
            if user is None:
                raise HubError(401, f"{text}. You must have access to it and be authenticated.", "GatedRepo")
            raise HubError(403, f"{text} and you are not in the authorized list.", "GatedRepo")

    def page(self, items: list[Any], most: int) -> Response:
        """Items from the cursor on; where there are more, a link to the next page."""
        start, size, headers = int(self.query.get("cursor", 0)), int(self.query.get("limit", most)), {}
        if start + size < len(items):
            following = self.request.url.include_query_params(cursor=start + size)
            headers["Link"] = f'<{following}>; rel="next"'
        return JSONResponse(items[start : start + size], headers=headers)


Handler = Callable[[Call], Response]
ROUTES: dict[tuple[str, str], Handler] = {}


def route(*names: str) -> Callable[[Handler], Handler]:
    """Register a handler under "METHOD action", as in /api/models/<id>/<action>/..."""

    def add(handler: Handler) -> Handler:
        for name in names:
            method, _, action = name.partition(" ")
            ROUTES[method, action] = handler
        return handler

    return add


def endpoint_of(parts: list[str], origin: str) -> str:
    """A short name for what a path asks: "commit", "resolve", "api/whoami-v2", "_upload", ... ("" if unknown)."""
    if origin == "cdn":
        return parts[0]
    if parts[0] == "api":
        if len(parts) < 4 or parts[1] not in KINDS:
            return "/".join(parts[:3])
        return parts[4] if len(parts) > 4 else "info"
    parts = parts[1:] if parts[0] in ("datasets", "spaces") else parts
    if parts[2:5] == ["info", "lfs", "objects"]:
        return "lfs-" + parts[-1]
    return parts[2] if len(parts) > 2 else ""
