"""How good a model is: one pass of figures over the validation pictures, and over what the model draws."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from modeling_vae.data import labelled_batches
from modeling_vae.figures.catalogue import SETS
from modeling_vae.model.elbo import kl_divergence, optimal_variance, reconstruction_nll
from modeling_vae.model.latents import sample_noise, slerp
from modeling_vae.passes import decode_all, posterior_of
from modeling_vae.processes import each
from modeling_vae.progress import batches

from .attributes import EDITED, attribute_figures
from .bootstrap import bootstrap
from .features import RESIZE_FILTER, FeatureNetwork
from .fidelity import active_units, bits_per_dimension, psnr, sharpness, ssim
from .frechet import frechet_distance, kernel_distance
from .nearest import nearest_pictures, share_of_copies

if TYPE_CHECKING:
    from modeling_vae.model.modeling_image_vae import VAEModel
    from modeling_vae.pipeline import VAEPipeline
    from modeling_vae.probing.probes import Probe

logger = logging.getLogger(__name__)

LEVELS = 256
DISCRETISATION = (
    "bits_per_dimension is of the density over pixel values in [0, 1]; bits_per_dimension_8_bit adds log2(255), as "
    "pictures have the 256 levels k/255 and a level's probability is the density times 1/255"
)
SUBSETS, SUBSET_SIZE = 100, 500
NEAREST = 64
"""Samples whose nearest training picture is looked for at the end of a run, and by the command."""


@torch.no_grad()
def evaluate(
    pipe: VAEPipeline,
    validation: Any,
    train: Any = None,
    *,
    network: FeatureNetwork | None = None,
    probe: Probe | None = None,
    most: int = 10_000,
    nearest: int = 0,
    edited: int = EDITED,
    batch_size: int = 64,
    seed: int = 0,
    resamples: int = 1000,
    distance_resamples: int = 10,
) -> dict[str, Any]:
    """Figures of a model as a dictionary that JSON can hold; `report.write_report` writes it.

    All sets of pictures have the same size, that of `validation`, because a Fréchet distance depends on it (but for
    the training pictures, where there are fewer).
    Everything is drawn from `seed` and does not depend on `batch_size`; nothing global is touched.

    Args:
        pipe: its model and its prior are evaluated, on the device where the model is.
        validation: data set of unseen pictures, as `load_data` gives it; at least 2.
        train: data set of the training pictures: how near real pictures come, and where copies are looked for.
        network: what Fréchet and kernel distances are measured with; none are measured without.
        probe: what judges attributes, see `learn_probe`; there are no figures of attributes without.
        most: of the validation pictures at most so many are used, drawn at random but always the same.
        nearest: for so many fitted samples the nearest training picture is looked for; 0 for none.
        edited: so many pictures at most are edited for each attribute.
        batch_size: pictures that go through a network at once.
        seed: of samples, noise, pairs to morph, and resampling.
        resamples: for the intervals of figures per picture.
        distance_resamples: for the intervals of Fréchet distances, each as slow as the distance itself. The set is
            drawn anew, the validation pictures stay.

    Raises:
        ValueError: fewer than 2 validation pictures, or nearest training pictures asked for without `train`.
    """
    model = pipe.model
    if nearest and train is None:
        raise ValueError("nearest training pictures are asked for, but no training pictures are given.")
    means, logvars = _posteriors(model, _pictures(validation, batch_size, most))
    count, width = means.shape
    logger.info("evaluating on %d pictures", count)
    noise = sample_noise(count, width, seed)
    fidelity = _fidelity(model, means, logvars, noise, _pictures(validation, batch_size, most), batch_size)
    latents = {"reconstructions": means, "standard_samples": noise, "morph_midpoints": _midpoints(means, seed)}
    if pipe.prior is not None:
        latents["fitted_samples"] = pipe.prior.sample(count, seed)

    def look(pixel_values: Tensor) -> _Measured:
        return _look(pixel_values, network)

    sets = {"validation": _joined(each(look, _pictures(validation, batch_size, most)))}
    if train is not None:
        sets["training"] = _joined(each(look, _pictures(train, batch_size, count)))
    for name, z in latents.items():
        parts = batches(z.split(batch_size), f"Measuring {SETS[name]}", -(-len(z) // batch_size))
        sets[name] = _joined(each(lambda part: look(decode_all(model, part, batch_size)), parts))
    report = {
        "protocol": _protocol(pipe, count, network, seed),
        "reconstruction": _reconstruction(model, means, logvars, fidelity, resamples, seed),
        "sharpness": {name: _figure(found.sharpness, resamples, seed) for name, found in sets.items()},
    }
    if network is not None:
        report |= _distances(sets, distance_resamples, seed)
    if nearest:
        samples = latents.get("fitted_samples", noise)[:nearest]
        report["nearest_training_picture"] = _copies(model, samples, validation, train, network, batch_size)
    if probe is not None:
        options = {"most": most, "edited": edited, "batch_size": batch_size, "seed": seed, "resamples": resamples}
        report["attributes"] = attribute_figures(pipe, validation, probe, **options)
    result: dict[str, Any] = _json(report)
    return result


@dataclass(frozen=True)
class _Fidelity:
    """Per validation picture, float64 [N]; `error` is the root mean square error of the reconstruction from a sample
    of the posterior (mean absolute error for a Laplace likelihood, nats for a Bernoulli one)."""

    psnr: Tensor
    ssim: Tensor
    error: Tensor


@dataclass(frozen=True)
class _Measured:
    """What is kept of a set of pictures: sharpness [N] and features [N, F], F = 0 without a feature network."""

    sharpness: Tensor
    features: Tensor


def _pictures(dataset: Any, batch_size: int, most: int) -> Iterator[Tensor]:
    """pixel_values [n, C, H, W], see `labelled_batches`."""
    return (pixel_values for pixel_values, _ in labelled_batches(dataset, batch_size, most))


def _posteriors(model: VAEModel, batches: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    found = each(lambda pixel_values: posterior_of(model, pixel_values), batches)
    if sum(len(posterior.mean) for posterior in found) < 2:
        raise ValueError("An evaluation needs at least 2 validation pictures; name a larger split, or add pictures.")
    return torch.cat([posterior.mean for posterior in found]), torch.cat([posterior.logvar for posterior in found])


def _midpoints(means: Tensor, seed: int) -> Tensor:
    """Half way between posterior means [N, D]: each in one random pair as the first, in one as the second."""
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(means)))
    return slerp(means[order], means[order.roll(1)], 0.5)


def _fidelity(
    model: VAEModel, means: Tensor, logvars: Tensor, noise: Tensor, batches: Iterable[Tensor], batch_size: int
) -> _Fidelity:
    samples = means + torch.exp(0.5 * logvars) * noise
    likelihood = model.config.likelihood

    def compare(part: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        pixel_values = part[0]
        reconstruction, sampled = (decode_all(model, latents, batch_size) for latents in part[1:])
        if likelihood == "bernoulli":
            error = reconstruction_nll(sampled.double(), pixel_values.double(), likelihood)
        else:
            difference = (sampled.double() - pixel_values.double()).flatten(1)
            laplace = likelihood == "laplace"
            error = difference.abs().mean(dim=1) if laplace else difference.square().mean(dim=1).sqrt()
        return psnr(reconstruction, pixel_values), ssim(reconstruction, pixel_values), error

    found = each(compare, zip(batches, means.split(batch_size), samples.split(batch_size), strict=True))
    return _Fidelity(*(torch.cat(column) for column in zip(*found, strict=True)))


def _nll(model: VAEModel, error: Tensor) -> tuple[Tensor, float | None]:
    """-log p(x|z) in nats [N], and the variance it was taken with: the model's, or the optimum over all pictures."""
    config = model.config
    if config.likelihood == "bernoulli":
        return error, None
    # Both densities know a picture only by its mean (squared) error, so that one pixel stands for all of them.
    pixel, zero = error.view(-1, 1, 1, 1), torch.zeros(len(error), 1, 1, 1, dtype=error.dtype)
    variance = config.variance
    if variance == "optimal":
        variance = float(optimal_variance(pixel, zero, config.likelihood))
    return config.dimensions * reconstruction_nll(pixel, zero, config.likelihood, variance), variance


def _reconstruction(
    model: VAEModel, means: Tensor, logvars: Tensor, fidelity: _Fidelity, resamples: int, seed: int
) -> dict[str, Any]:
    nll, variance = _nll(model, fidelity.error)
    kl = kl_divergence(means.double(), logvars.double()).sum(dim=1)
    dimensions = model.config.dimensions
    per_picture = {
        "psnr": fidelity.psnr,
        "ssim": fidelity.ssim,
        "reconstruction_nll": nll,
        "kl": kl,
        "negative_elbo": nll + kl,
        "bits_per_dimension": bits_per_dimension(nll + kl, dimensions),
    }
    if variance is not None:  # a Bernoulli likelihood is no density over grey levels
        per_picture["bits_per_dimension_8_bit"] = bits_per_dimension(nll + kl, dimensions, levels=LEVELS)
    figures: dict[str, Any] = {name: _figure(values, resamples, seed) for name, values in per_picture.items()}
    return figures | {"variance": variance, "active_units": active_units(means), "latent_dim": means.shape[1]}


def _look(pixel_values: Tensor, network: FeatureNetwork | None) -> _Measured:
    features = torch.empty(len(pixel_values), 0) if network is None else network(pixel_values).cpu()
    return _Measured(sharpness(pixel_values), features)


def _joined(parts: Sequence[_Measured]) -> _Measured:
    return _Measured(torch.cat([part.sharpness for part in parts]), torch.cat([part.features for part in parts]))


def _distances(sets: dict[str, _Measured], resamples: int, seed: int) -> dict[str, Any]:
    real = sets["validation"].features
    names = [name for name in sets if name != "validation"]

    def distances(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
        features = sets[name].features
        frechet = bootstrap(features, lambda rows: frechet_distance(rows, real), resamples=resamples, seed=seed)
        size = min(SUBSET_SIZE, len(real), len(features))
        kernel = kernel_distance(features, real, SUBSETS, size, seed)
        return asdict(frechet), {"value": kernel.mean, "deviation": kernel.deviation, "subset_size": size}

    found = dict(zip(names, each(distances, names), strict=True))
    for name, (frechet, kernel) in found.items():
        logger.info("%s: Fréchet distance %.1f, KID x 1000 %.1f", name, frechet["value"], kernel["value"])
    keys = ("frechet_distance", "kernel_distance")
    return {key: {name: both[i] for name, both in found.items()} for i, key in enumerate(keys)}


def _copies(
    model: VAEModel, latents: Tensor, validation: Any, train: Any, network: FeatureNetwork | None, batch_size: int
) -> dict[str, Any]:
    samples = decode_all(model, latents, batch_size)
    unseen = torch.cat(list(_pictures(validation, batch_size, len(samples))))
    both = torch.cat([samples, unseen])
    found = {}
    for space, describe in (("pixels", None), ("features", network)):
        if space == "features" and network is None:
            continue
        held = batches(labelled_batches(train, batch_size), f"Looking for the nearest training pictures by {space}")
        nearest = nearest_pictures(both, (p for p, _ in held), describe)
        parts = [
            type(nearest)(nearest.distance[rows], nearest.index[rows])
            for rows in (slice(len(samples)), slice(len(samples), None))
        ]
        found[space] = {
            "samples": len(samples),
            "median_of_samples": float(parts[0].distance.median()),
            "median_of_unseen": float(parts[1].distance.median()),
            "share_of_copies": share_of_copies(*parts),
            "nearest": parts[0].index.tolist(),
        }
    return found


def _protocol(pipe: VAEPipeline, count: int, network: FeatureNetwork | None, seed: int) -> dict[str, Any]:
    config = pipe.model.config
    protocol: dict[str, Any] = {
        "pictures": count,
        "image_size": list(config.image_size),
        "num_channels": config.num_channels,
        "likelihood": config.likelihood,
        "variance": config.variance,
        "discretisation": DISCRETISATION,
        "elbo": "one sample of the posterior for each picture, kl_weight 1, no free bits",
        "psnr_and_ssim": "of the reconstruction from the posterior mean",
        "intervals": "95 %, bootstrap",
        "seed": seed,
    }
    if network is not None:
        protocol["feature_network"] = {
            "architecture": network.architecture,
            "resolution": network.resolution,
            "resize_filter": RESIZE_FILTER,
            "pictures_in_each_set": count,
        }
    return protocol


def _figure(values: Tensor, resamples: int, seed: int) -> dict[str, float]:
    return asdict(bootstrap(values, resamples=resamples, seed=seed))


def _json(value: Any) -> Any:
    """Numbers to six digits; infinite ones, which JSON lacks (the PSNR of an exact reconstruction), become null."""
    if isinstance(value, dict):
        return {key: _json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_json(inner) for inner in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value
