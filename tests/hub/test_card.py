"""The card: valid metadata, figures of the report and none else, snippets that run, and a person's words kept."""

from __future__ import annotations

import re

import pytest
import yaml
from huggingface_hub import ModelCard, parse_eval_result_entries
from tiny import tiny_pipeline

from modeling_vae.publishing.card import for_repository, write_card
from modeling_vae.publishing.card_metadata import metadata
from modeling_vae.publishing.card_sections import Card
from modeling_vae.recipes.recipe import Recipe

from .clients import python
from .conftest import REPORT


@pytest.fixture
def card(complete) -> str:
    return (complete / "README.md").read_text()


def test_the_metadata_is_what_the_hub_reads(card, complete):
    data = ModelCard(card).data
    assert data.license == "apache-2.0" and data.library_name == "transformers" and data.datasets == ["alice/cats"]
    assert data.pipeline_tag == "unconditional-image-generation" and "cats" in data.tags
    figures = {result.metric_type: result.metric_value for result in data.eval_results}
    assert figures == {"psnr": 24.5, "sharpness_real": 1500.0}
    (file,) = complete.glob(".eval_results/*.yaml")
    entries = parse_eval_result_entries(yaml.safe_load(file.read_text()))
    assert {(e.dataset_id, e.task_id, e.value) for e in entries} == {
        ("alice/cats", "psnr", 24.5), ("alice/cats", "sharpness_real", 1500.0),
    }  # fmt: skip


def test_what_a_run_began_with_is_the_base_model():
    begun = Recipe.model_validate({"model": {"pretrained": "alice/faces"}})
    assert metadata(begun, REPORT, "mine")["base_model"] == "alice/faces"
    for local in ({}, {"pretrained": "/models/faces"}):
        assert "base_model" not in metadata(Recipe.model_validate({"model": local}), REPORT, "mine")


@pytest.mark.parametrize("dataset", ["bob/dogs", None])
def test_figures_of_other_pictures_are_filed_under_those(dataset, tmp_path, complete):
    """And the data that the model was trained on are the same as before."""
    report = REPORT | {"measured_on": {"dataset": dataset, "split": "test"}}
    write_card(tmp_path, tiny_pipeline(), Recipe.read(complete), report)
    text = (tmp_path / "README.md").read_text()
    data = ModelCard(text).data
    assert data.datasets == ["alice/cats"] and "Data: `alice/cats` on the Hub." in text
    assert {(r.dataset_type, r.dataset_split) for r in data.eval_results} == {(dataset or "unpublished", "test")}
    named = "`bob/dogs`" if dataset else "pictures that are not on the Hub"
    assert f"The figures are of {named}, split `test`." in text
    files = [path.name for path in (tmp_path / ".eval_results").glob("*")]
    assert files == (["bob--dogs.yaml"] if dataset else [])


def test_the_card_shows_what_is_in_the_folder(card, complete):
    assert "# Tiny cats" in card and "| `coat:tabby` |" in card and "24.50" in card
    shown = re.findall(r"!\[\w+\]\((media/[\w.]+)\)", card)
    assert set(shown) == {f"media/{path.name}" for path in (complete / "media").iterdir()}
    assert "identif" in card and str(complete.parents[1]) not in card


def test_figures_that_were_not_measured_are_not_in_the_card(tmp_path):
    pipe = tiny_pipeline()
    pipe.directions = None
    write_card(tmp_path, pipe.parts, Recipe(), {})
    text = (tmp_path / "README.md").read_text()
    assert "model-index" not in text and "## Evaluation" not in text and "## Attributes" not in text
    assert not (tmp_path / ".eval_results").exists() and "pipe.edit" not in text
    assert ModelCard(text).data.eval_results is None


def test_written_again_it_is_the_same(tmp_path, complete):
    pipe, recipe = tiny_pipeline(), Recipe.read(complete)
    write_card(tmp_path, pipe.parts, recipe, REPORT)
    first = (tmp_path / "README.md").read_text()
    write_card(tmp_path, pipe.parts, recipe, REPORT)
    assert (tmp_path / "README.md").read_text() == first == str(Card.parse(first))
    assert edited_sections(Card.parse(first)) == []


def edited_sections(card: Card) -> list[str]:
    """Those that a person changed."""
    return [name for name, section in card.sections.items() if section.edited]


def generated(metadata: dict, **bodies: str) -> Card:
    return Card.generated(metadata, bodies)


def test_what_a_person_changed_stays_and_the_rest_is_new():
    text = str(generated({"license": "mit", "tags": ["a"]}, about="old about", usage="old usage", data="old data"))
    text = text.replace("old usage", "my usage").replace("license: mit", "license: other\nthumbnail: cat.png")
    text = text.replace("<!-- end: about -->", "<!-- end: about -->\n\nA word between.")
    new = generated({"license": "mit", "tags": ["b"]}, about="new about", usage="new usage", training="new training")
    merged = new.onto(Card.parse(text))
    assert merged.metadata == {"license": "other", "tags": ["b"], "thumbnail": "cat.png"}
    bodies = {name: section.body.strip() for name, section in merged.sections.items()}
    assert bodies == {"": "", "about": "new about", "usage": "my usage", "training": "new training"}
    assert merged.sections["about"].after.strip() == "A word between."
    again = Card.parse(str(merged))
    assert str(new.onto(again)) == str(merged) and edited_sections(again) == ["usage"]


def test_a_card_without_sections_stays_on_top():
    merged = generated({"license": "mit"}, about="new").onto(Card.parse("---\nlicense: gpl-3.0\n---\n# By hand\n"))
    text = str(merged)
    assert merged.metadata == {"license": "gpl-3.0"} and text.index("# By hand") < text.index("new")


@pytest.mark.parametrize("metadata", ["foo: [", "[1, 2]", "date: 2020-13-01", "1: 2"])
def test_metadata_that_is_no_table_is_refused_in_a_sentence(metadata):
    with pytest.raises(ValueError, match=r"the metadata at the top of README.md is no YAML table \(.*: correct it"):
        Card.parse(f"---\n{metadata}\n---\n# By hand\n")


def test_words_of_this_card_win_over_words_of_the_older_one():
    older = Card.parse(str(generated({}, about="a")) + "\nOld words.\n")
    newer = Card.parse(str(generated({}, about="a")) + "\nNew words.\n")
    assert newer.onto(older).sections["about"].after.strip() == "New words."
    assert generated({}, about="a").onto(older).sections["about"].after.strip() == "Old words."


def test_an_emptied_section_stays_empty_and_an_edited_one_that_is_gone_stays():
    text = str(generated({}, about="about", media="media", usage="usage"))
    older = Card.parse(text.replace("\nabout\n", "\n").replace("\nmedia\n", "\nmy media\n"))
    merged = generated({}, about="about", usage="usage").onto(older)
    assert [(name, s.body.strip()) for name, s in merged.sections.items()] == [
        ("", ""), ("about", ""), ("media", "my media"), ("usage", "usage"),
    ]  # fmt: skip


def test_the_repository_is_named_in_the_snippets(card):
    named = for_repository(Card.parse(card), "alice/tiny")
    assert str(named).count('from_pretrained("alice/tiny"') == 3 and edited_sections(named) == []
    assert named.metadata["model-index"][0]["name"] == "tiny"
    edited = Card.parse(card.replace("## Use\n", "## My use\n"))
    assert 'from_pretrained(".")' in str(for_repository(edited, "alice/tiny"))


def test_the_snippets_run(hub, client, complete, repo, tmp_path):
    push = "from modeling_vae.publishing.repository import push_folder\npush_folder(folder, repo, token=token)"
    client.run(push, folder=complete, repo=repo, token=hub.token).value()
    package, alone = re.findall(r"```python\n(.*?)```", hub.read(repo, "README.md").decode(), re.DOTALL)
    client.run(f"import os\nos.chdir(where)\n{package}\nresult = os.listdir()", where=str(tmp_path)).value()
    assert (tmp_path / "film.gif").stat().st_size > 1000
    hidden = f"import sys\nsys.modules['modeling_vae'] = None\n{alone}\nprint(tuple(latents.shape))"
    done = python(hub, tmp_path / "alone", "-c", hidden)
    assert done.stdout.strip() == "(4, 8)", done.stderr
    assert "prior.sample(4" in alone and "randn" not in alone


def test_a_model_without_a_prior_says_so_in_its_snippet(tmp_path):
    pipe = tiny_pipeline()
    pipe.prior = None
    write_card(tmp_path, pipe.parts, Recipe(), {})
    text = (tmp_path / "README.md").read_text()
    assert "torch.randn(4, model.config.latent_dim)  # rough" in text and "FlowPrior" not in text
