"""An evaluation of a tiny model: each figure against its definition, and the files."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch

from modeling_vae.evaluation.features import FeatureNetwork
from modeling_vae.evaluation.fidelity import psnr, sharpness
from modeling_vae.evaluation.measuring import evaluate
from modeling_vae.figures.evaluation_report import markdown, write_report
from modeling_vae.model.configuration_image_vae import VAEConfig
from modeling_vae.model.image_processing_image_vae import VAEImageProcessor
from modeling_vae.model.latents import sample_noise
from modeling_vae.model.modeling_image_vae import VAEModel
from modeling_vae.model.priors import FlowPrior
from modeling_vae.pipeline import VAEPipeline

SIDE, WIDTH, COUNT = 32, 6, 20


def dataset(n: int = COUNT, seed: int = 0) -> list[dict]:
    x = torch.rand(n, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    return [{"pixel_values": values, "labels": {}} for values in x]


def pipeline(prior: bool = True, **config) -> VAEPipeline:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = VAEModel(VAEConfig(image_size=SIDE, latent_dim=WIDTH, hidden_channels=[4, 8], **config))
    fitted = FlowPrior(torch.ones(WIDTH), math.sqrt(2) * torch.eye(WIDTH)) if prior else None
    processor = VAEImageProcessor(size={"height": SIDE, "width": SIDE}, num_channels=3)
    pipe = VAEPipeline(model, processor)
    pipe.prior = fitted
    return pipe


def report_of(pipe: VAEPipeline, **options) -> dict:
    return evaluate(pipe, dataset(), **({"resamples": 20, "distance_resamples": 3} | options))


@pytest.mark.parametrize("likelihood", ["gaussian", "laplace", "bernoulli"])
@pytest.mark.parametrize("variance", ["optimal", 0.05])
def test_elbo_is_that_of_torch_distributions(likelihood, variance):
    pipe = pipeline(likelihood=likelihood, variance=variance)
    figures = report_of(pipe)["reconstruction"]
    x = torch.stack([item["pixel_values"] for item in dataset()])
    with torch.no_grad():
        posterior = pipe.model.encode(x)
        z = posterior.mean + torch.exp(0.5 * posterior.logvar) * sample_noise(COUNT, WIDTH, 0)
        y = pipe.model.decode(z).double()
    error = y - x.double()
    if likelihood == "bernoulli":
        log_p = -torch.nn.functional.binary_cross_entropy(y, x.double(), reduction="sum") / COUNT
    elif likelihood == "gaussian":
        spread = error.square().mean().sqrt() if variance == "optimal" else torch.tensor(variance).sqrt()
        log_p = torch.distributions.Normal(y, spread).log_prob(x.double()).sum() / COUNT
    else:
        scale = error.abs().mean() if variance == "optimal" else torch.tensor(variance / 2).sqrt()
        log_p = torch.distributions.Laplace(y, scale).log_prob(x.double()).sum() / COUNT
    q = torch.distributions.Normal(posterior.mean.double(), torch.exp(0.5 * posterior.logvar.double()))
    kl = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).sum() / COUNT
    assert figures["reconstruction_nll"]["value"] == pytest.approx(-float(log_p), rel=1e-5)
    assert figures["kl"]["value"] == pytest.approx(float(kl), rel=1e-5)
    assert figures["negative_elbo"]["value"] == pytest.approx(float(kl - log_p), rel=1e-5)
    bits = float(kl - log_p) / (3 * SIDE * SIDE * math.log(2))
    assert figures["bits_per_dimension"]["value"] == pytest.approx(bits, rel=1e-4)
    if likelihood == "bernoulli":
        assert "bits_per_dimension_8_bit" not in figures
    else:
        assert figures["bits_per_dimension_8_bit"]["value"] == pytest.approx(bits + math.log2(255), rel=1e-4)


def test_figures_of_pictures_are_theirs():
    pipe = pipeline()
    report = report_of(pipe, train=dataset(30, seed=1))
    x = torch.stack([item["pixel_values"] for item in dataset()])
    with torch.no_grad():
        y = pipe.model.decode(pipe.model.encode(x).mean)
        fitted, standard = (pipe.model.decode(z) for z in (pipe.prior.sample(COUNT, 0), sample_noise(COUNT, WIDTH, 0)))
    assert report["reconstruction"]["psnr"]["value"] == pytest.approx(float(psnr(x, y).mean()), rel=1e-5)
    expected = {"validation": x, "reconstructions": y, "fitted_samples": fitted, "standard_samples": standard}
    for name, pictures in expected.items():
        assert report["sharpness"][name]["value"] == pytest.approx(float(sharpness(pictures).mean()), rel=1e-4)
    assert {"training", "morph_midpoints"} <= set(report["sharpness"])
    assert report["protocol"]["pictures"] == COUNT


def test_batch_size_does_not_matter_and_nothing_global_is_touched():
    pipe = pipeline()
    before = torch.get_rng_state()
    whole, parts = report_of(pipe), report_of(pipe, batch_size=7)
    assert torch.equal(torch.get_rng_state(), before)
    flat = [
        [figures["reconstruction"][name]["value"] for name in ("psnr", "ssim", "negative_elbo")]
        + [figures["sharpness"][name]["value"] for name in sorted(figures["sharpness"])]
        for figures in (whole, parts)
    ]
    assert flat[0] == pytest.approx(flat[1], rel=1e-4)


def test_distances_and_copies(feature_folder: Path):
    network = FeatureNetwork(str(feature_folder), resolution=32)
    report = report_of(pipeline(), train=dataset(), network=network, nearest=5)
    sets = {"training", "reconstructions", "fitted_samples", "standard_samples", "morph_midpoints"}
    assert set(report["frechet_distance"]) == set(report["kernel_distance"]) == sets
    assert report["frechet_distance"]["training"]["value"] == pytest.approx(0, abs=1e-6)  # the very same pictures
    assert report["frechet_distance"]["reconstructions"]["value"] > 0.01
    assert report["kernel_distance"]["reconstructions"]["value"] > report["kernel_distance"]["training"]["value"]
    assert set(report["nearest_training_picture"]) == {"pixels", "features"}
    found = report["nearest_training_picture"]["pixels"]
    assert found["samples"] == len(found["nearest"]) == 5
    assert found["median_of_unseen"] == pytest.approx(0, abs=1e-6)


def test_most_bounds_the_pictures():
    report = report_of(pipeline(), most=6, batch_size=4)
    assert report["protocol"]["pictures"] == 6


def test_without_a_prior_there_are_no_fitted_samples():
    assert "fitted_samples" not in report_of(pipeline(prior=False))["sharpness"]


def test_report_is_written_whole(tmp_path: Path, feature_folder: Path):
    network = FeatureNetwork(str(feature_folder), resolution=32)
    report = report_of(pipeline(), train=dataset(seed=1), network=network, nearest=5)
    write_report(report, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"evaluation.json", "evaluation.md"}
    assert json.loads((tmp_path / "evaluation.json").read_text()) == report
    text = (tmp_path / "evaluation.md").read_text()
    assert text == markdown(report)
    for part in ("PSNR (dB)", "active units", "| samples, fitted prior |", "KID x 1000", "ResNetModel at 32 px"):
        assert part in text
    with pytest.raises(OSError):
        write_report(report, tmp_path / "nowhere")


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="at least 2 validation pictures"):
        evaluate(pipeline(), dataset(1))
    with pytest.raises(ValueError, match="no training pictures are given"):
        evaluate(pipeline(), dataset(), nearest=5)
