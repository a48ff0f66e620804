"""The film of a training: when its frames are taken, what they show, and whose they are."""

import json
from types import SimpleNamespace

import numpy as np
import torch
from PIL import Image
from transformers import TrainerState

from modeling_vae import VAEConfig, VAEModel
from modeling_vae.model.latents import normal_grid
from modeling_vae.training.film import TrainingFilm, draw, draw_reconstructions, frame_steps
from modeling_vae.training.film_files import CAPTION, Frame, film_of, read_frames, training_films
from modeling_vae.training.losses import losses, read_history


def small_model() -> VAEModel:
    torch.manual_seed(0)
    return VAEModel(VAEConfig(image_size=32, latent_dim=8, hidden_channels=[8, 16], norm="batch")).train()


def pictures(count: int = 40) -> torch.Tensor:
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def test_frames_are_evenly_spaced_in_the_logarithm():
    steps = frame_steps(16_000)
    assert steps[0] == 1 and steps[-1] == 16_000 and 36 <= len(steps) <= 48
    ratios = np.diff(np.log([step for step in steps if step > 20]))  # before, whole steps are too coarse
    assert ratios.max() / ratios.min() < 1.2
    assert frame_steps(3) == [1, 2, 3] and frame_steps(1) == [1]
    assert len(frame_steps(300)) <= 15  # a frame takes as long as half a step, and a short run has few
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
    folders = [tmp_path / "film", tmp_path / "film" / "reconstructions"]
    for folder in folders:
        assert [frame.step for frame in read_frames(folder)] == frame_steps(24)
    film.on_train_begin(None, TrainerState(global_step=15, max_steps=24), None)
    for folder in folders:
        assert [frame.step for frame in read_frames(folder)] == [step for step in frame_steps(24) if step <= 15]
    assert read_frames(tmp_path / "nothing") == []


def test_the_frames_of_reconstructions_are_pictures_above_what_the_model_makes_of_them():
    model, seen = small_model(), pictures(8)
    frame = np.asarray(draw_reconstructions(model, seen))
    assert frame.shape == (4 * 34 + 2, 4 * 34 + 2, 3) and model.training
    with torch.no_grad():
        drawn = model.eval().decode(model.encode(seen).mean)
    for line, column, shown in ((0, 1, seen[1]), (1, 1, drawn[1]), (2, 3, seen[7]), (3, 3, drawn[7])):
        x, y = 2 + column * 34, 2 + line * 34
        cell = frame[y : y + 32, x : x + 32]
        assert np.array_equal(cell, (shown * 255).round().byte().permute(1, 2, 0).numpy())


def test_a_plane_is_drawn_as_its_grid_whatever_the_data():
    torch.manual_seed(0)
    model = VAEModel(VAEConfig(image_size=32, latent_dim=2, hidden_channels=[8, 16]))
    frame = draw(model, [])
    assert frame.size == (12 * 34 + 2, 12 * 34 + 2)
    with torch.no_grad():
        corner = model.eval().decode(normal_grid(12)[:1])[0]
    assert np.array_equal(np.asarray(frame)[2:34, 2:34], (corner * 255).round().byte().permute(1, 2, 0).numpy())


def test_a_film_is_large_enough_counts_its_steps_over_stages_and_stands_at_its_end(tmp_path):
    folders = [tmp_path / "small", tmp_path / "large"]
    for folder, side in zip(folders, (20, 40), strict=True):
        folder.mkdir()
        for step in (1, 5, 9):
            Image.new("RGB", (side, side + 6), (0, 20 * step, 0)).save(folder / f"{step:06d}.png")
    frames = read_frames(*folders)
    assert [frame.step for frame in frames] == [1, 5, 9 + 1, 9 + 9]  # the first, and every second
    film = film_of(frames)
    assert film.size == (40 * 7, 46 * 7 + CAPTION) and min(film.size) >= 256
    assert len(film) == 4 and film.holds == (1, 1, 1, 2)
    assert training_films(folders, reconstructions=True).keys() == {"training.webp", "training.mp4"}
    assert training_films([tmp_path / "none"], reconstructions=True) == {}


def test_the_step_is_written_below_the_picture():
    first, second = (film_of([Frame(step, Image.new("RGB", (256, 256)))])[0] for step in (1, 12_345))
    changed = np.argwhere((np.asarray(first) != np.asarray(second)).any(-1))
    assert len(changed) and changed[:, 0].min() >= 256


def write_log(folder, steps, entries):
    (folder / f"checkpoint-{steps}").mkdir(parents=True)
    state = {"global_step": steps, "log_history": entries}
    (folder / f"checkpoint-{steps}" / "trainer_state.json").write_text(json.dumps(state))


def test_the_log_of_a_run_goes_on_over_stages_and_is_that_of_the_newest_checkpoint(tmp_path):
    entries = [{"step": step, "loss": 1 / step, "nll": 9.0 / step, "kl": 2.0, "texture": 0.1} for step in (1, 2, 3)]
    write_log(tmp_path / "a", 3, entries)
    write_log(tmp_path / "b", 2, entries[:2])
    write_log(tmp_path / "b", 10, [*entries[:2], {"step": 9, "eval_nll": 3.0, "eval_psnr": 20.0}])
    history = read_history(tmp_path / "a", tmp_path / "b", tmp_path / "none")
    assert [entry["step"] for entry in history] == [1, 2, 3, 4, 5, 12]
    assert losses(history).width > 1000 and losses([]) is None and losses(history[:1]) is None
