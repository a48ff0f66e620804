"""Figures of attributes from data sets to the table, with a probe that has to learn them."""

from __future__ import annotations

import json
import math

import pytest

from modeling_vae.evaluation.attributes import attribute_figures
from modeling_vae.figures.attribute_table import attribute_table
from modeling_vae.figures.evaluation_report import whole_text
from modeling_vae.probing.probes import learn_probe

from .planted import KINDS, planted_dataset, planted_pipeline


@pytest.fixture(scope="module")
def found() -> dict:
    """Of a model that loses the brightness at the right."""
    pipe = planted_pipeline(lost=(1,))
    train, validation = planted_dataset(500, seed=2, noise=0.05), planted_dataset(200, seed=3, noise=0.05)
    probe = learn_probe(train, KINDS)
    assert probe is not None
    return attribute_figures(pipe, validation, probe, edited=100, encoded_again=40, resamples=50)


def test_what_is_kept_and_what_is_lost(found):
    left, right = found["each"]["left"], found["each"]["right"]
    for figures in (left, right):
        assert figures["probe_auc"]["value"] > 0.95 and figures["readout_auc"]["value"] > 0.95
    assert left["auc_on_reconstructions"]["value"] > 0.95 and left["survival"]["value"] > 0.85
    assert 0.3 < right["auc_on_reconstructions"]["value"] < 0.7 and 0.4 < right["survival"]["value"] < 0.6
    assert left["success"]["value"] > 0.95 and right["success"]["value"] == pytest.approx(0.5, abs=0.05)
    # what is lost stands at the probe's threshold, where little flips it
    assert left["leak_with_hold"]["value"] < 0.25
    assert left["reencoding_error"]["value"] < 0.1 < right["reencoding_error"]["value"]


def test_each_figure_has_its_interval_and_the_mean_is_their_mean(found):
    figures = found["each"]["left"]["survival"]
    assert figures["low"] <= figures["value"] <= figures["high"]
    values = [figures["survival"]["value"] for figures in found["each"].values()]
    assert found["mean"]["survival"]["value"] == pytest.approx(sum(values) / len(values))
    assert found["mean"]["survival"]["high"] > found["mean"]["survival"]["value"]


def test_numbers_of_pictures_are_stated(found):
    assert found["pictures"] == {"validation": 200, "edited": 100, "encoded_again": 40}
    assert found["probe_learnt_from"]["training_pictures"] == 400
    left = found["each"]["left"]
    assert left["with"] + left["without"] == 200 and left["not_held"] == ["tone:light"]
    ratio = found["each"]["right"].pop("detail_ratio")
    json.dumps(found, allow_nan=False)
    assert math.isnan(ratio["value"])  # of edits that do nothing; a report has null there


def test_the_table_holds_them(found):
    text = attribute_table({"attributes": found})
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + len(found["each"]) + 1 and len({len(row) for row in rows}) == 1
    assert rows[-1].startswith("| mean ") and f"{found['each']['left']['success']['value']:.3f} ± " in text
    assert text.rstrip().endswith("in the mean over the attributes.") and "`preserve_detail`" in text
    assert attribute_table({}) == ""


def test_a_report_from_before_these_figures_is_still_read():
    report = {
        "protocol": {"pictures": 100, "image_size": [32, 32]},
        "reconstruction": {"active_units": 7, "latent_dim": 8},
        "sharpness": {},
    }
    assert "attribute |" not in whole_text(report) and "active units" in whole_text(report)


def test_without_directions_only_survival_is_measured():
    pipe = planted_pipeline()
    pipe.directions = None
    dataset = planted_dataset(60, noise=0.05)
    probe = learn_probe(dataset, {"left": "boolean"}, epochs=2)
    assert probe is not None
    found = attribute_figures(pipe, dataset, probe, resamples=5)
    assert set(found["each"]) == {"left"} and "survival" in found["mean"] and "success" not in found["mean"]
    assert "re-encoding" not in attribute_table({"attributes": found})


def test_there_is_no_probe_where_no_attribute_has_pictures_enough():
    assert learn_probe(planted_dataset(30), KINDS) is None and learn_probe(planted_dataset(30), {}) is None


def test_what_the_probe_did_not_learn_is_said():
    probe = learn_probe(planted_dataset(60), KINDS, leave_out=["right"], epochs=1)
    assert probe is not None and probe.left_out == {"right": "left out by the recipe"}
    found = attribute_figures(planted_pipeline(), planted_dataset(20), probe, edited=5, encoded_again=5, resamples=5)
    assert found["left_out"] == probe.left_out and "survival" not in found["each"]["right"]
