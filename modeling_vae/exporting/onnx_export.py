"""Encoder and decoder as ONNX files, for onnxruntime in any language and for transformers.js.

The files lie in `onnx/`, where transformers.js looks for them. Their weights are stored as float16 wherever that loses
nothing, as in a published folder, and computed with in float32.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from modeling_vae.files import write_whole
from modeling_vae.model.modeling_image_vae import VAEModel
from modeling_vae.parts import Parts

if TYPE_CHECKING:
    from onnx import ModelProto

FOLDER = "onnx"
ENCODER, DECODER = f"{FOLDER}/encoder.onnx", f"{FOLDER}/decoder.onnx"
OPSET = 20
TOLERANCE = 0.01
"""Grey levels of 255 by which a picture may differ from torch's."""
SMALLEST_HALVED = 64
"""Numbers in a tensor below which float16 would save less than the node that turns it back."""


class Encoding(nn.Module):
    """pixel_values [N, C, H, W] in [0, 1] -> mean and logvar [N, D]."""

    def __init__(self, model: VAEModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        posterior = self.model.encode(pixel_values)
        return posterior.mean, posterior.logvar


class Decoding(nn.Module):
    """latents [N, D] -> pixel_values [N, C, H, W] in [0, 1]."""

    def __init__(self, model: VAEModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, latents: Tensor) -> Tensor:
        return self.model.decode(latents)


def export_onnx(parts: Parts, folder: Path) -> dict[str, float]:
    """Write `onnx/encoder.onnx` and `onnx/decoder.onnx` into a folder, once onnxruntime has shown what they compute.

    Args:
        parts: of the model, which is on the CPU.
        folder: the published one, or any other.

    Returns:
        Per file by how many grey levels its pictures differ from torch's, at most; of the encoder, the decoder's
        pictures of its means.

    Raises:
        ModuleNotFoundError: onnx, onnxscript or onnxruntime is missing.
        ValueError: a picture differs by more than 0.01 grey levels; nothing is written.
    """
    model, config = parts.model.eval(), parts.model.config  # type: ignore[no-untyped-call]
    pictures = torch.rand(3, config.num_channels, *config.height_and_width, generator=torch.Generator().manual_seed(0))
    latents = torch.randn(3, config.latent_dim, generator=torch.Generator().manual_seed(1))
    files = {
        ENCODER: _graph(Encoding(model), pictures, ["pixel_values"], ["mean", "logvar"]),
        DECODER: _graph(Decoding(model), latents, ["latents"], ["pixel_values"]),
    }
    apart = _apart(model, files, pictures, latents)
    for name, levels in apart.items():
        if not levels <= TOLERANCE:
            raise ValueError(
                f"{name} differs from torch by {levels:.3f} grey levels: this network cannot be exported."
            )
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        write_whole(folder / name, data)
    return apart


def _graph(module: nn.Module, example: Tensor, inputs: list[str], outputs: list[str]) -> bytes:
    """An ONNX model of any number of pictures."""
    import onnx

    quiet = logging.getLogger("torch.onnx")
    level = quiet.level
    quiet.setLevel(logging.ERROR)
    try:
        with tempfile.TemporaryDirectory() as temporary, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter's, of its own dependencies
            file = Path(temporary) / "model.onnx"
            torch.onnx.export(
                module.eval(),
                (example,),
                file,
                input_names=inputs,
                output_names=outputs,
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                opset_version=OPSET,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
            graph = onnx.load(file)
    finally:
        quiet.setLevel(level)
    _halve(graph)
    _forget(graph)
    onnx.checker.check_model(graph)
    return bytes(graph.SerializeToString())


def _halve(graph: ModelProto) -> None:
    """Store weights as float16 where that is exact, each with a node that turns it back."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for weight in graph.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < SMALLEST_HALVED:
            continue
        with np.errstate(over="ignore"):
            halved = values.astype(np.float16)
        if not np.array_equal(halved.astype(np.float32), values):
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(halved, f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)


def _forget(graph: ModelProto) -> None:
    """Remove what the exporter notes of this machine: paths and lines of the code."""
    del graph.metadata_props[:]
    del graph.graph.metadata_props[:]
    del graph.graph.value_info[:]
    for part in (*graph.graph.node, *graph.graph.initializer, *graph.graph.input, *graph.graph.output):
        del part.metadata_props[:]
        part.doc_string = ""
    graph.doc_string = graph.graph.doc_string = ""


@torch.no_grad()
def _apart(model: VAEModel, files: dict[str, bytes], pictures: Tensor, latents: Tensor) -> dict[str, float]:
    """Grey levels between onnxruntime's pictures and torch's, also of another number of pictures than was exported."""
    means = _run(files[ENCODER], pixel_values=pictures)[0]
    reconstructions = _run(files[DECODER], latents=means)[0]
    alone = _run(files[DECODER], latents=latents[:1].numpy())[0]
    several = _run(files[DECODER], latents=latents.numpy())[0]
    decoded = model.decode(latents).numpy()
    return {
        ENCODER: 255 * float(np.abs(reconstructions - model.decode(model.encode(pictures).mean).numpy()).max()),
        DECODER: 255 * float(max(np.abs(several - decoded).max(), np.abs(alone - decoded[:1]).max())),
    }


def _run(data: bytes, **inputs: Any) -> list[np.ndarray]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    result: list[np.ndarray] = session.run(None, {name: np.asarray(value) for name, value in inputs.items()})
    return result
