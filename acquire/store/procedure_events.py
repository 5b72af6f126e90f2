"""What an audit entry means to subscribers: a session's state, a result, a step given up or left out.

Only ids, numbers and words of a fixed vocabulary go out. Who did it and why (free text, in which somebody may have
written a name) stay in the store. The events are those of docs/bus.md, "Session events".
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from acquire.canonical import parse

Found = tuple[str, str, dict[str, Any]]  # (session, event, detail)


def procedure_event(connection: sqlite3.Connection, row: sqlite3.Row) -> Found | None:
    """The event of an audit entry (at, what, subject, old, new), or None where subscribers are told nothing."""
    tell = _TOLD.get(row["what"])
    return tell(connection, row) if tell else None


def _started(connection: sqlite3.Connection, row: sqlite3.Row) -> Found:
    return _state(connection, row["subject"], "PLANNED", None)


def _moved(connection: sqlite3.Connection, row: sqlite3.Row) -> Found:
    return _state(connection, row["subject"], row["new"], row["old"])


def _state(connection: sqlite3.Connection, session: str, state: str, previous: str | None) -> Found:
    of = _session(connection, session)
    detail = {
        "state": state,
        "previous": previous,
        "order": of["order_id"],
        "plan_version": of["plan_version"],
        "fraction": of["fraction"],
        "simulated": bool(of["simulated"]),
    }
    return session, "state", detail


def _abandoned(connection: sqlite3.Connection, row: sqlite3.Row) -> Found:
    of = connection.execute(
        "SELECT a.session, a.step, m.beam_given FROM attempt a JOIN attempt_mark m USING (measurement)"
        " WHERE measurement = ? AND m.mark = 'abandoned'",
        (row["subject"],),
    ).fetchone()
    detail = {"mark": "abandoned", "step": of["step"], "measurement": row["subject"], "time": row["at"]}
    return of["session"], "step", {**detail, "beam_given": bool(of["beam_given"])}


def _left_out(_: sqlite3.Connection, row: sqlite3.Row) -> Found:
    return row["subject"], "step", {"mark": "not-measured", "step": row["new"], "time": row["at"]}


def _result(connection: sqlite3.Connection, row: sqlite3.Row) -> Found:
    """Subject "session point", new "vN decision hash"; a point has no blank in its id."""
    session, point = row["subject"].rsplit(" ", 1)
    version = int(row["new"].split(" ", 1)[0].removeprefix("v"))
    stored = connection.execute(
        "SELECT output, output_sha256 FROM result WHERE session = ? AND point = ? AND version = ?",
        (session, point, version),
    ).fetchone()
    output = parse(stored["output"])
    numbers = {key: output.get(key) for key in ("dose_gy", "u_gy", "expected_gy", "deviation_percent")}
    detail = {
        "point": point,
        "version": version,
        "decision": output["decision"],
        **{key: value for key, value in numbers.items() if value is not None},
        "output_sha256": stored["output_sha256"],
        "simulated": bool(_session(connection, session)["simulated"]),
        **({"transcribed": True} if output.get("transcribed") else {}),
    }
    return session, "result", detail


def _notice(connection: sqlite3.Connection, row: sqlite3.Row) -> Found | None:
    """New "n mark". How mail goes on is nobody's affair on the bus; that none arrives is."""
    n, mark = row["new"].split(" ", 1)
    if mark == "mailed":
        return None
    notice = connection.execute("SELECT * FROM notice WHERE n = ?", (int(n),)).fetchone()
    of = _session(connection, notice["session"])
    detail = {
        "notice": notice["n"],
        "mark": mark,
        "cause": notice["cause"],
        "point": notice["point"],
        "version": notice["version"] or None,
        "holds": bool(notice["holds"]),
        "order": of["order_id"],
        "fraction": of["fraction"],
        "simulated": bool(of["simulated"]),
    }
    return notice["session"], "notice", detail


def _session(connection: sqlite3.Connection, session: str) -> sqlite3.Row:
    row: sqlite3.Row = connection.execute("SELECT * FROM session WHERE id = ?", (session,)).fetchone()
    return row


_TOLD: Mapping[str, Callable[[sqlite3.Connection, sqlite3.Row], Found | None]] = {
    "session started": _started,
    "session state": _moved,
    "attempt abandoned": _abandoned,
    "not measured": _left_out,
    "result": _result,
    "notice": _notice,
}
