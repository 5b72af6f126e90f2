"""What simulated readers share that read the positions of a disc or tray into one file: the back door's request."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simulators.files.curve_faults import CurveFaults, faults_of


class DiscReader(ABC):
    """A reader that gives a curve for each position."""

    emitted: int
    _rng: random.Random

    @abstractmethod
    def read_out(
        self, sample: str, dose_scales: Sequence[tuple[int, float]], faults: Mapping[int, CurveFaults] | None = None
    ) -> Path:
        """Read positions `(position, dose_scale)` into one complete file and give its path. Raises ValueError."""

    def read_out_request(self, request: Mapping[str, Any]) -> Path:
        """`read_out` from the back door: `{"sample": .., "dose_scales": {"1": 1.0, ..}}`, and for a position
        `"faults": {"1": {..}}` of curve_faults. Raises ValueError.
        """
        scales = [(int(where), float(scale)) for where, scale in request["dose_scales"].items()]
        faults = {int(where): faults_of({"faults": each}) for where, each in request.get("faults", {}).items()}
        return self.read_out(str(request["sample"]), scales, faults)

    def read_tray(self, chips: int) -> None:
        """So many chips that were irradiated alike, within 3 %."""
        self.read_out("tray", [(n, self._rng.gauss(1.0, 0.03)) for n in range(1, chips + 1)])

    def state(self) -> Mapping[str, Any]:
        """A JSON-ready picture for the back door."""
        return {"emitted": self.emitted}
