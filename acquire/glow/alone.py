"""Whether there is glow in a curve at all: a curve that its background describes as well has no peaks to be told."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from acquire.glow.choosing import WORTH, Chosen, Task
from acquire.glow.errors import GlowError
from acquire.glow.model import Peaks
from acquire.glow.noise import smooth

Array = NDArray[np.float64]

ANY = ("linear", "exponential")  # what an unknown background may be; a constant is a line


def refuse_background_alone(task: Task, chosen: Chosen, backgrounds: tuple[str, ...]) -> None:
    """Raises GlowError where one of these backgrounds without any peak is as good, by Schwarz's criterion."""
    for name in backgrounds:
        if _alone(task, name).bic < chosen.bic + WORTH:
            raise GlowError(
                f"No glow is found above the noise: a {name} background describes the curve as well as peaks."
            )


def _alone(task: Task, name: str) -> Chosen:
    nothing = Peaks(*(np.empty(0) for _ in range(4)))
    return task.fit(name, (), nothing, _start(name, smooth(task.curve.signal)))


def _start(name: str, signal: Array) -> Array:
    low, cold, hot = (max(float(each), 0.0) for each in (signal.min(), signal[0], signal[-1]))
    return {
        "none": np.empty(0),
        "constant": np.array([low]),
        "linear": np.array([cold, hot]),
        "exponential": np.array([low, max(hot - low, 0.0), 40.0]),
        "blank": np.ones(1),
    }[name]
