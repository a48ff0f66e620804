"""handler.py of a published folder, loaded and asked as an Inference Endpoint does."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from patience import PATIENCE
from PIL import Image

from modeling_vae import AttributeDirections, VAEPipeline

NAMES = "smiling, coat:black, coat:tabby, coat:white, age"

# How the endpoints' server loads a handler: by its path, under a dotted name, with the folder first on the path.
SERVER = """
import importlib.util, json, os, sys
sys.modules["modeling_vae"] = sys.modules["app"] = None  # not installed
folder = sys.argv[1]
spec = importlib.util.spec_from_file_location("handler.EndpointHandler", os.path.join(folder, "handler.py"))
sys.path.insert(0, folder)
module = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = module
spec.loader.exec_module(module)
handler = module.EndpointHandler(folder)
answers = []
for request in json.load(sys.stdin):
    try:
        answers.append(handler(request))
    except Exception as error:
        answers.append({"error": str(error)})
print(json.dumps(answers))
"""

PUSH = """
from modeling_vae.publishing.repository import push_folder
result = push_folder(folder, repo, token=token).oid
"""


def load(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("handler.EndpointHandler", folder / "handler.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def encoded(picture: Image.Image) -> str:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def pixels(text: str) -> np.ndarray:
    picture = Image.open(io.BytesIO(base64.b64decode(text)))
    assert picture.format == "PNG"
    return np.asarray(picture)


def request(task: str, inputs=None, **parameters) -> dict:
    return {"inputs": inputs, "parameters": {"task": task, **parameters}}


def ask(handler, task: str, inputs=None, **parameters) -> dict:
    """The answer after a way through JSON, as a client gets it."""
    asked = json.loads(json.dumps(request(task, inputs, **parameters)))
    return json.loads(json.dumps(handler(asked)))


def same(answers: list[str], pictures: list[Image.Image]) -> None:
    for text, picture in zip(answers, pictures, strict=True):
        np.testing.assert_array_equal(pixels(text), np.asarray(picture))


@pytest.fixture(scope="module")
def handler(published: Path):
    return load(published).EndpointHandler(str(published))


@pytest.fixture(scope="module")
def local(published: Path) -> VAEPipeline:
    return VAEPipeline.from_pretrained(published)


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    y, x = np.mgrid[0:60, 0:90]
    return Image.fromarray(np.stack([2 * x, 3 * y, x + y], axis=-1).clip(0, 255).astype(np.uint8))


def test_generate_is_the_pipeline(handler, local):
    answer = ask(handler, "generate", seed=7, count=3, truncation=0.8)
    same(answer["pictures"], local.generate(3, seed=7, truncation=0.8))
    torch.testing.assert_close(torch.tensor(answer["latents"]), local.sample(3, 7, 0.8), rtol=0, atol=0)


def test_reconstruct_takes_pictures_and_latents(handler, local, photo):
    latent = ask(handler, "generate", seed=1)["latents"][0]
    answer = ask(handler, "reconstruct", [encoded(photo), "data:image/png;base64," + encoded(photo), latent])
    expected = local.reconstruct(photo)[0]
    same(answer["pictures"], [expected, expected, local.generate(1, seed=1)[0]])
    same(ask(handler, "reconstruct", latent)["pictures"], local.generate(1, seed=1))


def test_a_request_that_is_a_picture_is_reconstructed(handler, local, photo):
    same(handler({"inputs": photo})["pictures"], local.reconstruct(photo))
    same(handler({"inputs": base64.b64decode(encoded(photo))})["pictures"], local.reconstruct(photo))


def test_edit_is_the_pipeline(handler, local, photo):
    answer = ask(handler, "edit", encoded(photo), strengths={"smiling": 2, "coat:tabby": -1.0}, hold=["age"])
    same(answer["pictures"], [local.edit(photo, {"smiling": 2.0, "coat:tabby": -1.0}, hold=["age"])])
    one = ask(handler, "edit", encoded(photo), strengths={"smiling": 2, "coat:tabby": -1.0}, hold="age")
    assert one["pictures"] == answer["pictures"]
    latents = torch.cat([local.encode(photo), torch.tensor(answer["latents"])])
    before, after = local.directions.read(latents)
    assert after["smiling"].value == pytest.approx(before["smiling"].value + 2, abs=1e-4)
    assert after["age"].value == pytest.approx(before["age"].value, abs=1e-4)


@pytest.mark.parametrize("path", ["slerp", "flow"])
def test_morph_is_a_film_through_the_faces(handler, local, photo, path):
    latents = ask(handler, "generate", seed=3, count=2)["latents"]
    answer = ask(handler, "morph", [encoded(photo), *latents], frames=9, path=path, seconds=1.8, size=96, closed=False)
    film = Image.open(io.BytesIO(base64.b64decode(answer["film"])))
    assert (film.format, film.n_frames, film.size) == ("GIF", 9, (96, 96)) and answer["media_type"] == "image/gif"
    assert film.info["duration"] == 200 and film.info["loop"] == 0
    expected = local.morph([photo, *torch.tensor(latents)], frames=9, path=path)
    wanted = np.stack([np.asarray(frame.resize((96, 96), Image.Resampling.BICUBIC), int) for frame in expected])
    for number in range(9):
        film.seek(number)
        differences = abs(np.asarray(film.convert("RGB"), int) - wanted).mean(axis=(1, 2, 3))
        assert differences.argmin() == number and differences[number] < 15


ORIGIN = [0.0] * 8


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("a picture", 'The request has no "inputs"'),
        ({"parameters": {"task": "generate"}}, 'The request has no "inputs"'),
        ({"inputs": None, "parameters": [1]}, '"parameters" must be a table'),
        ({"inputs": None}, "inputs is null; send a picture file in base64, or a latent"),
        (request("dream"), "task is 'dream'; send generate, reconstruct, edit, morph"),
        (request("reconstruct", []), "0 faces came; send 1 to 64"),
        (request("reconstruct", "/etc/passwd"), "inputs is a text, but not base64"),
        (request("reconstruct", "aGVsbG8="), "inputs is a text file, not a picture"),
        (request("reconstruct", ["aGVsbG8=", 3.0]), r"inputs\[0\] is a text file, not a picture"),
        (request("reconstruct", [0.0, 1.0]), "inputs must have latents of width 8"),
        (request("reconstruct", [float("nan")] * 8), "inputs hold NaN or infinite numbers"),
        (request("reconstruct", {"seed": 1}), "inputs is dict; send a picture"),
        (request("reconstruct", "A" * 30_000_000), "inputs is larger than 20 MB"),
        (request("generate", sead=1), "'sead' is not a parameter of generate.* did you mean seed?"),
        (request("generate", seed=-1), "seed is -1; send a whole number from 0"),
        (request("generate", seed="7"), "seed is '7'; send a whole number"),
        (request("generate", count=65), "count is 65; send a whole number from 1 to 64"),
        (request("generate", count=True), "count is True"),
        (request("generate", truncation="much"), "truncation is 'much'; send a number"),
        (request("generate", sampler="standard"), "'sampler' is not a parameter of generate"),
        (request("edit", ORIGIN), f"strengths is None; .* of {NAMES}"),
        (request("edit", ORIGIN, strengths={"smile": 1}), f"known are {NAMES}"),
        (request("edit", ORIGIN, strengths={"age": None}), "the strength of age is None"),
        (request("edit", ORIGIN, strengths={"age": 1}, hold="smile"), f"known are {NAMES}"),
        (request("edit", ORIGIN, strengths={"age": 1}, hold=7), "hold is 7; send a list"),
        (request("edit", ORIGIN, strengths={"age": 1}, hold=["smiling", None]), "hold is .*; send a list"),
        (request("morph", ORIGIN), "needs 2 to 8 faces, and one came"),
        (request("morph", [ORIGIN] * 9), "9 faces came; send 1 to 8"),
        (request("morph", [ORIGIN] * 2, frames=1), "frames is 1; send a whole number from 2"),
        (request("morph", [ORIGIN] * 2, path="spiral"), "path is 'spiral'"),
        (request("morph", [ORIGIN] * 2, easing="none"), "easing is 'none'"),
        (request("morph", [ORIGIN] * 2, closed="no"), "closed is 'no'; send true or false"),
        (request("morph", [ORIGIN] * 2, seconds=float("inf")), "seconds is inf; send a number"),
    ],
)
def test_what_is_not_possible_is_one_sentence(handler, asked, sentence):
    with pytest.raises(ValueError, match=sentence):
        handler(asked)


def test_a_model_without_directions_and_prior(published, tmp_path):
    folder = shutil.copytree(published, tmp_path / "bare")
    (folder / "directions.safetensors").unlink()
    (folder / "prior.safetensors").unlink()
    bare = load(folder).EndpointHandler(str(folder))
    same(ask(bare, "generate", seed=7)["pictures"], VAEPipeline.from_pretrained(folder).generate(1, seed=7))
    with pytest.raises(ValueError, match="no attribute directions"):
        ask(bare, "edit", [0.0] * 8, strengths={"age": 1.0})


def test_a_model_whose_every_direction_was_refused(published, tmp_path):
    folder = shutil.copytree(published, tmp_path / "refused")
    known = VAEPipeline.from_pretrained(folder).directions
    none = known.differences[:0]
    AttributeDirections([], none, known.mean, known.covariance, {}, known.weights_sha256).save_pretrained(folder)
    handler = load(folder).EndpointHandler(str(folder))
    for strengths in ({"age": 1.0}, None):
        with pytest.raises(ValueError, match="no attribute directions, so it cannot edit"):
            ask(handler, "edit", [0.0] * 8, strengths=strengths)


def test_a_folder_that_is_no_model_or_is_damaged(published, tmp_path):
    module = load(published)
    with pytest.raises(FileNotFoundError, match="has no config.json"):
        module.EndpointHandler(str(tmp_path))
    folder = shutil.copytree(published, tmp_path / "damaged")
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-3] ^= 0x55
    (folder / "model.safetensors").write_bytes(weights)
    with pytest.raises(ValueError, match="belong to weights"):
        module.EndpointHandler(str(folder))


def test_two_models_side_by_side_stay_apart(published, tmp_path):
    """As two folders have two packages, a second model with newer code does not get the code of the first."""
    other = shutil.copytree(published, tmp_path / "other")
    code = (other / "latents.py").read_text() + "\nMARK = 1\n"
    (other / "latents.py").write_text(code)
    first, second = (load(folder).EndpointHandler(str(folder)) for folder in (published, other))
    assert not hasattr(first._latents, "MARK") and second._latents.MARK == 1


def test_an_endpoint_of_a_repository(client, hub, complete, repo, tmp_path, photo):
    """In a process of its own where our package is not installed, in a copy of what was pushed."""
    client.run(PUSH, folder=str(complete), repo=repo, token=hub.token).value()
    folder, local = tmp_path / "repository", VAEPipeline.from_pretrained(complete)
    for name in hub.repo(repo).resolve("main").tree:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(hub.read(repo, name))
    requests = [
        request("generate", seed=5, count=2),
        request("edit", encoded(photo), strengths={"smiling": 1.5}),
        request("morph", [encoded(photo), [0.1] * 8], frames=4, size=32),
        {"inputs": "not base64"},
    ]
    done = subprocess.run(
        [sys.executable, "-c", SERVER, str(folder)],
        input=json.dumps(requests), capture_output=True, text=True, cwd=tmp_path, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    generated, edited, morphed, refused = json.loads(done.stdout)
    same(generated["pictures"], local.generate(2, seed=5))
    same(edited["pictures"], [local.edit(photo, {"smiling": 1.5})])
    assert base64.b64decode(morphed["film"]).startswith(b"GIF89a")
    assert "not base64" in refused["error"]


def test_what_an_endpoint_installs_is_what_we_ask_for(published):
    """The endpoint brings PyTorch; the rest is needed in the versions that the package asks for."""
    lines = (published / "requirements.txt").read_text().splitlines()
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    needed = ("transformers", "huggingface-hub", "safetensors", "pillow", "numpy")
    asked = [line for line in project["dependencies"] if re.match(r"[\w-]+", line)[0] in needed]
    assert sorted(line for line in lines if not line.startswith("#")) == sorted(asked)


@pytest.mark.parametrize("value", [10**400, -(10**400), float("inf"), float("nan"), 1e308, [1], {}, None, "1"])
def test_numbers_beyond_all_bounds_are_sentences(published, value):
    endpoint = load(published).EndpointHandler(str(published))
    for parameters in ({"truncation": value}, {"seed": value if value is not None else "x"}):
        with pytest.raises(ValueError, match="send a"):
            endpoint({"inputs": None, "parameters": {"task": "generate", **parameters}})
    if isinstance(value, int | float):
        with pytest.raises(ValueError, match=r"inputs|latent"):
            endpoint({"inputs": [value] * 8, "parameters": {"task": "reconstruct"}})
