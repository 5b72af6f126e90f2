"""A zero or a background that is done once more before a beam: appended, and the plan's rule says which counts."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from acquire.errors import Refused
from acquire.procedure.documents.plan import Step
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.background_after import too_short
from acquire.procedure.session.foreseen import charges_of
from acquire.procedure.session.input_state import Inputs, beams_of
from acquire.procedure.session.rests import may_measure
from acquire.procedure.session.session import Session
from acquire.store.database import one_moment

WITHOUT_RULE = "the plan states no background_rule, which of several counts is fixed beforehand"


def may_begin(connection: sqlite3.Connection, session: Session, step: Step) -> None:
    """Raises Refused for a beam, for what was not done yet, and where no beam that it is for is still to come.

    A background is measured again after a beam too that was longer than it. Without the plan's rule it is done again
    only where none holds for a beam to come: then there is nothing to choose from.
    """
    may_measure(session, step)
    if step.kind not in ("zero", "background"):
        raise Refused(f"Step {step.id} is of kind '{step.kind}'; only a zero or a background is done again.")
    own = attempts(connection, session.id)
    over = {a.step for a in own if a.begun}
    over |= {r["step"] for r in connection.execute("SELECT step FROM not_measured WHERE session = ?", (session.id,))}
    beams = _beams(session, step)
    to_come = [s for s in beams if s.id not in over]
    after = step.kind == "background" and any(each.background == step for each in too_short(connection, session))
    if step.kind == "background" and session.plan.background_rule is None:
        held = _held(connection, session, step, to_come)
        if any(held) or not (held or after):
            raise Refused(f"{step.id} is not measured again: {WITHOUT_RULE}. Begin a new session before the beam.")
    if running := next((a for a in own if a.begun and not a.ended and a.abandoned is None), None):
        raise Refused(f"{running.step} is running; end it first.")
    if not any(a.step == step.id and a.ended for a in own):
        raise Refused(f"{step.id} was not done yet: begin it when it is its turn.")
    if beams and not to_come and not after:
        raise Refused(f"{step.id} belongs before {beams[-1].id}, which was begun or left out: it is not done again.")


def _held(connection: sqlite3.Connection, session: Session, background: Step, to_come: Sequence[Step]) -> list[bool]:
    """Of each beam to come whose leakage is measured in a step, whether one that was made holds for it."""
    with one_moment(connection):
        inputs = Inputs(connection, session)
        beams = (beam for step in to_come for beam in beams_of(session.plan, step))
        mine = [beam for beam in beams if inputs.step_for("background", beam) == background]
        return [inputs.not_held("background", beam) is None for beam in mine]


def _beams(session: Session, step: Step) -> list[Step]:
    """The beams of what the step names, and of its instruments where it names no point, in the plan's order."""
    plan = session.plan
    points = [p for p in plan.point if p.id in step.measured or (not step.measured and p.instrument == step.instrument)]
    wanted = {s.id for p in points for s in charges_of(plan, p)}
    return [s for s in plan.step if s.id in wanted]
