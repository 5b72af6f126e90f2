"""What people state that no instrument can: an element left out, imaging, dose given before, when a reader read.

No outlier goes without a named reason and a second person; the reading stays, and so does every earlier result. The
newest statement of a kind counts where they contradict each other, but imaging that was given stays given.
"""

from __future__ import annotations

import sqlite3
from dataclasses import asdict, dataclass

from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.procedure.documents.asked import kinds_that
from acquire.procedure.documents.moment import has_happened
from acquire.procedure.documents.people import two_people
from acquire.procedure.readouts.placed import placements
from acquire.procedure.session.console import console_time
from acquire.procedure.session.presence import beams_unsaid
from acquire.procedure.session.session import Session
from acquire.store import audit
from acquire.store.database import transaction


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. `dosimeter` is an element, detector or reader; None where it is said of all at the point."""

    what: str
    point: str | None
    dosimeter: str | None
    reason: str
    who: str
    confirmed_by: str | None = None
    value: float | None = None
    moment: str | None = None


def exclude(
    connection: sqlite3.Connection, session: Session, dosimeter: str, who: str, confirmed_by: str, reason: str
) -> None:
    """Leave one placed element out of its point's dose. Raises Refused for one person twice, or no reason."""
    two_people("An element is left out", who, confirmed_by, reason)
    placed = [p for p in placements(connection, session.id) if p.dosimeter == dosimeter]
    if not placed:
        raise Refused(f"{dosimeter} has no placement in session {session.id}.")
    if any(s.what == "excluded" and s.dosimeter == dosimeter for s in statements(connection, session.id)):
        raise Refused(f"{dosimeter} is left out already.")
    _append(connection, session, Statement("excluded", placed[0].point, dosimeter, reason, who, confirmed_by))


def imaging_given(connection: sqlite3.Connection, session: Session, point: str, who: str, reason: str) -> None:
    """Imaging (or another beam) was given while the elements of a point lay there: they hold no therapy dose then.

    Raises Refused for a point without elements, or where it is not said what was given.
    """
    _has_elements(session, point)
    if not reason.strip():
        raise Refused("Say what was given: for example 'cone-beam CT before the field'.")
    _append(connection, session, Statement("imaging", point, None, reason, who))


def no_imaging(connection: sqlite3.Connection, session: Session, point: str, who: str) -> None:
    """No imaging was given while the elements of a point lay there. Raises Refused for a point without elements."""
    _has_elements(session, point)
    _append(connection, session, Statement("no-imaging", point, None, "none given", who))


def imaging_of(said: list[Statement], point: str) -> str:
    """ "given", "none given" or "not stated" of the time in which the elements of a point lay there."""
    kinds = {s.what for s in said if s.point == point}
    return "given" if "imaging" in kinds else "none given" if "no-imaging" in kinds else "not stated"


def pre_irradiated(
    connection: sqlite3.Connection, session: Session, detector: str, who: str, gy: float, reason: str
) -> None:
    """A chamber received a dose in Gy before its readings. Raises Refused for no chamber, no dose, or no beam named."""
    kinds = kinds_that(lambda asks: asks.pre_irradiated)
    if (kind := session.inventory.detector_named(detector).kind) not in kinds:
        raise Refused(f"{detector} is a {kind}; only a {' or '.join(kinds)} is pre-irradiated.")
    if not 0 < gy < 1000 or not reason.strip():
        raise Refused("Say how much the chamber received in Gy (above 0, below 1000), and in which beam.")
    _append(connection, session, Statement("pre-irradiated", None, detector, reason, who, value=gy))


def read_at(
    connection: sqlite3.Connection, session: Session, reader: str, moment: str, who: str, confirmed_by: str, reason: str
) -> None:
    """When a reader really read this session's elements, where its own clock is missing or wrong (ISO 8601, offset).

    Raises Refused for one person twice, no reason, no reader, a moment without offset, or one in the future.
    """
    two_people("The time of a readout is stated", who, confirmed_by, reason)
    if not session.inventory.is_reader(session.inventory.instrument_named(reader).id):
        raise Refused(f"{reader} is no reader of elements.")
    has_happened(moment)
    _append(connection, session, Statement("read-at", None, reader, reason, who, confirmed_by, moment=moment))


def open_questions(connection: sqlite3.Connection, session: Session) -> list[str]:
    """What the plan needs to be told and nobody has said yet, one sentence each with the command that says it."""
    said = statements(connection, session.id)
    unsaid = [p.id for p in session.plan.point if p.by_element and imaging_of(said, p.id) == "not stated"]
    chambers = {p.detector for p in session.plan.point if p.pre_irradiation_gy is not None}
    asked = []
    if lying := beams_unsaid(connection, session):
        asked.append(
            f"No instrument measures the beam of {', '.join(lying)}. When it is off, and before the elements come off,"
            " say that it was given (acquire session beam-given)."
        )
    if unsaid:
        asked.append(
            f"Was imaging given while the elements lay at {', '.join(unsaid)}? Say so for each (acquire session"
            " imaging)."
        )
    asked += [
        f"What did {each} receive before its readings? Say so (acquire session pre-irradiated)."
        for each in sorted(c for c in chambers if c is not None and newest(said, "pre-irradiated", c) is None)
    ]
    if session.plan.source is not None and console_time(connection, session.id) is None:
        asked.append("What dwell time did the console show? Say so (acquire session console-time).")
    return asked


def statements(connection: sqlite3.Connection, session_id: str) -> list[Statement]:
    """All statements of a session, oldest first."""
    rows = connection.execute(
        "SELECT what, point, dosimeter, reason, who, confirmed_by, value, moment FROM statement WHERE session = ?"
        " ORDER BY n",
        (session_id,),
    )
    return [Statement(**dict(row)) for row in rows]


def newest(said: list[Statement], what: str, dosimeter: str | None) -> Statement | None:
    """The last statement of a kind about an element, detector or reader."""
    return next((s for s in reversed(said) if (s.what, s.dosimeter) == (what, dosimeter)), None)


def _has_elements(session: Session, point: str) -> None:
    if not session.plan.point_named(point).elements:
        raise Refused(f"Point {point} has no elements that imaging could have reached.")


def _append(connection: sqlite3.Connection, session: Session, said: Statement) -> None:
    stated = audit.row("statement", session=session.id, at=utc_now(), **asdict(said))
    amount = f" {said.value:g} Gy" if said.value is not None else f" {said.moment}" if said.moment else ""
    new = f"{said.dosimeter or said.point} {said.what}{amount}, confirmed by {said.confirmed_by or 'nobody'}"
    with transaction(connection):
        audit.keep(connection, said.who, "statement", session.id, rows=[stated], new=new, reason=said.reason)
