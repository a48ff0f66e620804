"""The pipeline's promises, on a tiny published folder."""

import os
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from tiny import told_pipeline

from modeling_vae import AttributeDirections, VAEPipeline
from modeling_vae.model.latents import sample_noise
from modeling_vae.passes import encode_all
from modeling_vae.recipes import bundled


def picture(seed: int = 0, size: tuple[int, int] = (32, 32)) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def grey_levels(a: Image.Image, b: Image.Image) -> int:
    """The largest difference between two pictures."""
    return int(np.abs(np.asarray(a).astype(int) - np.asarray(b).astype(int)).max())


def test_a_published_folder_loads_as_it_was(pipe, published):
    loaded = VAEPipeline.from_pretrained(published)
    assert loaded.weights_sha256 == pipe.weights_sha256 == loaded.directions.weights_sha256
    assert torch.equal(loaded.sample(4, seed=2), pipe.sample(4, seed=2))
    latents = loaded.sample(4, seed=2)
    for a, b in zip(loaded.decode(latents), pipe.decode(latents), strict=True):
        assert grey_levels(a, b) <= 1
    assert loaded.attributes == pipe.attributes == ["smiling", "coat:black", "coat:tabby", "coat:white", "age"]


@pytest.mark.skipif(bundled.default_model() is None, reason="no bundled model is in this checkout")
def test_a_bundled_model_is_known_by_its_name_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = bundled.default_model().name
    for known_by in (name, f"hub_configs/{name}"):
        assert VAEPipeline.from_pretrained(known_by).folder == bundled.default_model()
    with pytest.raises(FileNotFoundError, match=f"no bundled model .*{name}"):
        VAEPipeline.from_pretrained(f"{name}0")


def test_it_says_what_it_is(pipe, published):
    said = "32 x 32, 8 numbers a picture, 5 attributes, on cpu"
    assert repr(pipe) == f"VAEPipeline(unsaved: {said})"
    assert repr(VAEPipeline.from_pretrained(published)) == f"VAEPipeline({published.name}: {said})"


def test_a_device_that_is_not_there_is_named(pipe):
    assert pipe.to("cpu") is pipe
    for device in ("gpu", "cuda:77"):
        with pytest.raises(ValueError, match=f"device is '{device}', which PyTorch cannot use here"):
            pipe.to(device)


def test_saving_again_changes_nothing(published, tmp_path):
    VAEPipeline.from_pretrained(published).save_pretrained(tmp_path / "again")
    for file in published.iterdir():
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes(), file.name


def test_half_precision_storage_is_loaded_as_float32(pipe, tmp_path):
    pipe.model.half().float()
    half = VAEPipeline(pipe.model, pipe.processor, storage_dtype=torch.float16)
    half.save_pretrained(tmp_path)
    loaded = VAEPipeline.from_pretrained(tmp_path)
    assert loaded.model.dtype == torch.float32 and loaded.storage_dtype == torch.float16
    assert loaded.weights_sha256 == half.weights_sha256


def test_samples(pipe):
    assert pipe.sample(3, seed=1).shape == (3, 8)
    assert torch.equal(pipe.sample(3, seed=1), pipe.sample(9, seed=1)[:3])
    assert torch.equal(pipe.sample(3, seed=1), pipe.prior.sample(3, seed=1))
    pipe.prior = None
    assert torch.equal(pipe.sample(3, seed=1), sample_noise(3, 8, seed=1))


def test_nothing_global_is_touched(pipe):
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    pipe.morph(pipe.generate(2, seed=5), frames=3)
    assert torch.equal(torch.get_rng_state(), before) and torch.get_num_threads() == threads


def test_a_face_is_decoded_alike_alone_and_among_others(pipe):
    latents = pipe.sample(70, seed=1)
    together = pipe.decode(latents)
    assert all(grey_levels(pipe.decode(latents[i : i + 1])[0], together[i]) <= 1 for i in (0, 33, 69))


def test_faces_may_be_pictures_paths_bytes_arrays_and_latents(pipe, tmp_path):
    path = tmp_path / "face.png"
    picture().save(path)
    latent = pipe.encode(picture())
    for face in (path, str(path), path.read_bytes(), np.asarray(picture()), latent, latent[0], latent[0].numpy()):
        torch.testing.assert_close(pipe.encode(face), latent)
    mixed = pipe.encode([latent[0], path, pipe.sample(1, seed=1)[0]])
    torch.testing.assert_close(mixed[:2], latent.expand(2, -1))
    assert pipe.encode(pipe.sample(3, seed=1)).shape == (3, 8)


def test_latents_that_cannot_be_are_refused(pipe):
    with pytest.raises(ValueError, match="width 8"):
        pipe.encode(torch.zeros(7))
    with pytest.raises(ValueError, match="NaN or infinite"):
        pipe.decode(torch.full((1, 8), float("nan")))
    with pytest.raises(ValueError, match="width 8"):
        pipe.edit_latents(torch.zeros(1, 9), {})
    with pytest.raises(ValueError, match="no face came"):
        pipe.encode([])


def test_an_edit_changes_what_is_read(pipe):
    latent = pipe.sample(1, seed=3)
    edited = pipe.edit_latents(latent, {"smiling": 1.5}, hold=["age"])
    before, after = pipe.directions.read(latent)[0], pipe.directions.read(edited)[0]
    assert after["smiling"].value == pytest.approx(before["smiling"].value + 1.5, abs=1e-5)
    assert after["age"].value == pytest.approx(before["age"].value, abs=1e-5)
    assert pipe.edit(latent, {"smiling": 1.5}).size == (32, 32)


def test_a_face_is_moved_as_the_means_of_two_groups_lie_apart(pipe):
    """The mean of the target less that of the source; of joint groups too."""
    latent = pipe.sample(1, seed=3)
    for source, target in ("coat:black", "coat:white"), ("smiling:false", "smiling & coat:white"):
        move = pipe.directions.average(target) - pipe.directions.average(source)
        whole, half = (pipe.between(latent, source, target, strength) for strength in (1.0, 0.5))
        assert grey_levels(whole, pipe.decode((latent + move).float())[0]) <= 1
        assert grey_levels(half, pipe.decode((latent + move / 2).float())[0]) <= 1
    assert grey_levels(pipe.between(latent, "coat:white", "coat:white"), pipe.decode(latent)[0]) <= 1
    with pytest.raises(ValueError, match="'coat:pink' is not a group"):
        pipe.between(latent, "coat:black", "coat:pink")


def test_a_latent_is_read_off_its_picture(pipe):
    latent = pipe.edit_latents(pipe.sample(1, seed=3), {"smiling": 6.0})
    drawn = encode_all(pipe.model, pipe.decode_pixels(latent))
    assert pipe.read(latent) == pipe.directions.read(drawn, drawn=True)[0] != pipe.directions.read(latent)[0]
    photo = picture(1)
    assert pipe.read(photo) == pipe.directions.read(pipe.encode(photo))[0]


def test_a_face_becomes_what_it_is_not(pipe):
    latent = pipe.sample(1, seed=3)
    asked = pipe.strengths_to_become(latent, "coat:white")
    wanted = pipe.decode(pipe.edit_latents(latent, asked, ["smiling"]))[0]
    assert grey_levels(pipe.become(latent, "coat:white", hold=["smiling"]), wanted) == 0
    assert grey_levels(pipe.become(latent, "coat:white", 0.0), pipe.decode(latent)[0]) == 0
    film = pipe.become_film(latent, "coat:white", frames=5, hold="smiling")
    assert len(film) == 5 and grey_levels(film[4], wanted) <= 1 and grey_levels(film[0], pipe.decode(latent)[0]) <= 1
    with pytest.raises(ValueError, match="strength='all' is not possible"):
        pipe.become(latent, "coat:white", "all")
    with pytest.raises(ValueError, match="'coat:blue' is not a group"):
        pipe.become(latent, "coat:blue")


def test_a_face_becomes_by_the_flow_what_the_prior_was_told():
    pipe = told_pipeline()
    latent, photo = pipe.sample(1, seed=3), picture(1, size=(60, 50))
    wanted = pipe.prior.become(latent, "coat:white & smiling", torch.ones(1))
    moved = pipe.edit_latents(latent, {}, become="coat:white & smiling")
    values, before, after = (pipe.directions.values(z)[0] for z in (wanted, latent, moved))
    age = pipe.directions.place("age")
    assert abs(after[age] - before[age]) < 1e-5 < abs(values[age] - before[age]), "the flow is told no numbers"
    held = pipe.directions.values(pipe.edit_latents(latent, {}, ["smiling"], "coat:white"))[0]
    torch.testing.assert_close(held[[0, age]], before[[0, age]], rtol=1e-5, atol=1e-5)
    assert torch.equal(pipe.edit_latents(latent, {}, become="coat:white", share=0.0), latent)
    both = pipe.edit_latents(torch.cat([latent, -latent]), {"smiling": 1.0}, become="coat:white")
    alone = pipe.edit_latents(pipe.edit_latents(latent, {}, become="coat:white"), {"smiling": 1.0})
    torch.testing.assert_close(both[:1], alone)
    as_asked = pipe.decode(moved)[0]
    assert grey_levels(pipe.become(latent, "coat:white & smiling"), as_asked) <= 1
    assert grey_levels(pipe.edit(latent, {}, become="coat:white & smiling"), as_asked) == 0
    film = pipe.become_film(latent, "coat:white & smiling", frames=3)
    assert grey_levels(film[0], pipe.decode(latent)[0]) <= 1 and grey_levels(film[2], as_asked) <= 1
    kept = pipe.edit(photo, {}, preserve_detail=True, become="coat:white")
    assert kept.size == photo.size and grey_levels(kept, photo) > 0
    assert grey_levels(pipe.edit(photo, {}, preserve_detail=True, become="coat:white", share=0.0), photo) == 0


def test_new_faces_show_what_is_asked_for(pipe):
    told = told_pipeline()
    asked = told.sample(3, seed=1, like="coat:white")
    assert torch.equal(asked, told.prior.sample(3, 1, 1.0, "coat:white")) and not torch.equal(asked, told.sample(3, 1))
    assert len(told.generate(2, seed=1, like="coat:white & smiling")) == 2
    with pytest.raises(ValueError, match="'coat:blue' is no value .*it knows coat:black"):
        told.generate(1, like="coat:blue")
    for knows_nothing in (pipe, VAEPipeline(pipe.model, pipe.processor)):
        with pytest.raises(ValueError, match="coat:white"):
            knows_nothing.generate(1, like="coat:white")


def test_a_kept_photo_is_untouched_outside_the_crop_and_at_strength_zero(pipe):
    photo = picture(1, size=(150, 100))
    same = pipe.edit(photo, {"smiling": 0.0}, preserve_detail=True)
    assert same.size == photo.size and grey_levels(same, photo) == 0
    edited = np.asarray(pipe.edit(photo, {"smiling": 3.0}, preserve_detail=True)).astype(int)
    original = np.asarray(photo).astype(int)
    left, top, right, bottom = pipe.processor.crop_box(photo.size)
    inside = np.zeros(original.shape[:2], dtype=bool)
    inside[top:bottom, left:right] = True
    assert (left, right) == (25, 125)
    assert np.array_equal(edited[~inside], original[~inside]) and (edited[inside] != original[inside]).any()
    with pytest.raises(ValueError, match="preserve_detail needs the photo"):
        pipe.edit(pipe.sample(1), {"smiling": 1.0}, preserve_detail=True)


@pytest.mark.parametrize("path", ["slerp", "linear", "flow"])
@pytest.mark.parametrize("easing", ["smooth", "linear"])
def test_a_morph_begins_and_ends_with_the_reconstructions(pipe, path, easing):
    faces = [picture(seed) for seed in range(3)]
    film = pipe.morph(faces, frames=11, path=path, easing=easing)
    first, middle, last = pipe.reconstruct(faces)
    assert len(film) == 11
    assert grey_levels(film[0], first) <= 1 and grey_levels(film[10], last) <= 1
    assert grey_levels(film[5], middle) <= 1


def test_a_closed_morph_comes_back(pipe):
    latents = pipe.sample(2, seed=1)
    film = pipe.morph(list(latents), frames=8, closed=True, easing="linear")
    assert grey_levels(film[4], pipe.decode(latents[1:])[0]) <= 1
    assert grey_levels(film[2], film[6]) <= 1  # the way back is the way there


@pytest.mark.parametrize(("faces", "frames"), [(1, 5), (2, 0), (2, -1)])
def test_a_morph_needs_two_faces_and_a_frame(pipe, faces, frames):
    with pytest.raises(ValueError, match="two faces or more|frames"):
        pipe.morph(list(pipe.sample(faces)), frames=frames)


@pytest.mark.parametrize("frames", [1, 1000])
def test_films_of_one_and_of_a_thousand_frames(pipe, frames):
    assert len(pipe.morph(list(pipe.sample(2)), frames=frames)) == frames


def test_a_sweep_goes_from_strength_to_strength(pipe):
    latent = pipe.sample(1, seed=4)
    film = pipe.sweep(latent, {"smiling": (-2, 2)}, frames=9, hold=["age"])
    for frame, strength in ((0, -2.0), (4, 0.0), (8, 2.0)):
        assert grey_levels(film[frame], pipe.edit(latent, {"smiling": strength}, hold=["age"])) <= 1
    for wrong in (0, 2.5, True):
        with pytest.raises(ValueError, match="frames"):
            pipe.sweep(latent, {"smiling": (-2, 2)}, frames=wrong)
    with pytest.raises(ValueError, match=r"strengths of smiling.*\(-2, 2\)"):
        pipe.sweep(latent, {"smiling": 2})


def test_one_face_means_one(pipe):
    two = pipe.sample(2, seed=1)
    for faces in (two, list(two), [picture(0), picture(1)]):
        for ask in (
            pipe.read,
            lambda faces: pipe.edit(faces, {"smiling": 1.0}),
            lambda faces: pipe.edit(faces, {"smiling": 1.0}, preserve_detail=True),
            lambda faces: pipe.sweep(faces, {"smiling": (-1, 1)}, frames=2),
        ):
            with pytest.raises(ValueError, match="one face is asked for, 2 came"):
                ask(faces)
    photo = picture(1, size=(50, 40))
    alone = pipe.edit(photo, {"smiling": 1.0}, preserve_detail=True)
    assert grey_levels(pipe.edit([photo], {"smiling": 1.0}, preserve_detail=True), alone) == 0


def test_a_model_without_any_direction_says_so(pipe):
    known = pipe.directions
    none = known.differences[:0]
    pipe.directions = AttributeDirections([], none, known.mean, known.covariance, known.groups, known.weights_sha256)
    for ask in (
        pipe.read,
        lambda face: pipe.edit(face, {"smiling": 1.0}),
        lambda face: pipe.sweep(face, {"smiling": (-1, 1)}),
    ):
        with pytest.raises(ValueError, match="this model has no attribute directions: .*evaluation.json"):
            ask(pipe.sample(1))
    assert pipe.average("coat:tabby").size == (32, 32)  # the mean of a value needs no direction


def test_averages(pipe):
    around = pipe.directions.around("coat:tabby")
    torch.testing.assert_close(around.mean(0), pipe.directions.average("coat:tabby").float())
    expected = pipe.processor.postprocess(pipe.decode_pixels(around).mean(0, keepdim=True))[0]
    assert grey_levels(pipe.average("coat:tabby"), expected) == 0
    assert grey_levels(pipe.average("coat:tabby & smiling"), expected) > 0
    pipe.directions = None
    with pytest.raises(ValueError, match="no attribute directions"):
        pipe.average("coat:tabby")


# folders that are not what they should be


@pytest.fixture
def copy(published, tmp_path):
    return shutil.copytree(published, tmp_path / "copy")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "preprocessor_config.json"])
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"no {name}"):
        VAEPipeline.from_pretrained(copy)


def test_pickles_are_never_read(copy):
    (copy / "model.safetensors").unlink()
    marker = copy / "ran"

    class Harm:
        def __reduce__(self):
            return (os.mkdir, (str(marker),))

    torch.save(Harm(), copy / "pytorch_model.bin")
    with pytest.raises(FileNotFoundError, match="pytorch_model.bin is a pickle"):
        VAEPipeline.from_pretrained(copy)
    assert not marker.exists()


@pytest.mark.parametrize("name", ["model.safetensors", "directions.safetensors", "prior.safetensors"])
def test_a_truncated_file_is_named(copy, name):
    data = (copy / name).read_bytes()
    (copy / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=f"{name} is damaged"):
        VAEPipeline.from_pretrained(copy)


def test_a_flipped_bit_in_the_weights_is_found(copy):
    data = bytearray((copy / "model.safetensors").read_bytes())
    data[-5] ^= 1
    (copy / "model.safetensors").write_bytes(bytes(data))
    with pytest.raises(ValueError, match="belong to weights"):
        VAEPipeline.from_pretrained(copy)


def test_code_in_a_folder_is_not_run(copy):
    marker = copy / "ran"
    for file in copy.glob("*.py"):
        file.write_text(f"open({str(marker)!r}, 'w')\n")
    VAEPipeline.from_pretrained(copy)
    assert not marker.exists()


def test_a_model_of_another_kind_is_refused(copy):
    (copy / "config.json").write_text('{"model_type": "bert", "architectures": ["BertModel"]}')
    with pytest.raises(ValueError, match="bert"):
        VAEPipeline.from_pretrained(copy)


def test_what_is_no_folder_and_no_hub_id_is_refused(tmp_path):
    for name in (tmp_path / "nowhere", "./nowhere", "nowhere", "a/b/c"):
        with pytest.raises(FileNotFoundError, match="is no folder"):
            VAEPipeline.from_pretrained(name)


def test_a_mistyped_folder_is_not_only_a_question_to_the_hub(tmp_path):
    with pytest.raises(ConnectionError, match="runs/cats is no folder here, and HF_HUB_OFFLINE is set"):
        VAEPipeline.from_pretrained("runs/cats", cache_dir=tmp_path)
