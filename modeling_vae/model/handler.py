"""What a Hugging Face Inference Endpoint runs: one model, asked in JSON.

    {"inputs": null,    "parameters": {"task": "generate", "seed": 7, "count": 4}}
    {"inputs": FACE,    "parameters": {"task": "edit", "strengths": {"smiling": 2.0}, "hold": ["age"]}}
    {"inputs": [FACE, FACE], "parameters": {"task": "morph", "frames": 48}}

A FACE is a picture file in base64, or a latent (a list of numbers) out of an earlier answer. A request that is a
picture file itself, without parameters, is reconstructed.

An endpoint executes this file by its path, in a copy of the model's repository, and knows no package of ours: the
files that lie beside it are imported from there, as a package made on the spot.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import hashlib
import importlib
import importlib.util
import inspect
import io
import operator
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from PIL import Image
from torch import Tensor

MOST_FACES = 64
MOST_KEYFRAMES = 8
MOST_FRAMES = 120
LARGEST_FILM = 512
LARGEST_PICTURE = 20_000_000
"""Bytes of one picture file."""
MOST_PIXELS = 40_000_000
"""Of one picture as it is decoded; one after the other, however many come."""
LARGEST_VALUE = 1e30
"""Of a latent."""


class EndpointHandler:
    """The model of a published folder.

    Args:
        path: the folder; by default the one that this file lies in.

    Raises:
        FileNotFoundError: the folder is no published model; the message says what is missing.
        ValueError: a file is damaged, or belongs to other weights.
    """

    def __init__(self, path: str = "") -> None:
        folder = Path(path or os.path.dirname(__file__)).resolve()
        for name in ("config.json", "model.safetensors", "preprocessor_config.json", "modeling_image_vae.py"):
            if not os.path.lexists(folder / name):
                raise FileNotFoundError(f"{folder} has no {name}, so no endpoint can be made of it.")
        module = _published_modules(folder)
        self._latents, self._pictures = module("latents"), module("image_processing_image_vae")
        self._films = module("gif")
        model, self._processor, sha256, _ = module("folder_schema").read_network(folder)
        self._model = model.to("cuda" if torch.cuda.is_available() else "cpu").eval().requires_grad_(False)
        self._width = model.config.latent_dim
        self._directions = _part(folder, module("attribute_directions"), "AttributeDirections", sha256, self._width)
        self._prior = _part(folder, module("priors"), "FlowPrior", sha256, self._width)
        self._latent_path = module("priors").latent_path

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """One request, as the module describes it.

        Raises:
            ValueError: what was asked is not possible; the endpoint answers its sentence with status 400.
        """
        if not isinstance(data, Mapping) or "inputs" not in data:
            raise ValueError('The request has no "inputs": send {"inputs": ..., "parameters": {"task": ...}}.')
        parameters = data.get("parameters") or {}
        if not isinstance(parameters, Mapping):
            raise ValueError('"parameters" must be a table, such as {"task": "generate", "seed": 7}.')
        tasks = {task.__name__: task for task in (self.generate, self.reconstruct, self.edit, self.morph)}
        task = tasks.get(str(parameters.get("task", "reconstruct")))
        if task is None:
            raise ValueError(f"task is {parameters['task']!r}; send {', '.join(tasks)}.")
        settings = {name: value for name, value in parameters.items() if name != "task"}
        known = [name for name in inspect.signature(task).parameters if name != "inputs"]
        for name in settings:
            if name not in known:
                near = difflib.get_close_matches(str(name), known, n=1)
                hint = f"; did you mean {near[0]}?" if near else "."
                there_are = ", ".join(known) or "none"
                raise ValueError(f"{name!r} is not a parameter of {task.__name__}, which has {there_are}{hint}")
        return task(data["inputs"], **settings)

    def generate(self, inputs: Any, seed: Any = 0, count: Any = 1, truncation: Any = 1.0) -> dict[str, Any]:
        """New faces: 1 to 64 of a seed; `inputs` is not looked at.

        They are drawn from the fitted prior, or, where the model has none, from N(0, I), which is rough.
        """
        seed, count = _whole("seed", seed, 0, 2**64 - 1), _whole("count", count, 1, MOST_FACES)
        truncation = _number("truncation", truncation, 0.0, 2.0)
        if self._prior is not None:
            return self._answer(self._prior.sample(count, seed, truncation))
        noise = self._latents.sample_noise(count, self._width, seed)
        return self._answer(self._latents.truncate(noise, torch.zeros(self._width), truncation))

    def reconstruct(self, inputs: Any) -> dict[str, Any]:
        """What the model makes of 1 to 64 faces."""
        return self._answer(self._encode(inputs, most=MOST_FACES))

    def edit(self, inputs: Any, strengths: Any = None, hold: Any = ()) -> dict[str, Any]:
        """1 to 64 faces with attributes changed: `strengths` in standard deviations, `hold` names what must stay."""
        if self._directions is None or not len(self._directions):
            raise ValueError("This model has no attribute directions, so it cannot edit.")
        if not isinstance(strengths, Mapping) or not strengths:
            raise ValueError(
                f'strengths is {strengths!r}; send a table such as {{"{self._directions.names[0]}": 2.0}} of '
                f"{', '.join(self._directions.names)}."
            )
        held = [hold] if isinstance(hold, str) else hold
        if not isinstance(held, Sequence) or not all(isinstance(name, str) for name in held):
            raise ValueError(f"hold is {hold!r:.80}; send a list of attributes' names, or one name.")
        latents = self._encode(inputs, most=MOST_FACES)
        return self._answer(self._directions.edit(latents, strengths, list(held)))

    def morph(
        self,
        inputs: Any,
        frames: Any = 48,
        path: Any = "slerp",
        easing: Any = "smooth",
        closed: Any = True,
        seconds: Any = 3.0,
        size: Any = 256,
    ) -> dict[str, Any]:
        """A GIF that goes through 2 to 8 faces and, where `closed`, back to the first; `size` is its longer side."""
        frames, size = _whole("frames", frames, 2, MOST_FRAMES), _whole("size", size, 32, LARGEST_FILM)
        seconds = _number("seconds", seconds, 0.2, 30.0)
        if not isinstance(closed, bool):
            raise ValueError(f"closed is {closed!r}; send true or false.")
        faces = self._encode(inputs, most=MOST_KEYFRAMES)
        if len(faces) < 2:
            raise ValueError(f"A morph needs 2 to {MOST_KEYFRAMES} faces, and one came: send a list of them.")
        pictures = self._decode(self._latent_path(self._prior, faces, frames, path, easing, closed))
        width, height = (max(1, round(side * size / max(pictures[0].size))) for side in pictures[0].size)
        film = self._films.Film(pictures, (width, height), seconds / frames, "forward")
        return {"film": _base64(self._films.encode_gif(film)), "media_type": "image/gif"}

    # --- faces -------------------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def _encode(self, inputs: Any, most: int) -> Tensor:
        """Latents [N, D], float32 on the CPU, of the faces of a request."""
        several = isinstance(inputs, list) and not _is_latent(inputs)
        faces = inputs if several else [inputs]
        if not 1 <= len(faces) <= most:
            raise ValueError(f"{len(faces)} faces came; send 1 to {most}.")
        return torch.stack([self._one(face, f"inputs[{i}]" if several else "inputs") for i, face in enumerate(faces)])

    def _one(self, face: Any, name: str) -> Tensor:
        if isinstance(face, list) and _is_latent(face):
            if any(LARGEST_VALUE < abs(x) < float("inf") for x in face):
                raise ValueError(f"{name} is a latent with values that are too large; send another.")
            latent = torch.tensor(face, dtype=torch.float32)
            given: Tensor = self._latents.check_latents(latent, width=self._width, name=name)
            return given
        picture = self._pictures.to_picture(_picture_file(face, name), MOST_PIXELS, name=name)
        pixel_values = self._processor(picture, return_tensors="pt")["pixel_values"]
        result: Tensor = self._model.encode(pixel_values.to(self._model.device)).mean[0].cpu()
        return result

    @torch.inference_mode()
    def _decode(self, latents: Tensor) -> list[Image.Image]:
        batches = [self._model.decode(batch.to(self._model.device)).cpu() for batch in latents.split(MOST_FACES)]
        result: list[Image.Image] = self._processor.postprocess(torch.cat(batches))
        return result

    def _answer(self, latents: Tensor) -> dict[str, Any]:
        return {"pictures": [_base64(_png(p)) for p in self._decode(latents)], "latents": latents.tolist()}


def _published_modules(folder: Path) -> Any:
    """What imports a module of a folder by its name; the package they are in is named after the folder's path."""
    package = f"published_{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"
    if package not in sys.modules:
        spec = ModuleSpec(package, loader=None, is_package=True)
        spec.submodule_search_locations = [str(folder)]
        sys.modules[package] = importlib.util.module_from_spec(spec)

    def module(name: str) -> ModuleType:
        return importlib.import_module(f"{package}.{name}")

    return module


def _part(folder: Path, module: ModuleType, kind: str, sha256: str, width: int) -> Any:
    """The directions or the prior of a folder, where it has them, checked to belong to its weights."""
    if not os.path.lexists(folder / module.FILE_NAME):
        return None
    part = getattr(module, kind).from_pretrained(folder, latent_dim=width)
    part.check_weights(sha256)
    return part


# --- what comes in and goes out ----------------------------------------------------------------------------------


def _is_latent(face: list[Any]) -> bool:
    return bool(face) and all(isinstance(x, int | float) and not isinstance(x, bool) for x in face)


def _picture_file(face: Any, name: str) -> bytes | Image.Image:
    """The bytes of a picture file in base64; a request that is a picture arrives here opened, or as its bytes."""
    if isinstance(face, Image.Image | bytes):
        return face
    if not isinstance(face, str) or not face:
        raise ValueError(
            f"{name} is {'null' if face is None else type(face).__name__}; send a picture file in base64, or a latent."
        )
    if len(face) > LARGEST_PICTURE * 4 // 3:
        raise ValueError(f"{name} is larger than {LARGEST_PICTURE // 10**6} MB; scale the picture down first.")
    text = face.partition(",")[2] if face.startswith("data:") else face
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"{name} is a text, but not base64; send a picture file in base64.") from None


def _whole(name: str, value: Any, least: int, most: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if isinstance(value, bool) or not least <= number <= most:
        raise ValueError(f"{name} is {value!r}; send a whole number from {least} to {most}.")
    return number


def _number(name: str, value: Any, least: float, most: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not least <= value <= most:
        raise ValueError(f"{name} is {value!r}; send a number from {least:g} to {most:g}.")
    return float(value)


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
