"""The card of a published folder: what the model is, what it can do, how well, and what it is not for."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from modeling_vae.figures.attribute_table import cell, kept_detail_sentence, sentences
from modeling_vae.figures.catalogue import ATTRIBUTES, CARD, shown_in
from modeling_vae.figures.evaluation_report import markdown
from modeling_vae.figures.tables import code, literal
from modeling_vae.files import write_whole
from modeling_vae.parts import Parts
from modeling_vae.recipes.recipe import Recipe

from .card_latents import latents_section
from .card_metadata import hub_datasets, measured_on, metadata, write_eval_results
from .card_sections import Card, Section
from .card_strengths import strengths_section

CARD_NAME, MEDIA_FOLDER = "README.md", "media"
HERE = "."
"""What the snippets load until the folder is pushed: run in the folder, they work."""

MEDIA = {
    "samples.webp": "Samples of the {sampler}, not selected.",
    "reconstructions.webp": "Generated pictures, and below each its reconstruction. No picture of the data is shown.",
    "morphs.webp": "Morphs between pairs of samples, truncated to 0.8, each from left to right along likely pictures.",
    "edits.webp": "Generated faces, each with one attribute at -3, -1.5, 0, 1.5 and 3 standard deviations.",
    "morph.gif": "A morph through four samples, truncated to 0.8, along likely pictures.",
    "training.webp": "The training: the same samples, from the first step to the last, the steps spaced as their "
    "logarithms.",
    "training-reconstructions.webp": "The training: held-out pictures, and below each row its reconstructions.",
    "losses.webp": "What the training logged.",
}
SHOWN = "Held-out pictures of the data, and below each its reconstruction."
"""Of `reconstructions.webp`, where the recipe allows to show the data."""
FILMS = ("training.mp4", "training-reconstructions.mp4")
"""The same films as MP4."""
JUDGED = shown_in(CARD, ATTRIBUTES)
"""Figures of evaluation.json in the table of attributes, where it has them, and their headings."""
FITTED_IMPORT = "from transformers.dynamic_module_utils import get_class_from_dynamic_module\n"
FITTED_PRIOR = """\
prior = get_class_from_dynamic_module("priors.FlowPrior", model.name_or_path).from_pretrained(model.name_or_path)
"""
FITTED_DRAW = "latents = prior.sample(4, seed=1)  # where the model has seen pictures, unlike most of N(0, I)"
STANDARD_DRAW = "latents = torch.randn(4, model.config.latent_dim)  # rough, as no prior was fitted to the data"
INTENDED_USE = """\
For play, art, teaching and research: drawing new pictures of the kind it was trained on, blending them, and changing
one attribute at a time.

- **Not for identification.** A reconstruction is a likeness at best. Where the pictures are faces of real people,
  neither a latent nor a reading may be used to recognise, verify, rate or sort anybody.
- **Faces of real people.** Edit the picture of a person only with that person's consent, and say that it was edited.
- **Averages show the data, not the world.** An attribute is the difference between the mean of the pictures somebody
  labelled so and the mean of the others. What comes together in the data (make-up and gender, age and glasses) comes
  together in the direction; a reading says how a labeller would have seen the picture, nothing about the being in it.
- The model knows its data's framing, light and mix of subjects only. What is rare there is drawn and read badly, and
  a picture of anything else is turned into the nearest thing it knows.
"""


def write_card(folder: Path, parts: Parts, recipe: Recipe, report: dict[str, Any], *, status: str = "") -> None:
    """Write README.md, and .eval_results/ where the data set is on the Hub; whole or not at all.

    A README.md that is there already keeps what people wrote into it, see `card_sections`.

    Args:
        folder: the published folder; media/ in it is shown.
        parts: the model.
        recipe: that it was trained by.
        report: evaluation.json; figures that are not in it are not in the card.
        status: of a model that is not finished, said before all else.
    """
    recipe = recipe.published()
    height, width = parts.model.config.image_size
    name = recipe.publish.title or f"Image VAE, {width} x {height}"
    bodies = {
        "about": _about(parts, name, recipe),
        "status": status,
        "media": _media(folder, parts, recipe),
        "usage": _usage(parts),
        "attributes": _attributes(parts, report),
        "strengths": strengths_section(parts.directions.directions.values()) if parts.directions is not None else "",
        "latents": latents_section(folder, report),
        "evaluation": _evaluation(report),
        "data": _data(recipe, report),
        "intended-use": f"## Intended use and limits\n\n{INTENDED_USE}",
        "training": _training(recipe, report),
    }
    card = Card.generated(metadata(recipe, report, name), {name: body for name, body in bodies.items() if body})
    path = folder / CARD_NAME
    if path.is_file():
        card = card.onto(Card.parse(path.read_text(encoding="utf-8")))
    write_whole(path, str(card))
    write_eval_results(folder, recipe, report)


def for_repository(card: Card, repo_id: str) -> Card:
    """The card with the repository's id in its snippets, and its name over the figures; a person's words stay."""
    sections, found = dict(card.sections), dict(card.metadata)
    usage = sections.get("usage")
    if usage is not None and not usage.edited:
        body = re.sub(r'from_pretrained\("[^"]*"', f'from_pretrained("{repo_id}"', usage.body)
        sections["usage"] = replace(Section.generated(body), after=usage.after)
    if "model-index" in found and not card.person_wrote("model-index"):
        found["model-index"] = [{**entry, "name": repo_id.split("/")[-1]} for entry in found["model-index"]]
    ours = {key: value for key, value in found.items() if not card.person_wrote(key)}
    return Card(found, sections, Card.generated(ours, {}).digests)


def _about(parts: Parts, name: str, recipe: Recipe) -> str:
    config = parts.model.config
    kind = "RGB" if config.num_channels == 3 else "grey"
    text = (
        f"# {name}\n\nA variational autoencoder of {kind} pictures: one vector of {config.latent_dim} numbers "
        "stands for a picture, and back. It draws new pictures, blends given ones into films"
    )
    text += f", and changes {len(parts.attributes)} attributes by strength." if parts.attributes else "."
    return f"{text}\n\nIt follows: {recipe.cites}" if recipe.cites else text


def _usage(parts: Parts) -> str:
    edit = ""
    if parts.attributes:
        edit = f"edited = pipe.edit(pictures[0], {{{_shown(parts)}}})  # in standard deviations\n"
    fitted = parts.prior is not None
    return f"""\
## Use

With the package `modeling_vae`, which runs no code of this repository:

```python
from modeling_vae import VAEPipeline

pipe = VAEPipeline.from_pretrained("{HERE}")
pictures = pipe.generate(4, seed=1)
reconstructions = pipe.reconstruct(pictures)  # photos or their paths as well
{edit}pipe.morph(pictures[:2], frames=24).save("film.gif", seconds=2.0)
```

With transformers alone, which runs the few files of code that lie beside the weights:

```python
import torch
from transformers import AutoImageProcessor, AutoModel
{FITTED_IMPORT if fitted else ""}
model = AutoModel.from_pretrained("{HERE}", trust_remote_code=True).eval()
processor = AutoImageProcessor.from_pretrained("{HERE}", trust_remote_code=True)
{FITTED_PRIOR if fitted else ""}with torch.inference_mode():
    {FITTED_DRAW if fitted else STANDARD_DRAW}
    pictures = processor.postprocess(model.decode(latents))
    latents = model.encode(processor(pictures, return_tensors="pt")["pixel_values"]).mean  # [4, latent_dim]
```
"""


def _shown(parts: Parts) -> str:
    """The first attribute and a strength that shows it, as they are written in Python; there must be an attribute."""
    name, directions = parts.attributes[0], parts.directions
    full = directions.directions[name].full() if directions is not None else 0.0
    return f"{literal(name)}: {full:.1f}"


def _media(folder: Path, parts: Parts, recipe: Recipe) -> str:
    sampler = "fitted prior" if parts.prior is not None else "standard normal prior"
    texts = MEDIA | ({"reconstructions.webp": SHOWN} if recipe.publish.show_data else {})
    shown = []
    for name, text in texts.items():
        if (folder / "media" / name).is_file():
            film = name.replace(".webp", ".mp4")
            also = f" [As MP4](media/{film})." if film in FILMS and (folder / "media" / film).is_file() else ""
            shown.append(f"![{name.split('.')[0]}](media/{name})\n\n{text.format(sampler=sampler)}{also}")
    return "## Pictures\n\n" + "\n\n".join(shown) if shown else ""


def _attributes(parts: Parts, report: dict[str, Any]) -> str:
    if parts.directions is None or not len(parts.directions):
        return ""
    judged = report.get("attributes")
    lines = [
        "## Attributes",
        "",
        "Counts are of training pictures; AUC is that of the readout on held-out pictures (for numbers R²). The last "
        "column names the attribute that moves most along with an edit by one standard deviation, and by how much, "
        "when nothing is held.",
        *(["", sentences(judged)] if judged else []),
        "",
        f"| attribute | with | without | held-out AUC | {''.join(f'{name} | ' for name in JUDGED.values() if judged)}"
        "moves along |",
        "|---" * (5 + (len(JUDGED) if judged else 0)) + "|",
    ]
    correlations = parts.directions.correlations()
    names = parts.directions.names
    for row, direction in enumerate(parts.directions.directions.values()):
        others = [(abs(value), name, value) for name, value in zip(names, correlations[row].tolist(), strict=True)]
        others = [other for other in others if other[1] != direction.name]
        along = f"{code(max(others)[1])} {max(others)[2]:+.2f}" if others else ""
        numeric = direction.kind == "numeric"
        measured = "" if direction.held_out is None else f"{direction.held_out:.3f}" + (" (R²)" if numeric else "")
        without = "" if numeric else f"{direction.negatives:,}"
        cells = [code(direction.name), f"{direction.positives:,}", without, measured]
        cells += _judged(judged["each"].get(direction.name, {})) if judged else []
        lines.append(f"| {' | '.join([*cells, along])} |")
    if judged:
        lines.append(f"| {' | '.join(['mean', '', '', '', *_judged(judged['mean']), ''])} |")
        lines += ["", sentence] if (sentence := kept_detail_sentence(judged)) else []
    refused = report.get("directions", {}).get("refused", {})
    if refused:
        lines += [
            "",
            "Without a direction: " + "; ".join(f"{code(name)} ({why})" for name, why in refused.items()) + ".",
        ]
    return "\n".join(lines)


def _judged(figures: dict[str, Any]) -> list[str]:
    """The cells of one attribute that a probe has judged."""
    return [cell(figures.get(name)) for name in JUDGED]


def _evaluation(report: dict[str, Any]) -> str:
    if not {"protocol", "reconstruction", "sharpness"} <= report.keys():
        return ""
    protocol = {name: value for name, value in report["protocol"].items() if value is not None}
    lines = ["## Evaluation", "", markdown(report).strip(), "", "Protocol:", ""]
    lines += [f"- {name.replace('_', ' ')}: {_plain(value)}" for name, value in protocol.items()]
    return "\n".join(lines)


def _data(recipe: Recipe, report: dict[str, Any]) -> str:
    publish, lines = recipe.publish, ["## Data and licence", ""]
    named = hub_datasets(recipe)
    if named:
        lines.append("Data: " + ", ".join(f"`{name}`" for name in named) + " on the Hub.")
    else:
        lines.append("The pictures have no home on the Hub and are not published with the model.")
    lines += [f"Splits: training `{recipe.data.train}`, held out `{recipe.data.validation}`."]
    if "measured_on" in report:
        dataset, split = measured_on(recipe, report)
        measured = f"`{dataset}`" if dataset else "pictures that are not on the Hub"
        lines.append(f"The figures are of {measured}, split `{split}`.")
    counts = report.get("run", {}).get("data")
    if isinstance(counts, dict):
        lines.append(" ".join(f"{name.replace('_', ' ').capitalize()}: {_plain(n)}." for name, n in counts.items()))
    if publish.license:
        name = f" ({publish.license_name})" if publish.license_name else ""
        lines += ["", f"Licence of the model: `{publish.license}`{name}."]
        if publish.license == "other":
            lines.append("The rights to the training pictures stay with their owners, whatever the model's licence.")
    return "\n".join(lines)


def _training(recipe: Recipe, report: dict[str, Any]) -> str:
    values = recipe.model_dump(mode="json", exclude_defaults=True, exclude={"publish", "cites"})
    lines = ["## Training", "", "```yaml", yaml.safe_dump(values, sort_keys=False, allow_unicode=True).strip(), "```"]
    run = {name: value for name, value in report.get("run", {}).items() if name != "data" and value is not None}
    if run:
        lines += ["", *(f"- {name.replace('_', ' ')}: {_plain(value)}" for name, value in run.items())]
    return "\n".join(lines)


def _plain(value: Any) -> str:
    """A value of the report as words."""
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')} {_plain(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return " x ".join(map(_plain, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) and value >= 10_000 else str(value)
