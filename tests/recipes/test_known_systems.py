"""The recipes of known systems are their networks and their losses, built here a second time from descriptions."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from modeling_vae import VAEModel
from modeling_vae.model.elbo import kl_divergence, reconstruction_nll
from modeling_vae.recipes.recipe import Recipe

CONFIGS = Path(__file__).resolve().parents[2] / "hub_configs"
KITTEN_MIXER = {"v1": 1.0, "v2": 2.0, "v4": 0.5, "v5": 0.05, "v6": 0.005}


def convolutions(widths, kernel, between):
    """Strided convolutions that halve a picture, each with what comes after it."""
    pairs = zip(widths, widths[1:], strict=False)
    return [layer for i, o in pairs for layer in (nn.Conv2d(i, o, kernel, 2, 1), *between(o))]


def transposed(widths, kernel, between):
    """Transposed convolutions that double a picture, each with what comes after it."""
    pairs = zip(widths, widths[1:], strict=False)
    return [
        layer for i, o in pairs for layer in (nn.ConvTranspose2d(i, o, kernel, 2, 1, kernel % 2), *between(o))
    ]  # fmt: skip


def kitten_mixer(widths, latent, act):
    side = 64 // 2 ** (len(widths) - 1)
    flat = widths[-1] * side * side
    encoder = nn.Sequential(*convolutions(widths, 4, lambda _: [act()]), nn.Flatten(), nn.Linear(flat, 2 * latent))
    back = widths[::-1]
    decoder = nn.Sequential(
        nn.Linear(latent, flat),
        nn.Unflatten(1, (back[0], side, side)),
        *transposed(back[:-1], 4, lambda _: [act()]),
        nn.ConvTranspose2d(back[-2], 3, 4, 2, 1),
    )
    return encoder, decoder


def book():
    """Chollet, chapter 12; in colour, with 64 latents, as no width is known."""
    encoder = nn.Sequential(
        *convolutions([3, 32, 64], 3, lambda _: [nn.ReLU()]),
        nn.Flatten(), nn.Linear(64 * 16 * 16, 16), nn.ReLU(), nn.Linear(16, 128),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(64, 64 * 16 * 16), nn.ReLU(), nn.Unflatten(1, (64, 16, 16)),
        *transposed([64, 64, 32], 3, lambda _: [nn.ReLU()]), nn.Conv2d(32, 3, 3, padding=1),
    )  # fmt: skip
    return encoder, decoder


def face_generation():
    def between(width):
        return nn.BatchNorm2d(width, eps=1e-3, momentum=0.01), nn.LeakyReLU(0.3), nn.Dropout(0.25)

    encoder = nn.Sequential(*convolutions([3, 32, 64, 64, 64], 3, between), nn.Flatten(), nn.Linear(64 * 8 * 8, 400))
    decoder = nn.Sequential(
        nn.Linear(200, 64 * 8 * 8), nn.Unflatten(1, (64, 8, 8)),
        *transposed([64, 64, 64, 32], 3, between), nn.ConvTranspose2d(32, 3, 3, 2, 1, 1),
    )  # fmt: skip
    return encoder, decoder


def facial_features():
    def between(width):
        return nn.BatchNorm2d(width), nn.LeakyReLU(0.01)

    encoder = nn.Sequential(
        *convolutions([3, 32, 64, 128, 256, 512], 3, between), nn.Flatten(), nn.Linear(512 * 7 * 6, 2000)
    )
    decoder = nn.Sequential(
        nn.Linear(1000, 512 * 7 * 6), nn.Unflatten(1, (512, 7, 6)),
        *transposed([512, 256, 128, 64, 32, 32], 3, between), nn.Conv2d(32, 3, 3, padding=1),
    )  # fmt: skip
    return encoder, decoder


def kuzushiji():
    encoder = nn.Sequential(
        *convolutions([1, 32, 64], 3, lambda _: [nn.ReLU()]), nn.Flatten(), nn.Linear(64 * 7 * 7, 4)
    )
    decoder = nn.Sequential(
        nn.Linear(2, 32 * 7 * 7), nn.ReLU(), nn.Unflatten(1, (32, 7, 7)),
        *transposed([32, 64, 32], 3, lambda _: [nn.ReLU()]), nn.Conv2d(32, 1, 3, padding=1),
    )  # fmt: skip
    return encoder, decoder


NETWORKS = {
    **{
        f"kitten-mixer-{name}": lambda: kitten_mixer([3, 32, 64, 128, 256], 500, lambda: nn.LeakyReLU(0.01))
        for name in KITTEN_MIXER
    },
    "kitten-mixer-v3": lambda: kitten_mixer([3, 32, 64], 100, nn.ReLU),
    "cat-faces-vanilla-64": book,
    "face-generation-128": face_generation,
    "facial-features-224": facial_features,
    "kuzushiji-2d": kuzushiji,
}
TOLD = {"kitten-mixer-v6": 7_529_131, "kitten-mixer-v3": 5_000_523}
"""Parameters of the published code."""


def recipe(name: str) -> Recipe:
    return Recipe.read(CONFIGS / name)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_the_network_is_theirs(name):
    """The same layers in the same order: with their weights ours computes what theirs does."""
    torch.manual_seed(4)
    config = recipe(name).config()
    encoder, decoder = (network.eval() for network in NETWORKS[name]())
    ours = VAEModel(config).eval()
    theirs = [*encoder.state_dict().values(), *decoder.state_dict().values()]
    assert [w.shape for w in ours.state_dict().values()] == [w.shape for w in theirs]
    assert ours.num_parameters() == TOLD.get(name, ours.num_parameters())
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs, strict=True)))
    pictures = torch.rand(2, config.num_channels, *config.height_and_width)
    with torch.no_grad():
        mean, logvar = encoder(pictures).chunk(2, dim=1)
        posterior = ours.encode(pictures)
        torch.testing.assert_close(posterior.mean, mean)
        torch.testing.assert_close(posterior.logvar, logvar)
        torch.testing.assert_close(ours.decode(mean), decoder(mean).sigmoid())
    modes = {type(layer): layer for layer in encoder if isinstance(layer, nn.BatchNorm2d | nn.Dropout)}
    for layer in ours.modules():
        if isinstance(layer, nn.BatchNorm2d):
            assert (layer.momentum, layer.eps) == (modes[nn.BatchNorm2d].momentum, modes[nn.BatchNorm2d].eps)
        if isinstance(layer, nn.Dropout):
            assert layer.p == (modes[nn.Dropout].p if nn.Dropout in modes else 0)


def fixed_tensors(name: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A picture's reconstruction, the picture, mean and logvar, float64, four of each."""
    config, generator = recipe(name).config(), torch.Generator().manual_seed(29)
    shape = (4, config.num_channels, *config.height_and_width)
    reconstruction, pictures = (torch.rand(shape, generator=generator, dtype=torch.float64) for _ in range(2))
    mean, logvar = (torch.randn(4, config.latent_dim, generator=generator, dtype=torch.float64) for _ in range(2))
    return reconstruction, pictures, mean, logvar


def our_loss(name: str) -> Tensor:
    """Nats per picture, without what does not depend on the network: a Gaussian's log(2 pi variance) / 2."""
    config, (reconstruction, pictures, mean, logvar) = recipe(name).config(), fixed_tensors(name)
    nll = reconstruction_nll(reconstruction, pictures, config.likelihood, config.variance).mean()
    if config.likelihood == "gaussian":
        nll = nll - config.dimensions / 2 * math.log(2 * math.pi * config.variance)
    return nll + config.kl_weight * kl_divergence(mean, logvar).sum(1).mean()


def summed_kl(mean: Tensor, logvar: Tensor) -> Tensor:
    return -0.5 * (1 + logvar - mean**2 - logvar.exp()).sum(1)


@pytest.mark.parametrize(("version", "beta"), [*KITTEN_MIXER.items(), ("v3", 1.0)])
def test_the_loss_of_kitten_mixer(version, beta):
    reconstruction, pictures, mean, logvar = fixed_tensors(f"kitten-mixer-{version}")
    theirs = F.binary_cross_entropy(reconstruction, pictures, reduction="sum") / 4
    theirs = theirs + beta * summed_kl(mean, logvar).mean()
    assert our_loss(f"kitten-mixer-{version}").item() == pytest.approx(theirs.item(), rel=1e-6)


def test_the_loss_of_the_book():
    """The cross-entropy is a mean over colours, and the KL one over latents: a third of ours."""
    reconstruction, pictures, mean, logvar = fixed_tensors("cat-faces-vanilla-64")
    cross_entropy = F.binary_cross_entropy(reconstruction, pictures, reduction="none").mean(1).sum((1, 2)).mean()
    averaged_kl = -0.5 * (1 + logvar - mean**2 - logvar.exp()).mean()
    assert our_loss("cat-faces-vanilla-64").item() == pytest.approx(3 * (cross_entropy + averaged_kl).item(), rel=1e-6)


def test_the_loss_of_face_generation():
    reconstruction, pictures, mean, logvar = fixed_tensors("face-generation-128")
    theirs = 10_000 * (reconstruction - pictures).square().mean() + summed_kl(mean, logvar).mean()
    assert our_loss("face-generation-128").item() == pytest.approx(theirs.item(), rel=1e-6)


def test_the_loss_of_facial_features():
    """Per value of a picture, where ours is per picture; the factor of the KL rises over the first half."""
    reconstruction, pictures, mean, logvar = fixed_tensors("facial-features-224")
    theirs = (reconstruction - pictures).square().mean() + 2e-7 * summed_kl(mean, logvar).mean()
    assert our_loss("facial-features-224").item() == pytest.approx(224 * 192 * 3 * theirs.item(), rel=1e-6)
    assert recipe("facial-features-224").objective.kl_warmup_ratio == 0.5


def test_the_loss_of_kuzushiji():
    """One draw z of the posterior: -log p(x|z) - log p(z) + log q(z|x), whose expectation ours computes."""
    reconstruction, pictures, mean, logvar = fixed_tensors("kuzushiji-2d")
    logits = reconstruction.logit()
    cross_entropy = F.binary_cross_entropy_with_logits(logits, pictures, reduction="none").sum((1, 2, 3)).mean()
    q, p = torch.distributions.Normal(mean, (logvar / 2).exp()), torch.distributions.Normal(0.0, 1.0)
    expected = torch.distributions.kl_divergence(q, torch.distributions.Normal(p.loc, p.scale)).sum(1).mean()
    assert our_loss("kuzushiji-2d").item() == pytest.approx((cross_entropy + expected).item(), rel=1e-6)


@pytest.mark.parametrize("name", [*NETWORKS, "cat-faces-resnet-64"])
def test_no_term_but_theirs(name):
    """Adam at a constant rate, gradients as they are, and the weights themselves."""
    read = recipe(name)
    terms = read.objective
    assert terms.perceptual is terms.adversarial is terms.edits is terms.attribute_consistency is None
    training = read.training
    assert (training["adam_beta1"], training["adam_beta2"]) == (0.9, 0.999)
    assert training["lr_scheduler_type"] == "constant" and training["max_grad_norm"] == 0
    assert training["ema_decay"] == 0 and read.cites
