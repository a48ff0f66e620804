"""What a visitor's session keeps: latents as numpy arrays, and no model."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from .studio import Studio


@dataclass(frozen=True)
class Session:
    """Shared by the tabs; to be made inside `gr.Blocks`.

    Args:
        faces: float32 [N, D], the faces of the grid.
        tray: float32 [K, D], the faces of the morph in order.
        face: float32 [D], the face being edited, as it is.
        photo: the path of the upload that the face came from, in Gradio's cache, or None.
    """

    faces: gr.State
    tray: gr.State
    face: gr.State
    photo: gr.State

    @classmethod
    def create(cls, studio: Studio) -> Session:
        """A session that begins with something to look at in every tab."""
        first = studio.welcome().latents
        return cls(gr.State(first), gr.State(first[[0, 1, 2]]), gr.State(first[0]), gr.State())
