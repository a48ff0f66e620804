"""Crops by annotated points and boxes: where the points lie in the crop, from tables, .cat files and parquet."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest
from PIL import Image

from modeling_vae.data import load_data
from modeling_vae.data.cat_points import COLUMNS
from modeling_vae.data.marks import Marks, UnmarkedError
from modeling_vae.recipes.crops import AnnotatedCrop
from modeling_vae.recipes.recipe import DataRecipe, Recipe

from .making import noise

EYES = {"left_eye": (18 / 64, 26 / 64), "right_eye": (46 / 64, 26 / 64)}
both_ways = pytest.mark.parametrize("streaming", [False, True], ids=["cached", "streamed"])


def crop_of(wanted: AnnotatedCrop, points, aspect: float = 1.0):
    values = dict(zip(wanted.columns, (float(v) for point in points for v in point), strict=True))
    return Marks(wanted, values).crop(aspect)


def in_crop(crop, points) -> np.ndarray:
    """Where points (x, y) of the photo lie in the crop, in shares of its width and height."""
    return (np.asarray([[*point, 1.0] for point in points]) @ crop.inverse.T + 1) / 2


@pytest.mark.parametrize("aspect", [1.0, 0.75, 1.6])
@pytest.mark.parametrize("tilt", [0, 30, -70, 179])
def test_two_points_lie_where_they_shall(aspect, tilt):
    wanted = AnnotatedCrop(points=EYES)
    along = 80 * np.array([math.cos(math.radians(tilt)), math.sin(math.radians(tilt))])
    points = [(300.0, 200.0), tuple(np.array([300.0, 200.0]) + along)]
    crop = crop_of(wanted, points, aspect)
    assert in_crop(crop, points) == pytest.approx(np.array(list(EYES.values())))
    assert crop.width / crop.height == pytest.approx(aspect)
    assert (crop.angle - tilt) % 360 == pytest.approx(0, abs=1e-6) or (crop.angle - tilt) % 360 == pytest.approx(360)


def test_three_points_are_met_in_the_least_squares_sense():
    """Among similarities near the one found none has a smaller sum of squares."""
    wanted = AnnotatedCrop(points=EYES | {"mouth": (0.5, 0.75)})
    points = [(100.0, 120.0), (180.0, 131.0), (128.0, 190.0)]
    crop, places = crop_of(wanted, points), np.array(list(wanted.points.values()))

    def squares(turn: complex, shift: complex) -> float:
        p, q = (np.asarray(each) @ [1, 1j] for each in (places, points))
        return float((np.abs(turn * p + shift - q) ** 2).sum())

    turn = crop.height * np.exp(1j * math.radians(crop.angle))
    shift = complex(*crop.center) - turn * (0.5 + 0.5j)
    best = squares(turn, shift)
    for change in (1, -1, 1j, -1j):
        assert squares(turn + 0.1 * change, shift) > best
        assert squares(turn, shift + 0.1 * change) > best


def test_a_box_with_its_margin_is_in_the_middle_of_the_smallest_crop():
    wanted = AnnotatedCrop(box=("x", "y", "width", "height"), margin=0.1)
    values = {"x": 10.0, "y": 20.0, "width": 100.0, "height": 50.0}
    crop = Marks(wanted, values).crop(1.0)
    assert (crop.center, crop.width, crop.height, crop.angle) == ((60.0, 45.0), 120.0, 120.0, 0.0)
    tall = Marks(wanted, values | {"height": 200.0}).crop(0.5)
    assert (tall.width, tall.height) == pytest.approx((120.0, 240.0))


def test_what_is_missing_or_impossible_is_said():
    wanted = AnnotatedCrop(points=EYES)
    with pytest.raises(UnmarkedError, match="right_eye_y"):
        Marks(wanted, dict(zip(wanted.columns, [1.0, 2.0, 3.0, None], strict=True))).crop(1.0)
    with pytest.raises(ValueError, match="one place"):
        crop_of(wanted, [(5, 5), (5, 5)])
    with pytest.raises(ValueError, match="0 x 9 pixels"):
        Marks(AnnotatedCrop(box=tuple("xywh")), {"x": 1.0, "y": 1.0, "w": 0.0, "h": 9.0}).crop(1.0)


@pytest.mark.parametrize(
    ("crop", "message"),
    [
        ({}, "needs points or a box"),
        ({"points": {"a": [0, 0], "b": [1, 1]}, "box": ["x", "y", "w", "h"]}, "takes one of them"),
        ({"points": {"a": [0, 0]}}, "two points or more"),
        ({"points": {"a": [0, 0], "b": [0, 0]}}, "different places"),
        ({"points": {"a": [0, float("inf")], "b": [0, 0]}}, r"data\.crop\.points\.a"),
        ({"points": {"a": [0, 0], "b": [1, 1]}, "margin": 0.2}, "margin belongs to a box"),
        ({"box": ["x", "y", "w"]}, r"data\.crop\.box"),
        ({"points": {"a": [0, "left"], "b": [0, 0]}}, r"data\.crop\.points\.a\.1='left' is not possible"),
        ({"pionts": {}}, "data.crop.pionts is not a key of a recipe: did you mean data.crop.points"),
        ("middle", r"data\.crop='middle' is not possible"),
    ],
)
def test_impossible_crops_are_refused_by_name(tmp_path, crop, message):
    import yaml

    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump({"data": {"crop": crop}}))
    with pytest.raises(ValueError, match=message):
        Recipe.read(tmp_path)


def test_a_recipe_is_read_as_it_was_written(tmp_path):
    recipe = Recipe.model_validate({"data": {"crop": {"points": EYES}}})
    recipe.write(tmp_path / "recipe.yaml")
    assert Recipe.read(tmp_path) == recipe
    assert Recipe.read(tmp_path, ["data.crop=none"]).data.crop == "none"
    moved = Recipe.read(tmp_path, ["data.crop.points.left_eye=[0.3, 0.5]"]).data.crop
    assert isinstance(moved, AnnotatedCrop)
    assert moved.points == {"left_eye": (0.3, 0.5), "right_eye": EYES["right_eye"]}


# --- whole data sets -----------------------------------------------------------------------------------------------


def photo(seed: int) -> tuple[Image.Image, list[float]]:
    """A photo with a red and a blue spot for eyes, and where they are: level or not, large or small."""
    random = np.random.default_rng(seed)
    middle, angle, apart = random.uniform([80, 70], [120, 90]), random.uniform(-0.8, 0.8), random.uniform(30, 60)
    along = apart / 2 * np.array([np.cos(angle), np.sin(angle)])
    rows, columns = np.indices((160, 200)) + 0.5  # a pixel's middle
    pixels = np.zeros((160, 200, 3))
    pixels[..., 1] = seed
    for channel, (x, y) in ((0, middle - along), (2, middle + along)):
        pixels[..., channel] = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 40)
    return Image.fromarray(pixels.round().astype(np.uint8)), [*map(float, middle - along), *map(float, middle + along)]


def eyes_seen(pictures: np.ndarray) -> np.ndarray:
    """[N, 2, 2]: where red and blue are in each [H, W, C], in shares of the side."""
    rows, columns = (np.indices(pictures.shape[1:3]) + 0.5) / 64
    weights = pictures[..., [0, 2]].astype(np.float64) ** 2  # [N, H, W, 2]
    total = weights.sum((1, 2))
    places = [np.einsum("nhwc,hw->nc", weights, axis) / total for axis in (columns, rows)]
    return np.stack(places, axis=-1)


def seen(data) -> np.ndarray:
    items = [item["pixel_values"] for split in (data.train.plain(), data.validation) for item in split]
    pictures = np.stack([(values * 255).round().permute(1, 2, 0).numpy() for values in items])
    return eyes_seen(pictures)


def write_cats(folder, count=12):
    for seed in range(count):
        picture, (ax, ay, bx, by) = photo(seed)
        picture.save(folder / f"{seed:02d}.png")
        points = [ax, ay, bx, by, *[0] * 14]
        (folder / f"{seed:02d}.png.cat").write_text(f"9 {' '.join(map(str, points))} ")


def write_csv(folder, count=12):
    with open(folder / "metadata.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file_name", "left_eye_x", "left_eye_y", "right_eye_x", "right_eye_y"])
        for seed in range(count):
            picture, points = photo(seed)
            picture.save(folder / f"{seed:02d}.png")
            writer.writerow([f"{seed:02d}.png", *points])


@both_ways
@pytest.mark.parametrize("write", [write_cats, write_csv])
def test_eyes_lie_in_every_crop_where_the_recipe_says(load, tmp_path, write, streaming):
    (folder := tmp_path / "photos").mkdir()
    write(folder)
    for places in (EYES, {"left_eye": (0.4, 0.5), "right_eye": (0.6, 0.5)}):
        settings = {"image_size": (64, 64), "validation": 0.3, "streaming": streaming}
        data = load(folder, crop={"points": places}, **settings)
        found = seen(data)
        assert len(found) == 12
        assert np.abs(found - np.array(list(places.values()))).max() < 0.01
        assert data.report.left_out.not_pictures == {}


def test_parquet_has_the_columns_too_and_two_faces_of_one_photo_are_two_pictures(load, tmp_path):
    rows = []
    for seed in range(9):
        picture, (ax, ay, bx, by) = photo(seed)
        eyes = {"left_eye_x": ax, "left_eye_y": ay, "right_eye_x": bx, "right_eye_y": by}
        rows += [{"image": picture, **eyes}, {"image": picture, **eyes | {"left_eye_x": ax - 8}}]
    rows.append({"image": photo(20)[0], **dict.fromkeys(eyes)})
    datasets = pytest.importorskip("datasets")
    columns = {"image": datasets.Image(), **dict.fromkeys(eyes, datasets.Value("float64"))}
    datasets.Dataset.from_list(rows, features=datasets.Features(columns)).to_parquet(tmp_path / "train.parquet")
    data = load(tmp_path / "train.parquet", crop={"points": EYES}, image_size=(64, 64), validation=0.3)
    assert (len(data.train) + len(data.validation), data.report.duplicates) == (18, 0)
    assert data.report.left_out.without_marks == ("train[18]",)
    assert "1 pictures without the marks that they are cropped by" in str(data.report)
    assert data.report.counts()["pictures without marks of the crop"] == 1


def test_another_place_is_another_cache_and_the_same_place_the_same(load, tmp_path):
    (folder := tmp_path / "photos").mkdir()
    write_cats(folder, 4)
    settings = {"image_size": (64, 64), "validation": 0.3}
    assert not load(folder, crop={"points": EYES}, **settings).report.from_cache
    assert load(folder, crop={"points": EYES}, **settings).report.from_cache
    other = EYES | {"left_eye": (0.2, 0.4)}
    assert not load(folder, crop={"points": other}, **settings).report.from_cache


def test_columns_and_files_that_are_not_there_or_damaged_are_named(load, tmp_path):
    (folder := tmp_path / "photos").mkdir()
    for seed in range(4):
        noise(seed).save(folder / f"{seed}.png")
    with pytest.raises(ValueError, match="data.crop names the column 'left_eye_x', which does not exist"):
        load(folder, crop={"points": EYES}, validation=0.3)
    (folder / "2.png.cat").write_text("9 1 2 3")
    with pytest.raises(ValueError, match=r"2\.png\.cat does not hold nine points"):
        load(folder, crop={"points": EYES}, validation=0.3)
    (folder / "2.png.cat").write_text("9 " + "1 nan " * 9)
    with pytest.raises(ValueError, match=r"2\.png\.cat does not hold nine points"):
        load(folder, crop={"points": EYES}, validation=0.3)


def test_a_cat_file_without_its_picture_is_only_a_file(load, tmp_path):
    (folder := tmp_path / "photos").mkdir()
    write_cats(folder, 4)
    (folder / "gone.jpg.cat").write_text("9 " + "1 2 " * 9)
    data = load(folder, crop={"points": EYES}, image_size=(64, 64), validation=0.3)
    assert data.report.left_out.not_pictures == {".cat": 1}
    assert len(COLUMNS) == 18


def test_points_far_outside_break_one_picture(tmp_path):
    (folder := tmp_path / "photos").mkdir()
    write_cats(folder, 30)
    (folder / "03.png.cat").write_text("9 " + "0 0 90000 90000 " + "0 0 " * 7)
    recipe = DataRecipe(path=str(folder), crop={"points": EYES}, validation=0.3)
    data = load_data(recipe, image_size=(64, 64), num_channels=3, attributes={}, cache_dir=tmp_path / "cache")
    assert len(data.report.broken) == 1
    assert "03.png" in data.report.broken[0]
