"""How many steps there are and how large each is, within a time budget."""

from __future__ import annotations

import math
from dataclasses import dataclass

WARM_UP_SHARE = 0.05
"""Of all steps, in which the learning rate grows from 0."""

_TRUSTED_STEPS = 3
"""Before so many steps are measured the plan says the most that there may be."""

_KEPT_RATE = 0.9
"""Of the measured time of a step at each further one: the last dozens count."""


def learning_rate_share(progress: float, *, warm_up: float = WARM_UP_SHARE) -> float:
    """Return the share of the full learning rate: a linear rise, then half a cosine down to 0.

    progress: share of all steps that are done, 0 to 1.
    """
    if progress < warm_up:
        return max(progress, 1e-3) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))


@dataclass
class Plan:
    """Counts steps and says how many there will be.

    most_steps: never more than these. seconds: for all steps, those of earlier runs included;
    None for no limit. step: steps done. stepping: seconds of the steps, and spent: with what
    lies between them. recent: seconds of one of the last steps.
    progress: share of the training that is done; it grows by what is left divided by the steps
    left, so it stays smooth when a busy machine changes the plan.
    """

    most_steps: int
    seconds: float | None
    step: int = 0
    stepping: float = 0.0
    spent: float = 0.0
    recent: float = 0.0
    progress: float = 0.0

    @property
    def planned_steps(self) -> int:
        """Return the steps in all, by the measured rate and the time that is left."""
        if self.seconds is None or self.step < _TRUSTED_STEPS:
            return self.most_steps
        between = self.spent / max(self.stepping, 1e-9)
        left = (self.seconds - self.spent) / max(self.recent * between, 1e-9)
        return max(self.step, min(self.most_steps, self.step + int(left)))

    @property
    def is_done(self) -> bool:
        """True when no step is left."""
        return self.step >= self.planned_steps

    def done(self, seconds: float) -> None:
        """Count a step that took so long."""
        left = max(self.planned_steps - self.step, 1)
        self.progress += (1.0 - self.progress) / left
        kept = _KEPT_RATE if self.step else 0.0
        self.recent = kept * self.recent + (1 - kept) * seconds
        self.step += 1
        self.stepping += seconds
        self.spent += seconds
