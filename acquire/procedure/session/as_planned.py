"""Two points look exchanged: two people say in which order their beams came, or that all was as planned."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from acquire.errors import Refused
from acquire.procedure.session.beam_statements import BeamStatement, beam_statements, statement_row
from acquire.procedure.session.session import Session
from acquire.store import audit
from acquire.store.database import transaction


def state_as_planned(
    connection: sqlite3.Connection, session: Session, points: Sequence[str], who: str, confirmed_by: str, reason: str
) -> None:
    """Serials and ports were read again. Raises Refused for one person twice, no reason, or not two points."""
    if len(set(points)) != 2:
        raise Refused("Name the two points that look exchanged.")
    subject = " ".join(sorted(session.plan.point_named(each).id for each in points))
    row = statement_row(session.id, "as-planned", None, subject, who, confirmed_by, reason)
    with transaction(connection):
        new = f"{subject}, confirmed by {confirmed_by}"
        audit.keep(connection, who, "measured as planned", session.id, rows=[row], new=new, reason=reason)


def state_order(
    connection: sqlite3.Connection, session: Session, came: dict[str, str], who: str, confirmed_by: str, reason: str
) -> None:
    """The beams of steps came during others' markers, {step: the step in which its beam came}: their readings are its.

    Raises Refused for one person twice, no reason, or what is no exchange among irradiations of this session.
    """
    beams = {s.id for s in session.plan.step if s.kind == "irradiate"}
    if len(came) < 2 or set(came) != set(came.values()) or not set(came) <= beams:
        known = ", ".join(sorted(beams))
        raise Refused(f"Name every beam that came in another step's place, as b2=b7 b7=b2; the beams are {known}.")
    rows = [
        statement_row(session.id, "order", step, during, who, confirmed_by, reason) for step, during in came.items()
    ]
    with transaction(connection):
        new = ", ".join(f"{step} during {during}" for step, during in came.items())
        audit.keep(
            connection, who, "order of beams", session.id, rows=rows, new=f"{new}, confirmed by {confirmed_by}",
            reason=reason,
        )  # fmt: skip


def order_said(connection: sqlite3.Connection, session_id: str) -> dict[str, str]:
    """In which step the beam of a step really came, where two people have said so: the newest statement of each."""
    return {str(s.step): s.subject for s in beam_statements(connection, session_id, "order")}


def said_as_planned(connection: sqlite3.Connection, session_id: str) -> dict[frozenset[str], BeamStatement]:
    """The newest statement of each two points."""
    return {frozenset(s.subject.split()): s for s in beam_statements(connection, session_id, "as-planned")}
