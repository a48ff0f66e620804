"""Reports side by side: shares closed in closed form, and what the table says."""

from __future__ import annotations

import copy

import pytest

from modeling_vae.figures.comparison import closed, comparison, comparison_text

REAL = 90.0


def figure(value: float | None) -> dict:
    return {"value": value, "low": None, "high": None}


def report(
    frechet: float,
    *,
    prior: bool = True,
    bits: bool = True,
    names: tuple[str, ...] = ("young",),
    survival: float | None = 0.75,
    auc: float | None = 0.8125,
) -> dict:
    """As `evaluate` gives it; samples are twice as far away as reconstructions."""
    distances = {"training": REAL, "reconstructions": frechet, "standard_samples": 1500.25, "morph_midpoints": 300.0}
    distances |= {"fitted_samples": 2 * frechet} if prior else {}
    judged = {name: {"survival": figure(0.75), "success": figure(0.875)} for name in names}
    return {
        "protocol": {
            "pictures": 1000,
            "image_size": [64, 64],
            "num_channels": 3,
            "feature_network": {"architecture": "SomeNet", "resolution": 128, "resize_filter": "bicubic"},
        },
        "reconstruction": {"psnr": figure(24.5), "ssim": figure(0.6875)}
        | ({"bits_per_dimension_8_bit": figure(6.25)} if bits else {}),
        "sharpness": {"training": figure(1522.0), "reconstructions": figure(712.0), "fitted_samples": figure(617.0)},
        "frechet_distance": {name: figure(value) for name, value in distances.items()},
        "kernel_distance": {name: {"value": 10 * value, "deviation": 1.0} for name, value in distances.items()},
        "attributes": {
            "mean": {
                "survival": figure(survival),
                "probe_auc": figure(0.875),
                "auc_on_reconstructions": figure(auc),
                "success": figure(0.875),
                "leak": figure(None),
            },
            "each": judged,
        },
    }


@pytest.mark.parametrize(("distance", "share"), [(550.0, 0.0), (90.0, 1.0), (320.0, 0.5), (780.0, -0.5), (44.0, 1.1)])
def test_closed_is_the_share_of_the_way(distance, share):
    assert closed(distance, 550.0, REAL) == pytest.approx(share)


@pytest.mark.parametrize("baseline", [90.0, 10.0])
def test_a_baseline_as_near_as_real_pictures_leaves_no_way_to_go(baseline):
    assert closed(100.0, baseline, REAL) is None


def test_each_kind_of_pictures_is_compared_with_its_own_kind():
    found = comparison({"ours": report(136.0), "theirs": report(550.0)}, "theirs")
    assert found["closed"]["theirs"] == dict.fromkeys(
        ["reconstructions", "fitted_samples", "survival", "auc_on_reconstructions"], 0.0
    )
    assert found["closed"]["ours"]["reconstructions"] == pytest.approx(1 - 46 / 460)
    assert found["closed"]["ours"]["fitted_samples"] == pytest.approx(1 - (272 - 90) / (1100 - 90))
    assert found["models"]["ours"] == report(136.0)


def test_survival_is_compared_with_what_real_pictures_keep():
    found = comparison({"ours": report(136.0, survival=0.9), "theirs": report(550.0, survival=0.6)}, "theirs")
    assert found["closed"]["ours"]["survival"] == pytest.approx(0.75)
    nothing = comparison({"ours": report(136.0), "theirs": report(550.0, survival=None)}, "theirs")
    assert nothing["closed"]["ours"]["survival"] is None
    assert comparison_text(nothing)


def test_auc_on_reconstructions_is_compared_with_that_on_real_pictures():
    """Of the real pictures the probe knows the labels with an AUC of 0.875."""
    found = comparison({"ours": report(136.0, auc=0.85), "theirs": report(550.0, auc=0.775)}, "theirs")
    assert found["closed"]["ours"]["auc_on_reconstructions"] == pytest.approx(0.75)
    nothing = comparison({"ours": report(136.0, auc=None), "theirs": report(550.0)}, "theirs")
    assert nothing["closed"]["ours"]["auc_on_reconstructions"] is None
    nothing_lost = comparison({"ours": report(136.0), "theirs": report(550.0, auc=0.875)}, "theirs")
    assert nothing_lost["closed"]["ours"]["auc_on_reconstructions"] is None


def test_without_a_fitted_prior_no_share_of_its_samples_is_closed():
    found = comparison({"ours": report(136.0), "theirs": report(550.0, prior=False)}, "theirs")
    assert found["closed"]["ours"]["fitted_samples"] is None is found["closed"]["theirs"]["fitted_samples"]


def cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]


def test_the_table_has_a_row_for_real_pictures_and_each_model():
    text = comparison_text(comparison({"ours": report(136.0), "theirs": report(550.0)}, "theirs"))
    heading, _, *rows = cells(text)
    assert heading == [
        "model", "PSNR (dB)", "SSIM", "bits/dim (8-bit pictures)", "sharpness: reconstructions",
        "sharpness: samples, fitted prior", "FD / KID: reconstructions", "FD / KID: samples, fitted prior",
        "FD / KID: samples, N(0, I)", "FD / KID: midpoints of morphs", "survival", "AUC of reconstructions", "success",
        "leak", "leak, held", "closed: reconstructions", "closed: samples, fitted prior", "closed: survival",
        "closed: AUC of reconstructions",
    ]  # fmt: skip
    assert rows == [
        ["real training pictures", "", "", "", "1522", "1522", *["90.0 / 900"] * 4, "", "0.875",
         *[""] * 7],
        ["`ours`", "24.50", "0.6875", "6.250", "712.0", "617.0", "136.0 / 1360", "272.0 / 2720", "1500.2 / 15002",
         "300.0 / 3000", "0.750", "0.812", "0.875", "", "", "0.900", "0.820", "0.000", "0.000"],
        ["`theirs`", "24.50", "0.6875", "6.250", "712.0", "617.0", "550.0 / 5500", "1100.0 / 11000", "1500.2 / 15002",
         "300.0 / 3000", "0.750", "0.812", "0.875", "", "", "0.000", "0.000", "0.000", "0.000"],
    ]  # fmt: skip
    assert len({len(line) for line in text.splitlines() if line[:1] == "|"}) == 1
    for words in ("1000 validation pictures, 64 x 64", "SomeNet at 128 px", "between `theirs` and real training"):
        assert words in text


def test_the_table_has_no_columns_of_what_was_not_measured():
    bare = copy.deepcopy(report(136.0))
    for key in ("frechet_distance", "kernel_distance", "attributes"):
        del bare[key]
    text = comparison_text(comparison({"ours": bare, "theirs": bare}))
    assert len(cells(text)[0]) == 6 and "FD" not in text and "probe" not in text and "losed" not in text


def test_what_compares_only_roughly_is_said():
    alike = comparison_text(comparison({"ours": report(136.0), "theirs": report(550.0)}))
    assert "of the same attributes" not in alike and "Bernoulli" not in alike
    others = report(550.0, names=("young", "smiling"), bits=False)
    text = comparison_text(comparison({"ours": report(136.0), "theirs": others}))
    assert "Not all models have directions of the same attributes" in text
    assert "a Bernoulli likelihood is no density" in text and cells(text)[-1][3] == ""
