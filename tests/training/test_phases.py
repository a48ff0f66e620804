"""What a run says of its time."""

import time

from modeling_vae.commands.phases import Phases, UntilTheFirstStep


def test_phases_are_shares_of_the_whole(monkeypatch):
    clock = iter([0.0, 10.0, 15.0, 95.0, 100.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    phases = Phases()
    phases.ended("reading pictures")
    setting_up = UntilTheFirstStep(phases, "setting up")
    for _ in range(3):  # the first step alone ends it
        setting_up.on_step_begin(None, None, None)
    phases.ended("training")
    phases.ended("reading pictures")
    assert phases.seconds == {"reading pictures": 15.0, "setting up": 5.0, "training": 80.0}
    assert str(phases) == "Of 100 seconds: reading pictures 15.0%, setting up 5.0%, training 80.0%."
