"""Uploads: which files are large, large ones to the CDN, then one commit of them all."""

from __future__ import annotations

import base64
import fnmatch
import json
import secrets
from typing import Any

from starlette.responses import JSONResponse, Response

from .calls import Call, route
from .store import Entry, HubError, Store, Tree

LARGE = 10_000_000
"""Files of at least so many bytes are large even where .gitattributes does not say so."""


@route("POST preupload")
def preupload(call: Call) -> Response:
    call.committer()
    commit = call.repo.resolve(call.rest_path(1))
    attributes = call.site.store.text(commit, ".gitattributes").splitlines()
    large = [line.split()[0] for line in attributes if "filter=lfs" in line]
    files = []
    for item in call.json()["files"]:
        path = item["path"]
        lfs = item["size"] >= LARGE or any(fnmatch.fnmatch(path.rsplit("/", 1)[-1], pattern) for pattern in large)
        files.append({"path": path, "uploadMode": "lfs" if lfs else "regular", "shouldIgnore": False})
        if path in commit.tree:
            files[-1]["oid"] = commit.tree[path].etag
    return JSONResponse({"files": files, "commitOid": commit.oid})


@route("POST lfs-batch")
def lfs_batch(call: Call) -> Response:
    """Where to put the large files that the store has not yet."""
    call.writer(call.user.name if call.user else None)
    objects, site = [], call.site
    for item in call.json()["objects"]:
        answer = {"oid": item["oid"], "size": item["size"]}
        if item["oid"] not in site.store.blobs:
            verify = f"{site.url}/{call.repo.web_path}.git/info/lfs/objects/verify"
            upload = {"href": f"{site.cdn_url}/_upload/{item['oid']}?sig={secrets.token_hex(8)}"}
            answer["actions"] = {"upload": upload, "verify": {"href": verify}}
        objects.append(answer)
    return JSONResponse({"transfer": "basic", "objects": objects})


@route("POST lfs-verify")
def lfs_verify(call: Call) -> Response:
    wanted = call.json()
    if len(call.site.store.blobs.get(wanted["oid"], b"")) != wanted["size"]:
        raise HubError(404, f"object {wanted['oid']} was not uploaded")
    return JSONResponse({"message": "verified"})


@route("POST commit")
def commit(call: Call) -> Response:
    """All operations or none, on top of the parent that the client names, or refused with 412."""
    user, repo, revision = call.committer(), call.repo, call.rest_path(1)
    lines = [json.loads(line) for line in call.body.splitlines() if line.strip()]
    header = next(line["value"] for line in lines if line["key"] == "header")
    ref, base = repo.ref_name(revision), header.get("parentCommit")
    create_pr = bool(call.query.get("create_pr"))
    if ref is None:
        raise HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
    head = repo.resolve(base if base and create_pr else ref)
    if base and not head.oid.startswith(base):
        raise HubError(412, "A commit has happened since. Please refresh and try again.")
    tree = dict(head.tree)
    for line in lines:
        _apply(call.site.store, tree, line["key"], line["value"])
    pull_url = None
    if create_pr:
        repo.pull_requests.append(header["summary"])
        number = len(repo.pull_requests)
        ref, pull_url = f"refs/pr/{number}", f"{call.site.url}/{repo.web_path}/discussions/{number}"
    made = repo.append(ref, tree, header["summary"], header.get("description") or "", user.name, head.oid)
    answer = {"success": True, "commitOid": made.oid, "hookOutput": "", "pullRequestUrl": pull_url}
    return JSONResponse(answer | {"commitUrl": f"{call.site.url}/{repo.web_path}/commit/{made.oid}"})


def _apply(store: Store, tree: Tree, key: str, value: dict[str, Any]) -> None:
    """One operation of a commit."""
    path = value.get("path", "")
    if key == "file":
        tree[path] = store.regular(base64.b64decode(value["content"]))
    elif key == "lfsFile":
        if value["oid"] not in store.blobs:
            raise HubError(400, f"Large file {path} ({value['oid']}) was not uploaded before the commit")
        tree[path] = Entry.for_lfs(value["oid"], len(store.blobs[value["oid"]]))
    elif key == "deletedFile":
        if path not in tree:
            raise HubError(404, "A file with this name doesn't exist", "EntryNotFound")
        del tree[path]
    elif key != "header":
        raise HubError(400, f"Unknown commit operation {key}")
