"""What stops a measurement: a sentence of one of these kinds, and who can mend it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self, get_args

Cause = Literal[
    "order", "plan", "plan-newer", "expected-dose", "fraction", "tolerance", "calibration", "second-person",
    "detector-dose", "detector-count", "elements", "standards", "range", "mosfet-life", "inventory", "instrument-model",
    "instrument-serial", "instrument-offline", "zero", "time-out", "clock", "disk", "session", "hold",
]  # fmt: skip

WHO: Mapping[Cause, str] = {
    "order": "treating physician",
    "plan": "physicist",
    "plan-newer": "physicist",
    "expected-dose": "second person for the expected dose",
    "fraction": "physicist",
    "tolerance": "physicist",
    "calibration": "physicist",
    "second-person": "second person for coefficients",
    "detector-dose": "physicist",
    "detector-count": "physicist",
    "elements": "dosimetrist",
    "standards": "dosimetrist",
    "range": "dosimetrist",
    "mosfet-life": "dosimetrist",
    "inventory": "physicist",
    "instrument-model": "dosimetrist",
    "instrument-serial": "physicist",
    "instrument-offline": "dosimetrist",
    "zero": "dosimetrist",
    "time-out": "dosimetrist and therapist",
    "clock": "whoever looks after the computer",
    "disk": "whoever looks after the computer",
    "session": "dosimetrist",
    "hold": "physicist or physician",
}
CAUSES: tuple[Cause, ...] = get_args(Cause)


class Stop(str):
    """A sentence that says what stops a measurement; `cause` says of which kind it is."""

    __slots__ = ("cause",)
    cause: Cause

    def __new__(cls, cause: Cause, says: str) -> Self:
        made = super().__new__(cls, says)
        made.cause = cause
        return made


def of_kind(says: str, otherwise: Cause) -> Stop:
    """The sentence with its kind: its own, where it has one."""
    return says if isinstance(says, Stop) else Stop(otherwise, says)
