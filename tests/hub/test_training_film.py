"""The film of a training: when its frames are taken, what they show, and whose they are."""

from types import SimpleNamespace

import numpy as np
import torch
from transformers import TrainerState

from modeling_vae import VAEConfig, VAEModel
from modeling_vae.training.film import TrainingFilm, draw, frame_steps, read_frames


def small_model() -> VAEModel:
    torch.manual_seed(0)
    return VAEModel(VAEConfig(image_size=32, latent_dim=8, hidden_channels=[8, 16], norm="batch")).train()


def pictures(count: int = 40) -> torch.Tensor:
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def test_frames_are_evenly_spaced_in_the_logarithm():
    steps = frame_steps(16_000)
    assert steps[0] == 10 and steps[-1] == 16_000 and len(steps) == 40
    ratios = np.diff(np.log(steps[8:]))  # before, whole steps are too coarse
    assert ratios.max() / ratios.min() < 1.2
    assert frame_steps(3) == [3]
    assert frame_steps(24)[-1] == 24 and len(set(frame_steps(24))) == len(frame_steps(24))


def test_a_frame_is_drawn_without_touching_the_training():
    model = small_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    frame = draw(model, pictures().split(8))
    assert frame.size == (4 * 34 + 2, 3 * 34 + 2)
    assert torch.equal(torch.get_rng_state(), state) and model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    again = draw(model, pictures().split(20))
    assert np.abs(np.asarray(frame, float) - np.asarray(again, float)).max() <= 1


def test_a_face_stays_itself_while_the_latent_space_does():
    """A small change of the encoder moves the faces a little; a root that jumped would exchange them."""
    model = small_model()
    first = np.asarray(draw(model, [pictures()]), float)
    with torch.no_grad():
        model.to_posterior.weight.mul_(1 + 0.01 * torch.randn_like(model.to_posterior.weight))
    second = np.asarray(draw(model, [pictures()]), float)
    faces = first.std()
    assert 0 < np.abs(first - second).mean() < 0.1 * faces


def test_a_run_takes_its_frames_and_drops_those_of_another(tmp_path):
    items = [{"pixel_values": picture, "labels": {}} for picture in pictures()]
    film = TrainingFilm(tmp_path / "film", items)
    objective = SimpleNamespace(ema=small_model())
    for step in range(1, 25):
        film.on_step_end(None, TrainerState(global_step=step, max_steps=24), None, model=objective)
    written = [int(file.stem) for file in sorted((tmp_path / "film").iterdir())]
    assert written == frame_steps(24) and len(read_frames(tmp_path / "film")) == len(written)
    film.on_train_begin(None, TrainerState(global_step=15, max_steps=24), None)
    assert [int(file.stem) for file in sorted((tmp_path / "film").iterdir())] == [s for s in written if s <= 15]
    assert read_frames(tmp_path / "nothing") == []
