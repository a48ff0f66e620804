"""The studio without its page: what it gives, and what it refuses."""

import io
import zlib

import imageio.v3 as iio
import numpy as np
import pytest
import torch
from PIL import Image
from planted_faces import face_photo, turned
from tiny import many_attributes

from app.render_requests import CropRequest, EditRequest, FilmRequest, GenerateRequest, PathRequest
from app.studio import MOST_SHOWN, Studio
from modeling_vae import ReconstructionErrors, VAEPipeline

NAMES = ["smiling", "coat:black", "coat:tabby", "coat:white", "age"]


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture).astype(int)


def frames(data: bytes) -> list[np.ndarray]:
    return list(iio.imiter(data, extension=".gif"))


@pytest.fixture
def faces(studio) -> np.ndarray:
    return studio.generate(GenerateRequest(3, count=4)).latents


def test_the_facts(studio):
    facts = studio.facts
    assert (facts.name, facts.height, facts.width, facts.latent_dim) == ("tiny", 32, 32, 8)
    assert facts.draws_fitted and facts.finds_faces
    assert [a.name for a in facts.attributes] == NAMES
    assert [a.label for a in facts.attributes] == ["Smiling", "Coat: black", "Coat: tabby", "Coat: white", "Age"]
    assert [a.parameter for a in facts.attributes] == ["smiling", "coat_black", "coat_tabby", "coat_white", "age"]


def test_a_grey_model_of_another_shape_without_directions_and_prior(bare_studio, photo):
    facts = bare_studio.facts
    assert (facts.height, facts.width, facts.draws_fitted, facts.attributes) == (32, 48, False, ())
    latents = bare_studio.welcome().latents
    face = bare_studio.edit(latents[0], EditRequest())
    assert face.readings == () and face.picture.size == (48, 32) and face.picture.mode == "L"
    assert bare_studio.encode(photo).crop.size == (240, 160)
    film = frames(bare_studio.film(latents[:2], PathRequest(loop="once"), FilmRequest(frames=4, size=96)))
    assert len(film) == 4 and film[0].shape == (64, 96, 3)
    with pytest.raises(ValueError, match="no attribute directions"):
        bare_studio.edit(latents[0], EditRequest({"age": 1}))


def test_a_seed_is_a_promise(studio, published):
    again = Studio.load(published).generate(GenerateRequest(5, count=6))
    faces = studio.generate(GenerateRequest(5, count=3))
    np.testing.assert_array_equal(again.latents[:3], faces.latents)
    for a, b in zip(again.pictures, faces.pictures, strict=False):
        assert abs(pixels(a) - pixels(b)).max() <= 1
    other = studio.generate(GenerateRequest(6, count=3))
    assert not np.array_equal(faces.latents, other.latents)


def test_faces_come_from_the_fitted_prior_and_truncation_matters(studio, aligned):
    plain, tame = (
        studio.generate(GenerateRequest(5, count=2, truncation=truncation)).latents for truncation in (1.0, 0.0)
    )
    fitted = VAEPipeline.from_pretrained(aligned).sample(2, seed=5, sampler="fitted")
    np.testing.assert_array_equal(plain, fitted.numpy())
    np.testing.assert_allclose(tame[0], tame[1], atol=1e-6)


def test_of_many_attributes_the_best_come_first():
    """More than are shown at once; the others, and few, keep the model's order."""
    pipe = many_attributes(MOST_SHOWN + 3)
    names, known = pipe.attributes, pipe.directions.directions
    shown = [attribute.name for attribute in Studio(pipe, "many").facts.attributes]
    first, rest = shown[:MOST_SHOWN], shown[MOST_SHOWN:]
    best = sorted((known[name].held_out for name in names), reverse=True)[:MOST_SHOWN]
    assert [known[name].held_out for name in first] == best
    assert rest == [name for name in names if name not in first] and len(rest) == 3
    pipe = many_attributes(MOST_SHOWN)
    assert [attribute.name for attribute in Studio(pipe, "few").facts.attributes] == pipe.attributes


def test_the_same_request_is_drawn_once(studio):
    assert studio.generate(GenerateRequest(11)) is studio.generate(GenerateRequest(11))
    with pytest.raises(ValueError, match="read-only"):
        studio.generate(GenerateRequest(11)).latents[0, 0] = 1.0


def test_an_upload_is_encoded_once(published, photo, tmp_path):
    pipe = VAEPipeline.from_pretrained(published)
    encoded = []
    encode = pipe.encode
    pipe.encode = lambda faces: encoded.append(1) or encode(faces)
    studio = Studio(pipe, "counted")
    first = studio.encode(photo)
    (tmp_path / "copy.jpg").write_bytes(photo.read_bytes())
    assert studio.encode(tmp_path / "copy.jpg") is first
    assert len(encoded) == 1
    assert first.crop.size == (180, 180) and first.latent.shape == (8,)
    np.testing.assert_array_equal(first.latent, pipe.encode(str(photo))[0].numpy())


def test_a_part_of_an_upload(studio, photo):
    part = studio.encode(photo, CropRequest(zoom=2, across=1, down=-1))
    expected = Image.open(photo).crop((150, 0, 240, 90))
    np.testing.assert_array_equal(np.asarray(part.crop), np.asarray(expected))
    assert not np.array_equal(part.latent, studio.encode(photo).latent)
    with pytest.raises(ValueError, match="no photo to crop"):
        studio.encode(None, CropRequest(zoom=2))


def test_the_face_in_an_upload_is_found_and_levelled(studio, aligned, tmp_path):
    wanted = turned(80, 60, 70, 10)
    face_photo([wanted], (180, 120)).save(tmp_path / "photo.png")
    photo = studio.encode(tmp_path / "photo.png")
    assert photo.found and "largest face" in photo.note and abs(photo.crop.width - 70) < 10
    pipe = VAEPipeline.from_pretrained(aligned)
    np.testing.assert_array_equal(photo.latent, pipe.encode(str(tmp_path / "photo.png"))[0].numpy())
    whole = studio.encode(tmp_path / "photo.png", CropRequest())
    assert not whole.found and whole.crop.size == (120, 120) and whole.note.startswith("Zoom until")


def test_an_upload_without_a_face_is_cropped_to_its_middle_and_that_is_said(studio, tmp_path):
    Image.new("RGB", (90, 60), "navy").save(tmp_path / "plain.png")
    photo = studio.encode(tmp_path / "plain.png")
    assert not photo.found and photo.note.startswith("No face was found") and photo.crop.size == (60, 60)


def test_a_photo_that_the_model_knows_little_of(aligned, photo):
    pipe = VAEPipeline.from_pretrained(aligned)
    pipe.errors = ReconstructionErrors(torch.zeros(101), pipe.weights_sha256)
    assert "far from this photo" in Studio(pipe, "far").encode(photo).note


def test_an_upload_that_has_been_cleaned_away(studio, tmp_path):
    with pytest.raises(ValueError, match="no longer here; upload it again"):
        studio.encode(tmp_path / "gone.jpg")


def test_uploads_of_every_kind(studio, tmp_path):
    grey = Image.fromarray(np.full((40, 60), 90, np.uint8))
    kinds = {
        "one.png": Image.new("RGB", (1, 1), "red"),
        "palette.gif": grey.convert("P"),
        "alpha.png": Image.new("RGBA", (50, 40), (255, 0, 0, 90)),
        "cmyk.jpg": grey.convert("CMYK"),
        "deep.png": Image.fromarray(np.full((30, 30), 40000, np.uint16)),
    }
    for name, picture in kinds.items():
        picture.save(tmp_path / name)
        photo = studio.encode(tmp_path / name)
        assert np.isfinite(photo.latent).all() and photo.crop.mode == "RGB"
    assert studio.encode_all([tmp_path / name for name in kinds]).shape == (5, 8)


def bomb(width: int) -> bytes:
    """A PNG whose header promises width x width pixels."""
    buffer = io.BytesIO()
    Image.new("L", (1, 1)).save(buffer, "PNG")
    data = bytearray(buffer.getvalue())
    data[16:24] = width.to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("empty.png", b"", "is empty"),
        ("note.png", b"these are words", "not a picture"),
        ("page.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "not a picture"),
        ("bomb.png", bomb(60_000), "too many pixels|more than"),
    ],
)
def test_what_is_no_picture(studio, tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=message):
        studio.encode(tmp_path / name)


def test_of_several_uploads_the_good_ones_are_taken_and_the_others_named(studio, photo, tmp_path):
    (tmp_path / "film.mov").write_bytes(b"\0\0\0\x14ftypqt  \0\0\0\0qt  ")
    (tmp_path / "cut.jpg").write_bytes(photo.read_bytes()[:2000])
    good, refused = studio.readable([tmp_path / "film.mov", photo, tmp_path / "cut.jpg"])
    assert good == [photo]
    assert [sentence.split(" is ")[0] for sentence in refused] == ["'film.mov'", "'cut.jpg'"]
    assert "QuickTime film" in refused[0] and "truncated" in refused[1]
    with pytest.raises(ValueError, match="'film.mov' is a QuickTime film, .* 'cut.jpg' is truncated"):
        studio.readable([tmp_path / "film.mov", tmp_path / "cut.jpg"])
    assert studio.readable([]) == ([], [])


def test_truncated_and_oversized_uploads(studio, photo, tmp_path, monkeypatch):
    (tmp_path / "cut.jpg").write_bytes(photo.read_bytes()[:2000])
    with pytest.raises(ValueError, match="truncated or damaged"):
        studio.encode(tmp_path / "cut.jpg")
    monkeypatch.setattr("app.studio.MAX_UPLOAD_BYTES", 1000)
    with pytest.raises(ValueError, match="larger than"):
        studio.encode(photo)
    with pytest.raises(ValueError, match="No picture came"):
        studio.encode_all([])


def test_an_edit_of_nothing_changes_nothing(studio, faces):
    face = studio.edit(faces[0], EditRequest())
    assert abs(pixels(face.picture) - pixels(studio.show(faces[:1])[0])).max() <= 1
    assert all(reading.before == reading.after for reading in face.readings)


def test_an_edit_moves_what_was_asked_and_holds_what_was_held(studio, faces):
    face = studio.edit(faces[0], EditRequest({"smiling": 2.5}, hold=["age"]))
    readings = {reading.attribute.name: reading for reading in face.readings}
    assert list(readings) == NAMES
    assert readings["smiling"].after - readings["smiling"].before == pytest.approx(2.5, abs=1e-3)
    assert readings["age"].after == pytest.approx(readings["age"].before, abs=1e-3)
    assert (pixels(face.picture) != pixels(studio.show(faces[:1])[0])).any()


def test_edits_that_cannot_be(studio, faces):
    with pytest.raises(ValueError, match="no face to edit yet"):
        studio.edit(None, EditRequest({"age": 1}))
    with pytest.raises(ValueError, match="'beard' is not an attribute.*smiling"):
        studio.edit(faces[0], EditRequest({"beard": 1}))
    with pytest.raises(ValueError, match="say the same thing"):
        studio.edit(faces[0], EditRequest({"coat:black": 1}, hold=["coat:tabby", "coat:white"]))
    with pytest.raises(ValueError, match="width 8"):
        studio.edit(np.zeros(5, np.float32), EditRequest({"age": 1}))
    with pytest.raises(ValueError, match="NaN"):
        studio.edit(np.full(8, np.nan, np.float32), EditRequest({"age": 1}))


def test_a_sweep_goes_there_and_back(studio, faces):
    data = studio.sweep(faces[0], EditRequest({"smiling": 3.0, "age": -2.0}), FilmRequest(frames=9, size=64))
    film = frames(data)
    assert len(film) == 16 and film[0].shape == (64, 64, 3)
    with pytest.raises(ValueError, match="Move at least one slider"):
        studio.sweep(faces[0], EditRequest(hold=["age"]), FilmRequest())


@pytest.mark.parametrize(("loop", "count"), [("around", 12), ("once", 12), ("boomerang", 22)])
def test_a_film_has_the_frames_asked_for(studio, faces, loop, count):
    data = studio.film(faces[:3], PathRequest(loop=loop), FilmRequest(frames=12, size=64))
    film = frames(data)
    assert len(film) == count and film[0].shape == (64, 64, 3)


def test_a_film_is_made_once(studio, faces):
    film = FilmRequest(frames=4, size=32)
    assert studio.film(faces, PathRequest(), film) is studio.film(faces.copy(), PathRequest(), film)


@pytest.mark.parametrize("count", [0, 1, 9])
def test_too_few_or_too_many_faces(studio, count):
    with pytest.raises(ValueError, match=f"2 to 8 faces; there are {count}"):
        studio.film(np.zeros((count, 8), np.float32), PathRequest(), FilmRequest())


def test_a_morph_at_a_glance(studio, faces):
    strip = studio.strip(faces[:3], PathRequest(loop="once"))
    assert strip.size == (12 * 32, 32)
    ends = [pixels(strip.crop((x, 0, x + 32, 32))) for x in (0, 11 * 32)]
    for end, face in zip(ends, studio.show(faces[[0, 2]]), strict=True):
        assert abs(end - pixels(face)).max() <= 1
    assert studio.strip(faces[:1], PathRequest()) is None and studio.strip(None, PathRequest()) is None
    assert studio.show(faces[:0]) == []


def test_a_model_that_is_not_there(tmp_path):
    with pytest.raises((OSError, ValueError), match="config.json"):
        Studio.load(tmp_path)


def test_attributes_with_awkward_names(published):
    pipe = VAEPipeline.from_pretrained(published)

    class Awkward:
        names = ["hold", "a:b", "a_b", "2nd", "<b>bold</b>"]

    pipe.directions = Awkward()
    attributes = Studio(pipe, "awkward").facts.attributes
    parameters = [a.parameter for a in attributes]
    assert parameters == ["_hold", "a_b", "_a_b", "_2nd", "_b_bold__b_"]
    assert all(parameter.isidentifier() for parameter in parameters)
