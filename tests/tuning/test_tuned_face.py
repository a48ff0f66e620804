"""A face fitted to a photo: nearer to it than the model comes, edited as before, and nothing of the model changes."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from PIL import Image
from tiny import tiny_pipeline, told_pipeline

from modeling_vae.model.gaussian import Gaussian
from modeling_vae.model.tensor_files import read_tensors
from modeling_vae.photos.photo import edit_difference
from modeling_vae.tuning.fit_face import TuningSettings, fit_face
from modeling_vae.tuning.likeness import Likeness
from modeling_vae.tuning.tuned_face import CLEAR_CHANGE

QUICK = TuningSettings(latent_steps=8, decoder_steps=90, decoder_rate=3e-3)


def photo(seed: int = 0, side: int = 32) -> Image.Image:
    """Smooth colours that no untrained model draws."""
    small = np.random.default_rng(seed).integers(0, 255, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC)


def error(picture: Image.Image, wanted: Image.Image) -> float:
    return float(np.abs(np.asarray(picture, dtype=float) - np.asarray(wanted, dtype=float)).mean())


@pytest.fixture(scope="module")
def tuned():
    return tiny_pipeline(decoder_block="modulated").tune(photo(), settings=QUICK)


def test_it_is_nearer_to_the_photo_and_the_model_stays_as_it_is():
    pipe = tiny_pipeline(decoder_block="modulated")
    before = copy.deepcopy(pipe.model.state_dict())
    plain = error(pipe.reconstruct(photo())[0], photo())
    tuned = pipe.tune(photo(), settings=QUICK)
    assert error(tuned.reconstruct(), photo()) < 0.5 * plain
    assert all(torch.equal(weight, before[name]) for name, weight in pipe.model.state_dict().items())
    assert not any(weight.requires_grad for weight in pipe.model.parameters())
    assert tuned.latent.shape == (8,)


@pytest.mark.parametrize("decoder", ["plain", "residual", "modulated"])
def test_the_same_photo_gives_the_same_face_on_every_kind_of_decoder(decoder):
    pipe = tiny_pipeline(decoder_block=decoder)
    torch.manual_seed(5)
    first = pipe.tune(photo(), settings=TuningSettings(latent_steps=2, decoder_steps=7))
    torch.manual_seed(6)  # nothing global is read, or moved on
    state = torch.random.get_rng_state()
    second = pipe.tune(photo(), settings=TuningSettings(latent_steps=2, decoder_steps=7))
    assert torch.equal(state, torch.random.get_rng_state())
    assert first.reconstruct().tobytes() == second.reconstruct().tobytes()
    assert torch.equal(first.latents, second.latents)


def test_edits_are_the_models_own_changes_of_the_tuned_picture(tuned):
    pipe = tiny_pipeline(decoder_block="modulated")
    moved = pipe.edit_latents(tuned.latents, {"smiling": 1.5}, ["age"])
    drawn = torch.sigmoid(tuned.decoder(tuned.latents))
    before, after = pipe.decode_pixels(torch.cat([tuned.latents, moved])).split(1)
    edited = (drawn + edit_difference(drawn, before, after, CLEAR_CHANGE)).clamp(0, 1)
    wanted = pipe.processor.postprocess(edited)[0]
    assert tuned.edit({"smiling": 1.5}, "age").tobytes() == wanted.tobytes()
    assert tuned.edit({"smiling": 0.0}).tobytes() == tuned.reconstruct().tobytes()
    film = tuned.sweep({"smiling": (0.0, 1.5)}, frames=5, hold=["age"])
    assert len(film) == 5 and film[0].tobytes() == tuned.reconstruct().tobytes()
    assert film[4].tobytes() == wanted.tobytes()


def test_it_becomes_by_the_flow_what_the_model_was_told():
    pipe = told_pipeline()
    face = pipe.tune(photo(), settings=QUICK)
    moved = pipe.edit_latents(face.latents, {"smiling": 1.5}, ["age"], "coat:white")
    drawn = torch.sigmoid(face.decoder(face.latents))
    before, after = pipe.decode_pixels(torch.cat([face.latents, moved])).split(1)
    edited = (drawn + edit_difference(drawn, before, after, CLEAR_CHANGE)).clamp(0, 1)
    given = face.edit({"smiling": 1.5}, ["age"], become="coat:white")
    assert given.tobytes() == pipe.processor.postprocess(edited)[0].tobytes()
    assert face.edit({}, become="coat:white", share=0.0).tobytes() == face.reconstruct().tobytes()


def test_an_edit_that_keeps_the_photo_gives_it_back_where_nothing_changes(tuned):
    large = photo(side=96)
    face = tiny_pipeline(decoder_block="modulated").tune(large, settings=QUICK)
    assert face.edit({"smiling": 0.0}, preserve_detail=True).tobytes() == large.tobytes()
    assert face.edit({"smiling": 2.0}, preserve_detail=True).size == large.size


def test_a_morph_begins_tuned_and_ends_plain_or_as_the_other(tuned):
    pipe = tiny_pipeline(decoder_block="modulated")
    latent = pipe.sample(1, seed=4)[0]
    film = tuned.morph(latent, frames=6)
    assert error(film[0], tuned.reconstruct()) < 0.6 and error(film[5], pipe.decode(latent[None])[0]) < 0.6
    other = pipe.tune(photo(3), settings=QUICK)
    film = tuned.morph(other, frames=6)
    assert error(film[0], tuned.reconstruct()) < 0.6 and error(film[5], other.reconstruct()) < 0.6
    with pytest.raises(ValueError, match="tuned from different models"):
        tuned.morph(tiny_pipeline(seed=9, decoder_block="modulated").tune(photo(), settings=QUICK))


def test_several_photos_of_one_person_share_a_decoder():
    pipe = tiny_pipeline(decoder_block="modulated")
    tuned = pipe.tune([photo(), photo(1)], settings=QUICK)
    assert tuned.latents.shape == (2, 8)
    drawn = torch.sigmoid(tuned.decoder(tuned.latents))
    pictures = pipe.processor.postprocess(drawn)
    for drawn, wanted in zip(pictures, (photo(), photo(1)), strict=True):
        assert error(drawn, wanted) < 0.8 * error(pipe.reconstruct(wanted)[0], wanted)


def test_progress_is_told_and_can_end_it():
    pipe = tiny_pipeline(decoder_block="modulated")
    told: list[tuple[int, int]] = []
    pipe.tune(photo(), lambda done, steps: told.append((done, steps)), TuningSettings(latent_steps=2, decoder_steps=3))
    assert told == [(0, 5), (1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]

    def stop(done: int, steps: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    before = copy.deepcopy(pipe.model.state_dict())
    with pytest.raises(KeyboardInterrupt):
        pipe.tune(photo(), stop, QUICK)
    assert all(torch.equal(weight, before[name]) for name, weight in pipe.model.state_dict().items())


def test_elsewhere_the_decoder_is_held_to_what_it_was():
    """With the pull, pictures half way to random faces change less than without."""
    pipe = tiny_pipeline(decoder_block="modulated")
    wanted, spread = (
        pipe.processor(photo(), return_tensors="pt")["pixel_values"],
        Gaussian(torch.zeros(8), torch.eye(8)),
    )
    changes = []
    for keep in (0.0, 40.0):
        settings = TuningSettings(latent_steps=2, decoder_steps=40, keep=keep, keep_every=1, decoder_rate=2e-3)
        latents, decoder = fit_face(pipe.model, wanted, spread, settings)
        between = (latents + pipe.sample(64, seed=3)) / 2
        with torch.no_grad():
            change = torch.sigmoid(decoder(between)) - torch.sigmoid(pipe.model.decoder(between))
        changes.append(float(change.abs().mean()))
    assert changes[1] < 0.8 * changes[0]


def test_it_is_saved_without_the_photo(tuned, tmp_path):
    file = tuned.save(tmp_path)
    tensors, description = read_tensors(file)
    assert description["weights_sha256"] == tuned.weights_sha256 and torch.equal(tensors["latents"], tuned.latents)
    plain = tuned.plain.state_dict()
    for name, weight in tuned.decoder.state_dict().items():
        torch.testing.assert_close(plain[name] + tensors[f"decoder.{name}"].float(), weight, atol=1e-3, rtol=1e-3)
    assert {path.name for path in tmp_path.iterdir()} == {file.name, "reconstruction.png"}


def test_a_saved_face_is_loaded_as_it_was(tuned, tmp_path):
    """To half precision of what the decoder gained."""
    tuned.save(tmp_path)
    pipe = tiny_pipeline(decoder_block="modulated")
    loaded = pipe.load_face(tmp_path)
    assert torch.equal(loaded.latents, tuned.latents) and not any(w.requires_grad for w in loaded.decoder.parameters())
    assert error(loaded.reconstruct(), tuned.reconstruct()) < 0.2
    assert error(loaded.edit({"smiling": 1.5}), tuned.edit({"smiling": 1.5})) < 0.2
    with pytest.raises(ValueError, match="preserve_detail needs the photo"):
        loaded.edit({"smiling": 1.5}, preserve_detail=True)
    kept = pipe.load_face(tmp_path, photo()).edit({"smiling": 1.5}, preserve_detail=True)
    assert error(kept, tuned.edit({"smiling": 1.5}, preserve_detail=True)) < 0.2


def test_another_or_a_damaged_face_is_refused(tuned, tmp_path):
    file = tuned.save(tmp_path)
    pipe = tiny_pipeline(decoder_block="modulated")
    with pytest.raises(ValueError, match="this tuned face belongs to weights"):
        tiny_pipeline(seed=9, decoder_block="modulated").load_face(tmp_path)
    with pytest.raises(ValueError, match=r"lacks|has the shape|does not belong"):
        tiny_pipeline(decoder_block="plain").load_face(tmp_path)
    with pytest.raises(ValueError, match="is of 1 photos, and 2 came"):
        pipe.load_face(tmp_path, [photo(), photo()])
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(ValueError, match="is damaged"):
        pipe.load_face(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"has no tuned_face.safetensors"):
        pipe.load_face(tmp_path / "..")


def test_a_latent_is_no_photo():
    pipe = tiny_pipeline()
    with pytest.raises(ValueError, match="a face is tuned to photos, and a latent came"):
        pipe.tune(pipe.sample(1)[0])


def test_a_picture_is_like_itself_and_the_less_the_more_it_is_blurred():
    model = tiny_pipeline().model
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    likeness = Likeness(model, picture, pixels=1.0, maps=1.0, textures=1.0)
    blurred = torch.nn.functional.avg_pool2d(picture, 3, 1, 1)
    assert float(likeness(picture)) == 0.0
    assert 0 < float(likeness((picture + blurred) / 2)) < float(likeness(blurred))
