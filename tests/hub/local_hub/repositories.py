"""Accounts and repositories: who one is, making a repository, what it is, its branches, the hardware of a Space."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml
from starlette.responses import JSONResponse, Response

from .calls import Call, route
from .store import HubError, Repo

COLORS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")


@route("GET api/whoami-v2")
def whoami(call: Call) -> Response:
    if call.user is None:
        raise HubError(401, "Invalid username or password.")
    name, access = call.user.name, {"displayName": "local", "role": call.user.role}
    auth = {"type": "access_token", "accessToken": access}
    return JSONResponse({"type": "user", "id": name, "name": name, "fullname": name, "orgs": [], "auth": auth})


@route("POST api/repos/create")
def create(call: Call) -> Response:
    wanted, site = call.json(), call.site
    owner: str = wanted.get("organization") or (call.user.name if call.user else "")
    call.writer(owner)
    kind, repo_id = wanted.get("type") or "model", f"{owner}/{wanted['name']}"
    url = f"{site.url}/{Repo(kind, repo_id).web_path}"
    if (kind, repo_id) in site.store.repos:
        return JSONResponse({"error": f"You already created this {kind} repo", "url": url}, 409)
    if kind == "space" and site.space_needs_payment:
        raise HubError(402, "Payment Required: a subscription is needed to create this Space")
    private = wanted.get("visibility") == "private" or bool(wanted.get("private"))
    repo = site.store.create(kind, repo_id, owner, private, wanted.get("sdk"))
    if kind == "space":
        repo.space["hardware"] = wanted.get("hardware") or "cpu-basic"
    return JSONResponse({"url": url, "name": repo_id, "id": repo_id})


@route("GET info", "GET revision")
def info(call: Call) -> Response:
    repo = call.repo
    commit = repo.resolve(call.rest_path(1) if call.rest else "main")
    siblings: list[dict[str, Any]] = []
    for path, entry in sorted(commit.tree.items()):
        siblings.append({"rfilename": path})
        if "blobs" in call.query:
            siblings[-1] |= {"size": entry.size, "blobId": entry.oid}
            if entry.lfs:
                siblings[-1]["lfs"] = {"size": entry.size, "sha256": entry.sha256, "pointerSize": 134}
    data = {"id": repo.id, "author": repo.owner, "sha": commit.oid, "private": repo.private, "gated": repo.gated}
    data |= {"lastModified": commit.date, "createdAt": repo.created, "tags": [], "siblings": siblings}
    data["cardData"] = front_matter(call.site.store.text(commit, "README.md")) or {}
    if repo.kind == "space":
        data |= {"sdk": repo.space["sdk"], "runtime": runtime_of(repo)}
    return JSONResponse(data)


@route("POST branch")
def branch(call: Call) -> Response:
    call.writer()
    ref = f"refs/heads/{call.rest_path(1)}"
    if ref in call.repo.refs:
        raise HubError(409, f"Reference already exists: {ref}")
    call.repo.refs[ref] = call.repo.resolve(call.json().get("startingPoint") or "main").oid
    return JSONResponse({})


@route("GET runtime", "POST hardware")
def runtime(call: Call) -> Response:
    if call.request.method == "POST":
        call.writer()
        call.repo.space["hardware"] = call.json()["flavor"]
    return JSONResponse(runtime_of(call.repo))


def runtime_of(repo: Repo) -> dict[str, Any]:
    hardware = {"current": repo.space["hardware"], "requested": repo.space["hardware"]}
    return {"stage": "RUNNING", "hardware": hardware, "storage": None, "gcTimeout": 172800}


@route("POST api/validate-yaml")
def validate_yaml(call: Call) -> Response:
    """Whether the Hub would take a card: YAML that can be read, and for a Space the values it knows."""
    wanted = call.json()
    errors: list[dict[str, str]] = []
    warnings: list[dict[str, str]] = []
    try:
        card = front_matter(wanted["content"])
    except HubError as error:
        return JSONResponse({"errors": [{"message": error.message}], "warnings": [], "error": error.message}, 400)
    if not card:
        warnings.append({"message": "empty or missing yaml metadata in repo card"})
    elif wanted.get("repoType") == "space":
        if card.get("sdk") not in ("gradio", "docker", "static"):
            errors.append({"message": '"sdk" must be one of [gradio, docker, static]'})
        if len(str(card.get("short_description", ""))) > 60:
            errors.append({"message": '"short_description" length must be at most 60 characters'})
        for key in ("colorFrom", "colorTo"):
            if card.get(key, "red") not in COLORS:
                errors.append({"message": f'"{key}" must be one of [{", ".join(COLORS)}]'})
    return JSONResponse({"errors": errors, "warnings": warnings}, 400 if errors else 200)


def front_matter(text: str) -> dict[str, Any] | None:
    found = re.match(r"\A---\r?\n(.*?)\r?\n---\s*(?:\n|\Z)", text, re.DOTALL)
    try:
        loaded = yaml.safe_load(found.group(1)) if found else None
    except yaml.YAMLError as error:
        raise HubError(400, f"Invalid YAML: {error}") from error
    # JSON has no dates; the Hub sends strings as well
    return json.loads(json.dumps(loaded, default=str)) if isinstance(loaded, dict) else None
