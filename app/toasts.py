"""The one place where what went wrong becomes a message on the page."""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import gradio as gr

P = ParamSpec("P")
R = TypeVar("R")


def toasts(handler: Callable[P, R]) -> Callable[P, R]:
    """The handler, with every ValueError shown to the visitor as a toast; anything else is a fault and stays one."""

    @wraps(handler)
    def shown(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return handler(*args, **kwargs)
        except ValueError as error:
            # A toast is HTML, and a message may quote a file's name.
            text = html.escape(str(error), quote=False)
            raise gr.Error(text, duration=8, print_exception=False) from error

    return shown
