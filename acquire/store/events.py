"""Live session events from the streams: which readings were just attached to which measurement.

Derived as attribution is (acquire.store.attribution.Walk), only incrementally: the walk of each stream is remembered
between commits, and begun anew from the stream's start when the worker starts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from acquire.canonical import parse, utc_now
from acquire.store.attribution import Walk, walk_stream

ARRAYS_STAY = ("axes", "raw", "origin")  # subscribers to events get the number; the curve is in `readings`


@dataclass(slots=True)
class _Position:
    through: int = 0
    walk: Walk = field(default_factory=Walk)
    sessions: dict[str, tuple[str, str]] = field(default_factory=dict)  # measurement: (session, step)


class AttachedEvents:
    """Remembers how far each stream has been walked."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._positions: dict[str, _Position] = {}
        for row in connection.execute("SELECT stream, through FROM stream WHERE ended IS NULL"):
            position = self._positions[row["stream"]] = _Position()
            for _ in self._walk(connection, row["stream"], position, row["through"]):
                pass  # told before the worker was restarted

    def since(
        self, connection: sqlite3.Connection, moved: Mapping[str, tuple[int, int]]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """(session, event) for everything that the moved watermarks now confirm."""
        for stream, (_, through) in moved.items():
            position = self._positions.setdefault(stream, _Position())
            yield from self._walk(connection, stream, position, through)

    def _walk(
        self, connection: sqlite3.Connection, stream: str, position: _Position, through: int
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        attached: dict[str, list[dict[str, Any]]] = {}
        for row, belongs in walk_stream(connection, stream, position.through + 1, through, position.walk):
            if row["kind"] == "marker" and row["status"] == "stored":
                mark = parse(row["body"])
                position.sessions[mark["measurement"]] = (mark["session"], mark["step"])
                yield mark["session"], _event(mark["session"], "step", {"stream": stream, "seq": row["seq"], **mark})
            elif belongs is not None:
                body = {k: v for k, v in parse(row["body"]).items() if k not in ARRAYS_STAY}
                attached.setdefault(belongs, []).append({"stream": stream, "seq": row["seq"], **body})
        position.through = through
        for measurement, readings in attached.items():
            session, step = position.sessions[measurement]
            detail = {"measurement": measurement, "step": step, "readings": readings}
            yield session, _event(session, "attached", detail)


def _event(session: str, what: str, detail: dict[str, Any]) -> dict[str, Any]:
    return {"schema": "event/1", "session": session, "event": what, "time": utc_now(), "detail": detail}
