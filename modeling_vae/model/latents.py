"""Where latents lie and how to move between them: pure functions of tensors.

`D` is the latent's width, `K` a number of keyframes. Everything is computed in float64 on the CPU and handed back
in the dtype and on the device it came from: latents are small, so this costs nothing that a person could notice,
and the same request gives the same latents on every device (one of them, MPS, has no float64 at all).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from .scalars import real_number, whole_number

# Below this sine of the angle between two latents `slerp` is `lerp`. For parallel latents the two differ by less
# than the square of it; for opposite ones, and for a latent of length 0, the sphere names no way to go.
PARALLEL_TOLERANCE = 1e-6


def check_latents(latents: Tensor, *, width: int | None = None, name: str = "latents") -> Tensor:
    """Returns `latents` [..., D] as they are, or raises a ValueError that names them.

    Refused: what is not a floating-point tensor, a width other than `width` (where one is given), NaN and infinity.
    """
    if not isinstance(latents, Tensor) or not latents.is_floating_point():
        kind = latents.dtype if isinstance(latents, Tensor) else type(latents).__name__
        raise ValueError(f"{name} must be a floating-point tensor [..., width], but came as {kind}.")
    if latents.ndim < 1 or (width is not None and latents.shape[-1] != width):
        expected = "at least one dimension" if width is None else f"latents of width {width}"
        raise ValueError(f"{name} must have {expected}, but came with shape {list(latents.shape)}.")
    if not bool(torch.isfinite(latents).all()):
        raise ValueError(f"{name} hold NaN or infinite numbers; every number of a latent must be finite.")
    return latents


def lerp(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """The point `t` of the way from `a` to `b` on the straight line: (1 - t) a + t b. The ends are exact.

    Args:
        a, b: latents [..., D] of the same width; their leading dimensions broadcast.
        t: a number, or a tensor that broadcasts to the leading dimensions [...]; from 0 to 1.
    """
    start, end, fraction = _prepare(a, b, t)
    return ((1.0 - fraction) * start + fraction * end).to(a)


def slerp(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """The point `t` of the way from `a` to `b` round the origin: the direction turns at constant speed on the
    sphere (Shoemake 1985), the length goes evenly from |a| to |b|. The ends are exact.

    In many dimensions nearly all of N(0, I) lies near a sphere, and the middle of a straight line lies well inside
    it, where the decoder has seen little. Latents that are parallel, opposite (sine of the angle below
    `PARALLEL_TOLERANCE`) or zero have no single great circle between them: there `slerp` is `lerp`.

    Args:
        a, b: latents [..., D] of the same width; their leading dimensions broadcast.
        t: a number, or a tensor that broadcasts to the leading dimensions [...]; from 0 to 1.
    """
    start, end, fraction = _prepare(a, b, t)
    start_length, end_length = (v.norm(dim=-1, keepdim=True) for v in (start, end))
    zero = (start_length == 0) | (end_length == 0)
    start_length, end_length = (torch.where(zero, torch.ones_like(v), v) for v in (start_length, end_length))
    u, v = start / start_length, end / end_length
    # Kahan's angle: exact for small and for nearly straight angles, where the arc cosine loses half its digits.
    angle = 2.0 * torch.atan2((u - v).norm(dim=-1, keepdim=True), (u + v).norm(dim=-1, keepdim=True))
    sine = torch.sin(angle)
    straight = zero | (sine < PARALLEL_TOLERANCE)
    sine = torch.where(straight, torch.ones_like(sine), sine)
    length = (1.0 - fraction) * start_length + fraction * end_length
    # Written as weights of `start` and `end`, both are exactly 1 or 0 at the ends.
    start_weight = torch.sin((1.0 - fraction) * angle) / sine * (length / start_length)
    end_weight = torch.sin(fraction * angle) / sine * (length / end_length)
    start_weight = torch.where(straight, 1.0 - fraction, start_weight)
    end_weight = torch.where(straight, fraction, end_weight)
    return (start_weight * start + end_weight * end).to(a)


def ease(t: float | Tensor, kind: str = "smooth") -> Tensor:
    """Even time `t` in [0, 1] to eased time in [0, 1], float64: "linear" leaves it, "smooth" starts and stops gently
    (3 t^2 - 2 t^3)."""
    even = _float64(t)
    if kind == "smooth":
        return even * even * (3.0 - 2.0 * even)
    if kind == "linear":
        return even
    raise ValueError(f"easing is {kind!r}; choose 'smooth' or 'linear'.")


def keyframe_path(
    keyframes: Tensor, frames: int, path: str = "slerp", easing: str = "smooth", closed: bool = False
) -> Tensor:
    """The latents of a film that passes through all keyframes in order.

    Args:
        keyframes: latents [K, D], at least one.
        frames: how many latents to return, at least 1.
        path: "slerp" (round the origin) or "linear" between neighbouring keyframes.
        easing: "smooth" slows down at each keyframe, "linear" keeps the pace of its segment.
        closed: whether the path returns towards the first keyframe, which it does not repeat: played in a loop, the
            film then goes round.

    Returns:
        latents [frames, D]. An open path begins and ends exactly with the first and the last keyframe, a closed one
        begins with the first. Every keyframe is a frame; the steps are shared out over the segments so that no two
        segments differ by more than one step. With fewer frames than keyframes every frame is a keyframe, evenly
        chosen.
    """
    check_latents(keyframes, name="keyframes")
    if keyframes.ndim != 2 or len(keyframes) == 0:
        raise ValueError(f"keyframes must be latents [K, D], K at least 1, but came as {list(keyframes.shape)}.")
    count = _whole("frames", frames, minimum=1)
    if path not in ("slerp", "linear"):
        raise ValueError(f"path is {path!r}; choose 'slerp' or 'linear'.")
    between = slerp if path == "slerp" else lerp
    segments = len(keyframes) if closed else len(keyframes) - 1
    steps = count if closed else count - 1
    segment, even = _share_out(count, steps, segments)
    start, end = keyframes[segment % len(keyframes)], keyframes[(segment + 1) % len(keyframes)]
    return between(start, end, ease(even, easing))


def truncate(latents: Tensor, center: Tensor, factor: float) -> Tensor:
    """Latents [..., D] drawn towards `center` [D]: center + factor (latents - center).

    A factor of 1 changes nothing, 0 gives the centre; in between, samples become more typical and less varied
    (the truncation trick of Karras et al. 2019). Above 1 they are pushed outwards.
    """
    share = real_number(factor)
    if share is None or share < 0:
        raise ValueError(f"truncation factor is {factor!r}; it must be a finite number of at least 0 (1 = unchanged).")
    check_latents(latents)
    check_latents(center, width=latents.shape[-1], name="center")
    middle = _float64(center)
    return ((1.0 - share) * middle + share * _float64(latents)).to(latents)


def sample_noise(n: int, dim: int, seed: int) -> Tensor:
    """Independent numbers from N(0, 1): float32 [n, dim] on the CPU, the same for a seed everywhere and for ever.

    Row i depends on (seed, i) alone, not on n. `seed` is a whole number from 0 to 2^64 - 1.
    """
    # Neither torch.randn nor numpy's Generator.normal promises its numbers from one version to the next, and torch's
    # also depend on the device, on how many are asked for and on the processor's vector instructions. Philox (Salmon
    # et al. 2011) is a published function of (key, counter), and numpy keeps its raw 64-bit stream fixed. So the key
    # is the seed, each row owns a block of counters that no other row can reach, and the step to a Gaussian is
    # written out below: Box-Muller in float64, where a last-digit difference between two maths libraries is 2^-29
    # of a float32 digit and is rounded away.
    count = _whole("n", n, minimum=0)
    width = _whole("dim", dim, minimum=1)
    key = _whole("seed", seed, minimum=0)
    if key >= 2**64:
        raise ValueError(f"seed is {key}; it must be a whole number from 0 to 2^64 - 1.")
    pairs = (width + 1) // 2
    bits = np.empty((count, 2 * pairs), dtype=np.uint64)
    for row in range(count):
        bits[row] = np.random.Philox(key=key, counter=[0, 0, row, 0]).random_raw(2 * pairs)
    uniform = (bits >> np.uint64(11)).astype(np.float64).reshape(count, pairs, 2)  # whole numbers below 2^53
    radius = np.sqrt(-2.0 * np.log((uniform[..., 0] + 1.0) * 2.0**-53))  # of (0, 1]: the logarithm is finite
    turn = 2.0 * np.pi * (uniform[..., 1] * 2.0**-53)
    normal = np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=-1).reshape(count, 2 * pairs)
    return torch.from_numpy(normal[:, :width].astype(np.float32))


def normal_grid(side: int) -> Tensor:
    """A grid over N(0, I) in two dimensions, float32 [side * side, 2], row by row from the top left.

    Each axis goes through the inverse of the normal distribution function at the middles of `side` equal shares, so
    that every cell is as likely as any other (Kingma and Welling 2014, appendix A).
    """
    shares = (torch.arange(_whole("side", side, minimum=1), dtype=torch.float64) + 0.5) / side
    places = torch.special.ndtri(shares)
    down, across = torch.meshgrid(places.flip(0), places, indexing="ij")
    return torch.stack([across, down], dim=-1).reshape(-1, 2).float()


def _share_out(frames: int, steps: int, segments: int) -> tuple[Tensor, Tensor]:
    """For each frame its segment and how far into it (0 to 1): [frames] int64 and float64.

    `steps` is the number of steps of the whole path. A segment whose end is no frame (the last one of a closed path)
    has steps all the same.
    """
    if segments == 0 or steps == 0:
        return torch.zeros(frames, dtype=torch.int64), torch.zeros(frames, dtype=torch.float64)
    if steps < segments:  # fewer frames than keyframes: nearest keyframes
        keyframe = [(2 * i * segments + steps) // (2 * steps) for i in range(frames)]
        return torch.tensor(keyframe), torch.zeros(frames, dtype=torch.float64)
    # The frame at which each keyframe falls, rounded in whole numbers (halves up).
    bounds = torch.tensor([(2 * k * steps + segments) // (2 * segments) for k in range(segments + 1)])
    frame = torch.arange(frames)
    segment = (torch.searchsorted(bounds, frame, right=True) - 1).clamp(max=segments - 1)
    even = (frame - bounds[segment]).double() / (bounds[segment + 1] - bounds[segment]).double()
    return segment, even


def _prepare(a: Tensor, b: Tensor, t: float | Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The two latents and the fraction [..., 1], checked, in float64 on the CPU."""
    check_latents(a, name="a")
    check_latents(b, width=a.shape[-1], name="b")
    fraction = _float64(t)
    if not bool(((fraction >= 0) & (fraction <= 1)).all()):
        raise ValueError(f"t is {t}; the way from a to b is counted from 0 to 1.")
    return _float64(a), _float64(b), fraction.unsqueeze(-1)


def _float64(numbers: float | Tensor) -> Tensor:
    if isinstance(numbers, Tensor):
        return numbers.to("cpu", torch.float64)
    return torch.tensor(numbers, dtype=torch.float64)


def _whole(name: str, value: Any, minimum: int) -> int:
    """`value` as an int, or a ValueError that names it."""
    number = whole_number(value)
    if number is None:
        raise ValueError(f"{name} is {value!r}; it must be a whole number.")
    if number < minimum:
        raise ValueError(f"{name} is {number}; it must be at least {minimum}.")
    return number
