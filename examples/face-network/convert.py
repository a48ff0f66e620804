"""A network that tells people apart, from the files of TensorFlow.js to a folder that transformers reads.

    python convert.py package/models/faceres-deep.json face-network

See README.md beside this file for where the first comes from.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from transformers import MobileNetV1Config, MobileNetV1ImageProcessor, MobileNetV1Model

BGR_MEAN = (93.594, 104.7624, 129.1863)
"""What its authors took from the values of 0 to 255 (github.com/HSE-asavchenko/HSE_FaceRec_tf)."""
PAIRS = 13
"""Of a depthwise and a pointwise convolution."""


def read(file: Path) -> dict[str, torch.Tensor]:
    """The weights of a graph model by their names: float32, one file, one group."""
    (group,) = json.loads(file.read_text())["weightsManifest"]
    content, start, found = file.with_suffix(".bin").read_bytes(), 0, {}
    for weight in group["weights"]:
        count = int(np.prod(weight["shape"]))
        values = np.frombuffer(content, weight["dtype"], count, start).reshape(weight["shape"])
        found[weight["name"]], start = torch.from_numpy(values.copy()), start + values.nbytes
    if start != len(content):
        raise ValueError(f"{file} tells of {start} bytes, and there are {len(content)}.")
    return found


def layers(weights: dict[str, torch.Tensor]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Kernel [out, in or 1, 3 or 1, 3 or 1] and offset [out] of each convolution; a norm's scale is in the kernel."""

    def convolution(name: str) -> tuple[torch.Tensor, torch.Tensor]:
        offset = weights[f"{name}_bn/batchnorm_1/sub"]
        if (depthwise := weights.get(f"{name}/depthwise_kernel")) is not None:
            scale = weights[f"{name}_bn/batchnorm_1/mul"]
            return depthwise.permute(2, 3, 0, 1) * scale[:, None, None, None], offset
        return weights[f"{name}/convolution/merged_input"].permute(3, 2, 0, 1), offset

    pairs = [f"conv_{kind}_{number}" for number in range(1, PAIRS + 1) for kind in ("dw", "pw")]
    return [convolution(name) for name in ("conv1", *pairs)]


def converted(weights: dict[str, torch.Tensor]) -> MobileNetV1Model:
    """The network on pictures in RGB, in [0, 1] about the mean that `processor` says."""
    network = MobileNetV1Model(MobileNetV1Config(hidden_act="relu6", tf_padding=True, image_size=224)).eval()
    for layer, (kernel, offset) in zip([network.conv_stem, *network.layer], layers(weights), strict=True):
        norm = layer.normalization
        layer.convolution.weight.data.copy_(kernel)
        norm.weight.data.fill_(1.0)
        norm.bias.data.copy_(offset)
        norm.running_mean.zero_()
        norm.running_var.fill_(1.0 - norm.eps)
    first = network.conv_stem.convolution.weight.data
    first.copy_(first.flip(1) * 255)
    return network


def processor() -> MobileNetV1ImageProcessor:
    mean = [value / 255 for value in reversed(BGR_MEAN)]
    size = {"height": 224, "width": 224}
    return MobileNetV1ImageProcessor(image_mean=mean, image_std=[1.0] * 3, size=size, do_center_crop=False)


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    converted(read(source)).save_pretrained(target)
    processor().save_pretrained(target)
