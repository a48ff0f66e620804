"""What the alignment is trained on: the model's own pictures, turned, scaled and shifted, before many backgrounds."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from modeling_vae.photos.windows import OVERSAMPLING, window_points

LARGEST_ANGLE = math.radians(30)
LARGEST_SCALE = 1.6
LARGEST_SHIFT = 0.5
"""In half heights of the window, so a quarter of it."""
FAR = 0.15
"""Share of windows that lie up to three times as far from the crop, whose answers need only be rough."""
EDGES = 0.3
"""Share of windows that may reach over the edges of their photo."""
GROUND_TOLERANCE, GROUND_SHARE = 0.1, 0.75
"""How far, in [0, 1], a border is from its median at most, in more than which share of its places, on a plain ground.

Of drawn characters nearly all are such pictures, of photos of faces one in twenty.
"""
NO_FACE = 0.12
"""Share of windows before a background of another kind, half of all, that hold no whole face; their error is 1."""


def draw_windows(
    pictures: Tensor, count: int, generator: torch.Generator, height: int, width: int, mirrored: bool = True
) -> tuple[Tensor, Tensor, Tensor]:
    """Windows [n, C, height, width], the similarities [n, 4] of their crops, and whether they hold a face [n].

    Half of the pictures are mirrored where they may be.

    Pictures lie before four kinds of background in turn: their own edges drawn on, their own mirror image, other
    pictures, clouds of colour. Where they end is often hidden, for in a photo there is no such end to be found.
    A thing on a plain ground, such as a drawn character, is whole, and its ground takes the place of the first two:
    where its strokes end is all that tells how large it is.
    """
    chosen = torch.randint(len(pictures), (count,), generator=generator)
    faces = pictures[chosen].float() / 255
    turned_over = (torch.rand(count, generator=generator) < 0.5) & mirrored
    faces[turned_over] = faces[turned_over].flip(3)
    similarity = _draw_similarities(count, generator)
    points = window_points(height * OVERSAMPLING, width * OVERSAMPLING)
    places = _in_the_crop(points, similarity)  # [n, H, W, 2]
    aspect = faces.shape[3] / faces.shape[2]
    grid = places / torch.tensor([aspect, 1.0])
    quarter = count // 4
    edges, mirrors = slice(0, quarter), slice(quarter, 2 * quarter)
    windows = torch.empty(count, faces.shape[1], *points.shape[:2])
    windows[edges] = F.grid_sample(faces[edges], grid[edges], "bilinear", "border", align_corners=False)
    windows[mirrors] = F.grid_sample(faces[mirrors], grid[mirrors], "bilinear", "reflection", align_corners=False)
    ground, is_plain = _ground(faces)
    drawn = torch.nonzero(is_plain[: 2 * quarter]).flatten()
    on_ground = F.grid_sample(faces[drawn] - ground[drawn], grid[drawn], "bilinear", "zeros", align_corners=False)
    windows[drawn] = on_ground + ground[drawn]
    rest = slice(2 * quarter, count)
    others = torch.cat(
        [
            _other_pictures(pictures, quarter, generator, points),
            _clouds(count - 3 * quarter, faces.shape[1], generator, points.shape[:2]),
        ]
    )
    no_face = torch.rand(count, generator=generator) < NO_FACE
    no_face[: 2 * quarter] = False
    sampled = F.grid_sample(faces[rest], grid[rest], "bilinear", "reflection", align_corners=False)
    opacity = _opacity(grid[rest], is_plain[rest], generator) * ~no_face[rest, None, None, None]
    windows[rest] = others + opacity * (sampled - others)
    windows = _with_edges_of_photos(windows, points, generator)
    return _as_photographed(F.avg_pool2d(windows, OVERSAMPLING), generator), similarity, ~no_face


def _uniform(generator: torch.Generator, low: float, high: float, *shape: int) -> Tensor:
    return low + (high - low) * torch.rand(*shape, generator=generator)


def _draw_similarities(count: int, generator: torch.Generator) -> Tensor:
    far = torch.where(torch.rand(count, generator=generator) < FAR, 3.0, 1.0)
    near = _uniform(generator, 0, 1, count) * far  # as many near windows as far ones: the last steps count
    angle = _uniform(generator, -1, 1, count) * near * LARGEST_ANGLE
    scale = (_uniform(generator, -1, 1, count) * near * math.log(LARGEST_SCALE)).exp()
    shift = _uniform(generator, -1, 1, count, 2) * (near * LARGEST_SHIFT)[:, None]
    return torch.cat([torch.stack([scale * angle.cos(), scale * angle.sin()], dim=1), shift], dim=1)


def _in_the_crop(points: Tensor, similarity: Tensor) -> Tensor:
    """Where points [H, W, 2] of windows lie in crops at these similarities: [n, H, W, 2]."""
    a, b, right, down = (part[:, None, None] for part in similarity.unbind(1))
    x, y = points[..., 0] - right, points[..., 1] - down
    return torch.stack([a * x + b * y, a * y - b * x], dim=-1) / (a.square() + b.square())[..., None]


def _ground(faces: Tensor) -> tuple[Tensor, Tensor]:
    """The colour around pictures [n, C, H, W], [n, C, 1, 1], and whether it is all that there is around them, [n]."""
    border = torch.cat([faces[:, :, 0], faces[:, :, -1], faces[:, :, :, 0], faces[:, :, :, -1]], dim=2)
    ground = border.median(2, keepdim=True).values
    same = (border - ground).abs().amax(1) < GROUND_TOLERANCE
    return ground[..., None], same.float().mean(1) > GROUND_SHARE


def _opacity(grid: Tensor, is_whole: Tensor, generator: torch.Generator) -> Tensor:
    """Of pictures before a background, [n, 1, H, W]: one half ends where the picture ends, the other somewhere inside.

    Args:
        grid: [n, H, W, 2], in the picture's half sides.
        is_whole: which of them end where the picture ends for certain, [n].
    """
    n = len(grid)
    ends_inside = (torch.rand(n, 1, generator=generator) < 0.5) & ~is_whole[:, None]
    hidden = ends_inside * _uniform(generator, 0, 0.35, n, 4)
    softness = _uniform(generator, 0.02, 0.3, n, 1) * (hidden[:, :1] > 0) + 0.02
    inside = torch.cat([1 - grid, 1 + grid], dim=-1)  # distances to the right, bottom, left, top
    ramps = ((inside - hidden[:, None, None, :]) / softness[:, None, None] + 0.5).clamp(0, 1)
    return ramps.prod(-1)[:, None]


def _other_pictures(pictures: Tensor, n: int, generator: torch.Generator, points: Tensor) -> Tensor:
    """Parts of other pictures, turned any way: texture of the right kind, and no whole face."""
    chosen = torch.randint(len(pictures), (n,), generator=generator)
    angle, zoom = _uniform(generator, 0, 2 * math.pi, n), _uniform(generator, 0.15, 0.7, n)
    turn = torch.stack([angle.cos(), angle.sin()], dim=1) / zoom[:, None]
    places = _in_the_crop(points, torch.cat([turn, torch.zeros(n, 2)], dim=1))
    places = places + _uniform(generator, -1, 1, n, 1, 1, 2)
    return F.grid_sample(pictures[chosen].float() / 255, places, "bilinear", "reflection", align_corners=False)


def _clouds(n: int, channels: int, generator: torch.Generator, size: tuple[int, ...]) -> Tensor:
    """Colours, gradients and noise of several scales."""
    clouds = _uniform(generator, 0, 1, n, channels, 1, 1).expand(-1, -1, *size)
    for cells, strength in ((2, 0.5), (5, 0.3), (16, 0.2), (48, 0.1)):
        noise = torch.randn(n, channels, cells, cells, generator=generator)
        weight = strength * _uniform(generator, 0, 1, n, 1, 1, 1).square()
        clouds = clouds + weight * F.interpolate(noise, size, mode="bilinear", align_corners=False)
    return clouds.clamp(0, 1)


def _with_edges_of_photos(windows: Tensor, points: Tensor, generator: torch.Generator) -> Tensor:
    """Some windows reach beyond the edges of their photo, whose pixels are repeated there."""
    n = len(windows)
    beyond = torch.rand(n, generator=generator) < EDGES
    edge = _uniform(generator, 0.5, 1.5, n, 4)[beyond][:, None, None]  # left, top, right, bottom
    sides = points / points.new_tensor([points.shape[1] / points.shape[0], 1.0])
    inside = torch.maximum(torch.minimum(sides[None], edge[..., 2:]), -edge[..., :2])
    windows[beyond] = F.grid_sample(windows[beyond], inside, "bilinear", "border", align_corners=False)
    return windows


def _as_photographed(windows: Tensor, generator: torch.Generator) -> Tensor:
    """Other light, blur, noise."""
    n, channels = windows.shape[:2]
    blurred = F.interpolate(F.avg_pool2d(windows, 2), windows.shape[2:], mode="bilinear", align_corners=False)
    blur = _uniform(generator, 0, 1, n, 1, 1, 1) * (torch.rand(n, 1, 1, 1, generator=generator) < 0.4)
    windows = windows + blur * (blurred - windows)
    grey = (torch.rand(n, 1, 1, 1, generator=generator) < 0.15).float()
    windows = windows + grey * (windows.mean(1, keepdim=True) - windows)
    gamma = _uniform(generator, -0.5, 0.5, n, 1, 1, 1).exp()
    gain = _uniform(generator, 0.85, 1.15, n, channels, 1, 1)
    noise = torch.randn(windows.shape, generator=generator) * _uniform(generator, 0, 0.03, n, 1, 1, 1)
    return ((windows.clamp(1e-4, 1) ** gamma) * gain + noise).clamp(0, 1)
