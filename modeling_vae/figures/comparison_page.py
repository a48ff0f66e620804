"""The page of a comparison: who is compared, the figures, and the sheets to look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from modeling_vae.model.configuration_image_vae import VAEConfig
from modeling_vae.recipes.objective_recipe import ObjectiveRecipe
from modeling_vae.recipes.recipe import Recipe
from modeling_vae.recipes.section import Section

from .tables import code, table

FILE_NAME = "README.md"
TITLE = "# Models compared"
CAPTIONS = {
    "reconstructions": "Held-out pictures, and what each model makes of them.",
    "interpolations": "From one held-out picture to another, through each model's latents; the pictures themselves "
    "are at both ends.",
    "samples": "Pictures of random latents, drawn from each model's fitted prior; from N(0, I) where it has none.",
    "averages": "Average pictures of groups, by the models that have directions of them.",
}


@dataclass(frozen=True)
class Compared:
    """One model of a comparison.

    Args:
        config: its network and likelihood.
        parameters: how many it has.
        recipe: what it was trained by, where that is known.
    """

    config: VAEConfig
    parameters: int
    recipe: Recipe | None = None


def comparison_page(models: Mapping[str, Compared], figures: str, sheets: Iterable[str]) -> str:
    """The page as Markdown.

    Args:
        models: by their names.
        figures: what `comparison_text` says of them.
        sheets: which of `CAPTIONS` there are; their files lie beside the page, see `sheet_file`.
    """
    lines = [["model", "pictures", "encoder", "decoder", "latent_dim", "parameters", "objective"]]
    lines += [[code(name), *_described(model)] for name, model in models.items()]
    parts = [TITLE, "", *table(lines), ""]
    if any(model.recipe is None for model in models.values()):
        parts += [
            "Of a model without recipe.yaml the objective is known only as far as its configuration says it.",
            "",
        ]
    parts += ["## Figures", "", figures.rstrip("\n"), ""]
    for name in sheets:
        parts += [f"## {name.capitalize()}", "", CAPTIONS[name], "", f"![{name}]({sheet_file(name)})", ""]
    return "\n".join(parts)


def sheet_file(name: str) -> str:
    """The file of a sheet."""
    return f"{name}.png"


def _described(model: Compared) -> list[str]:
    config = model.config
    height, width = config.height_and_width
    return [
        f"{height} x {width}{' grey' if config.num_channels == 1 else ''}",
        _encoder(config),
        _decoder(config),
        str(config.latent_dim),
        f"{model.parameters:,}",
        _objective(config, model.recipe.objective if model.recipe is not None else None),
    ]


def _encoder(config: VAEConfig) -> str:
    if config.encoder_backbone is not None:
        frozen = ", frozen" if config.freeze_backbone else ""
        blocks = f"{config.encoder_backbone.get('model_type', 'backbone')}{frozen}"
    else:
        blocks = f"{config.encoder_block} {_widths(config.hidden_channels)}"
    return blocks if config.encoder_dense is None else f"{blocks}, dense {config.encoder_dense}"


def _decoder(config: VAEConfig) -> str:
    layers = f", {config.decoder_layers} layers each" if config.decoder_layers > 1 else ""
    return f"{config.decoder_block} {_widths(config.decoder_widths)}{layers}"


def _widths(channels: Sequence[int]) -> str:
    return "-".join(map(str, channels))


def _objective(config: VAEConfig, recipe: ObjectiveRecipe | None) -> str:
    """What the configuration says of it, and the further terms of a recipe with their weights."""
    variance = "" if config.likelihood == "bernoulli" else f", variance {_value(config.variance)}"
    said = [f"{config.likelihood}{variance}, kl_weight {_value(config.kl_weight)}"]
    if config.free_bits:
        said.append(f"free_bits {_value(config.free_bits)}")
    if recipe is not None:
        if recipe.kl_warmup_ratio:
            said.append(f"kl_warmup_ratio {_value(recipe.kl_warmup_ratio)}")
        said += [f"{name}: {_weights(term)}" for name, term in recipe if isinstance(term, Section)]
    return "; ".join(said)


def _weights(term: Section) -> str:
    weights = {name: value for name, value in term if name.endswith("weight") and value}
    return ", ".join(f"{name} {_value(value)}" for name, value in weights.items()) or "weight 0"


def _value(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"
