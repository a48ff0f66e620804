"""Photos in the pipeline: which part of them the model gets."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from PIL import Image
from planted_faces import corner_error, face_photo, training_pictures, turned
from tiny import tiny_pipeline

from modeling_vae import Crop, PhotoCrop, ReconstructionErrors, VAEImageProcessor, VAEPipeline

WANTED = turned(80, 60, 70, 10)


@pytest.fixture
def aligned(alignment) -> VAEPipeline:
    pipe = tiny_pipeline()
    pipe.alignment = alignment
    return pipe


@pytest.fixture
def photo() -> Image.Image:
    return face_photo([WANTED], (180, 120))


def test_the_face_is_what_the_model_gets(aligned, photo, tmp_path):
    crop = aligned.crop(photo)
    assert crop.found == aligned.alignment.kind and corner_error(crop.crop, WANTED) < 0.1
    assert aligned.crops(photo) == [crop]
    photo.save(tmp_path / "photo.png")
    latent = aligned.encode(str(tmp_path / "photo.png"))
    torch.testing.assert_close(latent, aligned.encode(crop))
    torch.testing.assert_close(latent, aligned.encode(crop.picture.resize((32, 32), Image.Resampling.LANCZOS)))
    assert not torch.equal(latent, aligned.encode(aligned.crop(photo, find=False)))


def test_a_picture_of_the_models_size_passes_unchanged(aligned):
    for picture in (training_pictures(1)[0], torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0))):
        picture = aligned.processor.postprocess(picture[None])[0]
        bare = VAEPipeline(aligned.model, aligned.processor)
        assert torch.equal(aligned.encode(picture), bare.encode(picture))


def test_without_a_face_the_middle_is_taken_and_it_is_said(aligned):
    plain = Image.new("RGB", (90, 60), "navy")
    crop = aligned.crop(plain)
    assert crop.found is None and crop.crop == Crop.of_box((15, 0, 75, 60))
    assert aligned.crops(plain) == []
    for ask in (aligned.encode, aligned.reconstruct, aligned.read, lambda p: aligned.morph([p, p], frames=2)):
        with pytest.warns(UserWarning, match="no face was found in the photo of 90 x 60 pixels, so its middle"):
            ask(plain)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        aligned.encode(crop)  # chosen with open eyes


def test_without_an_alignment_it_is_the_middle_as_ever(pipe, photo):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pipe.crop(photo) == PhotoCrop(photo, Crop.of_box((30, 0, 150, 120)))
        assert pipe.crops(photo) == []
        torch.testing.assert_close(pipe.encode(photo), pipe.encode(photo.crop((30, 0, 150, 120))))


def test_a_model_of_pictures_on_margins_sees_photos_on_margins(pipe, photo):
    """All of the photo, white above and below as in training; an edit of nothing leaves the photo as it is."""
    pipe.processor = VAEImageProcessor(size=32, crop="pad")
    whole = pipe.crop(photo)
    assert whole.crop.bounds == (0, -30, 180, 150) and whole.picture.size == (180, 180)
    assert np.array_equal(np.asarray(whole.picture)[30:150], np.asarray(photo))
    assert (np.asarray(whole.picture)[[*range(30), *range(150, 180)]] == 255).all()
    expected = pipe.processor(photo, return_tensors="pt")["pixel_values"]
    assert torch.equal(pipe.processor(whole.picture, return_tensors="pt")["pixel_values"], expected)
    assert pipe.edit(photo, {"smiling": 0.0}, preserve_detail=True).tobytes() == photo.tobytes()
    assert pipe.edit(photo, {"smiling": 3.0}, preserve_detail=True).size == photo.size


def test_what_is_no_photo_is_refused(aligned):
    for ask in (aligned.crop, aligned.crops):
        with pytest.raises(ValueError, match="not a picture"):
            ask(b"these are words")


def test_a_kept_photo_changes_only_where_the_face_is(aligned, photo):
    same = aligned.edit(photo, {"smiling": 0.0}, preserve_detail=True)
    assert same.tobytes() == photo.tobytes()
    edited = np.asarray(aligned.edit(photo, {"smiling": 3.0}, preserve_detail=True))
    y, x = np.mgrid[0:120, 0:180] + 0.5
    places = np.stack([x, y, np.ones_like(x)], axis=-1) @ aligned.crop(photo).crop.inverse.T
    outside = (np.abs(places) > 1).any(-1)
    assert np.array_equal(edited[outside], np.asarray(photo)[outside])
    assert (edited[~outside] != np.asarray(photo)[~outside]).any()


def test_a_chosen_crop_is_kept(aligned, photo):
    chosen = PhotoCrop(photo, Crop((120, 60), 50, 50, -5))
    edited = np.asarray(aligned.edit(chosen, {"smiling": 3.0}, preserve_detail=True))
    assert np.array_equal(edited[:, :80], np.asarray(photo)[:, :80])


def test_a_reconstruction_that_is_far_from_the_photo_is_told(pipe, photo):
    sha256 = pipe.weights_sha256
    assert pipe.far_from_photo(photo) is None  # nothing was measured
    pipe.errors = ReconstructionErrors(torch.full((101,), 255.0), sha256)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pipe.edit(photo, {"smiling": 1.0}, preserve_detail=True)
    pipe.errors = ReconstructionErrors(torch.zeros(101), sha256)
    with pytest.warns(UserWarning, match="far from the photo: .* grey levels off"):
        pipe.edit(photo, {"smiling": 1.0}, preserve_detail=True)


def test_a_published_folder_remembers_its_crop(aligned, photo, tmp_path):
    aligned.processor = VAEImageProcessor(size=32, crop="face")
    aligned.errors = ReconstructionErrors(torch.arange(101.0), aligned.weights_sha256)
    aligned.save_pretrained(tmp_path)
    loaded = VAEPipeline.from_pretrained(tmp_path)
    assert loaded.processor.crop == "face" and loaded.errors.largest == 99.0
    assert loaded.crop(photo) == aligned.crop(photo)
    torch.testing.assert_close(loaded.encode(photo), aligned.encode(photo))
    with pytest.raises(ValueError, match="belong to weights"):
        VAEPipeline(loaded.model, loaded.processor, errors=ReconstructionErrors(torch.zeros(101), "others"))
