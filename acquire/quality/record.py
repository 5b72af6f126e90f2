"""One record of a reader as it was read, in plain typed values: what every check is given.

Nothing here knows where a record comes from: a file, a wire, or a reader run that a session has put together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Form = Literal["glow", "preheat", "decay", "other"]

LARGEST = 1e15  # of any unit: no light is brighter, no number of a reader larger
PREHEAT = "PREHEAT"  # in a record's own kind: Daybreak "PREHEAT TL", XLUM "PREHEAT_TL"
STEPS = ("sequenceStepNumber", "SET", "RUN", "Operation")  # lexsyg and XLUM, Risø, Daybreak
DECAYS = ("OSL", "IRSL", "GSL", "VSL", "YSL", "NORM OSL")


class Column(NamedTuple):
    """A column of a curve: its unit (UCUM) and its values."""

    unit: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderRecord:
    """A record, in the order read. `kind`, `role`, `mode`, `columns` and `attributes` as of a reading.

    name: what a sentence calls it. element: id, with its place on a card. channel: the detector, or the place on the
    card, that its PMT noise and reference light belong to. value in `unit`, None where there is none. clock: the
    reader's, ISO 8601.
    """

    name: str
    kind: str = "scalar"
    role: str = "sample"
    mode: str | None = None
    element: str | None = None
    channel: str | None = None
    unit: str = "1"
    value: float | None = None
    clock: str | None = None
    columns: Mapping[str, Column] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def number(self) -> float | None:
        """The value where it is one that can be reckoned with."""
        value = self.value
        return value if value is not None and math.isfinite(value) and abs(value) <= LARGEST else None

    @property
    def form(self) -> Form:
        """What the curve is: a preheat is no glow curve, and a decay is judged by other checks."""
        mode = self.mode or ""
        if self.kind == "glow-curve":
            return "preheat" if PREHEAT in mode else "glow"
        return "decay" if self.kind == "curve" and mode in DECAYS else "other"

    @property
    def like(self) -> tuple[str | None, ...]:
        """What records share that may be held against each other: of one kind, on one detector, in one unit."""
        return self.form, self.mode, self.channel, self.unit, self.role

    @property
    def step(self) -> tuple[str | None, ...]:
        """Which step of a reader's sequence it is, where its file says so."""
        return tuple(self.attributes.get(name) for name in STEPS)
