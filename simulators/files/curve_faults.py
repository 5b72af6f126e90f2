"""What goes wrong while a chip is read: a spike, a chip that lags the heater, light from outside, a range that ends,
a heater that stops early.

Applied to one readout of a simulated reader, on request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class CurveFaults:
    """Faults of one readout; 0 or none is none.

    spike: counts added to one channel, a third of the way; shift_k: the chip is colder than the heater by so many
    kelvin; light_leak: mean counts added to every channel; clip_at: the highest count a channel can hold; short_k: the
    heater stops so many kelvin below its programme.
    """

    spike: int = 0
    shift_k: float = 0.0
    light_leak: float = 0.0
    clip_at: int | None = None
    short_k: float = 0.0

    def on_counts(self, counts: list[int]) -> list[int]:
        """The counts with the spike in them, and cut off."""
        found = list(counts)
        if self.spike:
            found[len(found) // 3] += self.spike
        return found if self.clip_at is None else [min(each, self.clip_at) for each in found]


NO_FAULTS = CurveFaults()


def faults_of(request: Mapping[str, Any]) -> CurveFaults:
    """From a back-door request's `faults`: `{"spike": 400}`. Raises ValueError for one that there is not."""
    given = request.get("faults", {})
    names = [field.name for field in fields(CurveFaults)]
    if unknown := sorted(set(given) - set(names)):
        raise ValueError(f"There is no fault {unknown[0]!r} of a readout; the faults are {', '.join(names)}.")
    return CurveFaults(**given)
