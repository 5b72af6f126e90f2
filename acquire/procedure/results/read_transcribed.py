"""A charge that was entered from a form: the same formula from there on, and nothing that only readings could tell."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.records.measured import ChargeRead, Charges
from acquire.procedure.records.selection import OfTranscribed, TotalTaken
from acquire.procedure.results.entered_conditions import EnteredConditions
from acquire.procedure.results.preparing import Preparing


def read_transcribed(preparing: Preparing, of: OfTranscribed) -> None:
    """The charge as it was entered; what its electrometer kept must agree. Raises Invalid, Refused, DosimetryError."""
    point, taken = preparing.point, of.transcribed
    preparing.remarks += [taken.says, "Leakage and the beam in the signal were not measured."]
    if taken.total is not None:
        preparing.remarks.append(_agrees(point.instrument or "", taken.total))
    environment = None
    if point.asks.ambient:
        valid = timedelta(minutes=preparing.sources.plan.environment_valid_min or 0)
        entered = EnteredConditions(of.air or (), valid, point.protocol).at(taken.read_at, taken.step)
        environment = replace(entered, step=taken.step)
    preparing.measured = Charges(charge=ChargeRead(nc=taken.nc), environment=environment)


def _agrees(instrument: str, total: TotalTaken) -> str:
    said = (
        f"{instrument} kept {total.nc:.6g} nC, {total.difference_percent:+.2f} % from what was entered (limit"
        f" {total.limit_percent:g} %)"
    )
    if abs(total.difference_percent) > total.limit_percent:
        raise Invalid(
            f"{said}: the entry is corrected (acquire downtime enter --correct), or two people say that the total is"
            " not of this beam (acquire downtime set-aside)."
        )
    return f"{said}."
