"""What of a point's beam was given in another session: where it began, and where its rest was measured."""

from __future__ import annotations

from typing import NamedTuple

from acquire.procedure.documents.point import Point
from acquire.procedure.readouts.placed import placements
from acquire.procedure.readouts.stated_presence import stated_of
from acquire.procedure.results.choosing import Choosing
from acquire.procedure.session.beam_statements import measured_elsewhere, rests
from acquire.procedure.session.course import same_place
from acquire.procedure.session.exposure import beam_steps
from acquire.procedure.session.session import Session, get_session


class Began(NamedTuple):
    """The session in which a beam began, and the point there that is the same place."""

    session: Session
    point: str


def began_in(choosing: Choosing) -> Began | None:
    """Where a point's beam began, if its rest alone was measured here.

    A problem where no point there is the same place, or another dose is expected there.
    """
    connection, session, point = choosing.connection, choosing.session, choosing.point
    own = {*choosing.measurements.values()}
    of = next((s for m, s in rests(connection, session.id).items() if m in own and s.of_session is not None), None)
    if of is None or of.of_session is None or of.of_step is None:
        return None
    first = get_session(connection, of.of_session)
    there = [first.plan.point_named(name) for name in first.plan.step_named(of.of_step).measured]
    same = [p for p in there if p.id == point.id] or [p for p in there if same_place(p, point)]
    where = f"session {first.id} ({first.order_id})"
    if not same:
        choosing.problems.append(f"{where} measured the beam of {of.of_step} at no point that is {point.id}.")
        return None
    choosing.remarks.append(
        f"{of.step} is the rest of {of.of_step} of {where}, which was interrupted: {of.reason.strip().rstrip('.')}"
        f" ({of.who}, confirmed by {of.confirmed_by}); the doses of both are summed."
    )
    if _expects(same[0]) != _expects(point):
        choosing.problems.append(
            f"{where} expects another dose at {same[0].id} than {point.id} has here: both are to be of the whole beam."
        )
    return Began(first, same[0].id)


def goes_on_elsewhere(choosing: Choosing) -> list[str]:
    """Why a point has no dose of its own: the rest of its beam was measured in another session."""
    point = choosing.point
    if point.by_element:
        return _elements(choosing)
    found = _rests(choosing, [s.id for s in choosing.session.plan.step if point.id in s.measured])
    return [
        f"The rest of this beam was measured in session {session} (step {step}): the dose of the whole stands there."
        for session, step in found
    ]


def _elements(choosing: Choosing) -> list[str]:
    """Elements that lay there for the first part, and of which nobody says that they did for the rest."""
    connection, session, point = choosing.connection, choosing.session, choosing.point
    steps = [s.id for s in beam_steps(session.plan, point)]
    found = _rests(choosing, steps)
    lay = [p for p in placements(connection, session.id) if p.point == point.id] if found else []
    unsaid = [p.dosimeter for p in lay if not stated_of(connection, session.id, p.id, "was-there")]
    return [
        f"The rest of {steps[0]} was given in session {other}, and nothing says that {', '.join(unsaid)} lay there"
        " then; if so, two people say it (acquire session was-there)."
        for other in dict.fromkeys(name for name, _ in found)
        if unsaid
    ]


def _rests(choosing: Choosing, steps: list[str]) -> list[tuple[str, str]]:
    found = (rest for step in steps for rest in measured_elsewhere(choosing.connection, choosing.session.id, step))
    return list(dict.fromkeys(found))


def _expects(point: Point) -> float | None:
    return None if point.expected is None else point.expected.dose_gy
