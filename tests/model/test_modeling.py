"""The network, as a user of transformers expects it."""

import copy

import pytest
import torch
from tiny import tiny_model
from transformers import MobileNetV2Config, MobileNetV2Model

from modeling_vae import VAEConfig, VAEModel
from modeling_vae.model.elbo import reconstruction_nll

NETWORKS = {
    "plain": {},
    "plain, kernel 3, batch norm, dropout": {"kernel_size": 3, "norm": "batch", "dropout": 0.25},
    "plain, full size": {"decoder_channels": [16, 8, 4]},
    "residual": {"encoder_block": "residual", "decoder_block": "residual", "norm": "group"},
    "modulated": {"decoder_block": "modulated", "decoder_channels": [16, 16, 8], "decoder_layers": 2},
    "modulated, silu": {"decoder_block": "modulated", "decoder_layers": 2, "activation": "silu"},
    "grey": {"num_channels": 1, "image_size": 28, "likelihood": "bernoulli"},
    "tall": {"image_size": [56, 48], "hidden_channels": [4, 8, 8], "decoder_block": "modulated"},
}


def pixels(model: VAEModel, count: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(count, model.config.num_channels, *model.config.image_size, generator=generator)


@pytest.fixture(params=NETWORKS, ids=lambda name: name)
def model(request) -> VAEModel:
    return tiny_model(**NETWORKS[request.param])


def test_shapes_and_ranges(model):
    x = pixels(model)
    output = model(x)
    assert output.reconstruction.shape == x.shape
    assert 0 <= output.reconstruction.min() and output.reconstruction.max() <= 1
    assert output.mean.shape == output.logvar.shape == output.latents.shape == (2, 8)
    assert all(term.shape == () for term in (output.loss, output.reconstruction_loss, output.kl))


def test_the_loss_is_the_negative_elbo(model):
    x = pixels(model)
    output = model(x, generator=torch.Generator().manual_seed(3))
    posterior = model.encode(x)
    latents = posterior.sample(torch.Generator().manual_seed(3))
    torch.testing.assert_close(output.latents, latents)
    config = model.config
    nll = reconstruction_nll(model.decode(latents), x, config.likelihood, config.variance).mean()
    torch.testing.assert_close(output.loss, nll + config.kl_weight * posterior.kl().sum(1).mean())


@pytest.mark.parametrize("levels", [2, 5])
def test_a_modulated_decoder_begins_greyish_however_many_scales_it_has(levels):
    model = tiny_model(decoder_block="modulated", hidden_channels=[16] * levels)
    decoded = model.decode(torch.randn(64, 8, generator=torch.Generator().manual_seed(0)))
    assert 0.02 < decoded.std() < 0.12 and 0.45 < decoded.mean() < 0.55


def test_further_layers_are_silent_at_first():
    deep = tiny_model(**NETWORKS["modulated"] | {"decoder_layers": 3}).eval()
    shallow = tiny_model(**NETWORKS["modulated"] | {"decoder_layers": 1}).eval()
    missing, unexpected = deep.load_state_dict(shallow.state_dict(), strict=False)
    assert unexpected == [] and all(".layers.1." in name or ".layers.2." in name for name in missing)
    latents = torch.randn(4, 8)
    torch.testing.assert_close(deep.decode(latents), shallow.decode(latents), rtol=0, atol=0)


def test_every_weight_learns(model):
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-5)
    for _ in range(3):  # what is silent at first hears of the error once what follows it is not zero
        optimizer.step()
        optimizer.zero_grad()
        model(pixels(model, 4)).loss.backward()
    still = [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()]
    # a bias before a batch norm is subtracted again
    assert [name for name in still if model.config.norm != "batch" or not name.endswith("conv.bias")] == []


def test_a_saved_model_is_the_same_model(model, tmp_path):
    model.save_pretrained(tmp_path)
    assert (tmp_path / "model.safetensors").exists()
    loaded, info = VAEModel.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(info.values())
    latents = torch.randn(2, 8, generator=torch.Generator().manual_seed(1))
    assert torch.equal(loaded.decode(latents), model.decode(latents))


def test_activation_checkpointing_changes_no_gradient(model):
    if model.config.dropout:
        pytest.skip("dropout draws again")
    model.train()
    other = copy.deepcopy(model)
    other.activation_checkpointing_enable()
    assert other.is_activation_checkpointing
    for network in (model, other):
        network(pixels(network), generator=torch.Generator().manual_seed(0)).loss.backward()
    for (name, weight), checkpointed in zip(model.named_parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(weight.grad, checkpointed.grad, msg=name)


def test_bfloat16(model, tmp_path):
    model.save_pretrained(tmp_path)
    low = VAEModel.from_pretrained(tmp_path, dtype=torch.bfloat16)
    assert low.dtype == torch.bfloat16
    output = low(pixels(model).to(torch.bfloat16))
    assert output.loss.isfinite() and output.loss.dtype == torch.float32
    expected = model(pixels(model), sample_posterior=False).reconstruction
    found = low(pixels(model).to(torch.bfloat16), sample_posterior=False).reconstruction.float()
    assert (found - expected).abs().mean() < 0.02


def test_compile_without_graph_breaks():
    """`fullgraph` raises at the first graph break."""
    model = tiny_model(decoder_block="modulated")
    torch._dynamo.reset()
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    x = pixels(model)
    torch.testing.assert_close(compiled(x, sample_posterior=False).loss, model(x, sample_posterior=False).loss)


def test_a_picture_is_decoded_alike_alone_and_in_a_batch():
    model = tiny_model()
    latents = torch.randn(9, 8, generator=torch.Generator().manual_seed(1))
    together = model.decode(latents)
    alone = torch.cat([model.decode(latent[None]) for latent in latents])
    assert (together - alone).abs().max() < 1 / 255


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 1, 32, 32), (1, 3, 32, 33)])
def test_pictures_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"pixel_values.*\[N, 3, 32, 32\]"):
        tiny_model().encode(torch.zeros(shape))


def test_latents_of_another_width_are_refused():
    with pytest.raises(ValueError, match=r"latents.*\[N, 8\]"):
        tiny_model().decode(torch.zeros(1, 7))


def test_a_tuple_on_request():
    output = tiny_model()(torch.zeros(1, 3, 32, 32), return_dict=False)
    assert isinstance(output, tuple) and len(output) == 7


@pytest.fixture
def backbone(tmp_path):
    folder = tmp_path / "backbone"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        MobileNetV2Model(MobileNetV2Config(depth_multiplier=0.25, image_size=32)).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_pretrained_backbone_as_encoder(backbone, tmp_path, frozen, channels):
    config = VAEConfig(
        image_size=32, num_channels=channels, latent_dim=8, hidden_channels=[8, 16], freeze_backbone=frozen
    )
    model = VAEModel.from_backbone(config, str(backbone))
    weights = MobileNetV2Model.from_pretrained(backbone).state_dict()
    found = model.encoder.backbone.state_dict()
    assert all(torch.equal(found[name], weight) for name, weight in weights.items())
    assert str(tmp_path) not in str(model.config.to_dict())

    model.train()
    before = copy.deepcopy(model.encoder.state_dict())
    model(pixels(model, 4)).loss.backward()
    learns = any(weight.grad is not None for weight in model.encoder.parameters())
    assert learns != frozen
    statistics_moved = any(not torch.equal(before[name], value) for name, value in model.encoder.state_dict().items())
    assert statistics_moved != frozen

    model.eval().save_pretrained(tmp_path / "vae")
    loaded, info = VAEModel.from_pretrained(tmp_path / "vae", output_loading_info=True)
    assert not any(info.values())
    assert all(torch.equal(weight, loaded.state_dict()[name]) for name, weight in model.state_dict().items())
    torch.testing.assert_close(loaded.encode(pixels(model)).mean, model.encode(pixels(model)).mean)
