"""The threshold voltages of a MOSFET before and after its irradiation, and how long from it they were read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from acquire.dosimetry import mean_of
from acquire.procedure.methods.collected_charge import BLOCKING, Invalid

IN_MV = {"V": 1e3, "mV": 1.0, "uV": 1e-3}  # UCUM


def thresholds(bodies: Mapping[str, list[dict[str, Any]]], marks: Mapping[str, list[str]]) -> dict[str, Any]:
    """`before` and `after` in mV, with the minutes between each reading and the irradiation on the host's clock.

    Where a threshold was read several times, its mean with the standard deviation of the mean (`u_mv`, `n`).
    Raises Invalid: a flag that forbids a number, no voltage between the markers.
    """
    if not {"before", "after", "measurement"} <= set(marks) or not {"before", "after"} <= set(bodies):
        return {}
    begin, end = (datetime.fromisoformat(t) for t in marks["measurement"])
    read = {name: datetime.fromisoformat(marks[name][1 if name == "before" else 0]) for name in ("before", "after")}
    values = {name: _read_mv(bodies[name], name) for name in ("before", "after")}
    several = {name: mean_of(each) for name, each in values.items() if len(each) > 1}
    scatter = {
        name: {"u_mv": abs(mean.value) * (mean.sem_percent or 0.0) / 100, "n": mean.n} for name, mean in several.items()
    }
    return {
        "threshold": {
            **({"scatter": scatter} if scatter else {}),
            **{f"{name}_mv": math.fsum(each) / len(each) for name, each in values.items()},
            "before_min": (begin - read["before"]).total_seconds() / 60,
            "after_min": (read["after"] - end).total_seconds() / 60,
        }
    }


def _read_mv(bodies: Sequence[dict[str, Any]], when: str) -> list[float]:
    readings = [b for b in bodies if b["quantity"] == "voltage"]
    flags = sorted({f for b in readings for f in b.get("flags") or () if f in BLOCKING})
    if flags:
        raise Invalid(f"The instrument flagged {', '.join(flags)} at the threshold reading {when}: no value.")
    valued = [b for b in readings if b.get("value") is not None]
    if not valued:
        raise Invalid(f"No voltage lies between the markers of the threshold reading {when} irradiation.")
    if unknown := sorted({b["unit"] for b in valued} - set(IN_MV)):
        raise Invalid(f"The unit '{unknown[0]}' is no voltage; allowed are {', '.join(IN_MV)}.")
    return [b["value"] * IN_MV[b["unit"]] for b in valued]
