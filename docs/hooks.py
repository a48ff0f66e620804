"""What the pages take from the bundled models when the site is built: their pictures, and tables of their figures.

A line `<!-- table: NAME -->` becomes the table of that name, one column for each model with an evaluation.json: no
figure is written down twice. The pictures of a model lie at models/NAME/.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
MODELS = ROOT / "hub_configs"

FIGURES = {
    "fidelity": (
        ("steps of training", ("run", "steps"), "{:,.0f}"),
        ("PSNR of reconstructions, dB", ("reconstruction", "psnr"), "{:.1f}"),
        ("SSIM", ("reconstruction", "ssim"), "{:.3f}"),
        ("KL, nats", ("reconstruction", "kl"), "{:.0f}"),
        ("bits per dimension (8-bit pictures)", ("reconstruction", "bits_per_dimension_8_bit"), "{:.2f}"),
        ("sharpness of real pictures", ("sharpness", "validation"), "{:.0f}"),
        ("of reconstructions", ("sharpness", "reconstructions"), "{:.0f}"),
        ("of samples", ("sharpness", "fitted_samples"), "{:.0f}"),
    ),
    "distances": (
        ("real training pictures", ("frechet_distance", "training"), "{:.0f}"),
        ("reconstructions", ("frechet_distance", "reconstructions"), "{:.0f}"),
        ("samples of the fitted prior", ("frechet_distance", "fitted_samples"), "{:.0f}"),
        ("midpoints of morphs", ("frechet_distance", "morph_midpoints"), "{:.0f}"),
        ("samples of N(0, I)", ("frechet_distance", "standard_samples"), "{:.0f}"),
    ),
    "attributes": (
        ("the probe's AUC on real pictures", ("attributes", "mean", "probe_auc"), "{:.3f}"),
        ("AUC on reconstructions", ("attributes", "mean", "auc_on_reconstructions"), "{:.3f}"),
        ("survival", ("attributes", "mean", "survival"), "{:.2f}"),
        ("success of edits", ("attributes", "mean", "success"), "{:.2f}"),
        ("of which given", ("attributes", "mean", "given"), "{:.2f}"),
        ("of which taken away", ("attributes", "mean", "taken"), "{:.2f}"),
        ("leak", ("attributes", "mean", "leak"), "{:.3f}"),
        ("leak with all others held", ("attributes", "mean", "leak_with_hold"), "{:.3f}"),
        ("value read off an edited picture: off by", ("attributes", "mean", "reencoding_error"), "{:.2f}"),
        ("keeping the photo: as far as a plain edit", ("attributes", "mean", "detail_ratio"), "{:.2f}"),
    ),
}
"""Table -> its lines: what they say, where evaluation.json has it, how it is written."""


def models() -> dict[str, Path]:
    """The folders with a trained and measured model, by name."""
    return {file.parent.name: file.parent for file in sorted(MODELS.glob("*/evaluation.json"))}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for name, folder in models().items():
        for picture in sorted((folder / "media").glob("*")):
            address = f"models/{name}/{picture.name}"
            files.append(File.generated(config, address, abs_src_path=str(picture)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    return re.sub(r"^<!-- table: (\S+) -->$", lambda found: table(found[1]), markdown, flags=re.MULTILINE)


def table(name: str) -> str:
    """The table of this name in Markdown.

    Raises:
        PluginError: there is none.
    """
    if name == "models":
        return of_models({"what": size_of, "the machine that trained it": machine_of})
    if name in TEXTS:
        return TEXTS[name]()
    if name not in FIGURES:
        raise PluginError(f"there is no table {name!r}: take models, {', '.join([*TEXTS, *FIGURES])}.")
    return of_models({said: figure(place, form) for said, place, form in FIGURES[name]})


def of_models(lines: dict[str, Callable[[Path], str]]) -> str:
    """One column a model, one line for each function of its folder."""
    rows = [["", *(f"`{name}`" for name in models())], ["---", *("---" for _ in models())]]
    rows += [[said, *(cell(folder) for folder in models().values())] for said, cell in lines.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def sheets() -> str:
    """One line a model, with its samples and its edits."""
    rows = [["", "samples", "edits"], ["---"] * 3]
    rows += [[f"`{name}`", *(f"![](models/{name}/{what}.webp)" for what in ("samples", "edits"))] for name in models()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def latents() -> str:
    """What the page of each model's latent space says, one after the other."""
    parts = []
    for name, folder in models().items():
        if (folder / "latents.md").is_file():
            text = (folder / "latents.md").read_text(encoding="utf-8").partition("\n")[2]
            parts += [f"## `{name}`", text.replace("](media/", f"](../models/{name}/").strip()]
    return "\n\n".join(parts)


def films() -> str:
    """The films of those models whose training was filmed, and what it logged."""
    parts = []
    for name, folder in models().items():
        shown = [what for what in FILMS if (folder / "media" / f"{what}.webp").is_file()]
        parts += [f"### `{name}`"] * bool(shown)
        parts += [f"![{what}](models/{name}/{what}.webp)" for what in shown]
    return "\n\n".join(parts)


FILMS = ("training", "training-reconstructions", "losses")
TEXTS: dict[str, Callable[[], str]] = {"sheets": sheets, "latents": latents, "films": films}


def figure(place: tuple[str, ...], form: str) -> Callable[[Path], str]:
    def cell(folder: Path) -> str:
        value: Any = report(folder)
        for key in place:
            value = value.get(key) if isinstance(value, dict) else None
        value = value.get("value") if isinstance(value, dict) else value
        return "" if value is None else form.format(value)

    return cell


def report(folder: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    return values


def size_of(folder: Path) -> str:
    weights, latent = (folder / "model.safetensors").stat().st_size, report(folder)["reconstruction"]["latent_dim"]
    everything = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    return f"{latent} numbers a picture, weights of {weights / 1e6:.1f} MB, {everything / 1e6:.1f} MB in all"


def machine_of(folder: Path) -> str:
    return str(report(folder)["run"]["machine"])
