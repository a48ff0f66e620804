"""The ASGI application: logs a request, applies faults, checks the token, finds the repository, and answers."""

from __future__ import annotations

from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from . import repositories, uploads  # noqa: F401 - they register what they answer
from .calls import KINDS, ROUTES, Call, Site, endpoint_of
from .downloads import cdn
from .faults import Cut, Fault, Logged, faulty_send
from .store import HubError, User


class HubApp:
    """Both origins; which one is asked is seen from the port."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.faults: list[Fault] = []
        self.log: list[Logged] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        body = await request.body()
        raw = scope["raw_path"].decode().split("?")[0]
        parts = [unquote(part) for part in raw.strip("/").split("/")]
        origin = "cdn" if self.site.cdn_url.endswith(f":{scope['server'][1]}") else "hub"
        token = "authorization" in request.headers
        logged = Logged(request.method, unquote(raw), endpoint_of(parts, origin), origin, token)
        self.log.append(logged)
        fault = next((fault for fault in self.faults if fault.takes(request.method, logged.path)), None)
        if fault:
            await fault.before()
        response = self.response(request, parts, body, origin, fault)
        if request.method == "HEAD":
            response.body = b""
        try:
            await response(scope, receive, faulty_send(send, fault, logged))
        except Cut:
            return  # an incomplete answer makes the server close the connection

    def response(self, request: Request, parts: list[str], body: bytes, origin: str, fault: Fault | None) -> Response:
        """Nothing is awaited in here: a commit is applied whole, between two other requests."""
        try:
            if fault and fault.status:
                raise HubError(fault.status, f"injected fault {fault.status}")
            if origin == "cdn":
                return cdn(self.site.store, request, parts, body)
            return self.answer(request, parts, body)
        except HubError as error:
            return JSONResponse({"error": error.message}, error.status, error.headers)
        except (KeyError, IndexError, ValueError) as error:
            return JSONResponse({"error": f"malformed request: {error!r}"}, 400)

    def answer(self, request: Request, parts: list[str], body: bytes) -> Response:
        call = Call(self.site, request, self.user(request), body, parts)
        method = "GET" if request.method == "HEAD" else request.method
        handler = ROUTES.get((method, endpoint_of(parts, "hub")))
        if handler is None:
            raise HubError(404, f"local_hub does not serve {method} {request.url.path}")
        if parts[0] != "api":  # /[datasets/|spaces/]<owner>/<name>/resolve/..., and the LFS calls of <name>.git
            kind = KINDS[parts.pop(0)] if parts[0] in ("datasets", "spaces") else "model"
            call.found = self.site.repo(kind, f"{parts[0]}/{parts[1].removesuffix('.git')}", call.user)
            call.rest = parts[2:]
        elif len(parts) > 3 and parts[1] in KINDS:
            call.found = self.site.repo(KINDS[parts[1]], f"{parts[2]}/{parts[3]}", call.user)
            call.rest = parts[4:]
        return handler(call)

    def user(self, request: Request) -> User | None:
        header = request.headers.get("authorization", "")
        if not header:
            return None
        token = header.removeprefix("Bearer ")
        if token not in self.site.store.tokens:
            raise HubError(401, "Invalid credentials in Authorization header")
        return self.site.store.tokens[token]
