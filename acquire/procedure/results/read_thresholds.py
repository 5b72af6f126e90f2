"""The threshold voltages of a MOSFET before and after its irradiation, and how long from it they were read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from acquire.dosimetry import mean_of
from acquire.procedure.methods.collected_charge import BLOCKING, Body, Invalid
from acquire.procedure.records.measured import Scatter, Threshold, Thresholds
from acquire.procedure.records.needs import DetectorNeeds
from acquire.procedure.records.selection import OfThresholds
from acquire.procedure.results.preparing import Preparing

IN_MV = {"V": 1e3, "mV": 1.0, "uV": 1e-3}  # UCUM


def read_thresholds(preparing: Preparing, of: OfThresholds) -> None:
    """In mV, with the minutes between each reading and the irradiation on the host's clock.

    Where a threshold was read several times, its mean with the standard deviation of the mean. Raises Invalid: a flag
    that forbids a number, no voltage between the markers.
    """
    bodies, marks = preparing.bodies, preparing.marks
    if not {"before", "after", "measurement"} <= set(marks) or not {"before", "after"} <= set(bodies):
        return
    begin, end = (datetime.fromisoformat(t) for t in marks["measurement"])
    read = {name: datetime.fromisoformat(marks[name][1 if name == "before" else 0]) for name in ("before", "after")}
    before, after = (_read_mv(bodies[name], name) for name in ("before", "after"))
    found = Threshold(
        before_mv=math.fsum(before) / len(before),
        after_mv=math.fsum(after) / len(after),
        before_min=(begin - read["before"]).total_seconds() / 60,
        after_min=(read["after"] - end).total_seconds() / 60,
        scatter=_scatter({"before": before, "after": after}) or None,
    )
    preparing.measured = Thresholds(threshold=found)
    preparing.remarks += _stood_at(preparing, found)


def _scatter(values: dict[str, list[float]]) -> dict[str, Scatter]:
    several = {name: mean_of(each) for name, each in values.items() if len(each) > 1}
    return {
        name: Scatter(u_mv=abs(mean.value) * (mean.sem_percent or 0.0) / 100, n=mean.n)
        for name, mean in several.items()
    }


def _stood_at(preparing: Preparing, found: Threshold) -> list[str]:
    """A remark where a MOSFET stood higher than the inventory knows: it was used since, and its life is shorter."""
    recorded = preparing.needs.threshold_mv if isinstance(preparing.needs, DetectorNeeds) else None
    if recorded is None or found.before_mv <= 1.01 * recorded:
        return []
    return [
        f"{preparing.point.detector} stood at {found.before_mv:g} mV before its irradiation, the inventory says"
        f" {recorded:g} mV: enter what it was used for."
    ]


def _read_mv(bodies: Sequence[Body], when: str) -> list[float]:
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
