"""Readings of a detector whose charge is collected: every irradiation of the point, and the background before it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from msgspec import UNSET, UnsetType

from acquire.procedure.documents.plan import Step
from acquire.procedure.methods.collected_charge import collected_outside
from acquire.procedure.records.selection import AttemptTaken, Integrates, OfCharges, PreIrradiation, Refs
from acquire.procedure.results.choosing import Choosing
from acquire.procedure.results.loading import load
from acquire.procedure.results.neighbours import neighbours, readings_of
from acquire.procedure.session import ambient_conditions
from acquire.procedure.session.attempts import Attempt
from acquire.procedure.session.foreseen import background_before
from acquire.procedure.session.session import Session
from acquire.procedure.session.statements import newest, statements
from acquire.store import entries

ROLES = {"irradiate": "measurement", "polarity": "polarity", "recombination": "recombination"}
LOOKED_AT = 50  # entries beyond a marker, among them those of other channels
Done = Mapping[str | None, Attempt]


def select_charges(choosing: Choosing) -> OfCharges:
    """The attempts in the plan's order, each with its own problem; what was said of them; the diodes of other ports."""
    session, point, done = choosing.session, choosing.point, choosing.done()
    said = _pre_irradiation(choosing)
    air = ambient_conditions.entries(choosing.connection, session.id) if point.asks.ambient else ()
    steps = [s for s in session.plan.step if s.kind in ROLES and s.point == point.id]
    beams = [s for s in steps if s.kind == "irradiate"]
    if not beams:
        choosing.problems.append(f"{point.id} has no irradiation planned; one is needed for its dose.")
        return OfCharges(air=tuple(air), pre_irradiation=said)
    taken = _attempts(choosing, steps, done)
    if len(beams) == 1:
        choosing.problems += [a.problem for a in taken if a.problem]
    before = background_before(session.plan, point, beams[0].id)
    background = before.id if before is not None else None
    _take_background(choosing, background, done)
    measured = [done[s] for s in (background, *(s.id for s in steps)) if s in done]
    integrates = _in_force(choosing, measured)
    return OfCharges(
        air=tuple(air),
        attempts=tuple(taken),
        integrates=integrates,
        neighbours=_neighbours(choosing, taken),
        pre_irradiation=said,
    )


def _attempts(choosing: Choosing, steps: Sequence[Step], done: Done) -> list[AttemptTaken]:
    found: list[AttemptTaken] = []
    last: tuple[float | None, str] | None = None
    for step in steps:
        role = ROLES[step.kind]
        before = sum(a.role == role for a in found)
        name = f"{role} {before + 1}" if before else role
        changed_after = None
        if step.id not in done:
            problem: str | None = choosing.not_measured(step.id)
        else:
            problem = choosing.take(done[step.id], name)
            if problem is None and _integrates(choosing.session, done[step.id]) == "running":
                problem = _outside(choosing.connection, choosing.readings[name], choosing.channel)
            if last is not None and last[0] != step.voltage_v:
                changed_after = last[1]
            last = (step.voltage_v, name)
        found.append(AttemptTaken(step=step.id, role=role, name=name, problem=problem, changed_after=changed_after))
    return found


def _take_background(choosing: Choosing, step: str | None, done: Done) -> None:
    point = choosing.point
    if step is None or step not in done:
        choosing.problems.append(f"{point.id} has no background measured with {point.detector} before its beam.")
    elif problem := choosing.take(done[step], "background"):
        choosing.problems.append(problem)


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


def _neighbours(choosing: Choosing, taken: Sequence[AttemptTaken]) -> dict[str, dict[str, Refs]] | None:
    others = neighbours(choosing.session, choosing.point)
    if not others:
        return None
    marks = {a.name: choosing.marks[a.name] for a in taken if a.problem is None}
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
