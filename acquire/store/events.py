"""Session events to publish: what the streams confirm, and what the procedure has written into the audit trail.

Attached readings and steps are derived as attribution is (acquire.store.attribution.Walk), only incrementally: the walk
of each stream is remembered between commits. States, results and steps given up are written by other processes (the
command line) into the same store, each with an audit entry in the same transaction; the trail's numbers have no gaps,
so following it leaves nothing out. How far all this has been told is kept in the table `told`. What goes out is said in
docs/bus.md, "Session events".
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from acquire.bus.messages import NOT_ATTACHED
from acquire.canonical import parse, utc_now
from acquire.store import entries, streams
from acquire.store.attribution import Walk, walk_stream
from acquire.store.database import transaction
from acquire.store.ingest import Moved
from acquire.store.procedure_events import procedure_event

Event = tuple[str, dict[str, Any]]  # (session, message)

MOST_ENTRIES = 500  # of one stream in one turn: the store's thread is never held for long
MOST_AUDIT = 200
AUDIT = "audit"


@dataclass(slots=True)
class _Position:
    through: int = 0
    walk: Walk = field(default_factory=Walk)
    sessions: dict[str, tuple[str, str]] = field(default_factory=dict)  # measurement: (session, step)


class SessionEvents:
    """What has not been told yet. Every method runs on the store's thread; one that raised is begun anew."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._positions: dict[str, _Position] = {}
        # What is not written down yet, and the audit trail.
        self._published: dict[str, int] = {AUDIT: _published_through(connection, AUDIT)}
        self._behind: dict[str, None] = dict.fromkeys(streams.untold(connection))

    @property
    def behind(self) -> bool:
        """Whether a stream is to be walked."""
        return bool(self._behind)

    def moved(self, moved: Mapping[str, Moved]) -> None:
        """The watermarks of these streams have moved. Outside a measurement only a marker tells anything: hundreds of
        instruments that run on by themselves are followed without asking the store."""
        for stream, each in moved.items():
            at = self._positions.get(stream)
            if (
                at is not None
                and each.no_marker
                and at.through == each.before
                and not at.walk.open
                and stream not in self._behind
            ):
                at.through = self._published[stream] = each.after
            else:
                self._behind[stream] = None

    def again(self, originals: Mapping[str, int]) -> None:
        """The walk of these streams is begun anew, and what it says from these seqs on is told again."""
        for stream, seq in originals.items():
            self._positions.pop(stream, None)
            self._published[stream] = min(seq - 1, self._published.get(stream, seq))
            self._behind[stream] = None

    def fetch(self, connection: sqlite3.Connection) -> list[Event]:
        """The next events, to be published before `fetch` or `write_down` is called again. Empty: all is told."""
        events: list[Event] = []
        for stream in list(self._behind):
            events += self._of_stream(connection, stream)
        events += self._of_procedure(connection)
        return events

    def write_down(self, connection: sqlite3.Connection) -> None:
        """Keep how far was told, once everything that was fetched has been published."""
        with transaction(connection):
            connection.executemany(
                "INSERT INTO told VALUES (?, ?)"
                " ON CONFLICT (subject) DO UPDATE SET through = max(told.through, excluded.through)",
                self._published.items(),
            )
        self._published = {AUDIT: self._published[AUDIT]}

    def _of_stream(self, connection: sqlite3.Connection, stream: str) -> Iterator[Event]:
        row = streams.named(connection, stream)
        if row is None:
            return
        position = self._positions.pop(stream, None) or self._walked_again(connection, stream)
        last = min(row.through, position.through + MOST_ENTRIES)
        yield from _walk(connection, stream, position, last)
        self._published[stream] = last
        if last == row.through:
            del self._behind[stream]
        if last != row.final:  # of a stream that was told to its end nothing is remembered
            self._positions[stream] = position

    def _walked_again(self, connection: sqlite3.Connection, stream: str) -> _Position:
        """After a start: up to where was told, in silence, so that what follows finds the measurement it belongs to."""
        position = _Position()
        told = self._published.get(stream)
        told = _published_through(connection, stream) if told is None else told
        for _ in _walk(connection, stream, position, told):
            pass
        return position

    def _of_procedure(self, connection: sqlite3.Connection) -> Iterator[Event]:
        rows = connection.execute(
            "SELECT n, at, what, subject, old, new FROM audit WHERE n > ? ORDER BY n LIMIT ?",
            (self._published[AUDIT], MOST_AUDIT),
        ).fetchall()
        for row in rows:
            found = procedure_event(connection, row)
            if found is not None:
                session, event, detail = found
                yield session, _event(session, event, row["at"], detail)
            self._published[AUDIT] = row["n"]


def _walk(connection: sqlite3.Connection, stream: str, position: _Position, through: int) -> Iterator[Event]:
    first = position.through + 1
    if not position.walk.open:  # outside a measurement nothing is told before the next marker
        first = entries.next_marker(connection, stream, first, through) or through + 1
    attached: dict[str, list[dict[str, Any]]] = {}
    for entry, belongs in walk_stream(connection, stream, first, through, position.walk):
        if entry.kind == "marker" and entry.status == "stored":
            mark = parse(entry.body)
            position.sessions[mark["measurement"]] = (mark["session"], mark["step"])
            yield from _attached(position, attached)
            detail = {"stream": stream, "seq": entry.seq, **mark}
            yield mark["session"], _event(mark["session"], "step", utc_now(), detail)
        elif belongs is not None:
            body = {k: v for k, v in parse(entry.body).items() if k not in NOT_ATTACHED}
            attached.setdefault(belongs, []).append({"stream": stream, "seq": entry.seq, **body})
    position.through = through
    yield from _attached(position, attached)


def _attached(position: _Position, attached: dict[str, list[dict[str, Any]]]) -> Iterator[Event]:
    """One event for each measurement; empties what it has told."""
    for measurement, readings in attached.items():
        session, step = position.sessions[measurement]
        detail = {"measurement": measurement, "step": step, "readings": readings}
        yield session, _event(session, "attached", utc_now(), detail)
    attached.clear()


def _published_through(connection: sqlite3.Connection, subject: str) -> int:
    row = connection.execute("SELECT through FROM told WHERE subject = ?", (subject,)).fetchone()
    return int(row["through"]) if row else 0


def _event(session: str, what: str, time: str, detail: dict[str, Any]) -> dict[str, Any]:
    return {"schema": "event/1", "session": session, "event": what, "time": time, "detail": detail}
