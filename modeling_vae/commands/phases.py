"""What a run spends its time on, as shares of all of it: said at its end."""

from __future__ import annotations

import time
from typing import Any

from transformers import TrainerCallback


class Phases:
    """The time since it was made, cut into phases that follow each other."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.monotonic()

    def ended(self, name: str) -> None:
        """What was done since the phase before was this; of the same name there may be several."""
        now = time.monotonic()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._last
        self._last = now

    def __str__(self) -> str:
        whole = sum(self.seconds.values())
        shares = (f"{name} {seconds / max(whole, 1e-9):.1%}" for name, seconds in self.seconds.items())
        return f"Of {whole:,.0f} seconds: {', '.join(shares)}."


class UntilTheFirstStep(TrainerCallback):
    """Ends a phase where the first step begins.

    Args:
        phases: of the run.
        name: of the phase.
    """

    def __init__(self, phases: Phases, name: str) -> None:
        self.phases, self.name, self.begun = phases, name, False

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if not self.begun:
            self.phases.ended(self.name)
        self.begun = True
