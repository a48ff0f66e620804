"""The folder that `compare --sheets` writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image

from modeling_vae.evaluation.comparison_sheets import comparison_sheets
from modeling_vae.figures.comparison_page import FILE_NAME, TITLE, Compared, comparison_page, sheet_file
from modeling_vae.files import write_whole
from modeling_vae.pipeline import VAEPipeline
from modeling_vae.recipes.recipe import Recipe


def check_folder(folder: Path | None) -> None:
    """Raise a ValueError where the folder is a file, or has a page that is no comparison: a model's card, say."""
    if folder is None:
        return
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--sheets {folder} is a file: name a folder, which is made where there is none.")
    page = folder / FILE_NAME
    if page.is_file() and not page.read_text(encoding="utf-8", errors="replace").startswith(TITLE):
        raise ValueError(f"--sheets {folder} has a {FILE_NAME} that is no comparison: name another folder.")


def write_comparison(
    folder: Path,
    pipes: Mapping[str, VAEPipeline],
    recipes: Mapping[str, Recipe | None],
    pictures: Mapping[str, Sequence[Image.Image]],
    figures: str,
    seed: int = 0,
) -> None:
    """Write the sheets, and the page last.

    Args:
        folder: made where there is none.
        pipes: the models by their names.
        recipes: of each, where it has one.
        pictures: see `comparison_sheets`.
        figures: what `comparison_text` says.
        seed: of samples.

    Raises:
        OSError: a file cannot be written.
    """
    models = {
        name: Compared(pipe.model.config, sum(weight.numel() for weight in pipe.model.parameters()), recipes[name])
        for name, pipe in pipes.items()
    }
    sheets = comparison_sheets(pipes, pictures, seed)
    folder.mkdir(exist_ok=True)
    for name, sheet in sheets.items():
        file = BytesIO()
        sheet.save(file, "PNG")
        write_whole(folder / sheet_file(name), file.getvalue())
    write_whole(folder / FILE_NAME, comparison_page(models, figures, sheets))
