"""A Hugging Face Hub on loopback, for tests: the real client libraries work against it unmodified.

Model, dataset and space repositories live in memory in a content-addressed store
(repo -> refs -> commits -> files). Only what a publisher and a loader need is served.

    with LocalHub(user="alice") as hub:                  # in a thread; hub.env() is for child processes
        subprocess.run([...], env={**os.environ, **hub.env(hf_home=tmp_path)}, check=True)
        hub.fault("*/commit/*", status=503, times=2)     # the next two commits are refused
        hub.fault("*/resolve/*/model.safetensors", method="GET", cut=1000)
        assert hub.counts()["POST commit"] == 3

    python tests/hub/local_hub.py --port 0 --user alice  # prints the URL and the tokens, runs until Ctrl-C

The clients read the environment when they are imported, so tests drive them in child processes, see `clients.py`.

Two loopback ports are used: the Hub itself, and a "CDN" on another origin that serves large files and the
Xet storage, so that a client which leaks its token across origins is seen (`hub.leaks()`).

Not served: git itself, organisations, listing beyond author and name, Jobs, buckets, inference, webhooks.

Faults, by glob on the path: status (with headers), delay, cut (close after k body bytes; 0 = the work is done
but its answer is lost), flip (one byte of a served file), dead (never answers). Over HTTP: `/_admin/faults`.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import fnmatch
import hashlib
import json
import re
import secrets
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote

import uvicorn
import yaml
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

KINDS = {"models": "model", "datasets": "dataset", "spaces": "space"}
LFS_SUFFIXES = (
    "7z arrow avro bin bz2 ckpt ftz gz h5 joblib lz4 mlmodel model msgpack npy npz onnx ot parquet pb pickle pkl pt "
    "pth rar safetensors tar tflite tgz wasm xz zip zst gif jpeg jpg png webp mp4"
).split()
GIT_ATTRIBUTES = "".join(f"*.{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in LFS_SUFFIXES)
SHA = re.compile(r"[0-9a-f]{40}")


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def git_oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class HubError(Exception):
    """An answer the clients turn into one of their exceptions, by X-Error-Code."""

    def __init__(self, status: int, message: str, code: str | None = None, **headers: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message
        self.headers = {"X-Error-Message": message, **{k.replace("_", "-"): v for k, v in headers.items()}}
        if code:
            self.headers["X-Error-Code"] = code


# --------------------------------------------------------------------------------------------- the store


@dataclass(frozen=True)
class User:
    name: str
    role: str  # "write" or "read"


@dataclass(frozen=True)
class Entry:
    """One file of a commit; `sha256` is its address in the store, `oid` its git blob id."""

    sha256: str
    size: int
    oid: str
    lfs: bool = False

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.oid

    @classmethod
    def for_lfs(cls, sha256: str, size: int) -> Entry:
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n"
        return cls(sha256, size, git_oid(pointer.encode()), lfs=True)


Tree = dict[str, Entry]


@dataclass(frozen=True)
class Commit:
    oid: str
    tree: Tree
    parent: str | None
    title: str
    message: str
    author: str
    date: str


@dataclass
class Discussion:
    num: int
    title: str
    author: str
    pull_request: bool
    status: str
    created: str
    base: str = "refs/heads/main"
    merge_commit: str | None = None
    events: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Repo:
    kind: str
    id: str
    private: bool = False
    gated: str | bool = False
    granted: set[str] = field(default_factory=set)
    created: str = field(default_factory=now)
    refs: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    discussions: list[Discussion] = field(default_factory=list)
    space: dict[str, Any] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        return self.id.split("/")[0]

    @property
    def web_path(self) -> str:
        return self.id if self.kind == "model" else f"{self.kind}s/{self.id}"

    def ref_name(self, revision: str) -> str | None:
        """The full name of a branch, pull request or tag, or None for anything else."""
        for name in (revision, f"refs/heads/{revision}", f"refs/tags/{revision}"):
            if name in self.refs:
                return name
        return None

    def resolve(self, revision: str) -> Commit:
        name = self.ref_name(revision)
        if name:
            return self.commits[self.refs[name]]
        if len(revision) >= 7:
            for oid, commit in self.commits.items():
                if oid.startswith(revision):
                    return commit
        raise HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")

    def append(self, ref: str, tree: Tree, title: str, message: str, author: str, parent: str | None) -> Commit:
        """Record a commit and move `ref` to it: one assignment, so a reader sees the old state or the new one."""
        date = now()
        seed = json.dumps([self.id, parent, title, message, date, len(self.commits), sorted(tree)])
        digest = hashlib.sha1(seed.encode() + b"".join(e.oid.encode() for e in tree.values())).hexdigest()
        commit = Commit(digest, tree, parent, title, message, author, date)
        self.commits[digest] = commit
        self.refs[ref] = digest
        return commit

    def history(self, commit: Commit) -> Iterator[Commit]:
        current: Commit | None = commit
        while current:
            yield current
            current = self.commits.get(current.parent or "")

    def discuss(self, title: str, author: str, pull_request: bool, status: str, start: str = "") -> Discussion:
        made = Discussion(len(self.discussions) + 1, title, author, pull_request, status, now())
        self.discussions.append(made)
        if pull_request:
            self.refs[f"refs/pr/{made.num}"] = start or self.refs["refs/heads/main"]
        return made


class Store:
    """Blobs by sha256, repositories, users; and the Xet side (xorbs, and which xet hash is which blob)."""

    def __init__(self, tokens: dict[str, User]) -> None:
        self.tokens = tokens
        self.blobs: dict[str, bytes] = {}
        self.repos: dict[tuple[str, str], Repo] = {}
        self.xorbs: dict[str, Xorb] = {}
        self.xet_files: dict[str, XetFile] = {}
        self.xet_of: dict[str, str] = {}  # sha256 -> xet hash

    def put(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return digest

    def regular(self, data: bytes) -> Entry:
        return Entry(self.put(data), len(data), git_oid(data))

    def create(self, kind: str, repo_id: str, author: str, private: bool, sdk: str | None) -> Repo:
        repo = Repo(kind, repo_id, private)
        tree = {".gitattributes": self.regular(GIT_ATTRIBUTES.encode())}
        if kind == "space":
            repo.space = {"sdk": sdk, "hardware": "cpu-basic", "variables": {}, "secrets": {}, "stage": "RUNNING"}
            card = f"---\ntitle: {repo_id.split('/')[1]}\nsdk: {sdk}\napp_file: app.py\n---\n"
            tree["README.md"] = self.regular(card.encode())
        repo.append("refs/heads/main", tree, "initial commit", "", author, None)
        self.repos[kind, repo_id] = repo
        return repo


# ------------------------------------------------------------------------------- Xet: xorbs and shards


def merkle_hex(raw: bytes) -> str:
    """A 32-byte hash as Xet prints it: four little-endian 64-bit words."""
    return "".join(f"{word:016x}" for word in struct.unpack("<4Q", raw))


def lz4_frame(data: bytes) -> bytes:
    """Decode one LZ4 frame."""
    flags = data[4]
    at = 7 + (8 if flags & 8 else 0) + (4 if flags & 1 else 0)
    out = bytearray()
    while True:
        (size,) = struct.unpack_from("<I", data, at)
        at += 4
        if size == 0:
            return bytes(out)
        block = data[at : at + (size & 0x7FFFFFFF)]
        at += len(block) + (4 if flags & 16 else 0)
        if size & 0x80000000:
            out += block
        else:
            lz4_block(block, out)


def lz4_block(block: bytes, out: bytearray) -> None:
    at, end = 0, len(block)

    def extend(length: int) -> int:
        nonlocal at
        if length == 15:
            while True:
                byte = block[at]
                at += 1
                length += byte
                if byte != 255:
                    break
        return length

    while at < end:
        token = block[at]
        at += 1
        literals = extend(token >> 4)
        out += block[at : at + literals]
        at += literals
        if at >= end:
            return
        offset = block[at] | block[at + 1] << 8
        at += 2
        length = extend(token & 15) + 4
        start = len(out) - offset
        if length <= offset:
            out += out[start : start + length]
        else:
            pattern = bytes(out[start:])
            out += (pattern * (length // offset + 1))[:length]


@dataclass
class Xorb:
    """A block of chunks as the client sent it: 8-byte header (version, u24 packed, scheme, u24 plain), then data."""

    raw: bytes
    starts: list[int]  # where each chunk begins in `raw`, and the end of the last one

    @classmethod
    def parse(cls, raw: bytes) -> Xorb:
        starts, at = [0], 0
        while at + 8 <= len(raw) and raw[at] == 0:  # a trailing footer begins with "XETBLOB"
            at += 8 + int.from_bytes(raw[at + 1 : at + 4], "little")
            starts.append(at)
        return cls(raw, starts)

    def chunk(self, index: int) -> bytes:
        start, end = self.starts[index], self.starts[index + 1]
        scheme, data = self.raw[start + 4], self.raw[start + 8 : end]
        if scheme == 0:
            return data
        plain = lz4_frame(data)
        if scheme == 1:
            return plain
        out, at = bytearray(len(plain)), 0  # scheme 2: bytes grouped by position modulo 4
        for lane in range(4):
            count = len(range(lane, len(plain), 4))
            out[lane::4] = plain[at : at + count]
            at += count
        return bytes(out)


@dataclass(frozen=True)
class XetTerm:
    xorb: str
    size: int
    first: int
    last: int  # exclusive


@dataclass(frozen=True)
class XetFile:
    sha256: str
    terms: list[XetTerm]


def parse_shard(raw: bytes) -> Iterator[tuple[str, str | None, list[XetTerm]]]:
    """(xet hash, sha256 if given, terms) of each file in an uploaded shard: 48-byte records after a 48-byte header."""
    at = 48
    while raw[at : at + 32] != b"\xff" * 32:
        name = merkle_hex(raw[at : at + 32])
        flags, count = struct.unpack_from("<II", raw, at + 32)
        at += 48
        terms = []
        for _ in range(count):
            size, first, last = struct.unpack_from("<III", raw, at + 36)
            terms.append(XetTerm(merkle_hex(raw[at : at + 32]), size, first, last))
            at += 48
        if flags & 1 << 31:
            at += 48 * count
        sha256 = None
        if flags & 1 << 30:
            sha256 = merkle_hex(raw[at : at + 32])
            at += 48
        yield name, sha256, terms


def merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The union of half-open ranges; the client does not accept overlapping ones for one xorb."""
    out: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if out and first <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], last))
        else:
            out.append((first, last))
    return out


# ------------------------------------------------------------------------------------ faults and the log


@dataclass
class Fault:
    """What happens to the next `times` requests whose path matches `pattern` (and `method`, if given)."""

    pattern: str
    method: str | None = None
    times: int = 1
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: int | None = None
    flip: int | None = None
    dead: bool = False

    def takes(self, method: str, path: str) -> bool:
        if self.times <= 0 or not fnmatch.fnmatchcase(path, self.pattern):
            return False
        if self.method and self.method.upper() != method:
            return False
        if method == "HEAD" and (self.cut is not None or self.flip is not None):
            return False
        self.times -= 1
        return True


@dataclass
class Logged:
    method: str
    path: str
    query: str
    endpoint: str
    origin: str  # "hub" or "cdn"
    token: bool
    status: int = 0
    sent: int = 0
    range: str | None = None
    at: float = field(default_factory=time.time)


class Cut(Exception):
    pass


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


# ----------------------------------------------------------------------------------------- the HTTP side


@dataclass
class Call:
    """One request, taken apart: who asks, which repository, and the path after it (already unquoted)."""

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


Handler = Callable[["HubApp", Call], Response]
ROUTES: dict[tuple[str, str], Handler] = {}


def route(*names: str) -> Callable[[Handler], Handler]:
    """Register a handler of repository calls under "METHOD action", as in /api/models/<id>/<action>/..."""

    def add(handler: Handler) -> Handler:
        for name in names:
            method, _, action = name.partition(" ")
            ROUTES[method, action] = handler
        return handler

    return add


def endpoint_of(parts: list[str], origin: str) -> str:
    """A short name for what a path asks: "commit", "resolve", "api/whoami-v2", "v1/xorbs", ... ("" if unknown)."""
    if origin == "cdn":
        return "/".join(parts[:2]) if parts[0] in ("v1", "v2") else parts[0]
    if parts[0] == "api":
        if len(parts) < 4 or parts[1] not in KINDS:
            return "/".join(parts[:3])
        return parts[4] if len(parts) > 4 else "info"
    parts = parts[1:] if parts[0] in ("datasets", "spaces") else parts
    if parts[2:5] == ["info", "lfs", "objects"]:
        return "lfs-" + parts[-1]
    return parts[2] if len(parts) > 2 else ""


class HubApp:
    """The ASGI application: checks the token, finds the repository, hands over to a handler, applies faults."""

    def __init__(self, store: Store, *, xet: bool, lfs_bytes: int, space_needs_payment: bool) -> None:
        self.store = store
        self.xet, self.lfs_bytes, self.space_needs_payment = xet, lfs_bytes, space_needs_payment
        self.url = self.cdn_url = ""
        self.faults: list[Fault] = []
        self.log: list[Logged] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        body = await request.body()
        raw = scope["raw_path"].decode().split("?")[0]
        origin = "cdn" if f":{scope['server'][1]}" == self.cdn_url[self.cdn_url.rfind(":") :] else "hub"
        token = "authorization" in request.headers and not raw.startswith(("/v1/", "/v2/"))
        parts = [unquote(part) for part in raw.strip("/").split("/")]
        logged = Logged(request.method, unquote(raw), request.url.query, endpoint_of(parts, origin), origin, token)
        logged.range = request.headers.get("range")
        if raw.startswith("/_admin/"):
            await self.admin(request, raw, body)(scope, receive, send)
            return
        self.log.append(logged)
        fault = next((f for f in self.faults if f.takes(request.method, logged.path)), None)
        if fault and fault.delay:
            await asyncio.sleep(fault.delay)
        if fault and fault.dead:
            await asyncio.sleep(1e6)
        try:
            if fault and fault.status:
                raise HubError(fault.status, f"injected fault {fault.status}", **fault.headers)
            # No await inside `answer`: a commit is applied whole, between two other requests.
            response = self.cdn(request, parts, body) if origin == "cdn" else self.answer(request, parts, body)
        except HubError as error:
            response = JSONResponse({"error": error.message}, error.status, error.headers)
        except (KeyError, IndexError, ValueError) as error:
            response = JSONResponse({"error": f"malformed request: {error!r}"}, 400)
        if request.method == "HEAD":
            response.body = b""
        try:
            await response(scope, receive, faulty_send(send, fault, logged))
        except Cut:
            return  # an incomplete answer makes the server close the connection

    def admin(self, request: Request, raw: str, body: bytes) -> Response:
        if raw == "/_admin/faults" and request.method == "POST":
            self.faults.append(Fault(**json.loads(body)))
        elif raw == "/_admin/faults" and request.method == "DELETE":
            self.faults.clear()
        elif raw == "/_admin/log":
            return JSONResponse({"requests": [asdict(x) for x in self.log], "counts": dict(self.counts())})
        return JSONResponse([asdict(fault) for fault in self.faults])

    def counts(self) -> Counter[str]:
        return Counter(f"{logged.method} {logged.endpoint}" for logged in self.log)

    # --- who, and which repository

    def user(self, request: Request) -> User | None:
        header = request.headers.get("authorization", "")
        if not header:
            return None
        token = header.removeprefix("Bearer ")
        if header.startswith("Basic "):  # a git credential: name:token
            token = base64.b64decode(header[6:]).decode().partition(":")[2]
        if token not in self.store.tokens:
            raise HubError(401, "Invalid credentials in Authorization header")
        return self.store.tokens[token]

    def repo(self, kind: str, repo_id: str, user: User | None) -> Repo:
        found = self.store.repos.get((kind, repo_id))
        if found is None or (found.private and (user is None or user.name != found.owner)):
            if user is None:  # the Hub does not tell a missing repository from a private one
                raise HubError(401, "Invalid username or password.", "RepoNotFound")
            raise HubError(404, "Repository not found", "RepoNotFound")
        return found

    def writable(self, call: Call, owner: str | None = None) -> User:
        user, owner = call.user, owner or (call.found.owner if call.found else None)
        if user is None:
            raise HubError(401, "Invalid username or password.")
        if user.role != "write" or (owner and owner != user.name):
            raise HubError(403, "Forbidden: you must use a write token with access to this namespace")
        return user

    def readable(self, repo: Repo, user: User | None) -> None:
        if repo.gated and (user is None or (user.name != repo.owner and user.name not in repo.granted)):
            text = f"Access to {repo.kind} {repo.id} is restricted"
            if user is None:
                raise HubError(401, f"{text}. You must have access to it and be authenticated.", "GatedRepo")
            raise HubError(403, f"{text} and you are not in the authorized list.", "GatedRepo")

    def answer(self, request: Request, parts: list[str], body: bytes) -> Response:
        call = Call(request, self.user(request), body, parts)
        method = "GET" if request.method == "HEAD" else request.method
        action = endpoint_of(parts, "hub")
        if parts[0] != "api":  # /[datasets/|spaces/]<owner>/<name>/(resolve|raw)/..., and the LFS calls of <name>.git
            kind = KINDS[parts.pop(0)] if parts[0] in ("datasets", "spaces") else "model"
            if len(parts) > 2:
                call.found = self.repo(kind, f"{parts[0]}/{parts[1].removesuffix('.git')}", call.user)
                call.rest = parts[2:]
        elif len(parts) > 3 and parts[1] in KINDS:
            call.found = self.repo(KINDS[parts[1]], f"{parts[2]}/{parts[3]}", call.user)
            call.rest = parts[4:]
        handler = ROUTES.get((method, action))
        if handler is None:
            raise HubError(404, f"local_hub does not serve {method} {request.url.path}")
        return handler(self, call)

    # --- account and repositories

    @route("GET api/spaces/hardware", "GET api/agent-harnesses")
    def nothing(self, call: Call) -> Response:
        return JSONResponse([] if call.request.url.path.endswith("hardware") else {})

    @route("GET api/whoami-v2")
    def whoami(self, call: Call) -> Response:
        if call.user is None:
            raise HubError(401, "Invalid username or password.")
        auth = {"type": "access_token", "accessToken": {"displayName": "local", "role": call.user.role}}
        name = call.user.name
        return JSONResponse(
            {"type": "user", "id": name, "name": name, "fullname": name, "email": f"{name}@localhost", "orgs": []}
            | {"auth": auth, "isPro": False, "canPay": False}
        )

    @route("POST api/repos/create")
    def create(self, call: Call) -> Response:
        wanted = call.json()
        owner: str = wanted.get("organization") or (call.user.name if call.user else "")
        self.writable(call, owner)
        kind, repo_id = wanted.get("type") or "model", f"{owner}/{wanted['name']}"
        web = repo_id if kind == "model" else f"{kind}s/{repo_id}"
        if (kind, repo_id) in self.store.repos:
            error = {"error": f"You already created this {kind} repo", "url": f"{self.url}/{web}"}
            return JSONResponse(error, 409)
        if kind == "space" and self.space_needs_payment:
            raise HubError(402, "Payment Required: a subscription is needed to create this Space")
        private = wanted.get("visibility") == "private" or bool(wanted.get("private"))
        repo = self.store.create(kind, repo_id, owner, private, wanted.get("sdk"))
        if kind == "space":
            repo.space["hardware"] = wanted.get("hardware") or "cpu-basic"
            for name in ("variables", "secrets"):
                repo.space[name] = {item["key"]: item for item in wanted.get(name) or []}
        return JSONResponse({"url": f"{self.url}/{web}", "name": repo_id, "id": repo_id})

    @route("DELETE api/repos/delete")
    def delete(self, call: Call) -> Response:
        wanted = call.json()
        owner = wanted.get("organization") or (call.user.name if call.user else "")
        self.writable(call, owner)
        repo = self.repo(wanted.get("type") or "model", f"{owner}/{wanted['name']}", call.user)
        del self.store.repos[repo.kind, repo.id]
        return Response("OK")

    @route("POST api/repos/move")
    def move(self, call: Call) -> Response:
        wanted = call.json()
        repo = self.repo(wanted.get("type") or "model", wanted["fromRepo"], call.user)
        self.writable(call, repo.owner)
        del self.store.repos[repo.kind, repo.id]
        repo.id = wanted["toRepo"]
        self.store.repos[repo.kind, repo.id] = repo
        return Response("OK")

    @route("PUT settings")
    def settings(self, call: Call) -> Response:
        self.writable(call)
        wanted = call.json()
        if "visibility" in wanted or "private" in wanted:
            call.repo.private = wanted.get("visibility") == "private" or bool(wanted.get("private"))
        if "gated" in wanted:
            call.repo.gated = wanted["gated"]
        return JSONResponse({"private": call.repo.private, "gated": call.repo.gated})

    @route("POST user-access-request")
    def grant(self, call: Call) -> Response:
        self.writable(call)
        call.repo.granted.add(call.json()["user"])
        return JSONResponse({})

    @route("GET auth-check")
    def auth_check(self, call: Call) -> Response:
        self.readable(call.repo, call.user)
        if call.rest[1:] == ["write"]:
            self.writable(call)
        return JSONResponse({})

    @route("GET api/models", "GET api/datasets", "GET api/spaces")
    def listed(self, call: Call) -> Response:
        """Repositories by author and by a word of the name; no other filter."""
        kind, author, word = KINDS[call.rest[1]], call.query.get("author"), call.query.get("search", "")
        found = []
        for repo in self.store.repos.values():
            visible = not repo.private or (call.user and call.user.name == repo.owner)
            if repo.kind == kind and visible and author in (None, repo.owner) and word.lower() in repo.id.lower():
                found.append(self.info_of(repo, repo.resolve("main"), blobs=False))
        return self.page(call, found, 1000)

    @route("GET info", "GET revision")
    def info(self, call: Call) -> Response:
        commit = call.repo.resolve(call.rest_path(1) if call.rest else "main")
        data = self.info_of(call.repo, commit, "blobs" in call.query)
        wanted = call.request.query_params.getlist("expand")
        if wanted:
            data = {key: value for key, value in data.items() if key in {"_id", "id", "sha", *wanted}}
        return JSONResponse(data)

    def info_of(self, repo: Repo, commit: Commit, blobs: bool) -> dict[str, Any]:
        siblings: list[dict[str, Any]] = []
        for path, entry in sorted(commit.tree.items()):
            siblings.append({"rfilename": path})
            if blobs:
                siblings[-1] |= {"size": entry.size, "blobId": entry.oid}
                if entry.lfs:
                    siblings[-1]["lfs"] = {"size": entry.size, "sha256": entry.sha256, "pointerSize": 134}
        card = self.front_matter(self.text(commit, "README.md")) or {}
        config = json.loads(self.text(commit, "config.json") or "{}")
        tags = [*(card.get("tags") or [])] + ([f"license:{card['license']}"] if "license" in card else [])
        data: dict[str, Any] = {"_id": hashlib.md5(repo.id.encode()).hexdigest()[:24], "id": repo.id}
        data |= {"author": repo.owner}
        data |= {"sha": commit.oid, "lastModified": commit.date, "createdAt": repo.created, "private": repo.private}
        data |= {"gated": repo.gated, "disabled": False, "downloads": 0, "likes": 0, "tags": tags}
        data |= {"cardData": card, "siblings": siblings, "usedStorage": sum(e.size for e in commit.tree.values())}
        if repo.kind == "model":
            data |= {"modelId": repo.id, "pipeline_tag": card.get("pipeline_tag"), "spaces": []}
            data |= {
                "library_name": card.get("library_name"),
                "config": config,
                "model-index": card.get("model-index"),
            }
        if repo.kind == "space":
            data |= {"sdk": card.get("sdk") or repo.space["sdk"], "runtime": self.runtime_of(repo)}
            data |= {"subdomain": repo.id.replace("/", "-"), "models": [], "datasets": []}
        return data

    def text(self, commit: Commit, path: str) -> str:
        entry = commit.tree.get(path)
        return self.store.blobs[entry.sha256].decode(errors="replace") if entry else ""

    @staticmethod
    def front_matter(text: str) -> dict[str, Any] | None:
        found = re.match(r"\A---\r?\n(.*?)\r?\n---\s*(?:\n|\Z)", text, re.DOTALL)
        try:
            loaded = yaml.safe_load(found.group(1)) if found else None
        except yaml.YAMLError as error:
            raise HubError(400, f"Invalid YAML: {error}") from error
        # JSON has no dates; the Hub sends strings as well
        return json.loads(json.dumps(loaded, default=str)) if isinstance(loaded, dict) else None

    @route("POST api/validate-yaml")
    def validate_yaml(self, call: Call) -> Response:
        wanted = call.json()
        errors: list[dict[str, str]] = []
        warnings: list[dict[str, str]] = []
        try:
            card = self.front_matter(wanted["content"])
        except HubError as error:
            return JSONResponse({"errors": [{"message": error.message}], "warnings": [], "error": error.message}, 400)
        if not card:
            warnings.append({"message": "empty or missing yaml metadata in repo card"})
        elif wanted.get("repoType") == "space":
            if card.get("sdk") not in ("gradio", "docker", "static"):
                errors.append({"message": '"sdk" must be one of [gradio, docker, static]'})
            if len(str(card.get("short_description", ""))) > 60:
                errors.append({"message": '"short_description" length must be at most 60 characters'})
            colors = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
            for key in ("colorFrom", "colorTo"):
                if card.get(key, "red") not in colors:
                    errors.append({"message": f'"{key}" must be one of [{", ".join(colors)}]'})
        return JSONResponse({"errors": errors, "warnings": warnings}, 400 if errors else 200)

    # --- trees, refs, history

    def described(self, repo: Repo, commit: Commit, path: str, expand: bool) -> dict[str, Any] | None:
        entry = commit.tree.get(path)
        data: dict[str, Any] = {"type": "file", "path": path}
        if entry:
            data |= {"oid": entry.oid, "size": entry.size}
            if entry.lfs:
                data["lfs"] = {"oid": entry.sha256, "size": entry.size, "pointerSize": 134}
                if self.xet and entry.sha256 in self.store.xet_of:
                    data["xetHash"] = self.store.xet_of[entry.sha256]
        else:
            inside = sorted(e.oid for name, e in commit.tree.items() if name.startswith(path + "/"))
            if not inside:
                return None
            data |= {"type": "directory", "oid": hashlib.sha1("".join(inside).encode()).hexdigest(), "size": 0}
        if expand:
            last = commit
            for older in repo.history(commit):
                if older.tree.get(path) != entry:
                    break
                last = older
            data["lastCommit"] = {"id": last.oid, "title": last.title, "date": last.date}
            data["securityFileStatus"] = None
        return data

    def page(self, call: Call, items: list[Any], default: int) -> Response:
        start, size = int(call.query.get("cursor", 0)), int(call.query.get("limit", default))
        headers = {}
        if start + size < len(items):
            following = call.request.url.include_query_params(cursor=start + size)
            headers["Link"] = f'<{following}>; rel="next"'
        return JSONResponse(items[start : start + size], headers=headers)

    @route("GET tree")
    def tree(self, call: Call) -> Response:
        commit, folder = call.repo.resolve(call.rest[1]), call.rest_path(2).strip("/")
        prefix = folder + "/" if folder else ""
        names: set[str] = set()
        for path in commit.tree:
            if path.startswith(prefix):
                inner = path[len(prefix) :].split("/")
                names.update(prefix + "/".join(inner[:depth]) for depth in range(1, len(inner) + 1))
        if not names and folder:
            raise HubError(404, f"{folder} does not exist on {call.rest[1]}", "EntryNotFound")
        if call.query.get("recursive", "").lower() not in ("true", "1"):
            names = {name for name in names if "/" not in name[len(prefix) :]}
        expand = call.query.get("expand", "").lower() in ("true", "1")
        return self.page(call, [self.described(call.repo, commit, name, expand) for name in sorted(names)], 1000)

    @route("POST paths-info")
    def paths_info(self, call: Call) -> Response:
        if call.request.headers.get("content-type", "").startswith("application/json"):
            wanted = call.json()
            paths, expand = wanted["paths"], bool(wanted.get("expand"))
        else:
            form = parse_qs(call.body.decode())
            paths, expand = form.get("paths", []), form.get("expand", ["false"])[0].lower() == "true"
        commit = call.repo.resolve(call.rest_path(1))
        found = [self.described(call.repo, commit, path.strip("/"), expand) for path in paths]
        return JSONResponse([item for item in found if item])

    @route("GET refs")
    def refs(self, call: Call) -> Response:
        answer: dict[str, list[dict[str, str]]] = {"branches": [], "tags": [], "converts": []}
        if "include_prs" in call.query:
            answer["pullRequests"] = []
        for ref, oid in call.repo.refs.items():
            group = {"heads": "branches", "tags": "tags", "pr": "pullRequests"}[ref.split("/")[1]]
            if group in answer:
                answer[group].append({"name": ref.split("/", 2)[2], "ref": ref, "targetCommit": oid})
        return JSONResponse(answer)

    @route("POST branch", "POST tag", "DELETE branch", "DELETE tag")
    def change_ref(self, call: Call) -> Response:
        self.writable(call)
        repo, wanted, name = call.repo, call.json() if call.body else {}, call.rest_path(1)
        start = wanted.get("startingPoint") or "main"
        if call.rest[0] == "tag" and call.request.method == "POST":
            start, name = name, wanted["tag"]
        ref = f"refs/{'heads' if call.rest[0] == 'branch' else 'tags'}/{name}"
        if call.request.method == "POST":
            if ref in repo.refs:
                raise HubError(409, f"Reference already exists: {ref}")
            repo.refs[ref] = repo.resolve(start).oid
        elif ref == "refs/heads/main" or ref not in repo.refs:
            raise HubError(404, f"Invalid rev id: {name}", "RevisionNotFound")
        else:
            del repo.refs[ref]
        return JSONResponse({})

    @route("GET commits")
    def commits(self, call: Call) -> Response:
        log = [
            {"id": c.oid, "title": c.title, "message": c.message, "date": c.date, "authors": [{"user": c.author}]}
            for c in call.repo.history(call.repo.resolve(call.rest_path(1)))
        ]
        return self.page(call, log, 50)

    @route("POST super-squash")
    def squash(self, call: Call) -> Response:
        user = self.writable(call)
        branch = call.rest_path(1)
        title = call.json().get("message") or f"Super-squash branch '{branch}'"
        call.repo.append(f"refs/heads/{branch}", call.repo.resolve(branch).tree, title, "", user.name, None)
        return JSONResponse({})

    # --- uploads

    def may_commit(self, call: Call) -> User:
        """Anyone signed in may open a pull request; only the owner may write to a branch."""
        if call.user and (call.query.get("create_pr") or call.rest_path(1).startswith("refs/pr/")):
            return self.writable(call, call.user.name)
        return self.writable(call)

    @route("POST preupload")
    def preupload(self, call: Call) -> Response:
        self.may_commit(call)
        wanted, commit = call.json(), call.repo.resolve(call.rest_path(1))
        attributes = self.text(commit, ".gitattributes").splitlines()
        large = [line.split()[0] for line in attributes if "filter=lfs" in line]
        ignored = [line.strip() for line in (wanted.get("gitIgnore") or self.text(commit, ".gitignore")).splitlines()]
        ignored = [line.rstrip("/") for line in ignored if line and not line.startswith("#")]
        files = []
        for item in wanted["files"]:
            path = item["path"]
            lfs = item["size"] >= self.lfs_bytes or any(
                fnmatch.fnmatch(path, pattern) or fnmatch.fnmatch(path.rsplit("/", 1)[-1], pattern)
                for pattern in large
            )
            skip = any(fnmatch.fnmatch(part, rule) for rule in ignored for part in (path, *path.split("/")))
            known = commit.tree.get(path)
            files.append({"path": path, "uploadMode": "lfs" if lfs else "regular", "shouldIgnore": skip})
            if known:
                files[-1]["oid"] = known.etag
        return JSONResponse({"files": files, "commitOid": commit.oid})

    @route("POST lfs-batch")
    def lfs_batch(self, call: Call) -> Response:
        wanted, objects = call.json(), []
        self.writable(call, call.user.name if call.user else None)
        for item in wanted["objects"]:
            answer = {"oid": item["oid"], "size": item["size"]}
            if item["oid"] not in self.store.blobs:
                verify = f"{self.url}/{call.repo.web_path}.git/info/lfs/objects/verify"
                upload = {"href": f"{self.cdn_url}/_upload/{item['oid']}?sig={secrets.token_hex(8)}"}
                answer["actions"] = {"upload": upload, "verify": {"href": verify}}
            objects.append(answer)
        return JSONResponse({"transfer": "basic", "objects": objects})

    @route("POST lfs-verify")
    def lfs_verify(self, call: Call) -> Response:
        wanted = call.json()
        if len(self.store.blobs.get(wanted["oid"], b"")) != wanted["size"]:
            raise HubError(404, f"object {wanted['oid']} was not uploaded")
        return JSONResponse({"message": "verified"})

    @route("POST lfs-files")
    def duplicate(self, call: Call) -> Response:
        """Before a copy between repositories; the blobs are in one store here, so there is nothing to move."""
        self.readable(call.repo, call.user)
        missing = [item["sha256"] for item in call.json()["files"] if item["sha256"] not in self.store.blobs]
        return JSONResponse({"failed": [{"sha256": sha256, "error": "not found"} for sha256 in missing]})

    @route("GET xet-write-token", "GET xet-read-token")
    def xet_token(self, call: Call) -> Response:
        if not self.xet:
            raise HubError(404, "This Hub does not offer Xet storage")
        if call.rest[0] == "xet-write-token":
            self.may_commit(call)
        else:
            self.readable(call.repo, call.user)
        token, expiry = f"xet_{secrets.token_hex(8)}", int(time.time()) + 3600
        headers = {"X-Xet-Cas-Url": self.cdn_url, "X-Xet-Access-Token": token, "X-Xet-Token-Expiration": str(expiry)}
        return JSONResponse({"accessToken": token, "exp": expiry, "casUrl": self.cdn_url}, headers=headers)

    @route("POST commit")
    def commit(self, call: Call) -> Response:
        user, repo, revision = self.may_commit(call), call.repo, call.rest_path(1)
        lines = [json.loads(line) for line in call.body.splitlines() if line.strip()]
        header = next(line["value"] for line in lines if line["key"] == "header")
        ref, base = repo.ref_name(revision), header.get("parentCommit")
        create_pr = bool(call.query.get("create_pr"))
        if ref is None or (ref.startswith("refs/tags/")):
            raise HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        head = repo.resolve(base if base and create_pr else ref)
        if base and not head.oid.startswith(base):
            raise HubError(412, "A commit has happened since. Please refresh and try again.")
        tree = dict(head.tree)
        for line in lines:
            self.apply(tree, line["key"], line["value"])
        pull_url = None
        if create_pr:
            made = repo.discuss(header["summary"], user.name, True, "open", head.oid)
            ref, pull_url = f"refs/pr/{made.num}", f"{self.url}/{repo.web_path}/discussions/{made.num}"
        title, message = header["summary"], header.get("description") or ""
        made_commit = repo.append(ref, tree, title, message, user.name, head.oid)
        answer = {"success": True, "commitOid": made_commit.oid, "hookOutput": "", "pullRequestUrl": pull_url}
        return JSONResponse(answer | {"commitUrl": f"{self.url}/{repo.web_path}/commit/{made_commit.oid}"})

    def apply(self, tree: Tree, key: str, value: dict[str, Any]) -> None:
        """One operation of a commit. The client sends a copy as an add of what it copies."""
        path = value.get("path", "").rstrip("/")
        if key == "file":
            tree[path] = self.store.regular(base64.b64decode(value["content"]))
        elif key == "lfsFile":
            if value["oid"] not in self.store.blobs:
                raise HubError(400, f"Large file {path} ({value['oid']}) was not uploaded before the commit")
            tree[path] = Entry.for_lfs(value["oid"], len(self.store.blobs[value["oid"]]))
        elif key == "deletedFile":
            if path not in tree:
                raise HubError(404, "A file with this name doesn't exist", "EntryNotFound")
            del tree[path]
        elif key == "deletedFolder":
            inside = [name for name in tree if name.startswith(path + "/")]
            if not inside:
                raise HubError(404, "A folder with this name doesn't exist", "EntryNotFound")
            for name in inside:
                del tree[name]
        elif key != "header":
            raise HubError(400, f"Unknown commit operation {key}")

    # --- downloads

    @route("GET resolve", "GET raw")
    def resolve(self, call: Call) -> Response:
        repo, path = call.repo, call.rest_path(2)
        self.readable(repo, call.user)
        commit = repo.resolve(call.rest[1])
        entry = commit.tree.get(path)
        if entry is None:
            raise HubError(404, "Entry not found", "EntryNotFound", X_Repo_Commit=commit.oid)
        headers = {"X-Repo-Commit": commit.oid, "ETag": f'"{entry.etag}"', "Accept-Ranges": "bytes"}
        if not entry.lfs:
            return self.ranged(call.request, self.store.blobs[entry.sha256], headers)
        headers |= {"X-Linked-Size": str(entry.size), "X-Linked-ETag": f'"{entry.sha256}"'}
        if self.xet and entry.sha256 in self.store.xet_of:
            headers["X-Xet-Hash"] = self.store.xet_of[entry.sha256]
            refresh = f"{self.url}/api/{repo.kind}s/{repo.id}/xet-read-token/{commit.oid}"
            headers["Link"] = f'<{refresh}>; rel="xet-auth"'
        name = quote(path.rsplit("/", 1)[-1])
        headers["Location"] = f"{self.cdn_url}/_cdn/{entry.sha256}/{name}?sig={secrets.token_hex(8)}"
        return Response(status_code=302, headers=headers)

    @staticmethod
    def ranged(request: Request, data: bytes, headers: dict[str, str]) -> Response:
        found = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", ""))
        status = 200
        if found and any(found.groups()):
            first, last = found.groups()
            size = len(data)
            start = int(first) if first else max(size - int(last), 0)
            end = min(int(last), size - 1) if first and last else size - 1
            if start > end:
                return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})
            data, status = data[start : end + 1], 206
            headers = headers | {"Content-Range": f"bytes {start}-{end}/{size}"}
        headers = headers | {"Content-Length": str(len(data)), "Content-Type": "application/octet-stream"}
        return Response(data, status, headers)

    # --- the other origin: large files and Xet storage

    def cdn(self, request: Request, parts: list[str], body: bytes) -> Response:
        method, store = request.method, self.store
        if parts[0] == "_cdn" and parts[1] in store.blobs:
            return self.ranged(request, store.blobs[parts[1]], {"ETag": f'"{parts[1]}"', "Accept-Ranges": "bytes"})
        if parts[0] == "_upload" and method == "PUT":
            if hashlib.sha256(body).hexdigest() != parts[1]:
                raise HubError(400, "The content does not have the announced sha256")
            store.put(body)
            return Response(headers={"ETag": f'"{parts[1]}"'})
        if parts[:2] == ["v1", "xorbs"] and method == "POST":
            fresh = parts[-1] not in store.xorbs
            store.xorbs[parts[-1]] = Xorb.parse(body)
            return JSONResponse({"was_inserted": fresh})
        if parts == ["v1", "telemetry"]:
            return JSONResponse({})
        if parts == ["v1", "shards"] and method == "POST":
            for name, sha256, terms in parse_shard(body):
                self.register(name, sha256, terms)
            return JSONResponse({"result": 1})
        if parts[:2] == ["v1", "reconstructions"] and parts[-1] in store.xet_files:
            return self.reconstruction(request, store.xet_files[parts[-1]])
        if parts[0] == "_xorb" and parts[1] in store.xorbs:
            return self.ranged(request, store.xorbs[parts[1]].raw, {"Accept-Ranges": "bytes"})
        raise HubError(404, f"not here: {method} /{'/'.join(parts)}")

    def register(self, name: str, sha256: str | None, terms: list[XetTerm]) -> None:
        missing = [term.xorb for term in terms if term.xorb not in self.store.xorbs]
        if missing:
            raise HubError(400, f"shard refers to xorbs that were not uploaded: {missing[:3]}")
        data = b"".join(
            self.store.xorbs[term.xorb].chunk(index) for term in terms for index in range(term.first, term.last)
        )
        digest = self.store.put(data)
        if sha256 and digest != sha256:
            raise HubError(400, f"shard announces sha256 {sha256}, the content has {digest}")
        self.store.xet_files[name] = XetFile(digest, terms)
        self.store.xet_of[digest] = name

    def reconstruction(self, request: Request, file: XetFile) -> Response:
        """Which chunks of which xorbs make up the asked byte range of the file, and where to fetch them."""
        first, last = 0, sum(term.size for term in file.terms) - 1
        if asked := re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("range", "")):
            first, last = int(asked.group(1)), min(int(asked.group(2)), last)
            if first > last:
                return Response(status_code=416)
        at, skip, terms = 0, None, []
        spans: dict[str, list[tuple[int, int]]] = {}
        for term in file.terms:
            if at + term.size > first and at <= last:
                skip = first - at if skip is None else skip
                span = {"start": term.first, "end": term.last}
                terms.append({"hash": term.xorb, "unpacked_length": term.size, "range": span})
                spans.setdefault(term.xorb, []).append((term.first, term.last))
            at += term.size
        fetch = {xorb: [self.fetch_info(xorb, *span) for span in merged(found)] for xorb, found in spans.items()}
        return JSONResponse({"offset_into_first_range": skip or 0, "terms": terms, "fetch_info": fetch})

    def fetch_info(self, xorb: str, first: int, last: int) -> dict[str, Any]:
        starts = self.store.xorbs[xorb].starts
        url_range = {"start": starts[first], "end": starts[last] - 1}
        return {"range": {"start": first, "end": last}, "url": f"{self.cdn_url}/_xorb/{xorb}", "url_range": url_range}

    # --- discussions and pull requests

    def shown(self, repo: Repo, item: Discussion) -> dict[str, Any]:
        data = {"num": item.num, "title": item.title, "status": item.status, "createdAt": item.created}
        data |= {"author": {"name": item.author}, "isPullRequest": item.pull_request, "events": item.events}
        data["repo"] = {"name": repo.id, "type": repo.kind}
        if item.pull_request:
            data |= {"filesWithConflicts": [], "diff": ""}
            data["changes"] = {"base": item.base, "mergeCommitId": item.merge_commit}
        return data

    def event(self, item: Discussion, author: str, kind: str, **data: Any) -> Response:
        made = {
            "id": secrets.token_hex(12),
            "type": kind,
            "createdAt": now(),
            "author": {"name": author},
            "data": data,
        }
        item.events.append(made)
        return JSONResponse({"newMessage": made, "newStatus": made, "newTitle": made})

    @route("GET discussions")
    def discussions(self, call: Call) -> Response:
        items = call.repo.discussions
        if len(call.rest) > 1:
            number = int(call.rest[1])
            if not 0 < number <= len(items):
                raise HubError(404, "Discussion not found")
            return JSONResponse(self.shown(call.repo, items[number - 1]))
        wanted = call.query.get("type", "all"), call.query.get("status", "all")
        kinds = {"all": (True, False), "pull_request": (True,), "discussion": (False,)}[wanted[0]]
        chosen = [d for d in items if d.pull_request in kinds]
        if wanted[1] != "all":
            chosen = [d for d in chosen if (d.status in ("open", "draft")) == (wanted[1] == "open")]
        listed = [self.shown(call.repo, item) for item in reversed(chosen)] if call.query.get("p", "0") == "0" else []
        return JSONResponse({"count": len(chosen), "start": 0, "discussions": listed})

    @route("POST discussions")
    def discuss(self, call: Call) -> Response:
        user = self.writable(call, call.user.name if call.user else None)
        wanted, repo = call.json(), call.repo
        if len(call.rest) == 1:
            pull = bool(wanted.get("pullRequest"))
            made = repo.discuss(wanted["title"], user.name, pull, "draft" if pull else "open")
            latest = {"raw": wanted.get("description") or ""}
            self.event(made, user.name, "comment", edited=False, hidden=False, latest=latest)
            return JSONResponse({"num": made.num, "url": f"{self.url}/{repo.web_path}/discussions/{made.num}"})
        item, action = repo.discussions[int(call.rest[1]) - 1], call.rest[2]
        if action == "comment":
            latest = {"raw": wanted["comment"]}
            return self.event(item, user.name, "comment", edited=False, hidden=False, latest=latest)
        if action == "status":
            item.status = wanted["status"]
            return self.event(item, user.name, "status-change", status=item.status)
        if action == "title":
            old, item.title = item.title, wanted["title"]
            return self.event(item, user.name, "title-change", **{"from": old, "to": item.title})
        if action != "merge":
            raise HubError(404, f"no such action: {action}")
        self.writable(call)
        source, target = repo.resolve(f"refs/pr/{item.num}"), repo.resolve(item.base)
        older = {commit.oid for commit in repo.history(target)}
        fork = next(commit for commit in repo.history(source) if commit.oid in older)
        tree = {path: entry for path, entry in target.tree.items() if path in source.tree or path not in fork.tree}
        tree |= {path: entry for path, entry in source.tree.items() if fork.tree.get(path) != entry}
        item.status = "merged"
        title = f"{item.title} (#{item.num})"
        item.merge_commit = repo.append(item.base, tree, title, "", user.name, target.oid).oid
        return self.event(item, user.name, "status-change", status="merged")

    # --- spaces

    @staticmethod
    def runtime_of(repo: Repo) -> dict[str, Any]:
        hardware = {"current": repo.space["hardware"], "requested": repo.space["hardware"]}
        return {"stage": repo.space["stage"], "hardware": hardware, "storage": None, "gcTimeout": 172800}

    @route("GET runtime", "POST hardware", "POST sleeptime", "POST pause", "POST restart")
    def runtime(self, call: Call) -> Response:
        if call.request.method == "POST":
            self.writable(call)
            call.repo.space["hardware"] = call.json().get("flavor", call.repo.space["hardware"])
            call.repo.space["stage"] = "PAUSED" if call.rest[0] == "pause" else "RUNNING"
        return JSONResponse(self.runtime_of(call.repo))

    @route("GET variables", "POST variables", "DELETE variables", "GET secrets", "POST secrets", "DELETE secrets")
    def variables(self, call: Call) -> Response:
        self.writable(call)
        held: dict[str, dict[str, Any]] = call.repo.space[call.rest[0]]
        if call.request.method == "POST":
            held[call.json()["key"]] = {**call.json(), "updatedAt": now()}
        elif call.request.method == "DELETE":
            held.pop(call.json()["key"], None)
        hidden = "value" if call.rest[0] == "secrets" else ""  # a secret is never given out again
        return JSONResponse({name: {k: v for k, v in item.items() if k != hidden} for name, item in held.items()})


# ------------------------------------------------------------------------------------------ running it


class LocalHub:
    """The Hub in a thread of this process: `with LocalHub(user="alice") as hub: ... hub.url, hub.token ...`

    xet: offer Xet storage (the default upload path of a client that has hf_xet). lfs_bytes: files of at least
    this size are large even when .gitattributes does not say so. space_needs_payment: creating a Space answers 402.
    """

    def __init__(
        self,
        user: str = "alice",
        token: str | None = None,
        *,
        port: int = 0,
        xet: bool = True,
        lfs_bytes: int = 10_000_000,
        space_needs_payment: bool = False,
    ) -> None:
        def fresh(role: str) -> str:
            return f"hf_{role}" + secrets.token_hex(15)

        self.user_name, self.token = user, token or fresh("write")
        self.read_token, self.other_token = fresh("read"), fresh("other")
        tokens = {self.token: User(user, "write"), self.read_token: User(user, "read")}
        self.store = Store(tokens | {self.other_token: User(f"not-{user}", "write")})
        self.app = HubApp(self.store, xet=xet, lfs_bytes=lfs_bytes, space_needs_payment=space_needs_payment)
        self._port = port
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return self.app.url

    def start(self) -> LocalHub:
        sockets = []
        for port in (self._port, 0):
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            listener.listen(128)
            sockets.append(listener)
        self.app.url, self.app.cdn_url = (f"http://127.0.0.1:{s.getsockname()[1]}" for s in sockets)
        config = uvicorn.Config(self.app, log_level="critical", access_log=False, lifespan="off", http="h11")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": sockets}, daemon=True)
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError("the local Hub did not start")
            time.sleep(0.01)
        return self

    def stop(self) -> None:
        if self._server and self._thread:
            self._server.should_exit = self._server.force_exit = True
            self._thread.join(10)

    def __enter__(self) -> LocalHub:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def env(self, hf_home: str | Path, token: str | None = None) -> dict[str, str]:
        """What a child process needs to use this Hub, with a cache of its own. token="" means signed out."""
        chosen = self.token if token is None else token
        return {"HF_ENDPOINT": self.url, "HF_HOME": str(hf_home), "HF_TOKEN": chosen, "NO_PROXY": "127.0.0.1"}

    def fault(self, pattern: str, **what: Any) -> Fault:
        """Arm a fault: status=, headers=, delay=, cut=, flip= or dead=True; times= and method= narrow it."""
        made = Fault(pattern, **what)
        self.app.faults.append(made)
        return made

    def clear(self) -> None:
        """Drop the faults and the log."""
        self.app.faults.clear()
        self.app.log.clear()

    def counts(self) -> Counter[str]:
        return self.app.counts()

    def log(self) -> list[Logged]:
        return list(self.app.log)

    def leaks(self) -> list[Logged]:
        """Requests that carried a Hub token to the other origin."""
        return [item for item in self.app.log if item.origin == "cdn" and item.token]

    def repo(self, repo_id: str, kind: str = "model") -> Repo:
        return self.store.repos[kind, repo_id]

    def read(self, repo_id: str, path: str, revision: str = "main", kind: str = "model") -> bytes:
        return self.store.blobs[self.repo(repo_id, kind).resolve(revision).tree[path].sha256]


def main() -> None:
    parser = argparse.ArgumentParser(description="A Hugging Face Hub on loopback, for tests.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--user", default="alice")
    parser.add_argument("--token", help="the write token (default: a fresh one)")
    parser.add_argument("--no-xet", action="store_true", help="do not offer Xet storage")
    parser.add_argument("--lfs-bytes", type=int, default=10_000_000)
    parser.add_argument("--space-needs-payment", action="store_true")
    args = parser.parse_args()
    hub = LocalHub(
        args.user,
        args.token,
        port=args.port,
        xet=not args.no_xet,
        lfs_bytes=args.lfs_bytes,
        space_needs_payment=args.space_needs_payment,
    )
    with hub:
        print(f"HF_ENDPOINT={hub.url}\nwrite token: {hub.token}\nread token: {hub.read_token}", flush=True)
        print(f"write token of another user: {hub.other_token}", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
