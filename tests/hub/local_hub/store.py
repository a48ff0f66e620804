"""What the Hub holds: blobs by their sha256, and repositories of refs, commits and files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

LFS_SUFFIXES = (
    "7z arrow avro bin bz2 ckpt ftz gz h5 joblib lz4 mlmodel model msgpack npy npz onnx ot parquet pb pickle pkl pt "
    "pth rar safetensors tar tflite tgz wasm xz zip zst gif jpeg jpg png webp mp4"
).split()
GIT_ATTRIBUTES = "".join(f"*.{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in LFS_SUFFIXES)


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
class Repo:
    kind: str
    id: str
    private: bool = False
    gated: str | bool = False
    granted: set[str] = field(default_factory=set)
    created: str = field(default_factory=now)
    refs: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    pull_requests: list[str] = field(default_factory=list)
    """Their titles; the first is refs/pr/1."""
    space: dict[str, Any] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        return self.id.split("/")[0]

    @property
    def web_path(self) -> str:
        return self.id if self.kind == "model" else f"{self.kind}s/{self.id}"

    def ref_name(self, revision: str) -> str | None:
        """The full name of a branch or pull request, or None for anything else."""
        return next((name for name in (revision, f"refs/heads/{revision}") if name in self.refs), None)

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


class Store:
    """Blobs by sha256, repositories by kind and id, users by token."""

    def __init__(self, tokens: dict[str, User]) -> None:
        self.tokens = tokens
        self.blobs: dict[str, bytes] = {}
        self.repos: dict[tuple[str, str], Repo] = {}

    def put(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return digest

    def regular(self, data: bytes) -> Entry:
        return Entry(self.put(data), len(data), git_oid(data))

    def text(self, commit: Commit, path: str) -> str:
        """A file of a commit, "" where it has none of this name."""
        entry = commit.tree.get(path)
        return self.blobs[entry.sha256].decode(errors="replace") if entry else ""

    def create(self, kind: str, repo_id: str, author: str, private: bool, sdk: str | None) -> Repo:
        repo = Repo(kind, repo_id, private)
        tree = {".gitattributes": self.regular(GIT_ATTRIBUTES.encode())}
        if kind == "space":
            repo.space = {"sdk": sdk, "hardware": "cpu-basic"}
            card = f"---\ntitle: {repo_id.split('/')[1]}\nsdk: {sdk}\napp_file: app.py\n---\n"
            tree["README.md"] = self.regular(card.encode())
        repo.append("refs/heads/main", tree, "initial commit", "", author, None)
        self.repos[kind, repo_id] = repo
        return repo
