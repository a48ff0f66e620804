"""The studio without its page: what it gives, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from planted_faces import face_photo, turned
from tiny import many_attributes, told_pipeline

from app.face_recipes import Drawn, FaceRecipe, Mixed, Uploaded
from app.facts import attributes_of
from app.photos import SHOWN_SIDE
from app.render_requests import LARGEST_STRENGTH, FilmRequest, FrameRequest, GenerateRequest, PathRequest
from app.studio import Studio, film_bytes
from modeling_vae import ReconstructionErrors, VAEPipeline
from modeling_vae.model.seen_curve import SeenCurve

NAMES = ["smiling", "coat:black", "coat:tabby", "coat:white", "age"]


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture).astype(int)


def face(index: int = 0, seed: int = 3, **changes: float) -> FaceRecipe:
    return FaceRecipe(Drawn(seed, index)).edited(
        {name.replace("__", ":"): value for name, value in changes.items()}, []
    )


def uploaded(studio: Studio, path, number: int = 0) -> Uploaded:
    upload = studio.photos.uploads.add(path)
    return Uploaded(upload, studio.photos.search(upload).frames[number])


@pytest.fixture
def two_faces(tmp_path):
    face_photo([turned(60, 70, 70, 10), turned(150, 60, 44, -5)], (200, 130)).save(tmp_path / "two.png")
    return tmp_path / "two.png"


def test_the_facts(studio):
    facts = studio.facts
    assert (facts.name, facts.height, facts.width, facts.latent_dim) == ("tiny", 32, 32, 8)
    assert facts.draws_fitted
    assert [a.name for a in facts.attributes] == NAMES
    assert [a.label for a in facts.attributes] == ["Smiling", "Coat: black", "Coat: tabby", "Coat: white", "Age"]
    assert facts.card.word == "picture" and facts.card.words == "pictures"


def test_of_a_model_that_was_told_nothing_nothing_is_asked(studio, bare_studio):
    assert studio.facts.asked == bare_studio.facts.asked == ()


def test_attributes_come_as_the_pipeline_offers_them():
    """Those first that show in pictures, each reaching as far as it needs; what nobody measured reaches 3."""
    pipe = many_attributes(3)
    plain, absent, shown = pipe.attributes
    curves = {
        shown: SeenCurve((-3.0, 3.0, 4.5), (0.95, 0.5, 0.95), (1.0, 1.0, 1.0), 20, 20),
        absent: SeenCurve((3.0, 4.5), (0.1, 0.2), (1.0, 0.2), 20, 20),
    }
    known = pipe.directions.directions.values()
    pipe.directions = pipe.directions.with_directions(
        replace(direction, seen=curves.get(direction.name)) for direction in known
    )
    attributes = {attribute.name: attribute for attribute in attributes_of(pipe)}
    assert list(attributes) == [shown, plain, absent] == pipe.attributes
    known = attributes[plain]
    assert (known.least, known.most, known.gone, known.full, known.drawable) == (-3, 3, -3, 3, True)
    assert attributes[shown].full == pytest.approx(4.33, abs=0.01) and attributes[shown].most == 4.5
    assert attributes[shown].drawable and not attributes[absent].drawable


def test_a_grey_model_of_another_shape_without_directions_and_prior(bare_studio, photo):
    facts = bare_studio.facts
    assert (facts.height, facts.width, facts.draws_fitted, facts.attributes) == (32, 48, False, ())
    faces = bare_studio.faces(GenerateRequest(3, count=2))
    look = bare_studio.look(faces[0])
    assert look.readings == () and look.after.size == (48, 32) and look.after.mode == "L"
    assert bare_studio.photos.part(uploaded(bare_studio, photo)).size == (240, 160)
    assert bare_studio.morph(faces, PathRequest(), 4).size == (48, 32)
    with pytest.raises(ValueError, match="no attribute directions"):
        bare_studio.look(faces[0].edited({"age": 1}, []))


def test_a_seed_is_a_promise(studio, aligned):
    again = VAEPipeline.from_pretrained(aligned).sample(6, seed=5, truncation=0.8)
    for index, recipe in enumerate(studio.faces(GenerateRequest(5, count=3))):
        assert torch.equal(studio.latent(recipe), again[index])
    assert torch.equal(Studio(VAEPipeline.from_pretrained(aligned), "x").latent(face(2, 5)), again[2])


def test_pictures_are_drawn_once_and_alone_as_together(studio):
    faces = studio.faces(GenerateRequest(11, count=4))
    together = studio.pictures(faces)
    assert studio.pictures([faces[2]])[0] is together[2]
    fresh = Studio(studio._pipe, "fresh")
    assert abs(pixels(fresh.pictures([faces[2]])[0]) - pixels(together[2])).max() <= 1


def test_an_edit_of_nothing_changes_nothing(studio):
    look = studio.look(face())
    assert (pixels(look.after) == pixels(look.before)).all()
    assert all(reading.before == reading.after for reading in look.readings)


def test_what_is_read_is_what_is_seen(studio):
    """The edited picture is encoded again; the latent that was set reads otherwise."""
    edited = face(smiling=3.0)
    look = studio.look(edited)
    (seen,) = studio._pipe.directions.read(studio._pipe.encode(look.after), drawn=True)
    assert [r.after for r in look.readings] == pytest.approx([seen[name].value for name in NAMES], abs=0.02)
    (asked,) = studio._pipe.directions.read(studio.latent(edited)[None])
    assert abs(asked["smiling"].value - seen["smiling"].value) > 1e-3


def test_an_edit_moves_what_was_asked_and_holds_what_was_held(studio):
    plain, edited = face(), face().edited({"smiling": 2.5}, ["age"])
    before, after = studio._pipe.directions.read(torch.stack([studio.latent(plain), studio.latent(edited)]))
    assert after["smiling"].value - before["smiling"].value == pytest.approx(2.5, abs=1e-3)
    assert after["age"].value == pytest.approx(before["age"].value, abs=1e-3)


def test_edits_that_cannot_be(studio):
    with pytest.raises(ValueError, match="'beard' is not an attribute.*smiling"):
        studio.look(face(beard=1))
    with pytest.raises(ValueError, match="say the same thing"):
        studio.look(face().edited({"coat:black": 1}, ["coat:tabby", "coat:white"]))


def test_every_face_of_a_photo_is_found_and_kept_at_the_photos_own_size(studio, two_faces):
    upload = studio.photos.uploads.add(two_faces)
    found = studio.photos.search(upload)
    assert found.found == 2 and "2 were" in found.note and studio.photos.search(upload) is found
    assert studio.photos.search(studio.photos.uploads.add(two_faces)) is found  # the same file again
    photo = pixels(Image.open(two_faces).convert("RGB"))
    for frame in found.frames:
        kept = FaceRecipe(Uploaded(upload, frame), keep_photo=True)
        assert (pixels(studio.finished(kept)) == photo).all()
        changed = pixels(studio.finished(kept.edited({"smiling": 3.0}, [])))
        assert changed.shape == photo.shape and (changed != photo).any()
        far = np.hypot(*(np.indices(photo.shape[:2])[::-1] - np.array([frame.x, frame.y])[:, None, None]))
        assert (changed[far > frame.height] == photo[far > frame.height]).all()


def test_a_large_photo_is_shown_smaller_and_downloaded_as_large_as_it_is(studio, tmp_path):
    face_photo([turned(900, 900, 700)], (2400, 1800)).save(tmp_path / "large.jpg")
    kept = FaceRecipe(uploaded(studio, tmp_path / "large.jpg"), keep_photo=True).edited({"age": 2.0}, [])
    assert max(studio.look(kept).after.size) == SHOWN_SIDE
    assert studio.finished(kept).size == (2400, 1800)


def test_a_photo_without_a_face(studio, tmp_path):
    Image.new("RGB", (90, 60), "navy").save(tmp_path / "plain.png")
    found = studio.photos.search(studio.photos.uploads.add(tmp_path / "plain.png"))
    assert found.found == 0 and found.note.startswith("None was found")
    assert found.frames == (FrameRequest(45, 30, 60),)


def test_a_photo_that_the_model_knows_little_of(aligned, photo):
    pipe = VAEPipeline.from_pretrained(aligned)
    pipe.errors = ReconstructionErrors(torch.zeros(101), pipe.weights_sha256)
    studio = Studio(pipe, "far")
    assert "far from this photo" in studio.far_from_photo(uploaded(studio, photo))


def test_a_face_is_made_its_visitors_own(studio, two_faces):
    plain = uploaded(studio, two_faces)
    shares = []
    tuned = studio.photos.tune(plain, lambda done, steps: shares.append(done / steps))
    assert tuned.tuned and shares[0] == 0 and shares[-1] == 1
    part = pixels(studio.photos.part(plain).resize((32, 32)))
    errors = [abs(pixels(studio.pictures([FaceRecipe(one)])[0]) - part).mean() for one in (plain, tuned)]
    assert errors[1] < errors[0]
    edited = FaceRecipe(tuned, keep_photo=True).edited({"smiling": 2.0}, [])
    assert studio.finished(edited).size == Image.open(two_faces).size
    gone = Uploaded(plain.upload, FrameRequest(1, 2, 30), tuned=True)
    with pytest.raises(ValueError, match="make it yours again"):
        studio.look(FaceRecipe(gone))


def test_faces_are_mixed(studio):
    a, b, c = (face(index) for index in range(3))
    mixed = studio.latent(FaceRecipe(Mixed(((a, 1.0), (b, -1.0), (c, 1.0)))))
    expected = studio.latent(a) - studio.latent(b) + studio.latent(c)
    torch.testing.assert_close(mixed, expected)
    children = [studio.latent(FaceRecipe(Mixed(((a, 0.5), (b, 0.5)), 0.6, seed))) for seed in (1, 2, 1)]
    assert torch.equal(children[0], children[2]) and not torch.equal(children[0], children[1])


def test_a_face_becomes_what_it_is_not(studio):
    """It is what the pipeline does, as far as sliders have steps; what was asked of the column before goes."""
    before = face().edited({"age": 1.0, "coat:white": 2.0}, ["smiling"])
    changed = studio.become(before, "coat:tabby")
    strengths = dict(changed.changes)
    assert strengths.pop("age") == 1.0 and changed.hold == ("smiling",)
    asked = studio._pipe.strengths_to_become(studio.latent(face())[None], "coat:tabby")
    assert {name: round(strength, 1) for name, strength in asked.items()} == strengths
    assert len(strengths) == 2  # of three coats two say it all
    assert len(studio.sweep(changed, 4)) == 4


@pytest.fixture
def told_studio() -> Studio:
    return Studio(told_pipeline(), "told")


def test_what_the_prior_was_told_a_face_becomes_by_the_flow(told_studio):
    """Before all sliders, in one: what comes later takes the place of what it does not go with."""
    assert list(told_studio.facts.values) == [
        "smiling:false",
        "smiling:true",
        "coat:black",
        "coat:tabby",
        "coat:white",
    ]
    assert told_studio.facts.values["smiling:true"] == "Smiling: yes"
    changed = told_studio.become(face().edited({"age": 1.0, "coat:white": 2.0}, ["age"]), "coat:tabby")
    assert changed.became == ("coat:tabby",) and dict(changed.changes) == {"age": 1.0} and changed.changed
    both = told_studio.become(changed, "smiling:true")
    assert both.become == "coat:tabby & smiling:true"
    assert told_studio.become(both, "coat:black").became == ("coat:black",)  # they never smile
    origin = told_studio.latent(face())[None]
    wanted = told_studio._pipe.edit_latents(origin, {"age": 1.0}, ["age"], both.become)[0]
    assert torch.equal(told_studio.latent(both), wanted)
    assert not torch.equal(told_studio.latent(both), told_studio.latent(changed))
    film = told_studio.sweep(both, 4)
    ends = [told_studio.pictures([one])[0] for one in (both.plain, both)]
    assert [
        np.abs(pixels(frame) - pixels(end)).max() for frame, end in zip((film[0], film[3]), ends, strict=True)
    ] == [0, 0]
    with pytest.raises(ValueError, match="'coat:pink' is no value.*smiling:false"):
        told_studio.become(face(), "coat:pink")


def test_new_faces_show_what_is_asked_for(told_studio):
    assert told_studio.facts.asked == tuple(told_studio.facts.values)
    asked = GenerateRequest(5, 3, 1.0, "coat:white")
    latents = [told_studio.latent(one) for one in told_studio.faces(asked)]
    assert torch.equal(torch.stack(latents), told_studio._pipe.sample(3, 5, 1.0, "coat:white"))
    assert torch.equal(told_studio._make_origin(Drawn(5, 2, 1.0, "coat:white")), latents[2])
    with pytest.raises(ValueError, match="'coat:pink' is no value"):
        told_studio.faces(GenerateRequest(5, like="coat:pink"))


def test_a_photo_is_kept_around_what_its_face_becomes(told_studio, photo):
    own = FaceRecipe(uploaded(told_studio, photo), keep_photo=True)
    before, after = told_studio.finished(own), told_studio.finished(told_studio.become(own, "coat:white"))
    assert before.size == after.size == (240, 180) and np.abs(pixels(before) - pixels(after)).max() > 0


def test_what_it_becomes_may_lie_beyond_the_sliders_usual_ends(aligned):
    pipe = VAEPipeline.from_pretrained(aligned)
    known = pipe.directions.directions.values()
    pipe.directions = pipe.directions.with_directions(replace(direction, becomes=10.0) for direction in known)
    studio = Studio(pipe, "far")
    largest = max(abs(strength) for _, strength in studio.become(face(), "coat:tabby").changes)
    assert max(a.most for a in studio.facts.attributes if a.column == "coat") < largest <= LARGEST_STRENGTH


@pytest.mark.parametrize("target", ["coat:pink", "smiling", ""])
def test_others_cannot_be_become(studio, target):
    with pytest.raises(ValueError, match=f"'{target}' is no value.*coat:black"):
        studio.become(face(), target)


def test_a_model_without_categories_offers_nothing_to_become(bare_studio):
    assert bare_studio.facts.values == {}
    with pytest.raises(ValueError, match="offers none"):
        bare_studio.become(face(), "coat:tabby")


def test_random_changes_leave_what_is_held(studio):
    for _ in range(5):
        changed = studio.random_changes(face().edited({}, ["age"]))
        assert changed.changes and "age" not in dict(changed.changes) and changed.hold == ("age",)
        ends = {a.name: max(-a.gone, a.full) for a in studio.facts.attributes}
        assert sum((change / ends[name]) ** 2 for name, change in changed.changes) < 1.2  # as far as one alone


def test_random_changes_can_be_drawn_where_values_say_the_same(studio):
    """A coat that is not tabby is black or white here: no edit sets all three, or one beside the two others held."""
    for hold in ([], ["coat:tabby", "coat:white"]):
        for _ in range(20):
            studio.look(studio.random_changes(face().edited({}, hold)))


def test_a_sweep_ends_where_the_edit_is(studio):
    edited = face(smiling=3.0, age=-2.0)
    film = studio.sweep(edited, 9)
    assert len(film) == 9
    assert abs(pixels(film[0]) - pixels(studio.pictures([edited.plain])[0])).max() <= 1
    assert abs(pixels(film[-1]) - pixels(studio.pictures([edited])[0])).max() <= 1
    with pytest.raises(ValueError, match="Move at least one slider"):
        studio.sweep(face(), 9)


@pytest.mark.parametrize(("loop", "count"), [("around", 12), ("once", 12), ("boomerang", 22)])
def test_a_film_has_the_frames_asked_for(studio, loop, count):
    import imageio.v3 as iio

    way = PathRequest(loop=loop)
    film = studio.morph([face(index) for index in range(3)], way, 12)
    data = film_bytes(film, FilmRequest(frames=12, size=64), way)
    frames = list(iio.imiter(data, extension=".gif"))
    assert len(frames) == count and frames[0].shape == (64, 64, 3)


@pytest.mark.parametrize("count", [0, 1, 9])
def test_too_few_or_too_many_faces(studio, count):
    with pytest.raises(ValueError, match=f"2 to 8 pictures; there are {count}"):
        studio.morph([face(index) for index in range(count)], PathRequest(), 4)


def test_a_morph_at_a_glance(studio):
    faces = [face(index) for index in range(3)]
    strip = studio.strip(faces, PathRequest(loop="once"))
    assert len(strip) == 12
    for frame, end in ((strip[0], faces[0]), (strip[-1], faces[2])):
        assert abs(pixels(frame) - pixels(studio.pictures([end])[0])).max() <= 1
    assert studio.strip(faces[:1], PathRequest()) == []
