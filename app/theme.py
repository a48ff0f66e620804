"""How the page looks: colours, type and shapes. Fonts come with Gradio, so nothing is fetched from anywhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.themes.utils import colors, fonts, sizes

from .first_sight import FirstSight, ready_picture
from .studio import Studio
from .views import script, stylesheets
from .words import MODELS, PAGE, i18n, translations

STYLESHEET = Path(__file__).with_name("studio.css")
FAVICON = Path(__file__).with_name("favicon.svg")

EMBER = colors.Color(
    name="ember",
    c50="#fdf3ec",
    c100="#fbe3d3",
    c200="#f6c6a8",
    c300="#f2a87c",
    c400="#ee8a52",
    c500="#d9622b",
    c600="#b5460f",
    c700="#93380c",
    c800="#722d0e",
    c900="#4d210e",
    c950="#2e150a",
)
PAPER = colors.Color(
    name="paper",
    c50="#fffdfa",
    c100="#f6f2eb",
    c200="#eae3d8",
    c300="#d8cebf",
    c400="#a99d8d",
    c500="#7a6f61",
    c600="#655b4f",
    c700="#423a31",
    c800="#2b2620",
    c900="#1f1b17",
    c950="#151210",
)


LOOK = {
    "body_background_fill": "*neutral_100",
    "body_background_fill_dark": "*neutral_950",
    "body_text_color": "*neutral_800",
    "body_text_color_dark": "*neutral_100",
    "body_text_color_subdued": "*neutral_600",
    "body_text_color_subdued_dark": "*neutral_400",
    "background_fill_primary": "*neutral_50",
    "background_fill_primary_dark": "*neutral_900",
    "background_fill_secondary": "*neutral_100",
    "background_fill_secondary_dark": "*neutral_800",
    "border_color_primary": "*neutral_200",
    "border_color_primary_dark": "*neutral_700",
    "border_color_accent": "*primary_600",
    "border_color_accent_dark": "*primary_400",
    "color_accent": "*primary_600",
    "color_accent_soft": "*primary_50",
    "color_accent_soft_dark": "*primary_950",
    "block_background_fill": "*neutral_50",
    "block_background_fill_dark": "*neutral_900",
    "block_border_width": "1px",
    "block_border_color": "*neutral_200",
    "block_border_color_dark": "*neutral_800",
    "block_shadow": "none",
    "block_label_background_fill": "transparent",
    "block_label_background_fill_dark": "transparent",
    "block_label_border_width": "0px",
    "block_label_text_color": "*neutral_600",
    "block_label_text_color_dark": "*neutral_400",
    "block_label_text_weight": "600",
    "block_title_text_color": "*neutral_700",
    "block_title_text_color_dark": "*neutral_200",
    "block_title_text_weight": "600",
    "block_title_text_size": "*text_sm",
    "block_info_text_color": "*neutral_600",
    "block_info_text_color_dark": "*neutral_400",
    "block_info_text_size": "*text_sm",
    "panel_background_fill": "*neutral_50",
    "panel_background_fill_dark": "*neutral_900",
    "input_background_fill": "*neutral_100",
    "input_background_fill_dark": "*neutral_800",
    "input_border_color": "*neutral_200",
    "input_border_color_dark": "*neutral_700",
    "input_border_color_focus": "*primary_600",
    "input_border_color_focus_dark": "*primary_400",
    "input_shadow_focus": "0 0 0 3px *primary_100",
    "input_shadow_focus_dark": "0 0 0 3px *primary_900",
    "button_border_width": "1px",
    "button_transition": "background-color .15s ease, border-color .15s ease, transform .08s ease",
    "button_transform_active": "translateY(1px)",
    "button_large_text_weight": "600",
    "button_medium_text_weight": "600",
    "button_small_text_weight": "600",
    "button_primary_background_fill": "*primary_600",
    "button_primary_background_fill_hover": "*primary_700",
    "button_primary_background_fill_dark": "*primary_400",
    "button_primary_background_fill_hover_dark": "*primary_300",
    "button_primary_border_color": "transparent",
    "button_primary_border_color_dark": "transparent",
    "button_primary_text_color": "#ffffff",
    "button_primary_text_color_dark": "*neutral_950",
    "button_secondary_background_fill": "*neutral_50",
    "button_secondary_background_fill_hover": "*neutral_200",
    "button_secondary_background_fill_dark": "*neutral_800",
    "button_secondary_background_fill_hover_dark": "*neutral_700",
    "button_secondary_border_color": "*neutral_300",
    "button_secondary_border_color_dark": "*neutral_700",
    "button_secondary_text_color": "*neutral_800",
    "button_secondary_text_color_dark": "*neutral_100",
    "checkbox_background_color_selected": "*primary_600",
    "checkbox_background_color_selected_dark": "*primary_400",
    "checkbox_border_color": "*neutral_400",
    "checkbox_border_color_dark": "*neutral_500",
    "checkbox_border_color_selected": "*primary_600",
    "checkbox_border_color_selected_dark": "*primary_400",
    "checkbox_label_background_fill": "transparent",
    "checkbox_label_background_fill_dark": "transparent",
    "checkbox_label_background_fill_hover": "*neutral_200",
    "checkbox_label_background_fill_hover_dark": "*neutral_800",
    "checkbox_label_background_fill_selected": "*primary_50",
    "checkbox_label_background_fill_selected_dark": "*primary_950",
    "checkbox_label_border_color": "*neutral_300",
    "checkbox_label_border_color_dark": "*neutral_700",
    "checkbox_label_border_width": "1px",
    "checkbox_label_text_color": "*neutral_800",
    "checkbox_label_text_color_dark": "*neutral_100",
    "checkbox_label_text_color_selected": "*primary_700",
    "checkbox_label_text_color_selected_dark": "*primary_300",
    "slider_color": "*primary_600",
    "slider_color_dark": "*primary_400",
    "link_text_color": "*primary_700",
    "link_text_color_dark": "*primary_300",
    "loader_color": "*primary_600",
}
"""Values of the theme's variables; those that are not named keep Gradio's."""


FOOTER = "<style>@media (max-width: 860px) { footer .divider { display: none; } }</style>"
"""Gradio hides its first link on a phone, not the dot behind it; the stylesheet does not reach down there."""


WITHOUT_MCP = '<style>li.snippet:has(img[src*="mcp"]) { display: none !important; }</style>'
"""Gradio's page on the endpoints tells of MCP also where none is served."""


UNHURRIED: dict[str, Any] = {"_frontend": False}
"""Of `launch`: not to ask the page itself for an answer once its server has given one.

Gradio 6.31 waits for the server as long as it takes; then it gives the page 3 seconds, of which a busy machine needs
more, and else ends the program with the advice to share it. The argument does nothing else there.
"""


def appearance(studio: Studio, mcp: bool = False) -> dict[str, Any]:
    """What `launch` is given so that the page looks like ours, and opens on a busy machine too.

    Args:
        studio: of the model to open with.
        mcp: whether the endpoints are served as tools of an MCP server, which the page on them tells then.
    """
    first_sight = {"picture": ready_picture(studio), "words": studio.facts.card.words}
    return {
        # class, arguments and named ones, as the server takes them apart
        "app_kwargs": {"middleware": [(FirstSight, (), first_sight)]},
        "i18n": i18n(),
        "mcp_server": mcp,
        "theme": build_theme(),
        "css_paths": [STYLESHEET, *stylesheets()],
        "head": FOOTER + ("" if mcp else WITHOUT_MCP) + script(translations(PAGE, MODELS)),
        "favicon_path": FAVICON,
        "footer_links": ["api", "settings"],
        **UNHURRIED,
    }


def build_theme() -> gr.themes.Base:
    """Warm paper and ink by day, a darkroom by night, and one ember-red accent."""
    theme = gr.themes.Base(
        primary_hue=EMBER,
        secondary_hue=EMBER,
        neutral_hue=PAPER,
        radius_size=sizes.radius_lg,
        font=[fonts.LocalFont("IBM Plex Sans", weights=(400, 700)), "ui-sans-serif", "system-ui", "sans-serif"],
        font_mono=[fonts.LocalFont("IBM Plex Mono", weights=(400, 700)), "ui-monospace", "Consolas", "monospace"],
    )
    theme.name = "studio"
    return theme.set(**LOOK)
