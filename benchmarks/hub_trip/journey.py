"""The round trip: pictures become a model on the Hub, a Space runs it, and somebody else adds directions to it."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import torch
from gradio_client import Client as StudioClient
from hub.clients import REPOSITORY, Client, python
from hub.local_hub import Commit, LocalHub
from hub.spaces import downloaded, running, space_environment
from PIL import Image
from test_published_code import AUTO
from training.making import recipe_values, write_pictures, write_recipe

from modeling_vae import VAEPipeline

from .table import must

MODEL, SPACE = "alice/squares", "alice/squares-studio"
STEPS, SAVE_STEPS = 60, 30
SEED, FRAMES = 7, 12
SECONDS = 300.0
"""Longer than any step may take, on however busy a machine."""
AS_IT_COMES = {"HF_HUB_ETAG_TIMEOUT": "10", "HF_HUB_DOWNLOAD_TIMEOUT": "10"}
"""How long the libraries wait where nobody tells them."""
AT_A_REVISION = """
from modeling_vae import VAEPipeline
pipe = VAEPipeline.from_pretrained(repo, revision=revision)
result = [pipe.attributes, pipe.weights_sha256, len(pipe.generate(4, seed=1))]
"""
PUSH_AGAIN = """
from modeling_vae import VAEPipeline
result = VAEPipeline.from_pretrained(folder).push_to_hub(repo, token=token).oid
"""
ADD_DIRECTIONS = """
import torch
from PIL import Image
from modeling_vae import AttributeDirections, LatentMoments, VAEPipeline
from modeling_vae.publishing.shared_directions import push_directions

pipe = VAEPipeline.from_pretrained(repo)
pictures = [Image.open(path) for path in sorted(Path(folder).glob("*.png"))]
latents = pipe.encode(pictures)
red = [picture.getpixel((0, 0))[0] > picture.getpixel((0, 0))[2] for picture in pictures]
moments = LatentMoments.empty(pipe.latent_dim, {"red_ground": "boolean"})
moments.update(latents, torch.full_like(latents, -4.0), {"red_ground": red})
directions, _ = AttributeDirections.from_moments(moments, shrinkage=0.1, weights_sha256=pipe.weights_sha256)
alone = push_directions(directions, other, base_model=repo, token=token)
proposed = push_directions(directions, repo, create_pr=True, token=token)
proposal = VAEPipeline.from_pretrained(repo, revision=proposed.pr_revision)
result = [pipe.load_directions(other), proposal.attributes, proposed.pr_revision]
proposal.edit(pictures[0], {"red_ground": 2.0}, hold=["bright"])
"""


class Journey:
    """Its steps in order; each builds on those before it. `close` ends the one process that stays open."""

    def __init__(self, hub: LocalHub, folder: Path) -> None:
        self.hub, self.folder = hub, folder
        self.client = Client(hub, folder / "client", **AS_IT_COMES)
        self.pictures = folder / "pictures"
        self.recipe, self.published = folder / "recipe", folder / "train" / "run" / "published"

    def close(self) -> None:
        self.client.close()

    def steps(self) -> list[tuple[str, Callable[[], str]]]:
        """Each step's name, and what does it and says what it showed."""
        return [
            ("make pictures with attributes, and a recipe", self.make),
            ("`train.py ... push_to_hub= push_checkpoints=true`", self.train),
            ("load the state of the first checkpoint", self.load_checkpoint),
            ("load where our package cannot be imported", self.load_elsewhere),
            ("the same with the Hub unreachable", self.load_offline),
            ("push the same again", self.push_again),
            ("`python -m modeling_vae push-space`", self.push_space),
            ("run the Space's folder, and use it", self.run_space),
            ("somebody else adds directions", self.add_directions),
        ]

    # --- the model ---------------------------------------------------------------------------------------------------

    def make(self) -> str:
        write_pictures(self.pictures, 240)
        values = recipe_values(self.pictures, self.folder)
        values["objective"] = {}
        values["training"] |= {"max_steps": STEPS, "save_steps": SAVE_STEPS, "eval_steps": STEPS}
        values["publish"] = {"license": "cc0-1.0", "title": "Squares"}
        write_recipe(self.recipe, values)
        return "240 squares of 32 x 32 pixels, labelled `bright` (yes or no) and `side` (a number); 120 held out"

    def train(self) -> str:
        command = [str(REPOSITORY / "train.py"), str(self.recipe), "--output", "run"]
        done = python(
            self.hub, self.folder / "train", *command, f"push_to_hub={MODEL}", "push_checkpoints=true", seconds=SECONDS
        )
        must(done.returncode == 0, done.stderr[-2000:])
        titles = [commit.title for commit in self.commits()]
        must(titles == [*(f"Training in progress, step {n}" for n in (30, 60)), "Publish the model"], str(titles))
        must("directions.safetensors" in self.commits()[-1].tree, "the last commit has no directions")
        must("In training" not in self.hub.read(MODEL, "README.md").decode(), "the card still says: in training")
        return "commits: " + ", ".join(f"*{title}*" for title in titles)

    def load_checkpoint(self) -> str:
        first, *_, last = self.commits()
        card = self.hub.read(MODEL, "README.md", first.oid).decode()
        (status,) = re.findall(r"\*\*(In training: .*?)\*\*", card)
        attributes, weights, faces = self.ask(AT_A_REVISION, repo=MODEL, revision=first.oid)
        must(attributes == [] and faces == 4, f"{attributes}, {faces} faces")
        names = {"directions.safetensors", "prior.safetensors", "evaluation.json", "media/morph.gif"}
        must(not names & first.tree.keys(), "parts of a finished model lie beside a checkpoint's weights")
        final, sha256, _ = self.ask(AT_A_REVISION, repo=MODEL, revision=last.oid)
        must(final == ["bright", "side"] and sha256 != weights, f"{final}, {sha256}")
        return f"draws 4 faces, has no directions, its card says *{status}*; the last commit has {', '.join(final)}"

    def load_elsewhere(self) -> str:
        pipe = VAEPipeline.from_pretrained(self.published)
        latents = pipe.sample(4, seed=SEED)
        pictures = pipe.decode_pixels(latents)
        mean = pipe.encode(pipe.processor.postprocess(pictures))
        home = self.folder / "elsewhere"
        home.mkdir()
        torch.save({"latents": latents, "pictures": pictures, "mean": mean}, home / "given.pt")
        self.auto()
        return "`AutoModel` and `AutoImageProcessor` with `trust_remote_code`: decoded and encoded bit for bit alike"

    def load_offline(self) -> str:
        self.hub.clear()
        self.auto(HF_HUB_OFFLINE="1")
        asked = [item.path for item in self.hub.log()]
        must(not asked, f"asked for {asked}")
        return "`HF_HUB_OFFLINE=1`, from the cache: the same bits, no request"

    def auto(self, **environment: str) -> None:
        """Load and compare in a process without our package, which looks for given.pt in its folder."""
        done = python(
            self.hub, self.folder / "elsewhere", "-c", AUTO, MODEL, seconds=SECONDS, PYTHONPATH="", **environment
        )
        must(done.returncode == 0, done.stderr[-2000:])

    def push_again(self) -> str:
        before = self.commits()
        oid = self.ask(PUSH_AGAIN, folder=self.published, repo=MODEL, token=self.hub.token)
        must(oid == before[-1].oid and self.commits() == before, "there is another commit")
        return "no new commit"

    # --- the Space ---------------------------------------------------------------------------------------------------

    def push_space(self) -> str:
        done = python(
            self.hub,
            self.folder / "space",
            "-m",
            "modeling_vae",
            "push-space",
            SPACE,
            "--model",
            MODEL,
            seconds=SECONDS,
        )
        must(done.returncode == 0, done.stderr[-2000:])
        tree = self.hub.repo(SPACE, "space").resolve("main").tree
        return f"one commit, {len(tree)} files, {sum(entry.size for entry in tree.values()) / 1000:.0f} kB"

    def run_space(self) -> str:
        """As a Space does: its app_file, the port from the environment, the model from the Hub, signed out."""
        home = self.folder / "run-space"
        folder = downloaded(self.hub, SPACE, home / "app")
        self.hub.clear()
        with running(Path(sys.executable), folder, space_environment(self.hub, home), seconds=SECONDS) as url:
            shown = self.use(url, VAEPipeline.from_pretrained(self.published))
        must(any("/resolve/" in item.path for item in self.hub.log()), "the model did not come from the Hub")
        compiled = {path.parents[1] / f"{path.name.split('.')[0]}.py" for path in folder.rglob("__pycache__/*.pyc")}
        sources = {path for path in folder.rglob("*.py") if path.name != "app.py" or path.parent != folder}
        must(compiled == sources, "the Space ran other code than its own")
        return shown

    def use(self, url: str, pipe: VAEPipeline) -> str:
        """Generate, edit and morph as a visitor's program does, and compare with the pipeline."""
        with tempfile.TemporaryDirectory() as downloads:
            studio = StudioClient(url, verbose=False, download_files=downloads)
            shown, *_ = studio.predict(seed=SEED, truncation=0.9, api_name="/generate")
            expected = pipe.generate(len(shown), SEED, 0.9)
            must(all(_same(e["image"], p) for e, p in zip(shown, expected, strict=True)), "other faces")
            studio.predict(index=1, api_name="/edit_face")
            edited, *_ = studio.predict(hold=["side"], bright=2.0, api_name="/edit")
            face = pipe.edit(pipe.sample(2, SEED, 0.9)[1], {"bright": 2.0}, hold=["side"])
            must(_same(edited, face), "another edit")
            studio.predict(api_name="/tray_clear")
            for index in (2, 5):
                studio.predict(index=index, api_name="/tray_add")
            *_, film = studio.predict(frames=FRAMES, seconds=1, size=128, loop="once", api_name="/film")
            frames = iio.imread(film, index=None)
            must(Path(film).suffix == ".gif" and frames.shape[:3] == (FRAMES, 128, 128), f"a film of {frames.shape}")
        return (
            f"through `gradio_client`: {len(shown)} faces and an edit as the pipeline gives them; a morph as a GIF of "
            f"{len(frames)} frames"
        )

    # --- directions --------------------------------------------------------------------------------------------------

    def add_directions(self) -> str:
        head, other = self.commits()[-1], "not-alice/red-ground"
        values = {"folder": self.pictures / "train", "repo": MODEL, "other": other, "token": self.hub.other_token}
        alone, proposed, revision = self.ask(ADD_DIRECTIONS, **values)
        must(alone == ["red_ground"] and proposed == ["bright", "side", "red_ground"], f"{alone}, {proposed}")
        must(self.commits()[-1] == head, "main has changed")
        return f"loaded alone from `{other}`, and with the model at `{revision}`; main is as it was"

    def ask(self, code: str, **values: Any) -> Any:
        """What a piece of code gives in the process of the person at the keyboard."""
        return self.client.run(code, seconds=SECONDS, **values).value()

    def commits(self) -> list[Commit]:
        """Those that we made on the model's main branch, the first one first."""
        repository = self.hub.repo(MODEL)
        return list(repository.history(repository.resolve("main")))[-2::-1]


def _same(path: str, picture: Image.Image) -> bool:
    """Whether a file shows a picture, to within one grey level."""
    shown = np.asarray(Image.open(path).convert("RGB")).astype(int)
    return bool(abs(shown - np.asarray(picture).astype(int)).max() <= 1)
