"""Readings of a detector whose charge is collected: every irradiation of the point, and the background before it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from msgspec import UNSET, UnsetType

from acquire.procedure.documents.plan import Step
from acquire.procedure.methods.collected_charge import Body, collected_outside
from acquire.procedure.records.selection import AttemptTaken, Integrates, OfCharges, PreIrradiation, Ref, Refs
from acquire.procedure.results.choosing import Choosing, Done
from acquire.procedure.results.elsewhere import elsewhere
from acquire.procedure.results.held import cut_off_in
from acquire.procedure.results.leakage_taken import Leakage
from acquire.procedure.results.loading import load
from acquire.procedure.results.neighbours import neighbours, readings_of
from acquire.procedure.session import ambient_conditions
from acquire.procedure.session.as_planned import order_said
from acquire.procedure.session.attempts import Attempt
from acquire.procedure.session.beam_statements import beam_statements
from acquire.procedure.session.input_state import Inputs
from acquire.procedure.session.session import Session
from acquire.procedure.session.statements import newest, statements
from acquire.store import entries
from acquire.sums import added

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
    leakage = Leakage(choosing, beams[0], Inputs(choosing.connection, session))
    taken = _attempts(choosing, steps, done, order, leakage)
    if len(beams) == 1:
        choosing.problems += [a.problem for a in taken if a.problem]
    choosing.problems += leakage.problems
    before = leakage.taken
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


def _attempts(
    choosing: Choosing, steps: Sequence[Step], done: Done, order: Mapping[str, str], leakage: Leakage
) -> list[AttemptTaken]:
    found: list[AttemptTaken] = []
    last: tuple[float | None, str] | None = None
    for step in steps:
        role = ROLES[step.kind]
        before = added(a.role == role for a in found)
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
        held = leakage.of(step, made[0] if made else None, came_itself=came == step.id)
        problem = problem or held.problem
        taken = AttemptTaken(
            step=step.id, role=role, name=name, problem=problem, changed_after=changed_after, rests=rests or None,
            background=held.name, named_only=held.named_only,
        )  # fmt: skip
        found.append(taken)
    return found


def _take_all(choosing: Choosing, made: Sequence[Attempt], names: Sequence[str], shared: str | None) -> str | None:
    """The measurement of an attempt and those of the rest of its beam; returns what is wrong, if anything is."""
    if choosing.across is not None:
        return choosing.take_across(made[0], names[0])
    for each, name in zip(made, names, strict=True):
        problem = choosing.take(each, name, shared)
        if problem is None and _integrates(choosing.session, each) == "running":
            problem = _outside(choosing.connection, choosing.readings[name], choosing.channel)
        elif problem is None and (cut := cut_off_in(choosing.connection, choosing.session, each)) is not None:
            problem = f"{each.step}: {cut}"
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
    before = _beyond(connection, inside[0], channel, before=True)
    after = _beyond(connection, inside[-1], channel, before=False)
    return collected_outside([load(connection, ref) for ref in inside], before, after)


def _beyond(connection: sqlite3.Connection, ref: Ref, channel: str | None, *, before: bool) -> Body | None:
    """The reading behind the marker that stands next to a reading of its measurement."""
    most = LOOKED_AT if channel else 2
    beside = entries.beside(connection, ref.stream, ref.seq, before=before, most=most)
    bodies = [entries.decoded(ref.stream, entry) for entry in beside]
    mine = [b for b in bodies if channel is None or b.get("channel") in (None, channel)][:2]
    return mine[1] if [b["kind"] for b in mine] == ["marker", "scalar"] else None
