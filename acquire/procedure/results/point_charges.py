"""The charges of a diode or chamber point: each attempt by itself, and which of them counts by the plan's rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from msgspec.structs import replace

from acquire.dosimetry import AttemptValue, Counted, DosimetryError, counting, mean_of, net_charge, slope, slope_u
from acquire.errors import Refused
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.beam_seen import Still, still
from acquire.procedure.methods.collected_charge import Body, Charge, Invalid, collected, curve
from acquire.procedure.records.measured import AmbientConditions, AttemptRead, BackgroundRead, ChargeRead, Charges
from acquire.procedure.records.selection import AttemptTaken, Integrates, OfCharges
from acquire.procedure.results.entered_conditions import EnteredConditions
from acquire.procedure.results.irradiation import Irradiation, Measured, irradiation
from acquire.procedure.results.preparing import Preparing
from acquire.procedure.results.waiting_time import must_have_settled

ROLES = (("measurement", "charge"), ("polarity", "opposite"), ("recombination", "reduced"))


@dataclass(frozen=True, slots=True)
class _Measuring:
    """What the attempts of a point have in common; the leakages by their names."""

    preparing: Preparing
    integrates: Integrates
    leakages: Mapping[str, _Leakage]
    ambient: EnteredConditions | None
    of: OfCharges


@dataclass(frozen=True, slots=True)
class _Leakage:
    """One measured leakage: how long it lasted, in nC/s, and as it is without a beam, where beams are recognised."""

    background: Charge
    rate_nc_per_s: float
    without: Still | None


def charges(
    preparing: Preparing,
    of: OfCharges,
    integrates: Integrates | None,
    conditions_valid: timedelta,
    *,
    beams_seen: bool = False,
) -> Charges | None:
    """The charge that counts, and for a chamber those at the opposite polarity and lower voltage; None unmeasured.

    A chamber has `environment` too: the ambient conditions at the first reading that counts; readings in others are
    brought to them. Raises Invalid, Refused, DosimetryError: no background, one that was too short, no valid attempt.
    """
    point, bodies = preparing.point, preparing.bodies
    if "background" not in bodies:
        return None
    if integrates is None:
        raise Refused(f"It is not written down how {point.instrument} added up when {point.id} was measured.")
    background = collected(bodies["background"], integrates)
    times, charges_nc = curve(bodies["background"])
    rate, (u_rate, dof) = slope(times, charges_nc), slope_u(times, charges_nc)
    ambient = EnteredConditions(of.air or (), conditions_valid, point.protocol) if point.asks.ambient else None
    others = {a.background for a in of.attempts if a.background in bodies} - {"background"}
    leakages = {"background": _Leakage(background, rate, still(bodies["background"]) if beams_seen else None)}
    leakages |= {name: _leakage(bodies[name], integrates, beams_seen=beams_seen) for name in sorted(others)}
    measuring = _Measuring(preparing, integrates, leakages, ambient, of)
    found, environment = _by_role(measuring, of)
    if "charge" not in found:
        return None
    return Charges(
        **found,
        environment=environment,
        background=BackgroundRead(
            nc=background.nc, time_s=background.time_s, nc_per_s=rate, u_nc_per_s=u_rate, dof=dof
        ),
    )


def _leakage(bodies: Sequence[Body], integrates: Integrates, *, beams_seen: bool) -> _Leakage:
    times, charges_nc = curve(bodies)
    without = still(bodies) if beams_seen else None
    return _Leakage(collected(bodies, integrates), slope(times, charges_nc), without)


def _by_role(measuring: _Measuring, of: OfCharges) -> tuple[dict[str, ChargeRead], AmbientConditions | None]:
    found: dict[str, ChargeRead] = {}
    environment: AmbientConditions | None = None
    point, ambient = measuring.preparing.point, measuring.ambient
    for role, name in ROLES:
        made = [_attempt(measuring, a) for a in of.attempts if a.role == role]
        if not made:
            continue
        if ambient is not None:
            environment = to = environment or _environment(made, point)
            made = [ambient.brought(each, to) for each in made]
        found[name] = _counted(made, point)
    return found, environment


def _environment(made: Sequence[AttemptRead], point: Point) -> AmbientConditions:
    """The conditions at the first attempt that counts, with the step it belongs to."""
    first = next(a for a in made if a.step == _choice(made, point).used[0])
    if first.air is None:
        raise Invalid(f"The ambient conditions of {first.step} are not known.")
    return replace(first.air, step=first.step)


def _attempt(measuring: _Measuring, attempt: AttemptTaken) -> AttemptRead:
    """Net charge of one attempt, with the conditions it was read in, or the sentence for which it has none."""
    preparing, name = measuring.preparing, attempt.name
    if name not in preparing.bodies or attempt.problem:
        return AttemptRead(step=attempt.step, why=attempt.problem or "It was not measured.")
    try:
        must_have_settled(attempt, preparing)
        ambient = measuring.ambient
        air = None if ambient is None else ambient.at(preparing.marks[name][0], attempt.step)
        beam = _beam(measuring, attempt)
        return replace(_net(measuring, attempt, beam, air), beam=beam.seen)
    except (Invalid, Refused, DosimetryError) as reason:
        return AttemptRead(step=attempt.step, why=str(reason))


def _beam(measuring: _Measuring, attempt: AttemptTaken) -> Irradiation:
    preparing, bodies = measuring.preparing, measuring.preparing.bodies
    without = measuring.leakages[attempt.background].without
    if without is None:
        charge = collected(bodies[attempt.name], measuring.integrates)
        return Irradiation(charge, charge.time_s, None)
    plan, named, said = preparing.sources.plan, preparing.selection.measurements, measuring.of.parts_said or ()
    bound = (preparing.selection.bound or {}).get(preparing.point.id)
    across = bound is not None and bound.is_across
    measured = Measured(
        bodies, named, said, measuring.integrates, without, across, preparing.is_part, preparing.before_share
    )
    return irradiation(attempt, plan, measured)


def _net(measuring: _Measuring, attempt: AttemptTaken, beam: Irradiation, air: AmbientConditions | None) -> AttemptRead:
    """Charge after leakage; the background must have lasted at least as long as each measurement of the beam.

    One that was measured at another voltage may be named; what would be taken off is measured at the beam's own.
    """
    leakage, charge = measuring.leakages[attempt.background], beam.charge
    background = leakage.background
    if background.time_s < beam.longest_s:
        raise Invalid(
            f"The background lasted {background.time_s:.1f} s, the measurement {beam.longest_s:.1f} s: it must not be"
            " shorter."
        )
    taken = net_charge(charge.nc, leakage.rate_nc_per_s, charge.time_s)
    if taken.subtracted and attempt.named_only:
        raise Invalid(
            f"The leakage was measured at another voltage than {attempt.step}, and is {taken.leakage_percent:.2f} % of"
            " its reading: above 0.1 % it is measured at the beam's own voltage."
        )
    return AttemptRead(
        step=attempt.step,
        nc=taken.value_nc,
        gross_nc=taken.gross_nc,
        time_s=taken.duration_s,
        leakage_nc=taken.leakage_nc,
        leakage_percent=taken.leakage_percent,
        subtracted=taken.subtracted,
        air=air,
    )


def _choice(made: Sequence[AttemptRead], point: Point) -> Counted:
    """Which attempts count; the one there is, or what the rule makes of several. Raises Invalid where none is valid."""
    if all(each.why is not None for each in made):
        if len(made) == 1:
            raise Invalid(made[0].why)
        steps: dict[str, list[str]] = defaultdict(list)
        for each in made:
            steps[each.why or ""].append(each.step)
        said = " ".join(f"{', '.join(names)}: {why}" for why, names in steps.items())
        raise Invalid(f"No attempt of this measurement is valid, and none is estimated. {said}")
    attempts = [AttemptValue(a.step, a.nc, a.why) for a in made]
    return counting(attempts, point.attempt_rule or "mean-of-valid")


def _counted(made: Sequence[AttemptRead], point: Point) -> ChargeRead:
    """The one attempt, or what the rule makes of several; the others stay with their reasons."""
    counted = _choice(made, point)
    if len(made) == 1:
        return _as_charge(made[0])
    used = [_as_charge(a) for a in made if a.step in counted.used]
    mean = mean_of([a.nc for a in used])
    longest = max(used, key=lambda a: a.time_s or 0.0)
    return replace(
        longest,
        nc=mean.value,
        gross_nc=mean_of([a.gross_nc for a in used if a.gross_nc is not None]).value,
        air=None,
        brought=None,
        repeats=mean.n,
        sem_percent=mean.sem_percent,
        rule=counted.rule,
        used=counted.used,
        left_out=counted.left_out,
        attempts=tuple(made),
    )


def _as_charge(attempt: AttemptRead) -> ChargeRead:
    if attempt.nc is None:
        raise Invalid(attempt.why or f"{attempt.step} has no charge.")
    return ChargeRead(
        nc=attempt.nc,
        gross_nc=attempt.gross_nc,
        time_s=attempt.time_s,
        leakage_nc=attempt.leakage_nc,
        leakage_percent=attempt.leakage_percent,
        subtracted=attempt.subtracted,
        air=attempt.air,
        brought=attempt.brought,
        beam=attempt.beam,
    )
