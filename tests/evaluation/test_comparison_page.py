"""The page of a comparison says what each model is."""

from __future__ import annotations

from modeling_vae import VAEConfig
from modeling_vae.figures.comparison_page import Compared, comparison_page
from modeling_vae.recipes.recipe import Recipe


def test_the_page_says_what_each_model_is():
    recipe = Recipe.model_validate(
        {"objective": {"kl_warmup_ratio": 0.1, "perceptual": {"weight": 7.0}, "adversarial": {"weight": 0.1}}}
    )
    widths = {"hidden_channels": [8, 16], "decoder_channels": [24, 12, 6], "decoder_block": "modulated"}
    models = {
        "mine": Compared(VAEConfig(**widths, decoder_layers=2, kl_weight=0.5, variance=0.25), 1234567, recipe),
        "other": Compared(
            VAEConfig(image_size=[32, 48], num_channels=1, likelihood="bernoulli", hidden_channels=[8], latent_dim=2),
            9,
        ),
    }
    page = comparison_page(models, "The figures.\n", ["reconstructions", "averages"])
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    cells = {name: [cell.strip() for cell in line.split("|")[2:-1]] for name, line in rows.items()}
    assert cells == {
        "mine": [
            *("64 x 64", "plain 8-16", "modulated 24-12-6, 2 layers each", "128", "1,234,567"),
            "gaussian, variance 0.25, kl_weight 0.5; kl_warmup_ratio 0.1; "
            "perceptual: weight 7; adversarial: weight 0.1",
        ],
        "other": ["32 x 48 grey", "plain 8", "plain 8", "2", "9", "bernoulli, kl_weight 1"],
    }
    assert "Of a model without recipe.yaml" in page and "The figures." in page
    assert "(reconstructions.png)" in page and "(averages.png)" in page and "(samples.png)" not in page
    whole = comparison_page({"mine": models["mine"]}, "", [])
    assert "without recipe.yaml" not in whole
