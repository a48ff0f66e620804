"""Downloads: what files there are, the files, and the other origin where the large ones lie."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Any
from urllib.parse import parse_qs, quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .calls import Call, route
from .store import Commit, HubError, Store


@route("GET tree")
def tree(call: Call) -> Response:
    """Names in a folder, or under it, with what they are."""
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
    return call.page([_described(commit, name) for name in sorted(names)], 1000)


@route("POST paths-info")
def paths_info(call: Call) -> Response:
    """What some names are; those that are none are left out."""
    if call.request.headers.get("content-type", "").startswith("application/json"):
        paths = call.json()["paths"]
    else:
        paths = parse_qs(call.body.decode()).get("paths", [])
    commit = call.repo.resolve(call.rest_path(1))
    return JSONResponse([item for path in paths if (item := _described(commit, path.strip("/")))])


def _described(commit: Commit, path: str) -> dict[str, Any] | None:
    entry = commit.tree.get(path)
    if entry is None:
        inside = sorted(e.oid for name, e in commit.tree.items() if name.startswith(path + "/"))
        oid = hashlib.sha1("".join(inside).encode()).hexdigest()
        return {"type": "directory", "path": path, "oid": oid, "size": 0} if inside else None
    data: dict[str, Any] = {"type": "file", "path": path, "oid": entry.oid, "size": entry.size}
    if entry.lfs:
        data["lfs"] = {"oid": entry.sha256, "size": entry.size, "pointerSize": 134}
    return data


@route("GET resolve")
def resolve(call: Call) -> Response:
    """A small file, or where a large one lies."""
    call.refuse_ungranted()
    store, path = call.site.store, call.rest_path(2)
    commit = call.repo.resolve(call.rest[1])
    entry = commit.tree.get(path)
    if entry is None:
        raise HubError(404, "Entry not found", "EntryNotFound", X_Repo_Commit=commit.oid)
    headers = {"X-Repo-Commit": commit.oid, "ETag": f'"{entry.etag}"', "Accept-Ranges": "bytes"}
    if not entry.lfs:
        return ranged(call.request, store.blobs[entry.sha256], headers)
    headers |= {"X-Linked-Size": str(entry.size), "X-Linked-ETag": f'"{entry.sha256}"'}
    name = quote(path.rsplit("/", 1)[-1])
    headers["Location"] = f"{call.site.cdn_url}/_cdn/{entry.sha256}/{name}?sig={secrets.token_hex(8)}"
    return Response(status_code=302, headers=headers)


def cdn(store: Store, request: Request, parts: list[str], body: bytes) -> Response:
    """The other origin: large files are put there and fetched from there."""
    if parts[0] == "_cdn" and parts[1] in store.blobs:
        return ranged(request, store.blobs[parts[1]], {"ETag": f'"{parts[1]}"', "Accept-Ranges": "bytes"})
    if parts[0] == "_upload" and request.method == "PUT":
        if hashlib.sha256(body).hexdigest() != parts[1]:
            raise HubError(400, "The content does not have the announced sha256")
        store.put(body)
        return Response(headers={"ETag": f'"{parts[1]}"'})
    raise HubError(404, f"not here: {request.method} /{'/'.join(parts)}")


def ranged(request: Request, data: bytes, headers: dict[str, str]) -> Response:
    """The bytes asked for, all of them where none are named."""
    found, status = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", "")), 200
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
