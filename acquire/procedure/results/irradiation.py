"""The charge of one irradiation from the parts in which its beam came: shown, and held until people have assigned them.

One part in each measurement is the irradiation, and so are the parts of an interrupted beam whose rest two people have
declared. Several parts in one measurement give no number until two people say of each what it was; neither does a beam
that lasted longer or shorter than its MU, or a signal that leaves the parts open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from acquire.procedure.documents.plan import Plan, Step
from acquire.procedure.methods.beam_seen import Still, beam_seen, duration_differs, lasts_s
from acquire.procedure.methods.collected_charge import Charge, Invalid, collected
from acquire.procedure.records.measured import BeamRead, Charges, PartRead
from acquire.procedure.records.selection import AttemptTaken, Integrates, PartTaken
from acquire.procedure.results.loading import Bodies
from acquire.procedure.session.beam_statements import IRRADIATION
from acquire.sums import added

WAY_OUT = "two people say which of them are its irradiation (acquire session parts, then acquire session assign-parts)"


@dataclass(frozen=True, slots=True)
class Irradiation:
    """The charge of the parts that count, how long the longest of its measurements was in s, and what is shown."""

    charge: Charge
    longest_s: float
    seen: BeamRead | None


@dataclass(frozen=True, slots=True)
class Measured:
    """The readings of a point by name with their measurements, what was said of parts, how it adds up.

    across: they are those of another instrument's diode, of before and after the measurement too. is_part: the rest of
    the beam was measured in another session; before_share: the share of its time that was given there before.
    """

    bodies: Bodies
    named: Mapping[str, str]
    said: Sequence[PartTaken]
    integrates: Integrates
    without: Still
    across: bool = False
    is_part: bool = False
    before_share: float = 0.0


def irradiation(attempt: AttemptTaken, plan: Plan, measured: Measured) -> Irradiation:
    """Of one attempt with its rests. Raises Invalid where a person has to say first what the parts are."""
    step, without = plan.step_named(attempt.step), measured.without
    charges = [collected(measured.bodies[name], measured.integrates) for name in attempt.names]
    parts, doubts = parts_of(attempt, step, measured)
    expected_s = lasts_s(step.mu, step.dose_rate_mu_per_min or plan.dose_rate_mu_per_min)
    counted = [p for p in parts if p.what in (None, IRRADIATION)]
    here_s = None if expected_s is None or measured.is_part else expected_s * (1 - measured.before_share)
    differs = duration_differs([(p.begin_s, p.end_s, p.interval_s) for p in counted], here_s, whole_s=expected_s)
    if not (parts and all(p.what for p in parts)):
        _must_be_plain(step, parts, doubts, differs)
    if not counted:
        raise Invalid(f"No part of the signal of {step.id} is of its irradiation, as two people have said.")
    others = [p for p in parts if p not in counted]
    other_s = added(p.end_s - p.begin_s for p in others)
    charge = Charge(
        added(c.nc for c in charges) - added(p.nc for p in others) - without.nc_per_s * other_s,
        added(c.time_s for c in charges) - other_s,
    )
    if measured.across:
        lasted_s = added(p.end_s - p.begin_s for p in counted)
        charge = Charge(added(p.nc for p in counted) + without.nc_per_s * lasted_s, lasted_s)
    remark = f"{step.id}: {differs}; its parts were assigned by two people." if differs else None
    seen = BeamRead(parts=tuple(parts), expected_s=expected_s, remark=remark)
    longest_s = charge.time_s if measured.across else max(c.time_s for c in charges)
    return Irradiation(charge, longest_s, seen)


def share_of_beam(measured: object) -> float:
    """Which share of its beam's time the parts lasted that count of a charge that was read; 0 where it is not known."""
    beam = measured.charge.beam if isinstance(measured, Charges) else None
    if beam is None or not beam.expected_s:
        return 0.0
    counted = [p for p in beam.parts if p.what in (None, IRRADIATION)]
    return added(float(p.end_s) - float(p.begin_s) for p in counted) / float(beam.expected_s)


def parts_of(attempt: AttemptTaken, step: Step, measured: Measured) -> tuple[list[PartRead], list[str]]:
    """Every part of an attempt, numbered over its measurements, with what was said of it; and what is in doubt."""
    said = {(s.measurement, s.begin_s, s.end_s): s.what for s in measured.said}
    parts: list[PartRead] = []
    doubts: list[str] = []
    for name in attempt.names:
        from_reset = measured.integrates == "reset"
        seen = beam_seen(measured.bodies[name], measured.without, step.pauses_up_to_s, from_reset=from_reset)
        doubts += [seen.doubt] if seen.doubt else []
        of, before = measured.named[name], len(parts)
        parts += [
            PartRead(
                n=before + n, name=name, measurement=of, begin_s=p.begin_s, end_s=p.end_s, nc=p.nc,
                interval_s=seen.interval_s, what=said.get((of, p.begin_s, p.end_s)),
            )
            for n, p in enumerate(seen.parts, start=1)
        ]  # fmt: skip
    return parts, doubts


def _must_be_plain(step: Step, parts: Sequence[PartRead], doubts: Sequence[str], differs: str | None) -> None:
    """Raises Invalid where the signal alone does not say what the irradiation was."""
    if not parts:
        raise Invalid(f"No beam is seen in the signal of {step.id}: nothing stands out of the scatter of its readings.")
    if doubts:
        raise Invalid(f"The beam of {step.id} is in doubt: {'; '.join(doubts)}. {WAY_OUT[0].upper()}{WAY_OUT[1:]}.")
    names = [p.name for p in parts]
    if len(set(names)) < len(names) or any(p.what for p in parts):
        raise Invalid(f"The beam of {step.id} came in {len(parts)} parts ({'; '.join(_shown(parts))}): {WAY_OUT}.")
    if differs:
        raise Invalid(f"{step.id}: {differs} ({'; '.join(_shown(parts))}): {WAY_OUT}.")


def _shown(parts: Sequence[PartRead]) -> Iterator[str]:
    first = parts[0].begin_s
    for p in parts:
        at = f" after {p.begin_s - first:.1f} s" if p.name == parts[0].name and p.begin_s > first else ""
        yield f"part {p.n}: {p.nc:.4g} nC in {p.end_s - p.begin_s:.1f} s{at}"
