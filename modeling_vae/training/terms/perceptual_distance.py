"""How far two pictures are apart in the eyes of a pretrained network."""

from __future__ import annotations

from collections.abc import Set
from functools import partial
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from modeling_vae.feature_maps import details, local_deviation, relative_l1
from modeling_vae.hub.network import fetching

from .onlooker import Onlooker

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
REACH = 4
"""Pixels that pictures are moved by at random before the network sees them, at most.

A network's strides lay a raster over the picture, and what always falls alike on it, such as a fine mesh, it cannot
tell from nothing. It shall not always fall alike.
"""


class _LastLayerSeen(Exception):
    """Ends a forward pass early: what comes behind the last layer asked for is not computed."""


class Comparison(NamedTuple):
    """How far pictures are from others, and the feature maps in which that was seen.

    Args:
        places: distance of the maps place by place, a scalar, 0 where they are equal.
        textures: distance of their local deviations, likewise.
        outputs, targets: the maps of each layer, [N, C, H, W]; the targets' have no gradient.
    """

    places: Tensor
    textures: Tensor
    outputs: list[Tensor]
    targets: list[Tensor]


class PerceptualDistance(Onlooker):
    """Relative L1 distance between feature maps of a frozen network, averaged over layers (after Johnson et al. 2016).

    Each layer's distance is divided by that layer's mean magnitude on the target, so that layers count alike.

    Args:
        backbone: folder or Hub id of a vision model of transformers.
        layers: names of its modules, each of which returns a map [N, C, H, W].
        enlargement: how many times as large as they are (bicubic) the network sees pictures. A network that learnt
            from pictures of 224 x 224 has few places left of one of 64 x 64 where its deep layers look.
        batch_ratio: share of each batch that it sees, the first of them; at least one picture.
    """

    def __init__(self, backbone: str, layers: list[str], enlargement: int = 1, batch_ratio: float = 1.0) -> None:
        super().__init__()
        from transformers import AutoModel

        with fetching(backbone):
            network = AutoModel.from_pretrained(backbone, dtype=torch.float32)
        modules = dict(network.named_modules())
        for name in layers:
            if name not in modules:
                raise ValueError(
                    f"objective.perceptual.layers: {backbone} has no module {name!r}; it has "
                    f"{', '.join(n for n in modules if n and n.count('.') < 2)}."
                )
        asked = {modules[name] for name in layers}
        self.network = fold_batch_norms(network.eval(), asked).requires_grad_(False)
        self._seen: dict[str, Tensor] = {}
        for name in layers:
            modules[name].register_forward_hook(partial(self._keep, name))
        self.layers, self.enlargement, self.batch_ratio = layers, enlargement, batch_ratio

    def _keep(self, name: str, module: nn.Module, inputs: Any, output: Any) -> None:
        if not isinstance(output, Tensor) or output.ndim != 4:
            raise ValueError(
                f"objective.perceptual.layers: what {name!r} returns is no feature map [N, C, H, W]: name other "
                "modules, or another backbone, which has to be convolutional."
            )
        self._seen[name] = output
        if self._seen.keys() == set(self.layers):
            raise _LastLayerSeen

    def features(self, pixel_values: Tensor, place: tuple[int, int] | None = None) -> list[Tensor]:
        """The layers' outputs on pixel_values [N, C, H, W] in [0, 1]; one grey channel stands for three.

        Where a place is given, the picture, as large as the network sees it, is put that many pixels from the left and
        the top of a canvas that is larger by `REACH`; its borders fill the rest.

        Computed in float32 under autocast too: the depthwise convolutions of small networks are slower in bfloat16.
        """
        with torch.autocast(pixel_values.device.type, enabled=False):
            pixel_values = pixel_values.float()
            mean = pixel_values.new_tensor(IMAGENET_MEAN)[:, None, None]
            std = pixel_values.new_tensor(IMAGENET_STD)[:, None, None]
            if self.enlargement > 1:
                pixel_values = F.interpolate(
                    pixel_values, scale_factor=self.enlargement, mode="bicubic", antialias=True
                )
            if place is not None:
                left, top = place
                pixel_values = F.pad(pixel_values, [left, REACH - left, top, REACH - top], "replicate")
            self._seen = {}
            try:
                self.network((pixel_values - mean) / std)
            except _LastLayerSeen:
                pass
            seen, self._seen = self._seen, {}
            return [seen[name] for name in self.layers]

    def forward(self, reconstruction: Tensor, pixel_values: Tensor) -> Comparison:
        """How far [N, C, H, W] are from [N, C, H, W], both in [0, 1], and put at one place, drawn at random.

        Places ask for the same features, textures for as much of them nearby as the original has, and not for the same
        texture, which no latent could hold (after Sajjadi, Scholkopf and Hirsch 2017). Textures are those of the
        pixels' finest details too.
        """
        count, place = max(1, round(self.batch_ratio * len(pixel_values))), random_place()
        with torch.autocast(pixel_values.device.type, enabled=False):
            reconstruction, pixel_values = reconstruction[:count].float(), pixel_values[:count].float()
            with torch.no_grad():
                targets = self.features(pixel_values, place)
            outputs = self.features(reconstruction, place)
            places = [relative_l1(output, target) for output, target in zip(outputs, targets, strict=True)]
            textured = zip([details(reconstruction), *outputs], [details(pixel_values), *targets], strict=True)
            textures = [relative_l1(local_deviation(output), local_deviation(target)) for output, target in textured]
            return Comparison(torch.stack(places).mean(), torch.stack(textures).mean(), outputs, targets)


def random_place() -> tuple[int, int]:
    """From the left and the top, each up to `REACH`."""
    left, top = torch.randint(REACH + 1, (2,)).tolist()
    return left, top


def fold_batch_norms(network: nn.Module, left: Set[nn.Module] = frozenset()) -> nn.Module:
    """Take frozen batch norms into the convolutions before them, in place: a tenth of a training step on a CPU.

    It is done where a layer has a `convolution` and a `normalization`, as the convolutional networks of transformers
    call what they run one after the other. The modules in `left`, whose own output is looked at, stay as they are.
    """
    for layer in network.modules():
        convolution, norm = (getattr(layer, name, None) for name in ("convolution", "normalization"))
        if convolution in left or norm in left:
            continue
        if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            layer.register_module("convolution", fuse_conv_bn_eval(convolution, norm))
            layer.register_module("normalization", nn.Identity())
    return network
