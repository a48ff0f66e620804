"""The algebra of attributes against its definitions, computed directly in float64."""

import itertools

import pytest
import torch
from tiny import ATTRIBUTES, labelled_latents, moments_of

from modeling_vae import AttributeDirections, Direction, LatentMoments

LATENTS, LABELS = labelled_latents()


@pytest.fixture
def directions() -> AttributeDirections:
    found, refused = AttributeDirections.from_moments(moments_of(LATENTS, LABELS), weights_sha256="ab" * 32)
    assert refused == {}
    return found


def of(column: str, value) -> torch.Tensor:
    return LATENTS[[label == value for label in LABELS[column]]]


@pytest.mark.parametrize("batch", [1, 7, 600])
def test_moments_equal_the_direct_computation_whatever_the_batch(batch):
    moments = moments_of(LATENTS, LABELS, batch)
    relative = {"rtol": 1e-10, "atol": 1e-12}
    torch.testing.assert_close(moments.mean, LATENTS.mean(0), **relative)
    torch.testing.assert_close(moments.covariance, torch.cov(LATENTS.T, correction=0), **relative)
    torch.testing.assert_close(moments.posterior_variance, torch.full((8,), -4.0).double().exp(), **relative)
    torch.testing.assert_close(moments.groups["coat:tabby"].mean, of("coat", "tabby").mean(0), **relative)
    known = [age is not None for age in LABELS["age"]]
    ages = torch.tensor([age for age in LABELS["age"] if age is not None], dtype=torch.float64)
    expected = ((ages - ages.mean())[:, None] * LATENTS[known]).mean(0)
    torch.testing.assert_close(moments.numeric["age"].covariance, expected, rtol=1e-8, atol=1e-9)
    assert moments.numeric["age"].deviation == pytest.approx(ages.std(correction=0).item())


def test_merging_is_exact_and_associative():
    parts = []
    for start in (0, 100, 350):
        stop = {0: 100, 100: 350, 350: 600}[start]
        parts.append(moments_of(LATENTS[start:stop], {name: values[start:stop] for name, values in LABELS.items()}))
    whole = moments_of(LATENTS, LABELS)
    for a, b, c in itertools.permutations(parts):
        for merged in (a.merge(b).merge(c), a.merge(b.merge(c))):
            assert merged.count == whole.count == 600
            torch.testing.assert_close(merged.products, whole.products, rtol=1e-12, atol=1e-12)
            assert {name: g.count for name, g in merged.groups.items()} == {
                n: g.count for n, g in whole.groups.items()
            }
            torch.testing.assert_close(merged.numeric["age"].yz, whole.numeric["age"].yz, rtol=1e-12, atol=1e-9)
    assert parts[0].count == 100  # merging changes neither side


def test_moments_of_other_attributes_are_not_merged():
    with pytest.raises(ValueError, match="different attributes"):
        moments_of(LATENTS, LABELS).merge(LatentMoments.empty(8, {"smiling": "boolean"}))


def test_differences_are_the_differences_of_means(directions):
    rows = dict(zip(directions.names, directions.differences, strict=True))
    assert list(rows) == ["smiling", "coat:black", "coat:tabby", "coat:white", "age"]
    smiling = of("smiling", True).mean(0) - of("smiling", False).mean(0)
    torch.testing.assert_close(rows["smiling"], smiling, rtol=1e-5, atol=1e-6)
    others = torch.cat([of("coat", "black"), of("coat", "white")])
    torch.testing.assert_close(rows["coat:tabby"], of("coat", "tabby").mean(0) - others.mean(0), rtol=1e-5, atol=1e-6)
    known = directions.directions["smiling"]
    assert (known.positives, known.negatives) == (len(of("smiling", True)), len(of("smiling", False)))
    assert known.norm == pytest.approx(smiling.norm().item())


def test_values_have_unit_deviation_and_mean_zero_over_the_data(directions):
    values = directions.values(LATENTS)
    torch.testing.assert_close(values.mean(0), torch.zeros(5, dtype=torch.float64), rtol=0, atol=1e-5)
    torch.testing.assert_close(values.std(0, correction=0), torch.ones(5, dtype=torch.float64), rtol=1e-4, atol=0)


def test_readouts_are_fishers(directions):
    expected = torch.linalg.solve(directions.covariance, directions.differences.T).T
    expected /= (directions.differences * expected).sum(1, keepdim=True).sqrt()
    torch.testing.assert_close(directions.readouts, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(
    ("strengths", "hold"),
    [
        ({"smiling": 1.5}, []),
        ({"smiling": -2.0}, ["age"]),
        ({"smiling": 1.0, "age": -0.5}, ["coat:tabby"]),
        ({"coat:white": 2.5}, ["smiling", "age"]),
        ({"smiling": 1.0}, ["smiling"]),
    ],
)
def test_an_edit_does_exactly_what_was_asked(directions, strengths, hold):
    change = (directions.values(directions.edit(LATENTS, strengths, hold)) - directions.values(LATENTS)).T
    for name, row in zip(directions.names, change, strict=True):
        if name in strengths or name in hold:
            torch.testing.assert_close(row, torch.full_like(row, strengths.get(name, 0.0)), rtol=0, atol=1e-9)


def test_an_edit_is_the_smallest_move_in_the_metric_of_the_data(directions):
    """Any other move with the same effect on the named values is longer."""
    delta = directions.delta({"smiling": 1.0}, ["age"])
    readouts = directions.readouts[[0, 4]]
    metric = torch.linalg.inv(directions.covariance)
    generator = torch.Generator().manual_seed(5)
    for _ in range(20):
        other = torch.randn(8, generator=generator, dtype=torch.float64)
        other -= torch.linalg.pinv(readouts) @ (readouts @ other)  # changes neither value
        longer = delta + 0.1 * other
        assert longer @ metric @ longer > delta @ metric @ delta


def test_one_attribute_alone_is_the_calibrated_mean_difference(directions):
    delta, difference = directions.delta({"age": 2.0}), directions.differences[4]
    length = (difference @ torch.linalg.solve(directions.covariance, difference)).sqrt()
    torch.testing.assert_close(delta, 2.0 * difference / length, rtol=1e-8, atol=1e-10)


def test_strength_zero_changes_nothing(directions):
    assert torch.equal(directions.edit(LATENTS, {"smiling": 0.0}, ["age"]), LATENTS)
    assert torch.equal(directions.edit(LATENTS, {}), LATENTS)


def test_between_and_average(directions):
    torch.testing.assert_close(directions.average("coat:white"), of("coat", "white").mean(0), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(directions.average("smiling"), of("smiling", True).mean(0), rtol=1e-5, atol=1e-6)
    move = directions.between("coat:tabby", "coat:white")
    torch.testing.assert_close(move, directions.average("coat:white") - directions.average("coat:tabby"))
    with pytest.raises(ValueError, match="'coat:green' is not a group.*coat:black, coat:tabby"):
        directions.average("coat:green")


def test_unknown_attributes_are_refused_with_the_known_ones(directions):
    for strengths, hold in (({"smilling": 1.0}, []), ({"age": 1.0}, ["smilling"])):
        with pytest.raises(ValueError, match="'smilling'.*known are smiling, coat:black.*Did you mean smiling"):
            directions.delta(strengths, hold)


@pytest.mark.parametrize("strength", [float("nan"), float("inf"), "2", None, True])
def test_strengths_must_be_finite_numbers(directions, strength):
    with pytest.raises(ValueError, match="strength of smiling.*finite number"):
        directions.delta({"smiling": strength})


def test_all_values_of_a_large_category_cannot_be_held_and_are_named():
    count = 40
    latents, of = torch.randn(4000, 64, generator=torch.Generator().manual_seed(0)), [i % count for i in range(4000)]
    latents += 3 * torch.randn(count, 64, generator=torch.Generator().manual_seed(1))[of]
    moments = LatentMoments.empty(64, {"sign": "category"})
    moments.update(latents, torch.zeros_like(latents), {"sign": [f"s{i}" for i in of]})
    directions, _ = AttributeDirections.from_moments(moments)
    first, *others = directions.names
    assert len(directions.names) == count
    with pytest.raises(ValueError, match="sign:s0, (sign:s[0-9]+, ){38}sign:s9 say the same thing"):
        directions.delta({first: 1.0}, others)
    assert directions.independent([first, *others]) == [first, *others][:-1]


def test_synonyms_cannot_be_set_apart():
    """An attribute held against itself under another name is refused, and both names are said."""
    labels = {"smiling": LABELS["smiling"], "happy": LABELS["smiling"], "age": LABELS["age"]}
    moments = LatentMoments.empty(8, {"smiling": "boolean", "happy": "boolean", "age": "numeric"})
    moments.update(LATENTS, torch.zeros_like(LATENTS), labels)
    directions, _ = AttributeDirections.from_moments(moments)
    with pytest.raises(ValueError, match="smiling, happy say the same thing"):
        directions.delta({"smiling": 1.0}, ["happy", "age"])
    assert directions.delta({"smiling": 1.0}, ["age"]).isfinite().all()
    assert directions.independent(["smiling", "happy", "age"]) == ["smiling", "age"]


@pytest.mark.parametrize("dimensions", [8, 256])
def test_a_latent_that_uses_one_direction_only_has_directions(dimensions):
    """As of a training whose posterior has all but collapsed: what rounding makes of the rest is no obstacle."""
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(600, 1, generator=generator) @ torch.randn(1, dimensions, generator=generator)
    moments = LatentMoments.empty(dimensions, {"big": "boolean"})
    moments.update(latents, torch.zeros_like(latents), {"big": [bool(row[0] > 0) for row in latents]})
    fitted, refused = AttributeDirections.from_moments(moments)
    assert fitted.names == ["big"] and not refused
    moved = fitted.values(fitted.edit(latents, {"big": 1.0})) - fitted.values(latents)
    assert torch.allclose(moved, torch.ones_like(moved), atol=1e-3)


def test_a_latent_that_says_nothing_is_refused():
    moments = LatentMoments.empty(8, {"big": "boolean"})
    moments.update(torch.zeros(600, 8), torch.zeros(600, 8), {"big": [i % 2 == 0 for i in range(600)]})
    assert AttributeDirections.from_moments(moments)[1] == {"big": "all its pictures have the same value"}


def test_too_few_pictures_are_refused_with_the_counts():
    labels = {"smiling": [i < 19 for i in range(600)], "coat": ["tabby"] * 600, "age": [30.0] * 600}
    found, refused = AttributeDirections.from_moments(moments_of(LATENTS, labels))
    assert len(found) == 0
    assert refused["smiling"] == "19 pictures with and 581 without, 20 of each are needed"
    assert refused["coat:tabby"] == "600 pictures with and 0 without, 20 of each are needed"
    assert refused["age"] == "all its pictures have the same value"


def test_what_the_recipe_leaves_out_is_left_out():
    found, refused = AttributeDirections.from_moments(moments_of(LATENTS, LABELS), leave_out=["coat:tabby"])
    assert "coat:tabby" not in found.names and refused == {"coat:tabby": "left out by the recipe"}


def test_a_round_trip_gives_the_same_edits(directions, tmp_path):
    known = [
        Direction(d.name, d.kind, d.positives, d.negatives, d.norm, held_out=0.9, slope=2.0, intercept=-1.0)
        for d in directions.directions.values()
    ]
    directions.with_directions(known).save_pretrained(tmp_path)
    loaded = AttributeDirections.from_pretrained(tmp_path)
    assert list(loaded.directions.values()) == known
    assert loaded.weights_sha256 == "ab" * 32
    assert torch.equal(
        loaded.edit(LATENTS, {"smiling": 2.0}, ["age"]), directions.edit(LATENTS, {"smiling": 2.0}, ["age"])
    )
    reading = loaded.read(LATENTS[:1])[0]["smiling"]
    assert reading.probability == pytest.approx(1 / (1 + torch.tensor(-2 * reading.value + 1).exp().item()), rel=1e-5)


def test_directions_of_other_weights_are_refused(directions):
    directions.check_weights("ab" * 32)
    with pytest.raises(ValueError, match="belong to weights abababab.*model's are cdcdcdcd"):
        directions.check_weights("cd" * 32)


@pytest.mark.parametrize("damage", ["truncated", "other file"])
def test_a_damaged_file_is_named(directions, tmp_path, damage):
    directions.save_pretrained(tmp_path)
    file = tmp_path / "directions.safetensors"
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2] if damage == "truncated" else b"{}")
    with pytest.raises(ValueError, match="directions.safetensors is damaged"):
        AttributeDirections.from_pretrained(tmp_path)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="attributes.smiling='bool'.*boolean, category, numeric"):
        LatentMoments.empty(8, {**ATTRIBUTES, "smiling": "bool"})


def test_latents_of_another_width_are_refused(directions):
    with pytest.raises(ValueError, match=r"\[N, 8\]"):
        directions.values(torch.zeros(3, 7))
