"""What a card says of the latent space, where a report on it was made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modeling_vae.figures.latent_figures import CAPTIONS, IN_CARD, PAGE, file_of, sentence


def latents_section(folder: Path, report: dict[str, Any]) -> str:
    """The section; "" where evaluation.json has no figures of latents, or their pictures are not there."""
    shown = [name for name in IN_CARD if (folder / "media" / file_of(name)).is_file()]
    if "latents" not in report or not shown:
        return ""
    pictures = [f"![{name}](media/{file_of(name)})\n\n{CAPTIONS[name]}" for name in shown]
    more = f"[All plots and sheets]({PAGE})" if (folder / PAGE).is_file() else ""
    return "\n\n".join(part for part in ["## Latent space", sentence(report["latents"]), *pictures, more] if part)
