"""What a published folder may hold: types, shapes and ranges, refused in a sentence with file and field."""

from __future__ import annotations

import json
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import MobileNetV2Config, MobileNetV2Model

from modeling_vae import FaceAlignment, VAEConfig, VAEImageProcessor, VAEModel, VAEPipeline
from modeling_vae.model.handler import EndpointHandler
from modeling_vae.model.tensor_files import read_tensors, weights_sha256, write_tensors
from modeling_vae.photos.crop import Crop
from modeling_vae.photos.reconstruction_errors import ReconstructionErrors

CONFIG, PROCESSOR, WEIGHTS = "config.json", "preprocessor_config.json", "model.safetensors"
DIRECTIONS, PRIOR, ALIGNMENT = "directions.safetensors", "prior.safetensors", "alignment.safetensors"
ERRORS = "reconstruction_errors.safetensors"
NAN = float("nan")


@pytest.fixture(scope="module")
def complete(published, tmp_path_factory) -> Path:
    """A folder with every part that there is."""
    folder = shutil.copytree(published, tmp_path_factory.mktemp("complete") / "tiny")
    FaceAlignment().eval().save_pretrained(folder)
    sha256 = weights_sha256(load_file(folder / WEIGHTS))
    ReconstructionErrors(torch.linspace(0, 20, 101), sha256).save_pretrained(folder)
    VAEPipeline.from_pretrained(folder)
    return folder


@pytest.fixture
def folder(complete, tmp_path) -> Path:
    return shutil.copytree(complete, tmp_path / "tiny")


def refused(folder: Path, *words: str) -> str:
    """The one sentence in which a folder is refused; each of the words is in it."""
    with pytest.raises(ValueError) as error:
        VAEPipeline.from_pretrained(folder)
    message = str(error.value)
    assert all(word in message for word in words), message
    assert message.count("\n") == 0 and len(message) < 700, message
    return message


def change_json(folder: Path, name: str, **values: Any) -> None:
    file = folder / name
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"latent_dim": 0}, "latent_dim"),
        ({"latent_dim": 10**9}, "latent_dim"),
        ({"latent_dim": "8"}, "latent_dim"),
        ({"latent_dim": None}, "latent_dim"),
        ({"latent_dim": [8]}, "latent_dim"),
        ({"image_size": [10**6, 10**6]}, "image_size"),
        ({"image_size": "32"}, "image_size"),
        ({"image_size": 3.5}, ""),
        ({"hidden_channels": []}, "hidden_channels"),
        ({"hidden_channels": [8, -16]}, "hidden_channels"),
        ({"hidden_channels": {"a": 1}}, "hidden_channels"),
        ({"hidden_channels": [8] * 40}, "image_size"),
        ({"num_channels": 2}, "num_channels"),
        ({"activation": "os.system"}, "activation"),
        ({"backbone_mean": [NAN, 0.0, 0.0]}, "backbone_mean"),
        ({"dropout": NAN}, "dropout"),
        ({"variance": float("inf")}, "variance"),
        ({"dtype": "nonsense"}, "dtype"),
        ({"dtype": ["float32"]}, "dtype"),
        ({"__class__": "x"}, "__class__"),
        ({"__init__": None}, "__init__"),
        ({"model_type": ["image_vae"]}, "type"),
        ({"encoder_backbone": {}}, "encoder_backbone"),
        ({"encoder_backbone": "resnet"}, "encoder_backbone"),
        ({"encoder_backbone": ["resnet"]}, "encoder_backbone"),
        ({"encoder_backbone": {"model_type": 3}}, "encoder_backbone"),
        ({"encoder_backbone": {"model_type": "no-such-model"}}, "encoder_backbone"),
        ({"encoder_backbone": {"model_type": "timm_wrapper", "architecture": "resnet18"}}, "timm_wrapper"),
        ({"encoder_backbone": {"model_type": "upernet", "backbone": "user/name"}}, "backbone"),
        ({"encoder_backbone": {"model_type": "vit", "num_hidden_layers": 10**6}}, "num_hidden_layers"),
        ({"encoder_backbone": {"model_type": "vit", "hidden_size": 2**40}}, "hidden_size"),
        ({"encoder_backbone": {"model_type": "vit", "hidden_size": "wide"}}, "encoder_backbone"),
        ({"encoder_backbone": {"model_type": "vit", "sub": {"attn_implementation": "a/b"}}}, "attn_implementation"),
    ],
    ids=str,
)
def test_config_json(folder, values, word):
    change_json(folder, CONFIG, **values)
    refused(folder, CONFIG, word)


@pytest.mark.parametrize("text", ["[]", "3", "null", '"x"', "{", "", "\xff\xfe", "[" * 100_000, '{"a":' * 50_000])
@pytest.mark.parametrize("name", [CONFIG, PROCESSOR])
def test_what_is_no_table(folder, name, text):
    (folder / name).write_bytes(text.encode("latin-1"))
    refused(folder, name, "damaged")


def test_a_table_of_megabytes_is_not_read(folder):
    (folder / CONFIG).write_text(json.dumps({"model_type": "image_vae", "x": "y" * 2_000_000}))
    refused(folder, CONFIG, "bytes")


def test_settings_that_would_change_how_a_model_answers_are_not_taken(folder):
    change_json(folder, CONFIG, return_dict=False, output_hidden_states=True, chunk_size_feed_forward=-1, unheard_of=1)
    assert VAEPipeline.from_pretrained(folder).generate(1)[0].size == (32, 32)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"size": {"height": 64, "width": 32}}, ["64", "32"]),
        ({"size": 10**9}, ["1000000000"]),
        ({"size": [32]}, ["size"]),
        ({"size": None}, ["size"]),
        ({"num_channels": 1}, ["[1, 32, 32]"]),
        ({"num_channels": [3]}, ["num_channels"]),
        ({"crop": ["face"]}, ["crop"]),
        ({"resample": {}}, []),
        ({"sise": 3}, ["sise"]),
    ],
    ids=str,
)
def test_preprocessor_config_json(folder, values, words):
    change_json(folder, PROCESSOR, **values)
    refused(folder, PROCESSOR, *words)


def rewritten(folder: Path, name: str, change: Callable[[dict, dict], None]) -> None:
    """A file of tensors with other content, and the digest of that."""
    tensors, description = read_tensors(folder / name)
    change(tensors, description)
    write_tensors(folder / name, tensors, description)


def entry(**values: Any) -> Callable[[dict, dict], None]:
    return lambda tensors, said: said["directions"][0].update(values)


def tensor(name: str, value: torch.Tensor) -> Callable[[dict, dict], None]:
    return lambda tensors, said: tensors.update({name: value})


def said(**values: Any) -> Callable[[dict, dict], None]:
    return lambda tensors, said: said.update(values)


def first(name: str, value: float) -> Callable[[dict, dict], None]:
    return lambda tensors, said: tensors[name].view(-1)[:1].fill_(value)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        (DIRECTIONS, tensor("mean", torch.zeros(9)), ["mean", "[9]", "[8]"]),
        (DIRECTIONS, tensor("mean", torch.zeros(())), ["mean", "[]"]),
        (DIRECTIONS, tensor("covariance", torch.ones(8)), ["covariance", "[8]"]),
        (DIRECTIONS, tensor("differences", torch.zeros(5, 4)), ["differences", "[5, 4]"]),
        (DIRECTIONS, tensor("groups", torch.zeros(1, 8)), ["groups"]),
        (DIRECTIONS, tensor("mean", torch.zeros(8, dtype=torch.int64)), ["mean", "I64"]),
        (DIRECTIONS, tensor("more", torch.zeros(8)), ["more"]),
        (DIRECTIONS, first("mean", NAN), ["mean", "finite"]),
        (DIRECTIONS, first("covariance", float("inf")), ["covariance", "finite"]),
        (DIRECTIONS, entry(name=3), ["name", "3"]),
        (DIRECTIONS, entry(name=None), ["name", "None"]),
        (DIRECTIONS, entry(name=""), ["name"]),
        (DIRECTIONS, entry(kind="colour"), ["kind", "colour"]),
        (DIRECTIONS, entry(kind=["boolean"]), ["kind"]),
        (DIRECTIONS, entry(slope="steep"), ["slope", "steep"]),
        (DIRECTIONS, entry(intercept=NAN), ["intercept", "nan"]),
        (DIRECTIONS, entry(held_out=[1]), ["held_out"]),
        (DIRECTIONS, entry(positives=-1), ["positives", "-1"]),
        (DIRECTIONS, entry(norm=None), ["norm"]),
        (DIRECTIONS, entry(colour=1), ["colour"]),
        (DIRECTIONS, lambda _, said: said["directions"].append(said["directions"][0]), ["smiling", "twice"]),
        (DIRECTIONS, lambda _, said: said["directions"].pop(), ["directions", "rows"]),
        (DIRECTIONS, said(directions="smiling"), ["directions"]),
        (DIRECTIONS, said(directions=[1]), ["directions"]),
        (DIRECTIONS, said(groups=[None, 1]), ["group"]),
        (DIRECTIONS, said(weights_sha256=7), ["weights_sha256", "7"]),
        (DIRECTIONS, said(weights_sha256=None), ["weights_sha256"]),
        (DIRECTIONS, said(format="x"), ["'x'"]),
        (PRIOR, tensor("mean", torch.ones(1, 1)), ["mean"]),
        (PRIOR, tensor("mean", torch.ones(2)), ["mean"]),
        (PRIOR, first("mean", NAN), ["mean"]),
        (PRIOR, tensor("factor", torch.zeros(1, 4)), ["factor"]),
        (PRIOR, first("factor", -1.0), ["full rank"]),
        (PRIOR, tensor("up", torch.zeros(1, 4, 2)), ["lacks down"]),
        (ALIGNMENT, said(num_channels="3"), ["num_channels"]),
        (ALIGNMENT, said(num_channels=1), []),
        (ALIGNMENT, said(aspect=NAN), ["aspect"]),
        (ALIGNMENT, said(aspect=10**9), ["aspect"]),
        (ALIGNMENT, said(usual_doubt="little"), ["usual_doubt"]),
        (ALIGNMENT, said(largest_doubt=NAN), ["largest_doubt"]),
        (ALIGNMENT, said(kind="dog"), ["kind"]),
        (ALIGNMENT, said(mirrored=1), ["mirrored"]),
        (ALIGNMENT, first("layers.0.weight", NAN), ["layers.0.weight"]),
        (ALIGNMENT, lambda tensors, _: tensors.pop("layers.0.bias"), ["layers.0.bias"]),
        (ERRORS, first("percentiles", NAN), ["percentiles"]),
        (ERRORS, first("percentiles", 300.0), ["percentiles"]),
        (ERRORS, tensor("percentiles", torch.zeros(100)), ["percentiles", "[100]"]),
        (ERRORS, said(format=None), ["None"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_files_of_tensors(folder, name, change, words):
    rewritten(folder, name, change)
    refused(folder, name, *words)


def test_an_alignment_of_other_pictures(folder):
    FaceAlignment(aspect=2.0).save_pretrained(folder)
    refused(folder, "alignment", "2")


@pytest.mark.parametrize("value", [NAN, float("inf")])
def test_weights_that_are_not_finite(folder, value):
    weights = load_file(folder / WEIGHTS)
    next(iter(weights.values())).view(-1)[0] = value
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    refused(folder, WEIGHTS, "finite")


@pytest.mark.parametrize("name", [CONFIG, PROCESSOR, WEIGHTS, DIRECTIONS, PRIOR, ALIGNMENT, ERRORS])
@pytest.mark.parametrize("kind", ["pipe", "folder", "link to nowhere", "device"])
def test_what_is_no_file_is_not_waited_for(folder, name, kind):
    (folder / name).unlink()
    {
        "pipe": lambda: os.mkfifo(folder / name),
        "folder": lambda: (folder / name).mkdir(),
        "link to nowhere": lambda: (folder / name).symlink_to(folder / "nowhere"),
        "device": lambda: (folder / name).symlink_to("/dev/zero"),
    }[kind]()
    refused(folder, name)


@pytest.mark.parametrize(
    "values",
    [
        {"hidden_channels": [1024, 2048], "decoder_layers": 8},
        {"hidden_channels": [4096] * 3, "image_size": 256},
        {"latent_dim": 512},
        {"encoder_backbone": {"model_type": "vit", "hidden_size": 2**20, "num_hidden_layers": 2}},
    ],
    ids=str,
)
def test_a_network_that_the_weights_do_not_fit_costs_no_memory(folder, values):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    change_json(folder, CONFIG, **values)
    change_json(folder, PROCESSOR, size=values.get("image_size", 32))
    refused(folder, "config.json")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kB


def test_a_header_that_asks_for_memory(folder):
    content = (folder / PRIOR).read_bytes()
    (folder / PRIOR).write_bytes((2**40).to_bytes(8, "little") + content[8:])
    refused(folder, PRIOR, "header")


def test_a_backbone_loads_as_before(tmp_path):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        classes = {"id2label": {848: "tape player"}, "label2id": {"tape player": 848}}
        network = MobileNetV2Config(depth_multiplier=0.25, image_size=32, **classes)
        MobileNetV2Model(network).save_pretrained(tmp_path / "backbone")
        config = VAEConfig(image_size=32, latent_dim=4, hidden_channels=[8])
        model = VAEModel.from_backbone(config, str(tmp_path / "backbone")).eval()
    pipe = VAEPipeline(model, VAEImageProcessor(32))
    assert "tape player" not in str(model.config.encoder_backbone)
    for kept in ({}, classes):  # the second is as it was published before
        model.config.encoder_backbone |= kept
        pipe.save_pretrained(tmp_path / "vae")
        again = VAEPipeline.from_pretrained(tmp_path / "vae")
        picture = pipe.generate(1)
        torch.testing.assert_close(again.encode(picture), pipe.encode(picture), rtol=1e-3, atol=0)


def test_the_endpoint_has_the_same_door(folder):
    change_json(folder, CONFIG, latent_dim="8")
    with pytest.raises(ValueError, match="config.json of .*latent_dim"):
        EndpointHandler(str(folder))
    change_json(folder, CONFIG, latent_dim=8)
    rewritten(folder, PRIOR, first("mean", NAN))
    with pytest.raises(ValueError, match="prior.safetensors: mean holds values that are not finite"):
        EndpointHandler(str(folder))


class Growing(FaceAlignment):
    """Sure that the face is three times as large as any window."""

    def forward(self, windows):
        answer = windows.new_tensor([self.times, 0.0, 0.0, 0.0]).expand(len(windows), -1)
        return answer, windows.new_full((len(windows),), -20.0)


@pytest.mark.parametrize("times", [3.0, 1e30, NAN])
def test_crops_are_bounded_by_the_photo(pipe, times):
    pipe.alignment = Growing().eval()
    pipe.alignment.times = times
    photo = Image.new("RGB", (300, 200), "white")
    for crop in pipe.crops(photo):
        assert max(crop.crop.width, crop.crop.height) <= 4 * 300
    assert pipe.crop(photo).picture.width <= 1200


def test_a_crop_far_larger_than_its_photo_is_none():
    with pytest.raises(ValueError, match="far larger than its photo of 30 x 20"):
        Crop((15.0, 10.0), 1e6, 1e6).cut(Image.new("RGB", (30, 20)))
