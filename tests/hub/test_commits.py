"""What commits do to the clients' shared session: bounded while they need it, and then as it was."""

from __future__ import annotations

from huggingface_hub.utils import get_session

from modeling_vae.hub.commits import bounded_waits


def test_waits_stay_bounded_until_the_last_one_is_done():
    """Two threads that overlap: the first one to end must not leave the other waiting for ever."""
    before = get_session().timeout
    first, second = bounded_waits(30.0), bounded_waits(20.0)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert get_session().timeout.read == 20.0
    second.__exit__(None, None, None)
    assert get_session().timeout == before
