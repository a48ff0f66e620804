"""Labels as numbers: what is known of a picture, and what is asked of one."""

from __future__ import annotations

import pytest
import torch

from modeling_vae.model.label_code import GUIDANCE, LabelCode, names_said

KINDS = {"hair": "category", "hat": "boolean", "smiling": "boolean", "age": "numeric"}
LABELS = {
    "hair": ["long", "short", "none", "none", None, "long"],
    "hat": [False, False, True, True, None, False],
    "smiling": [True, False, True, None, False, True],
    "age": [1.0, 2.0, None, 4.0, 5.0, 6.0],
}
SAID = names_said(LABELS, KINDS, 6)


@pytest.fixture()
def code() -> LabelCode:
    return LabelCode.learnt(SAID, fewest=1)


def said_by(code: LabelCode, numbers: torch.Tensor) -> set[str]:
    return {name for name, number in zip(code.names, numbers.tolist(), strict=True) if number}


def test_numbers_and_what_is_unknown_are_not_said():
    assert SAID[0] == ("hair:long", "hat:false", "smiling:true") and SAID[4] == ("smiling:false",)
    assert names_said({"age": [1.0, 2.0]}, {"age": "numeric"}, 2) == names_said({}, {}, 2) == [(), ()]


def test_what_is_said_of_pictures_is_one_number_each(code):
    assert code.names == [
        "hair:long", "hair:none", "hair:short", "hat:false", "hat:true", "smiling:false", "smiling:true",
    ]  # fmt: skip
    codes = code.of(SAID)
    assert [said_by(code, row) for row in codes] == [set(names) for names in SAID]
    assert [places.tolist() for places in code.columns] == [[0, 1, 2], [3, 4], [5, 6]]


def test_what_few_pictures_show_is_left_out_and_what_then_says_nothing():
    assert LabelCode.learnt(SAID, fewest=2).names == [
        "hair:long", "hair:none", "hat:false", "hat:true", "smiling:false", "smiling:true",
    ]  # fmt: skip
    few = LabelCode.learnt(SAID, fewest=3)  # smiling:true alone, and hat:false, which are no choice
    assert few.names == [] and few.of(SAID).shape == (6, 0) and not few.knows("smiling")
    assert LabelCode.learnt(SAID, 1, ["hair", "smiling:true"]).names == ["hat:false", "hat:true"]


def test_another_value_takes_the_place_of_what_is_there(code):
    now = code.of([("hair:long", "hat:false", "smiling:true")])[0]
    assert said_by(code, code.instead(now, "hair:short")) == {"hair:short", "hat:false"}  # nobody with it smiles
    assert said_by(code, code.instead(now, "smiling:false & hat")) == {"hat:true", "smiling:false"}
    assert said_by(code, now) == {"hair:long", "hat:false", "smiling:true"}


def test_values_that_no_picture_shows_together_do_not_go_together(code):
    assert code.go_together("hat", "hair:none") and not code.go_together("hat:true", "hair:long")
    assert not code.go_together("hat", "hat:false") and not code.go_together("hat", "hat")
    assert not code.go_together("hat", "wings")


def test_what_is_likely_is_more_so_than_not(code):
    logits = torch.tensor([[0.1, 3.0, 0.0, 0.2, 0.1, 5.0, 0.0], [1.0, 1.0, 1.0, 0.0, 9.0, 1.0, 1.0]])
    found = [said_by(code, row) for row in code.likely(logits)]
    assert found == [{"hair:none", "hat:false", "smiling:false"}, {"hat:true"}]


@pytest.mark.parametrize(
    ("target", "words"),
    [("hair:lon", "Did you mean hair:long?"), ("wings", "it knows hair:long, hair:none"), ("hat & ", "no value")],
)
def test_unknown_values_are_named(code, target, words):
    assert not code.knows(target) and code.knows("hat & hair:none")
    with pytest.raises(ValueError) as error:
        code.instead(torch.zeros(len(code)), target)
    assert words in str(error.value)


def test_as_many_rows_as_names():
    with pytest.raises(ValueError, match="2 names, and together 3 rows"):
        LabelCode(["a:1", "a:2"], torch.ones(3, 3))


def test_of_several_values_the_one_that_bends_most_counts(code):
    guided = code.guided({"hat:true": 1.25, "hair:none": 3.0})
    assert guided.guidance_of("hat") == 1.25 and guided.guidance_of("hat & hair:none") == 3.0
    assert guided.guidance_of("smiling") == GUIDANCE and guided.names == code.names
    assert torch.equal(guided.together, code.together)


@pytest.mark.parametrize("guidance", [[1.0], [1.0, 0.0]], ids=["one", "zero"])
def test_each_value_has_a_guidance_above_0(guidance):
    with pytest.raises(ValueError, match="guidance"):
        LabelCode(["a:1", "a:2"], None, torch.tensor(guidance))
