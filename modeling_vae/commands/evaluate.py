"""`modeling-vae evaluate FOLDER_OR_ID --data PATH_OR_ID`."""

from __future__ import annotations

import argparse
import importlib.util
import logging
import os
from pathlib import Path
from typing import Any

from modeling_vae.hub.network import refuse_unreachable

from .examination_options import add_options, check_output

logger = logging.getLogger(__name__)


def parser(program: str) -> argparse.ArgumentParser:
    """What the command is told."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Measure a published model: fidelity, Fréchet and kernel distances, sharpness, copies, and what "
        "becomes of attributes. Prints the tables; for a folder, writes evaluation.json and the card in it anew.",
        epilog="Example: %(prog)s runs/cats/published --data my_cats --features google/mobilenet_v2_1.0_224",
    )
    parser.add_argument("model", metavar="MODEL", help="a published folder, or user/name on the Hub")
    add_options(parser)
    parser.add_argument("--revision", help="branch, tag or commit of a model on the Hub")
    parser.add_argument(
        "--report",
        action="store_true",
        help="draw plots and sheets of the latent space too: latents.md and media/latents-*.webp, and the card",
    )
    parser.add_argument(
        "--faces",
        nargs=2,
        default=[],
        metavar="PICTURE",
        help="that the report morphs between, and publishes (default: generated ones)",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the figures there, and leave the folder be")
    return parser


def run(arguments: list[str], program: str) -> None:
    options = parser(program).parse_args(arguments)
    check_output(options.output)
    _check_report(options)
    refuse_unreachable(options.model, options.data, options.features)
    # Imported here, so that what can be said without them is said at once.
    from modeling_vae.evaluation.measuring import NEAREST
    from modeling_vae.figures.evaluation_report import JSON_NAME, whole_text, write_json, write_report
    from modeling_vae.public import VAEPipeline
    from modeling_vae.publishing.card import write_card
    from modeling_vae.publishing.card_metadata import hub_path
    from modeling_vae.recipes.recipe import FILE_NAME, Recipe

    from .examination import Examination, recipe_of
    from .latent_page import write_latent_report

    pipe = VAEPipeline.from_pretrained(options.model, revision=options.revision, device=options.device)
    folder = Path(options.model)
    local, output = pipe.hub_id is None, options.output
    known = _kept(folder / JSON_NAME) if local else {}
    recipe = recipe_of(pipe, options.model, options)
    examination = Examination.prepare(pipe.model.config, recipe, options)
    report = examination.figures(pipe, NEAREST) | known
    if options.report:
        report["latents"] = write_latent_report(folder, pipe, examination.data, recipe, report, options.faces)
    report["measured_on"] = {"dataset": hub_path(recipe.data), "split": str(recipe.data.validation)}
    text = whole_text(report)
    if output is not None:
        write_json(report, output)
    elif local:
        write_report(report, folder)
        if (folder / FILE_NAME).is_file():
            write_card(folder, pipe.parts, Recipe.read(folder), report)
        else:
            logger.warning("%s has no %s, so its card stays as it is.", folder, FILE_NAME)
    print(text, end="")


def _check_report(options: argparse.Namespace) -> None:
    """Raise a ValueError where a report cannot be made."""
    if options.faces and not options.report:
        raise ValueError("--faces are what a report shows: add --report, or leave them out.")
    if not options.report:
        return
    if options.output is not None or not Path(options.model).is_dir():
        raise ValueError("--report writes into the model's own folder: give a folder, and leave --output out.")
    if missing := [face for face in options.faces if not Path(face).is_file()]:
        raise ValueError(f"--faces: {missing[0]!r} is no file: give two pictures.")
    if lacking := [name for name in ("matplotlib", "sklearn") if importlib.util.find_spec(name) is None]:
        raise ValueError(f"--report needs {' and '.join(lacking)}: pip install 'modeling-vae[report]'.")


def _kept(file: Path) -> dict[str, Any]:
    """What an evaluation.json says of the training."""
    from modeling_vae.figures.report_schema import KEPT, read_report

    if not os.path.lexists(file):
        return {}
    older = read_report(file, only=KEPT)  # the rest is made anew
    return {key: older[key] for key in KEPT if key in older}
