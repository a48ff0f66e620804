"""A run that reads its pictures as a stream, stopped after more than two passes and gone on with."""

from __future__ import annotations

import pytest
import torch

from modeling_vae.training.trainer import UpdateAverage

from .test_training import Workplace, weights

STREAMED = ("data.streaming=true", "training.save_steps=4", "training.eval_steps=24")


def test_a_stopped_run_ends_with_the_same_weights_bit_for_bit(tmp_path, monkeypatch):
    """24 steps are 3.2 passes; it is stopped in the third, and the last checkpoint is of the third too."""
    workplace = Workplace(tmp_path)
    workplace.here("undisturbed", *STREAMED)
    after_step = UpdateAverage.on_step_end

    def stop(callback, args, state, control, **kwargs):
        after_step(callback, args, state, control, **kwargs)
        if state.global_step == 18:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(UpdateAverage, "on_step_end", stop)
        workplace.here("stopped", *STREAMED)
    assert max(workplace.checkpoints("stopped")) == 16
    workplace.here("stopped", *STREAMED)
    expected, found = weights(tmp_path / "undisturbed"), weights(tmp_path / "stopped")
    assert expected.keys() == found.keys()
    assert [name for name in expected if not torch.equal(expected[name], found[name])] == []
