"""The one place where what went wrong becomes a message on the page."""

from __future__ import annotations

import html
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

import gradio as gr

from .words import Words

P = ParamSpec("P")
R = TypeVar("R")


def toasts(handler: Callable[P, R]) -> Callable[P, R]:
    """The handler, with every ValueError shown to the visitor as a toast; anything else is a fault and stays one."""
    if inspect.isgeneratorfunction(handler):

        @wraps(handler)
        def told(*args: P.args, **kwargs: P.kwargs) -> Any:
            with _told():
                yield from cast(Any, handler(*args, **kwargs))

        return cast(Callable[P, R], told)

    @wraps(handler)
    def shown(*args: P.args, **kwargs: P.kwargs) -> R:
        with _told():
            return handler(*args, **kwargs)

    return shown


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        # A toast is HTML, and a message may quote a file's name.
        text = html.escape(Words.here().finished(str(error)), quote=False)
        raise gr.Error(text, duration=8, print_exception=False) from error
