"""Faces that the browser draws by itself are those that torch draws."""

from __future__ import annotations

import importlib.util
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import tiny_model, tiny_pipeline, told_pipeline

from modeling_vae import FlowPrior, VAEConfig, VAEPipeline
from modeling_vae.browser.browser_model import browser_model, drawable
from modeling_vae.browser.compile_kernel import COMPILER, KERNEL, compiled
from modeling_vae.model.latents import sample_noise
from modeling_vae.model.velocity import Velocity

ROOT = Path(__file__).parents[2]
BUNDLED = sorted(path.parent.name for path in ROOT.glob("hub_configs/*/model.safetensors"))
MODULATED = {"decoder_block": "modulated", "modulation_dim": 16, "decoder_channels": [16, 8]}
OTHERS = {
    "grey": {"num_channels": 1, "image_size": 28},
    "not square": {"image_size": [32, 48]},
    "one width more": {"decoder_channels": [24, 16, 8]},
    "further layers": {"decoder_layers": 3},
    "bare stem": {"bare_stem": True},
    "relu": {"activation": "relu"},
    "another slope": {"negative_slope": 0.05},
    "128 pixels": {"image_size": 128, "hidden_channels": [8] * 5, "decoder_channels": [128, 96, 80, 64, 32, 16]},
}
DRAWN = "given.latents.map((latent) => maker.draw({ latent: Float32Array.from(latent) }).data)"
pytestmark = pytest.mark.browser


def bundled(name: str) -> VAEPipeline:
    return VAEPipeline.from_pretrained(ROOT / "hub_configs" / name)


def random_pipeline(**config) -> VAEPipeline:
    """Of a model whose every weight is random: none of those that begin with zero is left so."""
    pipe = tiny_pipeline(**MODULATED | config)
    generator = torch.Generator().manual_seed(0)
    for weight in pipe.model.parameters():
        weight.data += 0.2 * torch.randn(weight.shape, generator=generator)
    return VAEPipeline(pipe.model, pipe.processor)


def assert_same_pictures(maker, pipe: VAEPipeline, latents: torch.Tensor) -> None:
    """To a grey level where a value lies between two, which hardly any does."""
    pictures = np.stack([np.asarray(picture.convert("RGB")) for picture in pipe.decode(latents)]).astype(int)
    drawn = np.stack(maker(pipe, DRAWN, np.uint8, latents=latents.tolist())).reshape(*pictures.shape[:3], 4)
    assert (drawn[..., 3] == 255).all()
    apart = np.abs(drawn[..., :3] - pictures)
    assert apart.max() <= 1 and (apart > 0).mean() < 1e-3
    assert pictures.std() > 5, "there is something to see"


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_model_draws_what_torch_draws(maker, name):
    pipe = bundled(name)
    assert_same_pictures(maker, pipe, pipe.sample(4, seed=7))


@pytest.mark.parametrize("config", OTHERS.values(), ids=OTHERS)
def test_other_modulated_decoders_too(maker, config):
    pipe = random_pipeline(**config)
    assert_same_pictures(maker, pipe, pipe.sample(3, seed=1))


@pytest.mark.parametrize("name", BUNDLED)
def test_a_picture_is_encoded_as_torch_encodes_it(maker, name):
    pipe = bundled(name)
    pictures = pipe.generate(2, seed=5)
    data = [np.asarray(picture.convert("RGBA")).ravel().tolist() for picture in pictures]
    code = "given.data.map((data) => maker.encode({ data: Uint8ClampedArray.from(data), encoder }))"
    latents = np.stack(maker(pipe, code, np.float32, data=data))
    np.testing.assert_allclose(latents, pipe.encode(pictures), atol=1e-4)


def test_a_face_is_the_same_whatever_was_drawn_before(maker):
    pipe = random_pipeline(decoder_layers=2)
    (one,) = maker(pipe, DRAWN, np.uint8, latents=pipe.sample(1, seed=3).tolist())
    several = maker(pipe, DRAWN, np.uint8, latents=pipe.sample(2, seed=3)[[1, 0]].tolist())
    assert (several[1] == one).all() and (several[0] != one).any()


@pytest.mark.parametrize("name", BUNDLED)
def test_a_seed_gives_the_same_latents(maker, name):
    pipe = bundled(name)
    code = "[0, 1, 19].map((index) => maker.latent({ seed: 4294967295, index, truncation: 0.8 }))"
    latents = np.stack(maker(pipe, code, np.float32))
    np.testing.assert_allclose(latents, pipe.sample(20, 4294967295, 0.8)[[0, 1, 19]], rtol=1e-6, atol=1e-6)


def test_a_seed_gives_the_same_latents_without_a_prior(maker):
    pipe = random_pipeline(latent_dim=7)
    code = "[0, 5].map((index) => maker.latent({ seed: 3, index, truncation: 0.5 }))"
    np.testing.assert_array_equal(np.stack(maker(pipe, code, np.float32)), pipe.sample(6, 3, 0.5)[[0, 5]])


def test_a_seed_gives_the_same_latents_by_a_flow(maker):
    pipe = random_pipeline(latent_dim=7)
    generator = torch.Generator().manual_seed(0)
    velocity = Velocity(7, width=24, blocks=2)
    for weight in velocity.parameters():
        weight.data = 0.3 * torch.randn(weight.shape, generator=generator)
    factor = torch.eye(7) + 0.1 * torch.randn(7, 7, generator=generator).tril(-1)
    pipe.prior = FlowPrior(torch.arange(7.0), factor, velocity, pipe.weights_sha256)
    code = "[0, 5].map((index) => maker.latent({ seed: 3, index, truncation: 0.5 }))"
    latents = np.stack(maker(pipe, code, np.float32))
    np.testing.assert_allclose(latents, pipe.sample(6, 3, 0.5)[[0, 5]], rtol=1e-6, atol=1e-6)
    plain = pipe.prior.mean + 0.5 * sample_noise(6, 7, 3).double() @ pipe.prior.factor.T
    assert np.abs(latents - plain[[0, 5]].numpy()).max() > 0.1, "the flow moves it"
    keyframes = pipe.sample(3, 9)
    way = {"path": "flow", "easing": "smooth", "closed": True}
    code = "maker.way(given.latents.map((latent) => ({ latent: Float32Array.from(latent) })), 7, given.way)"
    found = np.stack(maker(pipe, code, np.float32, latents=keyframes.tolist(), way=way))
    np.testing.assert_allclose(found, pipe.latent_path(keyframes, 7, **way), rtol=1e-5, atol=1e-5)


def test_a_seed_gives_the_same_latents_by_a_flow_that_is_told(maker):
    pipe = told_pipeline(**MODULATED)
    code = "[0, 1, 7].map((index) => maker.latent({ seed: 3, index, truncation: 0.9 }))"
    latents = np.stack(maker(pipe, code, np.float32))
    np.testing.assert_allclose(latents, pipe.sample(8, 3, 0.9)[[0, 1, 7]], rtol=1e-6, atol=1e-6)
    draft = pipe.prior.latents_of(0.9 * sample_noise(8, 8, 3))[[0, 1, 7]]
    assert np.abs(latents - draft.numpy()).max() > 0.1, "it is drawn once more, told what the draft shows"


@pytest.mark.parametrize("name", BUNDLED)
def test_edits_with_holds_are_exact(maker, name):
    pipe = bundled(name)
    assert pipe.directions is not None
    changed, held = pipe.directions.names[:2], pipe.directions.names[3:6]
    changes = {changed[0]: 2.5, changed[1]: -1.0}
    latent = pipe.sample(1, seed=2)
    code = "[maker.latent({ latent: Float32Array.from(given.latent), changes: given.changes, hold: given.hold })]"
    (edited,) = maker(pipe, code, np.float32, latent=latent[0].tolist(), changes=changes, hold=[*held, changed[0]])
    wanted = pipe.edit_latents(latent, changes, held)[0]
    np.testing.assert_allclose(edited, wanted, rtol=1e-6, atol=1e-6)
    values = dict(
        zip(
            pipe.directions.names,
            pipe.directions.values(torch.tensor(edited)[None] - latent + pipe.directions.mean)[0],
            strict=True,
        )
    )
    np.testing.assert_allclose([values[name] for name in changed + held], [2.5, -1.0, 0, 0, 0], atol=1e-5)


def test_what_says_the_same_is_refused_in_the_same_words(maker):
    pipe = tiny_pipeline(**MODULATED)
    coats = {"coat:black": 1.0, "coat:tabby": 1.0, "coat:white": 1.0}
    with pytest.raises(ValueError) as refused:
        pipe.edit_latents(torch.zeros(1, 8), coats)
    with pytest.raises(Exception, match="say the same thing") as theirs:
        maker(pipe, "[maker.latent({ latent: new Float32Array(8), changes: given.coats })]", np.float32, coats=coats)
    assert str(refused.value) in str(theirs.value)


@pytest.mark.parametrize("frames", [2, 12, 48])
@pytest.mark.parametrize("path", ["slerp", "linear", "flow"])
@pytest.mark.parametrize("closed", [False, True])
def test_the_way_of_a_morph(maker, frames, path, closed):
    pipe = tiny_pipeline(**MODULATED)
    keyframes = pipe.sample(3, seed=5)
    code = """maker.way(given.keyframes.map((latent) => ({ latent: Float32Array.from(latent) })), given.frames,
        { path: given.path, easing: "smooth", closed: given.closed })"""
    way = maker(pipe, code, np.float32, keyframes=keyframes.tolist(), frames=frames, path=path, closed=closed)
    np.testing.assert_allclose(
        np.stack(way), pipe.latent_path(keyframes, frames, path, "smooth", closed), rtol=1e-5, atol=1e-5
    )


def test_decoders_that_the_browser_cannot_draw_are_known():
    assert drawable(VAEConfig(**MODULATED, hidden_channels=[8, 16]))
    for config in (
        {"decoder_block": "plain"},
        {"decoder_block": "residual"},
        {**MODULATED, "hidden_channels": [8, 16], "activation": "silu"},
        {**MODULATED, "hidden_channels": [8, 16], "decoder_channels": [16, 12]},
    ):
        assert not drawable(VAEConfig(**config))
    with pytest.raises(ValueError, match="not drawn in the browser"):
        browser_model(VAEPipeline(tiny_model(), tiny_pipeline().processor).parts)


def test_the_kernel_is_what_its_source_compiles_to():
    if importlib.util.find_spec("ziglang") is None or version("ziglang") != COMPILER:
        pytest.skip(f"ziglang {COMPILER} is not installed")
    assert compiled() == KERNEL.read_bytes()
