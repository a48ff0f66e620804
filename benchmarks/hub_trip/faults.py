"""What goes wrong between a model and the Hub, made to happen, and what the person at the keyboard gets."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from hub.clients import Client, Outcome
from hub.local_hub import LocalHub

from .table import must

SECONDS = 400.0
"""Longer than any case may take."""
FOR_EVER = 10_000
PUSH = """
from modeling_vae.publishing.repository import push_folder
result = push_folder(folder, repo, token=token).oid
"""
LOAD = """
from modeling_vae import VAEPipeline
pipe = VAEPipeline.from_pretrained(repo, token=token, revision=revision, cache_dir=cache)
result = [pipe.weights_sha256, pipe.attributes]
"""
PRIOR = """
from modeling_vae import VAEPipeline
result = VAEPipeline.from_pretrained(repo, cache_dir=cache).prior is not None
"""
TRAIN = """
import os
from unittest.mock import patch
import train
os.chdir(where)
with patch.dict(os.environ, HF_TOKEN=token):
    result = str(train.main(arguments))
"""
PASSED, CUT = "published, in one commit", "loaded: the download goes on where it broke off"
TRY_LATER = (
    r"ConnectionError: the Hub cannot be reached for alice/\S+ \((status 50[03]|ReadTimeout)\): try again later\."
)
LOOK = r" The commit was sent and may have been made: look at alice/\S+ first\."


class Faults:
    """The cases, each in a repository of its own that holds a whole model before anything goes wrong.

    Args:
        hub: where it happens.
        client: the process of the person at the keyboard.
        model: a published folder.
        recipe: that it was trained by.
    """

    def __init__(self, hub: LocalHub, client: Client, model: Path, recipe: Path) -> None:
        self.hub, self.client, self.model, self.recipe = hub, client, model, recipe
        self.folder = model.parents[2] / "faults"
        self.count = 0

    def cases(self) -> list[tuple[str, Callable[[], str]]]:
        """Each case's name, and what makes it happen and says what came of it."""
        hub, push, load = self.hub, self.push, self.load
        once = {"status": 503}
        ever = {"status": 503, "times": FOR_EVER}
        dead = {"dead": True, "times": FOR_EVER}
        who, mine = "PermissionError: the Hub wants to know who you are", "PermissionError: this token may not write"
        damaged = r"ValueError: {} of alice/\S+ is damaged: its digest is not the one that the Hub gives"
        return [
            ("status 503 once, before the upload", partial(push, "*/preupload/*", once)),
            ("status 500 once, in the upload", partial(push, "/_upload/*", {"status": 500})),
            ("status 503 once, at the commit", partial(push, "*/commit/*", once)),
            ("status 503 for ever, in the upload", partial(push, "/_upload/*", ever, error=TRY_LATER)),
            (
                "status 500 for ever, at the commit",
                partial(push, "*/commit/*", ever | {"status": 500}, error=TRY_LATER),
            ),
            ("the commit's answer is lost", partial(push, "*/commit/*", {"cut": 0})),
            ("a Hub that never answers a push", partial(push, "*", dead, error=TRY_LATER)),
            ("a Hub that never answers the commit", partial(push, "*/commit/*", dead, error=TRY_LATER + LOOK)),
            ("a push with a wrong token", partial(push, token="hf_wrong", error=who)),
            ("a push without a token", partial(push, token=False, error=who)),
            ("a push with a token that may only read", partial(push, token=hub.read_token, error=mine)),
            ("a push with somebody else's token", partial(push, token=hub.other_token, error=mine)),
            ("two pushes at once", self.two_pushes),
            ("somebody loads while a push goes on", self.read_while_pushing),
            ("status 503 at the push of a checkpoint", self.checkpoint),
            ("a download cut half way", partial(load, "/_cdn/*", {"cut": 5000}, shown=CUT)),
            (
                "a download cut again and again",
                partial(
                    load, "/_cdn/*", {"cut": 100, "times": FOR_EVER}, error="ConnectionError: .* cannot be reached"
                ),
            ),
            ("a flipped byte in model.safetensors", partial(self.flipped, "model.safetensors", damaged)),
            ("a flipped byte in directions.safetensors", partial(self.flipped, "directions.safetensors", damaged)),
            ("a private model, signed out", partial(load, token=False, private=True, error="the Hub shows no model")),
            ("a gated model, without access", partial(load, token=hub.other_token, gated="manual", error="is gated")),
            ("loading with a wrong token", partial(load, token="hf_wrong", error=who)),
            ("no such repository", partial(load, repo="alice/nothing", error="the Hub shows no model alice/nothing")),
            ("no such revision", partial(load, revision="v9", error="has no revision 'v9'")),
            ("a model that is no VAE", self.no_vae),
            ("a model with pickled weights only", self.pickles),
            ("a config that names code to run", self.remote_code),
            ("a Hub that never answers, nothing in the cache", partial(load, "*", dead, error=r"\(ReadTimeout\)")),
            ("a Hub that never answers, a copy in the cache", self.cached),
            (
                "a file that never comes",
                partial(load, "/_cdn/*", dead, error=r"\((ReadTimeout|nothing came for 60 s)\)"),
            ),
        ]

    # --- pushing -----------------------------------------------------------------------------------------------------

    def push(
        self, pattern: str = "", fault: Mapping[str, Any] | None = None, *, token: str | bool = "", error: str = ""
    ) -> str:
        """Push a new version of a model that is there; afterwards it is there, or all is as it was."""
        repo = self.publish()
        before, folder = self.hub.repo(repo).resolve("main"), self.version(repo)
        if fault is not None:
            self.hub.fault(pattern, **fault)
        token = self.hub.token if token == "" else token
        outcome = self.run(PUSH, folder=folder, repo=repo, token=token)
        after = self.hub.repo(repo).resolve("main")
        if error:
            must(after == before, "there is another commit")
            return f"{_said(outcome, error)} (Nothing is published.)"
        must(outcome.error is None, str(outcome.error))
        must(after.parent == before.oid, "there is not one new commit")
        must(self.hub.read(repo, "media/samples.webp") == repo.encode(), "another version is there")
        return PASSED

    def two_pushes(self) -> str:
        repo = self.publish()
        before = self.hub.repo(repo).resolve("main")
        values = {"repo": repo, "token": self.hub.token}
        with ThreadPoolExecutor() as threads, self.hub.hold("*/commit/*") as held:
            held_up = threads.submit(self.run, PUSH, folder=self.version(f"{repo}-1"), **values)
            held.arrived()
            self.run(PUSH, folder=self.version(f"{repo}-2"), **values).value()
            held.release()
            held_up.result().value()
        repository = self.hub.repo(repo)
        second, first, older = list(repository.history(repository.resolve("main")))[:3]
        seen = {self.hub.read(repo, "media/samples.webp", commit.oid).decode() for commit in (first, second)}
        must(older == before and seen == {f"{repo}-1", f"{repo}-2"}, f"{seen}")
        must(first.tree.keys() == second.tree.keys() == before.tree.keys(), "a state is not whole")
        return "two commits, one after the other, each a whole state"

    def read_while_pushing(self) -> str:
        repo, folder = self.publish(), self.version("reader")
        (folder / "prior.safetensors").unlink()
        values = {"repo": repo, "cache": self.cache()}
        with ThreadPoolExecutor() as threads, self.hub.hold("*/commit/*") as held:
            push = threads.submit(self.run, PUSH, folder=folder, repo=repo, token=self.hub.token)
            held.arrived()
            during = self.run(PRIOR, **values).value()
            held.release()
            push.result().value()
        after = self.run(PRIOR, **values).value()
        must(during and not after, f"{during}, then {after}")
        return "the old state until the commit, then the new one"

    def checkpoint(self) -> str:
        """Three tries of the first checkpoint's commit fail; the next checkpoint and the model are published."""
        repo = self.fresh()
        self.hub.fault("*/commit/*", status=503, times=3)
        overrides = ["training.max_steps=4", "training.save_steps=2", "training.eval_steps=4"]
        publish = [f"push_to_hub={repo}", "push_checkpoints=true"]
        values = {"where": self.folder, "token": self.hub.token}
        outcome = self.run(TRAIN, arguments=[str(self.recipe), *overrides, *publish, "--output", repo], **values)
        outcome.value()
        (warning,) = [line for line in outcome.text.splitlines() if line.startswith("Step 2 was not published")]
        repository = self.hub.repo(repo)
        titles = [commit.title for commit in repository.history(repository.resolve("main"))]
        must(titles == ["Publish the model", "Training in progress, step 4", "initial commit"], f"{titles}")
        return f"{warning} Then *{titles[1]}* and *{titles[0]}*"

    # --- loading -----------------------------------------------------------------------------------------------------

    def load(
        self,
        pattern: str = "",
        fault: Mapping[str, Any] | None = None,
        *,
        repo: str = "",
        token: str | bool | None = None,
        revision: str | None = None,
        private: bool = False,
        gated: str | bool = False,
        error: str = "",
        shown: str = "",
    ) -> str:
        """Load a model into an empty cache."""
        repo = repo or self.publish()
        if ("model", repo) in self.hub.store.repos:
            self.hub.repo(repo).private, self.hub.repo(repo).gated = private, gated
        if fault is not None:
            self.hub.fault(pattern, **fault)
        outcome = self.run(LOAD, repo=repo, token=token, revision=revision, cache=self.cache())
        if error:
            return _said(outcome, error)
        outcome.value()
        return shown

    def flipped(self, name: str, error: str) -> str:
        repo, cache = self.publish(), self.cache()
        self.hub.fault(f"*/{name}", method="GET", flip=(self.model / name).stat().st_size - 50)
        values = {"repo": repo, "token": None, "revision": None, "cache": cache}
        said = _said(self.run(LOAD, **values), error.format(name))
        self.run(LOAD, **values).value()
        return f"{said} (Which it then does.)"

    def no_vae(self) -> str:
        config = json.dumps({"model_type": "bert"}).encode()
        files = {name: (self.model / name).read_bytes() for name in ("model.safetensors", "preprocessor_config.json")}
        return self.load(repo=self.put(files | {"config.json": config}), error="of type 'bert', no VAE")

    def pickles(self) -> str:
        files = {name: (self.model / name).read_bytes() for name in ("config.json", "preprocessor_config.json")}
        repo = self.put(files | {"pytorch_model.bin": b"\x80\x04."})
        said = self.load(repo=repo, error="pytorch_model.bin is a pickle, which can run code and is not read")
        fetched = [item.path for item in self.hub.log() if item.path.endswith(".bin")]
        must(not fetched, f"{fetched} was fetched")
        return said

    def remote_code(self) -> str:
        """Code of the repository would leave a trace."""
        trace = self.folder / "trace"
        folder = self.version("evil")
        (folder / "evil.py").write_text(f"open({str(trace)!r}, 'w')\n")
        for name in ("config.json", "preprocessor_config.json"):
            values = json.loads((folder / name).read_text())
            values["auto_map"] = {key: "evil.Evil" for key in values["auto_map"]}
            (folder / name).write_text(json.dumps(values))
        self.load(repo=self.publish(folder))
        must(not trace.exists(), "the code was run")
        return "loaded by our own class; the code is not run"

    def cached(self) -> str:
        repo, cache = self.publish(), self.cache()
        values = {"repo": repo, "token": None, "revision": None, "cache": cache}
        before = self.run(LOAD, **values).value()
        self.hub.fault("*", dead=True, times=FOR_EVER)
        outcome = self.run(LOAD, **values)
        must(outcome.value() == before, "another model came")
        (warning,) = re.findall(r"UserWarning: (The Hub cannot be reached .*)", outcome.text)
        return f"loaded, with a warning: {warning}"

    # --- what all need -----------------------------------------------------------------------------------------------

    def run(self, code: str, **values: Any) -> Outcome:
        """What the code gives; faults are over then, and the log of the requests is of this code."""
        try:
            return self.client.run(code, seconds=SECONDS, **values)
        finally:
            self.hub.faults.clear()

    def fresh(self) -> str:
        """The id of a repository that no other case uses."""
        self.count += 1
        self.hub.clear()
        self.folder.mkdir(exist_ok=True)
        return f"alice/case-{self.count}"

    def cache(self) -> Path:
        """An empty cache."""
        return self.folder / f"cache-{self.count}"

    def publish(self, folder: Path | None = None) -> str:
        """A repository that holds the model."""
        repo = self.fresh()
        self.run(PUSH, folder=folder or self.model, repo=repo, token=self.hub.token).value()
        self.hub.clear()
        return repo

    def put(self, files: Mapping[str, bytes]) -> str:
        """A repository that holds these files, whoever wrote them."""
        repo = self.fresh()
        made = self.hub.store.create("model", repo, "alice", False, None)
        tree = {name: self.hub.store.regular(content) for name, content in files.items()}
        made.append("refs/heads/main", tree, "by hand", "", "alice", made.resolve("main").oid)
        return repo

    def version(self, name: str) -> Path:
        """The model's folder with a large file that no Hub has seen yet."""
        folder = self.folder / "versions" / name
        shutil.copytree(self.model, folder)
        (folder / "media" / "samples.webp").write_bytes(name.encode())
        return folder


def _said(outcome: Outcome, error: str) -> str:
    """The sentence of an error, which must be the expected one."""
    must(outcome.error is not None and re.search(error, outcome.error), f"{outcome.error} instead of {error}")
    return str(outcome.error)
