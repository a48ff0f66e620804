"""Levelling a face: a small network says how a window of a photo lies beside the crop that the model wants.

It is trained on the model's own pictures, turned, scaled and shifted, so it works for whatever they show, and knows
nothing but how those are cropped. Applied again and again, each time to a new window of the original photo, it comes
to rest on the crop; and how sure it is of a window tells where in a photo there is a face at all.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from modeling_vae.model.scalars import real_number, whole_number
from modeling_vae.model.tensor_files import (
    check_format,
    find_file,
    read_description,
    read_tensors,
    usable,
    write_tensors,
)

from .windows import PhotoWindows

FILE_NAME = "alignment.safetensors"
FORMAT = "face-alignment/1"
SETTINGS = ("num_channels", "aspect", "usual_doubt", "largest_doubt", "kind", "mirrored")
SIDE = 32
"""Longer side of the windows that the network sees."""
CHANNELS = (24, 32, 64, 96)
HIDDEN = 128
BATCH = 128
LARGEST_CROP = 4.0
"""Of the height of a crop to the longer side of the photo."""
LARGEST_ASPECT = 10.0
"""Of the longer to the shorter side of a model's pictures."""


class FaceAlignment(nn.Module):
    """Where the crop that the model wants lies in a window, and how far off that answer may be.

    A place in a window has coordinates (x, y) in half heights of the window from its centre, so that turning it
    turns no circle into an ellipse. The answer is a similarity (a, b, x, y): the point p of the wanted crop lies at
    [[a, -b], [b, a]] p + (x, y) of the window; a window that already is the wanted crop has the answer (1, 0, 0, 0).

    Args:
        num_channels: of the windows, 3 or 1.
        aspect: width / height of the model's pictures.
        usual_doubt, largest_doubt: that `settle` leaves at most on half, and on 19 in 20, of held-out pictures.
        kind: "human" where the pictures show people, as their detector sees them, else "face" ("cat" in older files).
        mirrored: a mirrored picture is one of the kind too, as of a face, and unlike that of a character.
    """

    def __init__(
        self,
        num_channels: int = 3,
        aspect: float = 1.0,
        usual_doubt: float = 0.03,
        largest_doubt: float = 0.05,
        kind: str = "face",
        mirrored: bool = True,
    ) -> None:
        super().__init__()
        self.num_channels, self.aspect, self.mirrored = num_channels, aspect, mirrored
        self.usual_doubt, self.largest_doubt, self.kind = usual_doubt, largest_doubt, kind
        longer = max(aspect, 1.0)
        self.height = max(8, round(SIDE / longer / 8) * 8)
        self.width = max(8, round(SIDE * aspect / longer / 8) * 8)
        widths = (num_channels, *CHANNELS)
        layers: list[nn.Module] = []
        for i, (before, after) in enumerate(zip(widths, widths[1:], strict=False)):
            layers += [nn.Conv2d(before, after, 3, stride=2 if i else 1, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
        features = CHANNELS[-1] * (self.height // 8) * (self.width // 8)
        self.layers = nn.Sequential(
            *layers, nn.Flatten(), nn.Linear(features, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 5)
        )

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """windows [N, C, height, width] in [0, 1] -> similarities [N, 4] and log errors [N].

        The error is how far, in sides of the wanted crop, its corners are expected to lie from where they are said to
        be, on average.
        """
        mean = windows.mean((1, 2, 3), keepdim=True)
        spread = (windows - mean).square().mean((1, 2, 3), keepdim=True).add(1e-4).sqrt()
        answer = self.layers((windows - mean) / spread).float()
        return answer[:, :4] + answer.new_tensor([1.0, 0.0, 0.0, 0.0]), answer[:, 4]

    @torch.inference_mode()
    def correct(self, photo: PhotoWindows, crops: Tensor, both_ways: bool = True) -> tuple[Tensor, Tensor]:
        """One step: crops [N, 4], float64 (x, y, height, angle in radians) -> better ones, and their errors [N].

        An answer that leads far beyond the photo is none: the crop stays, and its error is infinite.

        Args:
            photo: in whose pixels the crops are.
            crops: to begin with.
            both_ways: where pictures may be mirrored, every window is shown mirrored as well, and the mean of both
                answers taken; for a first glance one way is enough.
        """
        answers, errors = [], []
        for part in crops.split(BATCH):
            windows = photo.windows(part, self.height, self.width)
            answer, log_error = self(windows)
            if self.mirrored and both_ways:
                mirrored, mirrored_log_error = self(windows.flip(3))
                answer = (answer + mirrored * answer.new_tensor([1.0, -1.0, -1.0, 1.0])) / 2
                log_error = (log_error + mirrored_log_error) / 2
            answers.append(answer)
            errors.append(log_error)
        better, expected = compose(crops, torch.cat(answers).double()), torch.cat(errors).exp().double()
        near = better.isfinite().all(1) & (better[:, 2] <= LARGEST_CROP * max(photo.width, photo.height))
        return torch.where(near[:, None], better, crops), expected.where(near, math.inf)

    def settle(self, photo: PhotoWindows, crop: Tensor) -> tuple[Tensor, float]:
        """The crop [4] to which windows scattered around a crop [4] come back, and the doubt that they leave.

        The doubt, in sides of the crop, is the geometric mean of how far from it the windows end (the mean distance of
        the corners, at the third quartile) and of the error that the network expects. Either may be small where there
        is no face; both seldom are.
        """
        crops = compose(crop.expand(len(SCATTER), -1), SCATTER)
        for _ in range(SETTLING_STEPS):
            crops, errors = self.correct(photo, crops)
        settled = crops.median(0).values
        spread = corner_distance(crops, settled[None], self.aspect).quantile(0.75)
        return settled, float((spread * errors.mean()).sqrt())

    def check_pictures(self, num_channels: int, height: int, width: int) -> None:
        """Raise a ValueError where a model's pictures are others than those that this one levels."""
        if num_channels != self.num_channels or not math.isclose(self.aspect, width / height, rel_tol=1e-3):
            raise ValueError(
                f"this alignment is of pictures with {self.num_channels} channels, {self.aspect:.3g} times as wide as "
                f"high, and the model's have {num_channels} and {width} x {height} pixels: use what was published "
                "with this model."
            )

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write alignment.safetensors into a folder; whole or not at all."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        tensors = {name: w.half() if w.is_floating_point() else w for name, w in self.state_dict().items()}
        description = {"format": FORMAT} | {name: getattr(self, name) for name in SETTINGS}
        write_tensors(Path(folder) / FILE_NAME, tensors, description)

    @classmethod
    def from_pretrained(cls, folder_or_id: str | os.PathLike[str], **hub: Any) -> FaceAlignment:
        """Read alignment.safetensors from a folder or a Hub repository (`revision=`, `token=`, `cache_dir=`).

        Raises:
            ValueError: it is damaged, or was written by another version.
        """
        path = find_file(folder_or_id, FILE_NAME, **hub)
        settings = read_description(path)
        check_format(path, settings, FORMAT)
        with usable(path):
            chosen = _checked({name: settings.get(name) for name in SETTINGS})
        with torch.device("meta"):
            expected = cls(**chosen).state_dict()
        counters = [name for name, weight in expected.items() if not weight.is_floating_point()]
        tensors, _ = read_tensors(path, {name: tuple(weight.shape) for name, weight in expected.items()}, counters)
        alignment = cls(**chosen)
        alignment.load_state_dict(tensors)
        return alignment.eval().requires_grad_(False)


def _checked(settings: dict[str, Any]) -> dict[str, Any]:
    """Raise a ValueError where a setting is none that an alignment can have."""
    possible = {
        "num_channels": whole_number(settings["num_channels"]) in (1, 3),
        "aspect": 1 / LARGEST_ASPECT <= (real_number(settings["aspect"]) or 0) <= LARGEST_ASPECT,
        "kind": settings["kind"] in ("human", "cat", "face"),
        "mirrored": isinstance(settings["mirrored"], bool),
    }
    for name in ("usual_doubt", "largest_doubt"):
        doubt = real_number(settings[name])
        possible[name] = doubt is not None and 0 <= doubt <= 1
    for name, is_possible in possible.items():
        if not is_possible:
            raise ValueError(f"{name}={settings[name]!r:.80} is no setting of an alignment.")
    return settings


def compose(crops: Tensor, similarity: Tensor) -> Tensor:
    """The crops [N, 4] (x, y, height, angle) that lie at similarities [N, 4] of windows [N, 4]."""
    x, y, height, angle = crops.unbind(1)
    a, b, right, down = similarity.unbind(1)
    cos, sin, half = angle.cos(), angle.sin(), height / 2
    return torch.stack(
        [
            x + half * (cos * right - sin * down),
            y + half * (sin * right + cos * down),
            height * torch.hypot(a, b),
            angle + torch.atan2(b, a),
        ],
        dim=1,
    )


def corners(crops: Tensor, aspect: float) -> Tensor:
    """Corners [N, 4, 2] of crops [N, 4]: (x, y) of the top left, top right, bottom right and bottom left one."""
    x = crops.new_tensor([-aspect, aspect, aspect, -aspect]) * crops[:, 2:3] / 2
    y = crops.new_tensor([-1.0, -1.0, 1.0, 1.0]) * crops[:, 2:3] / 2
    cos, sin = crops[:, 3:].cos(), crops[:, 3:].sin()
    return crops[:, None, :2] + torch.stack([cos * x - sin * y, sin * x + cos * y], dim=-1)


def corner_distance(crops: Tensor, others: Tensor, aspect: float) -> Tensor:
    """Mean distance [N] of the corners of crops [N, 4] from those of others [N or 1, 4], in heights of the others."""
    result: Tensor = (corners(crops, aspect) - corners(others, aspect)).norm(dim=-1).mean(1) / others[:, 2]
    return result


def _scatter(count: int) -> Tensor:
    """Similarities [count, 4] around the identity, evenly spread by the sequence of Halton (1960)."""

    def radical_inverse(i: int, base: int) -> float:
        digit = 1 / base
        value = 0.0
        while i:
            value, i, digit = value + digit * (i % base), i // base, digit / base
        return value

    places = [[2 * radical_inverse(i + 1, base) - 1 for base in (2, 3, 5, 7)] for i in range(count)]
    scale, turn, x, y = torch.tensor(places, dtype=torch.float64).unbind(1)
    scale, turn = (scale * math.log(1.2)).exp(), turn * math.radians(12)
    return torch.stack([scale * turn.cos(), scale * turn.sin(), 0.2 * x, 0.2 * y], dim=1)


SCATTER = _scatter(16)
"""Where `settle` begins: turned by up to 12 degrees, scaled by up to 1.2, shifted by up to a tenth of the side."""
SETTLING_STEPS = 2
