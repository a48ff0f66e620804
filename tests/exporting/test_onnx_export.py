"""ONNX files compute what the model computes, and onnxruntime alone is enough to run them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import tiny_pipeline

from modeling_vae import VAEPipeline
from modeling_vae.commands.main import main
from modeling_vae.contents import Contents

for package in ("onnx", "onnxscript", "onnxruntime"):
    pytest.importorskip(package, reason=f"{package} is not installed")
import onnx  # noqa: E402

ROOT = Path(__file__).parents[2]
CONFIGS = {
    "plain": {},
    "residual": {"encoder_block": "residual", "decoder_block": "residual", "norm": "group", "activation": "silu"},
    "modulated, grey, not square": {
        **{"decoder_block": "modulated", "decoder_layers": 2, "modulation_dim": 16, "norm": "batch"},
        **{"image_size": [32, 48], "num_channels": 1},
    },
}
ALONE = """
import sys
for package in ("torch", "transformers", "modeling_vae"):
    sys.modules[package] = None  # importing it is an error
import numpy as np, onnxruntime
encoder, decoder = (onnxruntime.InferenceSession(path) for path in sys.argv[1:3])
given = np.load(sys.argv[3])
mean, logvar = encoder.run(["mean", "logvar"], {"pixel_values": given})
(pictures,) = decoder.run(["pixel_values"], {"latents": mean})
np.savez(sys.argv[4], mean=mean, logvar=logvar, pictures=pictures)
"""


@pytest.fixture(scope="module", params=CONFIGS.values(), ids=[*CONFIGS])
def exported(request, tmp_path_factory) -> tuple[VAEPipeline, Path]:
    folder = tmp_path_factory.mktemp("exported") / "published"
    pipe = tiny_pipeline(**request.param)
    pipe.storage_dtype = torch.float16
    pipe.model.half().float()
    pipe.directions = pipe.prior = None  # of the weights before they were rounded
    VAEPipeline(pipe.model, pipe.processor, storage_dtype=torch.float16).save_pretrained(folder)
    assert main(["export", str(folder), "--onnx"]) == 0
    return VAEPipeline.from_pretrained(folder), folder


def test_onnxruntime_alone_gives_the_same(exported, tmp_path):
    pipe, folder = exported
    pixel_values = torch.rand(5, pipe.model.config.num_channels, *pipe.model.config.height_and_width)
    np.save(tmp_path / "given.npy", pixel_values.numpy())
    files = [folder / "onnx" / "encoder.onnx", folder / "onnx" / "decoder.onnx"]
    paths = [*files, tmp_path / "given.npy", tmp_path / "result.npz"]
    subprocess.run([sys.executable, "-c", ALONE, *map(str, paths)], check=True)
    result = np.load(tmp_path / "result.npz")
    posterior = pipe.model.encode(pixel_values)
    np.testing.assert_allclose(result["mean"], posterior.mean, atol=1e-5)
    np.testing.assert_allclose(result["logvar"], posterior.logvar, atol=1e-5)
    np.testing.assert_allclose(result["pictures"], pipe.model.decode(posterior.mean), atol=0.01 / 255)


def test_the_files_are_small_know_no_machine_and_belong_to_the_folder(exported):
    pipe, folder = exported
    assert {"onnx/encoder.onnx", "onnx/decoder.onnx"} <= Contents.of(folder).files.keys()
    weights = sum(weight.numel() for weight in pipe.model.parameters())
    files = [folder / "onnx" / "encoder.onnx", folder / "onnx" / "decoder.onnx"]
    assert sum(file.stat().st_size for file in files) < 2 * weights + 60_000
    for file in files:
        data = file.read_bytes()
        assert str(ROOT).encode() not in data and b"modeling_vae" not in data
        (batch, *_) = onnx.load(file).graph.input[0].type.tensor_type.shape.dim
        assert batch.dim_param, "any number of pictures"


def test_what_cannot_be_exported_is_said_in_a_sentence(tmp_path, capsys):
    assert main(["export", str(tmp_path / "nowhere"), "--onnx"]) == 1
    assert "is no folder" in capsys.readouterr().err
