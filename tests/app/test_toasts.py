"""What a visitor is told, and what they are not."""

import gradio as gr
import pytest

from app.toasts import toasts


@toasts
def refuse(message: str) -> None:
    """Refuses."""
    raise ValueError(message)


def test_a_value_error_is_told_without_its_html():
    with pytest.raises(gr.Error) as caught:
        refuse("'<img src=x onerror=alert(1)>.png' is not a picture & so on")
    assert caught.value.message == "'&lt;img src=x onerror=alert(1)&gt;.png' is not a picture &amp; so on"
    assert caught.value.print_exception is False


def test_the_handler_keeps_its_name_and_words():
    assert refuse.__name__ == "refuse" and refuse.__doc__ == "Refuses."


def test_a_fault_of_ours_stays_one():
    @toasts
    def broken() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        broken()
