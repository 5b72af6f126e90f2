"""A zero or a background that is done once more before its beam: appended, and the plan's rule says which counts."""

from __future__ import annotations

import sqlite3

from acquire.errors import Refused
from acquire.procedure.documents.plan import Step
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.foreseen import charges_of
from acquire.procedure.session.rests import may_measure
from acquire.procedure.session.session import Session

WITHOUT_RULE = "the plan states no background_rule, which of several counts is fixed beforehand"


def may_begin(connection: sqlite3.Connection, session: Session, step: Step) -> None:
    """Raises Refused for a beam, for what was not done yet, and once a beam that it is for was begun or left out."""
    may_measure(session, step)
    if step.kind not in ("zero", "background"):
        raise Refused(f"Step {step.id} is of kind '{step.kind}'; only a zero or a background is done again.")
    if step.kind == "background" and session.plan.background_rule is None:
        raise Refused(f"{step.id} is not measured again: {WITHOUT_RULE}. Begin a new session before the beam.")
    own = attempts(connection, session.id)
    if running := next((a for a in own if a.begun and not a.ended and a.abandoned is None), None):
        raise Refused(f"{running.step} is running; end it first.")
    if not any(a.step == step.id and a.ended for a in own):
        raise Refused(f"{step.id} was not done yet: begin it when it is its turn.")
    over = {a.step for a in own if a.begun}
    over |= {r["step"] for r in connection.execute("SELECT step FROM not_measured WHERE session = ?", (session.id,))}
    if late := next((s for s in session.plan.step if s.id in over and s.id in _beams(session, step)), None):
        raise Refused(f"{step.id} belongs before {late.id}, which was begun or left out: it is not done again.")


def _beams(session: Session, step: Step) -> set[str]:
    """The beams of what the step names, and of its instruments where it names no point."""
    plan = session.plan
    points = [p for p in plan.point if p.id in step.measured or (not step.measured and p.instrument == step.instrument)]
    return {s.id for p in points for s in charges_of(plan, p)}
