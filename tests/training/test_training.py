"""train.py as people run it: from pictures to a published folder, killed, interrupted, and out of space."""

from __future__ import annotations

import json
import os
import random
import re
import resource
import signal
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest
import torch
from patience import PATIENCE
from PIL import Image
from safetensors.torch import load_file

import train
from modeling_vae import VAEModel, VAEPipeline
from modeling_vae.recipes.recipe import Recipe
from modeling_vae.training.film import frame_steps
from modeling_vae.training.run import build_model

from .forked import started
from .making import recipe_values, write_backbone, write_pictures, write_recipe

ROOT = Path(__file__).parents[2]
STEPS = 24
UNSEEN = ("objective.perceptual=null", "objective.adversarial=null")
"""Without a network that looks on, training and publishing are quick."""
BARE = (*UNSEEN, "objective.attribute_consistency=null", "objective.edits=null", "attributes={}")
"""Without attributes there are no probes either, which take most of what is left."""


class Workplace:
    """A folder with pictures and a recipe, and train.py run on it in processes of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        values = recipe_values(write_pictures(folder / "pictures"), write_backbone(folder / "backbone"))
        values["training"]["precision"] = "fp32"  # which each run would measure, and a busy machine not alike
        self.recipe = write_recipe(folder / "recipe", values)

    def start(self, run: str, *overrides: str, before: Callable[[], object] | None = None) -> BaseProcess:
        arguments = [str(self.recipe), "--output", str(self.folder / run), *overrides]
        return started(arguments, self.folder / f"{run}.log", before)

    def train(self, run: str, *overrides: str, before: Callable[[], object] | None = None) -> tuple[int | None, str]:
        process = self.start(run, *overrides, before=before)
        process.join(PATIENCE)
        return process.exitcode, self.said(run)

    def said(self, run: str) -> str:
        return (self.folder / f"{run}.log").read_text()

    def here(self, run: str, *overrides: str) -> Path:
        """The same in this process, which spares the imports, with the likelihood alone."""
        arguments = [str(self.recipe), "--output", str(self.folder / run), *BARE, *overrides]
        return train.main(arguments)

    def checkpoints(self, run: str) -> list[int]:
        folder = self.folder / run / "checkpoints"
        return sorted(int(path.name.split("-")[1]) for path in folder.glob("checkpoint-*"))


@pytest.fixture(scope="module")
def workplace(tmp_path_factory) -> Workplace:
    return Workplace(tmp_path_factory.mktemp("training"))


@pytest.fixture(scope="module")
def finished(workplace) -> Path:
    """The folder of a run that nothing disturbed."""
    code, output = workplace.train("undisturbed")
    assert code == 0, output
    assert re.search(r"Of \d+ seconds: reading pictures .*, training .*, fitting .*, measuring .*, drawing", output)
    return workplace.folder / "undisturbed"


def small_files() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "checkpoints" / f"checkpoint-{STEPS}" / "model.safetensors")


def test_a_run_ends_with_a_published_folder(finished, workplace):
    folder = finished / "published"
    expected = {
        "config.json", "model.safetensors", "preprocessor_config.json", "directions.safetensors", "prior.safetensors",
        "recipe.yaml", "evaluation.json", "README.md", "media", "modeling_image_vae.py",
    }  # fmt: skip
    assert expected <= {path.name for path in folder.iterdir()}
    with Image.open(folder / "media" / "training.webp") as film:
        assert film.n_frames == len(frame_steps(STEPS)) and min(film.size) >= 256
    assert {"training.mp4", "losses.webp"} <= {path.name for path in (folder / "media").iterdir()}
    assert not list((folder / "media").glob("*reconstructions.mp4"))  # no picture of the data is published
    pipe = VAEPipeline.from_pretrained(folder)
    assert pipe.directions.names == ["bright", "side"] and set(pipe.attributes) == {"bright", "side"}
    assert pipe.directions.directions["bright"].held_out > 0.9
    report = json.loads((folder / "evaluation.json").read_text())
    assert report["run"]["steps"] == STEPS
    for file in folder.rglob("*"):
        if file.is_file():
            assert str(workplace.folder).encode() not in file.read_bytes(), file.name


def test_what_is_published_is_the_average(finished):
    last, published = weights(finished), load_file(finished / "published" / "model.safetensors")
    for name, weight in published.items():
        average = last[f"average.module.{name}"]
        assert torch.equal(weight, average.half() if average.is_floating_point() else average), name
    assert not torch.equal(last["model.to_posterior.weight"], last["average.module.to_posterior.weight"])


def test_the_average_follows_its_definition(workplace):
    """With ema_decay=0 the average is the model itself."""
    workplace.here("no-average", "training.ema_decay=0.0", "training.max_steps=4")
    last = load_file(workplace.folder / "no-average" / "checkpoints" / "checkpoint-4" / "model.safetensors")
    for name in [name for name in last if name.startswith("model.")]:
        assert torch.equal(last[name], last[name.replace("model.", "average.module.", 1)]), name


def test_a_killed_run_ends_with_the_same_weights_bit_for_bit(finished, workplace):
    """SIGKILL at arbitrary moments of the training, three times, and the same command again each time."""
    generator = random.Random()
    kills = 0
    while kills < 3:
        process = workplace.start("killed", "training.save_steps=3")
        seen = max(workplace.checkpoints("killed"), default=0)
        while process.is_alive() and max(workplace.checkpoints("killed"), default=0) <= seen:
            time.sleep(0.002)
        time.sleep(generator.uniform(0, 0.1))
        process.kill()
        process.join()
        kills += 1
    assert 0 < max(workplace.checkpoints("killed"))
    code, output = workplace.train("killed", "training.save_steps=3")
    assert code == 0, output
    expected, found = weights(finished), weights(workplace.folder / "killed")
    assert expected.keys() == found.keys()
    assert [name for name in expected if not torch.equal(expected[name], found[name])] == []
    a, b = (run / "published" / "model.safetensors" for run in (finished, workplace.folder / "killed"))
    assert a.read_bytes() == b.read_bytes()
    a, b = (run / "published" / "media" / "training.webp" for run in (finished, workplace.folder / "killed"))
    assert a.read_bytes() == b.read_bytes()


def test_a_finished_run_is_published_again_and_trained_no_further(finished, workplace):
    before = weights(finished)
    published = (finished / "published" / "model.safetensors").read_bytes()
    code, output = workplace.train("undisturbed")
    assert code == 0, output
    assert max(workplace.checkpoints("undisturbed")) == STEPS
    assert all(torch.equal(weight, weights(finished)[name]) for name, weight in before.items())
    assert (finished / "published" / "model.safetensors").read_bytes() == published


def test_evaluation_takes_every_picture_also_those_that_fill_no_batch(finished):
    state = json.loads((finished / "checkpoints" / f"checkpoint-{STEPS}" / "trainer_state.json").read_text())
    evaluations = [entry for entry in state["log_history"] if "eval_psnr" in entry]
    assert [entry["step"] for entry in evaluations] == [8, 16, 24]


def test_a_run_can_begin_with_published_weights(finished, workplace):
    """A step that moves nothing leaves them as they were, although the run's objective is another."""
    published = finished / "published"
    still = ("training.max_steps=1", "training.learning_rate=1.0e-12", f"model.pretrained={published}")
    tuned = load_file(workplace.here("tuned", *still) / "model.safetensors")
    before = load_file(published / "model.safetensors")
    assert tuned.keys() == before.keys()
    for name, weight in before.items():
        if "running_" not in name and "num_batches" not in name:  # a step counts for the batch norms
            torch.testing.assert_close(tuned[name], weight, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match=r"another network: set model.latent_dim=8, or"):
        workplace.here("wider", *still, "model.latent_dim=9")
    with pytest.raises(ValueError, match=r"another network: set model.activation=leaky_relu, or"):
        workplace.here("bent", *still, "model.activation=silu")
    with pytest.raises(ValueError, match=r"published: only models with plain encoder blocks"):
        workplace.here("twice", *still, "model.image_size=64")
    with pytest.raises(ValueError, match="'mobilenet_v2', no VAE"):
        workplace.here("other", *still[:2], f"model.pretrained={workplace.folder / 'backbone'}")


def test_a_deeper_decoder_begins_as_the_published_one(finished, workplace):
    published = finished / "published"
    before = VAEModel.from_pretrained(published).eval()
    layers = before.config.decoder_layers
    overrides = [f"model.pretrained={published}", f"model.decoder_layers={layers + 1}"]
    deeper = build_model(Recipe.read(workplace.recipe, overrides)).eval()
    assert sum(weight.numel() for weight in deeper.parameters()) > before.num_parameters()
    latents = torch.randn(4, before.config.latent_dim)
    torch.testing.assert_close(deeper.decode(latents), before.decode(latents).float())
    with pytest.raises(ValueError, match=f"another network: set model.decoder_layers={layers + 1}, or"):
        deeper.save_pretrained(folder := workplace.folder / "deeper")
        copytree(published, folder, ignore=ignore_patterns("model.safetensors", "config.json"), dirs_exist_ok=True)
        build_model(Recipe.read(workplace.recipe, [f"model.pretrained={folder}"]))


def test_fewer_pictures_than_a_batch_are_refused(workplace):
    with pytest.raises(ValueError, match="120 training pictures are fewer than .*batch_size=200"):
        workplace.here("large-batch", "training.per_device_train_batch_size=200")


def test_one_validation_picture_is_refused_before_training(workplace):
    with pytest.raises(ValueError, match="1 validation picture is too few.*data.validation"):
        workplace.here("one-unseen", "data.validation=0.001")


def test_activation_checkpointing_trains(workplace):
    settings = ("training.activation_checkpointing=true", "training.max_steps=2")
    with pytest.raises(ValueError, match="set model.norm to group or none"):
        workplace.here("batch-norms", *settings)
    workplace.here("checkpointed", *settings, "model.norm=group")
    assert workplace.checkpoints("checkpointed") == [2]


def test_checkpoints_are_whole(finished, workplace):
    """What can be seen under a checkpoint's name has every file of one; unfinished ones are called so."""
    complete = {path.name for path in (finished / "checkpoints" / f"checkpoint-{STEPS}").iterdir()}
    assert {"model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json"} <= complete
    for path in workplace.folder.glob("*/checkpoints/checkpoint-*"):
        assert {file.name for file in path.iterdir()} == complete, path
        load_file(path / "model.safetensors")


def test_ctrl_c_leaves_a_run_that_goes_on(workplace):
    process = workplace.start("interrupted", *BARE, "training.save_steps=2", "training.max_steps=1000")
    while process.is_alive() and not workplace.checkpoints("interrupted"):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    process.join(PATIENCE)
    output = workplace.said("interrupted")
    assert process.exitcode == 1
    assert "stopped: the same command goes on from the last checkpoint." in output
    assert "Traceback" not in output
    step = max(workplace.checkpoints("interrupted"))
    workplace.here("interrupted", "training.save_steps=2", f"training.max_steps={step + 2}")
    assert max(workplace.checkpoints("interrupted")) == step + 2


def test_a_run_of_another_recipe_is_not_continued(finished, workplace):
    with pytest.raises(ValueError, match="undisturbed holds a run whose model section differs"):
        workplace.here("undisturbed", "model.latent_dim=16")


def test_an_output_that_cannot_be_written_is_named_before_training(workplace):
    (workplace.folder / "file").write_text("")
    with pytest.raises(OSError, match="output folder .*file/run cannot be written"):
        workplace.here("file/run")


def test_a_full_disk_ends_in_a_sentence_and_the_last_checkpoint_stays(workplace):
    """A limit on the size of files stands for the full disk: the operating system refuses the write half way."""
    workplace.here("full", "training.max_steps=4")
    code, output = workplace.train("full", *BARE, "training.max_steps=8", before=small_files)
    assert code == 1
    assert "error:" in output and "Traceback" not in output, output[-2000:]
    assert workplace.checkpoints("full") == [4]
    workplace.here("full", "training.max_steps=8")


def test_a_network_that_is_not_at_hand_is_named_with_the_way_out(workplace):
    (workplace.folder / "no-network").mkdir()
    backbone = f"objective.perceptual.backbone={workplace.folder / 'no-network'}"
    with pytest.raises(OSError, match="(?s)objective.perceptual.backbone: .*cannot be loaded.*adversarial=null"):
        train.main([str(workplace.recipe), "--output", str(workplace.folder / "unseen-network"), backbone])


@pytest.mark.parametrize("impossible", ["model.latent_dim=-4", "model.hidden_channels=[8,0]", "objective.variance=-1"])
def test_an_impossible_network_is_a_sentence(workplace, impossible):
    key = impossible.split("=")[0].split(".")[1]
    with pytest.raises(ValueError, match=f"the recipe's model: {key}=.* is not possible"):
        workplace.here("impossible", impossible)


def test_a_missing_path_is_asked_for(workplace):
    with pytest.raises(ValueError, match="data.path has no value"):
        workplace.here("nowhere", "data.path=null")


def test_a_label_with_one_value_gets_no_direction_and_the_report_says_why(workplace):
    for split in ("train", "validation"):
        file = workplace.folder / "pictures" / split / "metadata.jsonl"
        rows = [json.loads(line) | {"same": True} for line in file.read_text().splitlines()]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    published = workplace.here("one-value", "attributes.same=boolean", "training.max_steps=4")
    report = json.loads((published / "evaluation.json").read_text())
    assert "120 pictures with and 0 without" in report["directions"]["refused"]["same"]


def test_a_column_that_does_not_exist_is_refused(workplace):
    with pytest.raises(ValueError, match="smiling.*bright"):
        workplace.here("no-column", "attributes.smiling=boolean")
