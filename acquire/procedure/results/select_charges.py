"""Readings of a detector whose charge is collected: every irradiation of the point, and the background before it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from msgspec import UNSET, UnsetType

from acquire.procedure.documents.plan import Step
from acquire.procedure.methods.collected_charge import collected_outside
from acquire.procedure.records.selection import AttemptTaken, Integrates, OfCharges, PreIrradiation, Refs
from acquire.procedure.results.choosing import Choosing, Done
from acquire.procedure.results.elsewhere import elsewhere
from acquire.procedure.results.loading import load
from acquire.procedure.results.neighbours import neighbours, readings_of
from acquire.procedure.session import ambient_conditions
from acquire.procedure.session.as_planned import order_said
from acquire.procedure.session.attempts import Attempt
from acquire.procedure.session.background_seen import BackgroundSeen, measured_backgrounds, seen
from acquire.procedure.session.beam_statements import beam_statements
from acquire.procedure.session.foreseen import background_before
from acquire.procedure.session.session import Session
from acquire.procedure.session.statements import newest, statements
from acquire.store import entries

ROLES = {"irradiate": "measurement", "polarity": "polarity", "recombination": "recombination"}
LOOKED_AT = 50  # entries beyond a marker, among them those of other channels


def select_charges(choosing: Choosing) -> OfCharges:
    """The attempts in the plan's order, each with its own problem; what was said of them; the diodes of other ports."""
    session, point, done = choosing.session, choosing.point, choosing.done()
    said = _pre_irradiation(choosing)
    air = ambient_conditions.entries(choosing.connection, session.id) if point.asks.ambient else ()
    steps = [s for s in session.plan.step if s.kind in ROLES and point.id in s.measured]
    beams = [s for s in steps if s.kind == "irradiate"]
    if not beams:
        choosing.problems.append(f"{point.id} has no irradiation planned; one is needed for its dose.")
        return OfCharges(air=tuple(air), pre_irradiation=said)
    order = order_said(choosing.connection, session.id)
    taken = _attempts(choosing, steps, done, order)
    if len(beams) == 1:
        choosing.problems += [a.problem for a in taken if a.problem]
    background = _background(choosing, beams[0])
    before = _take_background(choosing, background)
    measured = [each for s in steps for each in done.get((order.get(s.id, s.id), choosing.instrument_of(s)), ())]
    integrates = _in_force(choosing, before if choosing.across else [*before, *measured])
    _note_order(choosing, steps)
    marks = {a.name: choosing.marks[a.name] for a in taken if a.problem is None}
    return OfCharges(
        air=tuple(air),
        attempts=tuple(taken),
        integrates=integrates,
        neighbours=_neighbours(choosing, marks),
        elsewhere=elsewhere(choosing.connection, session, point, marks) or None,
        parts_said=choosing.note_of_beams(measured),
        pre_irradiation=said,
    )


def _background(choosing: Choosing, beam: Step) -> Step | None:
    """The step in which it is measured: of a diode of another instrument, that of the port which it was planned for."""
    plan, inventory, bound = choosing.as_planned, choosing.session.inventory, choosing.across
    if bound is None:
        return background_before(choosing.session.plan, choosing.point, beam.id, inventory)
    own = next(p for p in plan.point if (p.detector, p.instrument) == (bound.detector, bound.instrument))
    first = next(s for s in plan.step if s.kind == "irradiate" and own.id in s.measured)
    return background_before(plan, own, first.id, inventory)


def _attempts(choosing: Choosing, steps: Sequence[Step], done: Done, order: Mapping[str, str]) -> list[AttemptTaken]:
    found: list[AttemptTaken] = []
    last: tuple[float | None, str] | None = None
    for step in steps:
        role = ROLES[step.kind]
        before = sum(a.role == role for a in found)
        name = f"{role} {before + 1}" if before else role
        changed_after, came = None, order.get(step.id, step.id)
        rests: tuple[str, ...] = ()
        made = done.get((came, choosing.instrument_of(step)), ())
        if not made:
            problem: str | None = choosing.not_measured(step.id)
        else:
            names = (name, *(f"{name}, rest {n}" for n in range(1, len(made))))
            problem, rests = _take_all(choosing, made, names, choosing.shared_channel(step, came)), names[1:]
            if last is not None and last[0] != step.voltage_v:
                changed_after = last[1]
            last = (step.voltage_v, name)
        found.append(
            AttemptTaken(
                step=step.id, role=role, name=name, problem=problem, changed_after=changed_after, rests=rests or None
            )
        )
    return found


def _take_all(choosing: Choosing, made: Sequence[Attempt], names: Sequence[str], shared: str | None) -> str | None:
    """The measurement of an attempt and those of the rest of its beam; returns what is wrong, if anything is."""
    if choosing.across is not None:
        return choosing.take_across(made[0], names[0])
    for each, name in zip(made, names, strict=True):
        problem = choosing.take(each, name, shared)
        if problem is None and _integrates(choosing.session, each) == "running":
            problem = _outside(choosing.connection, choosing.readings[name], choosing.channel)
        if problem is not None:
            return problem
    return None


def _note_order(choosing: Choosing, steps: Sequence[Step]) -> None:
    own = {each.id for each in steps}
    said = [s for s in beam_statements(choosing.connection, choosing.session.id, "order") if s.step in own]
    for each in said[-1:]:
        choosing.remarks.append(
            f"The beam of {each.step} came during {each.subject}: {each.reason.strip().rstrip('.')}"
            f" ({each.who}, confirmed by {each.confirmed_by})."
        )


def _take_background(choosing: Choosing, step: Step | None) -> list[Attempt]:
    """The attempt at a background that counts: the one there is, or which of several the plan's rule names."""
    point, connection, session = choosing.point, choosing.connection, choosing.session
    made = measured_backgrounds(connection, session, step.id, point.instrument) if step is not None else []
    if step is None or not made:
        choosing.problems.append(f"{point.id} has no background measured with {point.detector} before its beam.")
        return []
    counts = made[-1] if len(made) == 1 else made[_counting(choosing, step, made)]
    shared = None if choosing.across else choosing.shared_channel(step)
    if problem := choosing.take(counts, "background", shared):
        choosing.problems.append(problem)
    return [counts]


def _counting(choosing: Choosing, step: Step, made: Sequence[Attempt]) -> int:
    """Which of several backgrounds counts; that and the others are told. The last one where none is of use."""
    rule = choosing.session.plan.background_rule or "last-valid"
    found = [seen(choosing.connection, choosing.session, choosing.point, each) for each in made]
    valid = [n for n, each in enumerate(found) if each is not None and each.why is None]
    counts = (valid or [len(made) - 1])[0 if rule == "first-valid" else -1]
    told = "; ".join(f"{n}: {_told(each)}" for n, each in enumerate(found, start=1))
    choosing.remarks.append(
        f"{step.id} was measured {len(made)} times ({told}); by the rule {rule}, which the plan fixed beforehand,"
        f" number {counts + 1} counts."
    )
    return counts


def _told(background: BackgroundSeen | None) -> str:
    if background is None:
        return "not confirmed yet"
    return (
        background.why.rstrip(".")
        if background.why
        else (f"{background.lasted_s:.1f} s, {1e3 * background.nc_per_s:.3g} pC/s")
    )


def _integrates(session: Session, attempt: Attempt) -> Integrates | None:
    """How the instrument added up at the attempt: as was written down then, or else as its inventory has it typed."""
    if attempt.in_force is not None:
        return attempt.in_force.integrates
    return session.inventory.instrument_named(attempt.instrument).integrates


def _in_force(choosing: Choosing, measured: Sequence[Attempt]) -> Integrates | UnsetType | None:
    """How the charges add up, where it was written down at their begin: an inventory need not say it."""
    found = dict.fromkeys(_integrates(choosing.session, each) for each in measured)
    if len(found) > 1:
        said = " and then ".join(str(each) for each in found)
        choosing.problems.append(f"{measured[0].instrument} integrated {said}: its charges cannot be compared.")
    return next(iter(found)) if any(each.in_force is not None for each in measured) else UNSET


def _neighbours(choosing: Choosing, marks: Mapping[str, Refs]) -> dict[str, dict[str, Refs]] | None:
    others = neighbours(choosing.session, choosing.point)
    if not others or choosing.across is not None:
        return None
    return readings_of(choosing.connection, others, marks)


def _pre_irradiation(choosing: Choosing) -> PreIrradiation | UnsetType | None:
    """What was stated of a chamber, where the plan asks for it."""
    if choosing.point.pre_irradiation_gy is None:
        return UNSET
    said = statements(choosing.connection, choosing.session.id)
    stated = newest(said, "pre-irradiated", choosing.point.detector)
    return PreIrradiation(gy=stated.value, reason=stated.reason) if stated else None


def _outside(connection: sqlite3.Connection, inside: Refs, channel: str | None) -> str | None:
    """What is wrong where the charge rose between a marker and the reading next to it outside, on the same channel."""
    if not inside:
        return None
    around = []
    for before, ref in ((True, inside[0]), (False, inside[-1])):
        most = LOOKED_AT if channel else 2
        beside = entries.beside(connection, ref.stream, ref.seq, before=before, most=most)
        bodies = [entries.decoded(ref.stream, entry) for entry in beside]
        mine = [b for b in bodies if channel is None or b.get("channel") in (None, channel)][:2]
        if [b["kind"] for b in mine] == ["marker", "scalar"]:  # the marker itself, then the reading beyond it
            around.append(mine[1])
    return collected_outside([load(connection, ref) for ref in inside], around)
