"""Results: dose at each point, stored as versions with everything they were made from. Nothing is overwritten."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from acquire.canonical import canonical, digest, parse, utc_now
from acquire.errors import Refused
from acquire.procedure.methods import releases
from acquire.procedure.methods.doses import calculate
from acquire.procedure.records.output import Output, output_of
from acquire.procedure.records.record import Flat
from acquire.procedure.records.selection import Selection, selection_of
from acquire.procedure.results.arising import cause_of
from acquire.procedure.results.inputs import prepare
from acquire.procedure.results.selection import select
from acquire.procedure.session import notices
from acquire.procedure.session.session import SessionState, get_session, move, state_of
from acquire.store import audit
from acquire.store.database import transaction


@dataclass(frozen=True, slots=True)
class Result:
    """One version of the result at a point."""

    session: str
    point: str
    version: int
    at: str
    formula: str
    selection: Selection
    inputs: Flat
    inputs_sha256: str
    output: Output
    output_sha256: str


def calculate_session(connection: sqlite3.Connection, session_id: str, who: str) -> list[Result]:
    """Calculate every point of a closed session, INVALID ones included; the session becomes CALCULATED.

    Calculated again, a point gets a new version only where something in it changed. Raises Refused before closing.
    """
    session = get_session(connection, session_id)
    if session.state not in (SessionState.MEASURED, SessionState.CALCULATED):
        raise Refused(f"Session {session_id} is {session.state}; results are calculated after it is closed.")
    results = [calculate_point(connection, session_id, point.id, who) for point in session.plan.point]
    if session.state is SessionState.MEASURED:
        with transaction(connection):
            if state_of(connection, session_id) is SessionState.MEASURED:
                move(connection, session_id, SessionState.CALCULATED, who)
    return results


def calculate_point(connection: sqlite3.Connection, session_id: str, point: str, who: str) -> Result:
    """Calculate one point from what the store holds now, and keep it as a new version if it differs from the last.

    A notice that it gives rise to is made with it. Raises Refused where there is no such session.
    """
    with transaction(connection):
        session = get_session(connection, session_id)
        selection = select(connection, session, point)
        inputs = prepare(connection, selection)
        output = calculate(inputs)
        made = tuple(canonical(part.plain()) for part in (selection, inputs, output))
        last = connection.execute(
            "SELECT version, selection, inputs, output FROM result WHERE session = ? AND point = ?"
            " ORDER BY version DESC LIMIT 1",
            (session_id, point),
        ).fetchone()
        if last is None or (last["selection"], last["inputs"], last["output"]) != made:
            version = last["version"] + 1 if last else 1
            calculated = audit.row(
                "result", session=session_id, point=point, version=version, at=utc_now(), formula=releases.newest(),
                selection=made[0], inputs=made[1], inputs_sha256=digest(made[1]).hex(), output=made[2],
                output_sha256=digest(made[2]).hex(),
            )  # fmt: skip
            audit.keep(
                connection,
                who,
                "result",
                f"{session_id} {point}",
                rows=[calculated],
                old=f"v{last['version']}" if last else None,
                new=f"v{version} {output.decision} {digest(made[2]).hex()}",
            )
            before = output_of(parse(last["output"])).decision if last else None
            if cause := cause_of(connection, session, selection, output.decision, before):
                notices.make(connection, session_id, point, cause, version)
    return latest(connection, session_id, point)


def latest(connection: sqlite3.Connection, session_id: str, point: str) -> Result:
    """The newest version of a point's result. Raises Refused when there is none."""
    row = connection.execute(
        "SELECT * FROM result WHERE session = ? AND point = ? ORDER BY version DESC LIMIT 1", (session_id, point)
    ).fetchone()
    if row is None:
        raise Refused(f"Point {point} of session {session_id} has no result yet.")
    return _result(row)


def results(connection: sqlite3.Connection, session_id: str) -> list[Result]:
    """The newest result of each point that has one, in the plan's order."""
    found = []
    for point in get_session(connection, session_id).plan.point:
        rows = versions(connection, session_id, point.id)
        found.extend(rows[-1:])
    return found


def versions(connection: sqlite3.Connection, session_id: str, point: str) -> list[Result]:
    """Every version of a point's result, oldest first."""
    rows = connection.execute(
        "SELECT * FROM result WHERE session = ? AND point = ? ORDER BY version", (session_id, point)
    )
    return [_result(row) for row in rows]


def _result(row: sqlite3.Row) -> Result:
    return Result(
        session=row["session"],
        point=row["point"],
        version=row["version"],
        at=row["at"],
        formula=row["formula"],
        selection=selection_of(parse(row["selection"])),
        inputs=parse(row["inputs"]),
        inputs_sha256=row["inputs_sha256"],
        output=output_of(parse(row["output"])),
        output_sha256=row["output_sha256"],
    )
