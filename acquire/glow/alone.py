"""Whether there is glow in a curve at all: a curve that its background describes as well has no peaks to be told."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from acquire.glow.background import C_K, background
from acquire.glow.choosing import WORTH, Chosen, Task
from acquire.glow.errors import GlowError
from acquire.glow.solvers import nnls

Array = NDArray[np.float64]

ANY = ("linear", "exponential")  # what an unknown background may be; a constant is a line
_RISES_K = np.geomspace(C_K[0], C_K[2], 12)  # of an exponential; between them it hardly differs from its neighbours


def refuse_background_alone(task: Task, chosen: Chosen, backgrounds: tuple[str, ...]) -> None:
    """Raises GlowError where one of these backgrounds without any peak is as good, by Schwarz's criterion."""
    n = task.curve.signal.size
    for name in backgrounds:
        lack = _lack(task, name)
        size = len(background(name, task.curve.temperature_k, task.curve.blank).labels)
        alone = (lack if task.known_noise else n * np.log(max(lack, 1e-300) / n)) + size * np.log(n)
        if alone < chosen.bic + WORTH:
            raise GlowError(
                f"No glow is found above the noise: a {name} background describes the curve as well as peaks."
            )


def _lack(task: Task, name: str) -> float:
    """The weighted sum of squares that this background leaves; heights from 0, as in every fit."""
    t, one = task.curve.temperature_k, np.ones((1, task.curve.signal.size))
    if name == "exponential":
        tried = [np.concatenate([one, np.exp((t - t.max()) / c)[None]]) for c in _RISES_K]
    else:
        tried = [background(name, t, task.curve.blank).columns]
    return min(_of(task, columns) for columns in tried)


def _of(task: Task, columns: Array) -> float:
    signal = task.curve.signal / task.u
    if len(columns) == 0:
        return float(signal @ signal)
    heights, _ = nnls((columns / task.u).T, signal)
    off = signal - heights @ (columns / task.u)
    return float(off @ off)
