"""Which readings belong to which measurement: derived from the streams, never stored as truth.

A stream is walked in order up to the watermark and not further (docs/noloss.md rule 4.8). A marker opens or closes a
measurement; what was stored in between belongs to it. Anything that might hide a marker (a lost entry, a conflict, a
refused entry that is not certainly a reading) closes the measurement and makes it broken: a person decides.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from acquire.canonical import parse
from acquire.store.database import identity

MeasurementState = Literal["not-begun", "open", "ended", "interrupted", "broken"]

# Refused entries of these kinds are readings for certain; of any other kind the lost thing may have been a marker.
CERTAINLY_READINGS = ("unparsed", "gap")


@dataclass(frozen=True, slots=True)
class StoredReading:
    """A reading as the store holds it; `body` has the keys of the contract's ReadingEntry."""

    stream: str
    seq: int
    instrument: str
    body: dict[str, Any]
    digest: str
    received_at: str


@dataclass(frozen=True, slots=True)
class MeasurementView:
    """What the streams say of one measurement, as far as it is confirmed."""

    measurement: str
    state: MeasurementState
    stream: str | None = None
    begin_seq: int | None = None
    end_seq: int | None = None
    readings: tuple[StoredReading, ...] = ()
    refused: int = 0
    reason: str | None = None


@dataclass(slots=True)
class Walk:
    """The rule itself, pure: feed it the rows of one stream in order of seq.

    `step` returns the measurement that the row belongs to (only for stored readings), and remembers in `broken` which
    measurements were closed by something doubtful, with the reason.
    """

    current: str | None = None
    broken: dict[str, str] = field(default_factory=dict)

    def step(self, row: sqlite3.Row, in_conflict: bool) -> str | None:
        """Take one row (kind, status, body, seq, reason) of the stream."""
        if in_conflict or row["status"] == "lost":
            self._break(f"entry {row['seq']} {'came with two contents' if in_conflict else 'is lost'}")
        elif row["status"] == "refused":
            if row["kind"] not in CERTAINLY_READINGS:
                self._break(f"entry {row['seq']} was refused and may have been a marker: {row['reason']}")
        elif row["kind"] == "marker":
            mark = parse(row["body"])
            self.current = mark["measurement"] if mark["mark"] == "begin" else None
        else:
            return self.current
        return None

    def _break(self, why: str) -> None:
        if self.current is not None:
            self.broken[self.current] = why
        self.current = None


def walk_stream(
    connection: sqlite3.Connection, stream: str, first: int, last: int, walk: Walk
) -> Iterator[tuple[sqlite3.Row, str | None]]:
    """Rows first..last of a stream with the measurement each belongs to."""
    conflicts = {
        row["seq"]
        for row in connection.execute(
            "SELECT c.seq FROM conflict c JOIN entry e USING (stream, seq)"
            " WHERE stream = ? AND seq BETWEEN ? AND ? AND e.kind <> 'withheld'",
            (stream, first, last),
        )
    }
    rows = connection.execute(
        "SELECT seq, kind, status, reason, body, digest, received_at FROM entry"
        " WHERE stream = ? AND seq BETWEEN ? AND ? ORDER BY seq",
        (stream, first, last),
    )
    for row in rows:
        yield row, walk.step(row, row["seq"] in conflicts)


def measurement(connection: sqlite3.Connection, measurement_id: str) -> MeasurementView:
    """Derive one measurement from the streams."""
    begins = connection.execute(
        "SELECT e.stream, e.seq, s.instrument, s.through, s.head, s.ended, s.final FROM entry e"
        " JOIN stream s USING (stream) WHERE e.measurement = ? AND e.status = 'stored' AND e.seq <= s.through"
        " AND CAST(e.body AS TEXT) ->> 'mark' = 'begin' ORDER BY s.first_heard, e.seq",
        (measurement_id,),
    ).fetchall()
    if not begins:
        return MeasurementView(measurement_id, "not-begun", reason="its begin marker has not been confirmed")
    at = begins[0]
    readings, end_seq, refused, broken = _within(connection, measurement_id, at)
    state: MeasurementState = "open"
    reason = None
    if len(begins) > 1:
        state, reason = "broken", "it was begun more than once"
    elif broken is not None:
        state, reason = "broken", broken
    elif end_seq is not None:
        state = "ended"
    elif at["ended"] is not None and at["through"] == at["final"]:
        state, reason = "interrupted", f"its stream ended: {at['ended']}"
    return MeasurementView(measurement_id, state, at["stream"], at["seq"], end_seq, readings, refused, reason)


def _within(
    connection: sqlite3.Connection, measurement_id: str, at: sqlite3.Row
) -> tuple[tuple[StoredReading, ...], int | None, int, str | None]:
    """Readings from the begin marker on, the seq of the end marker, how many were refused, and what broke it."""
    walk, readings, refused, end_seq = Walk(), [], 0, None
    for row, belongs in walk_stream(connection, at["stream"], at["seq"], at["through"], walk):
        if belongs == measurement_id:
            readings.append(_reading(at["stream"], at["instrument"], row))
        elif walk.current == measurement_id:
            refused += row["status"] == "refused"
        else:
            end_seq = row["seq"] if row["kind"] == "marker" and row["status"] == "stored" else None
            break
    return tuple(readings), end_seq, refused, walk.broken.get(measurement_id)


def _reading(stream: str, instrument: str, row: sqlite3.Row) -> StoredReading:
    return StoredReading(stream, row["seq"], instrument, parse(row["body"]), row["digest"].hex(), row["received_at"])


def readings_of_element(
    connection: sqlite3.Connection, element: str, element_index: int | None = None
) -> tuple[StoredReading, ...]:
    """Readings of a TLD or OSL element by its id as the reader states it, confirmed ones, in the order they came."""
    rows = connection.execute(
        "SELECT e.stream, e.seq, e.body, e.digest, e.received_at, s.instrument"
        " FROM entry e JOIN stream s USING (stream)"
        " WHERE e.element = ? AND e.status = 'stored' AND e.seq <= s.through ORDER BY e.received_at, e.stream, e.seq",
        (element,),
    )
    found = (_reading(row["stream"], row["instrument"], row) for row in rows)
    return tuple(r for r in found if element_index is None or r.body.get("element_index") == element_index)


def outstanding(
    connection: sqlite3.Connection,
    instruments: Sequence[str],
    measurements: Sequence[str],
    heard_since: str | None = None,
) -> list[str]:
    """Rule 4.10: what keeps a session from closing, one sentence each.

    `measurements` are those begun by the session; `heard_since` defaults to when the store's worker last started.
    """
    missing = []
    for each in measurements:
        view = measurement(connection, each)
        if view.state in ("not-begun", "open"):
            missing.append(f"Measurement {each} is {view.state}: its end has not been confirmed.")
    started = connection.execute("SELECT started_at FROM identity").fetchone()["started_at"]
    since = heard_since or started or ""
    _, epoch = identity(connection)
    for instrument in instruments:
        row = connection.execute(
            "SELECT ready_epoch, older, last_heard FROM stream WHERE instrument = ? ORDER BY last_heard DESC LIMIT 1",
            (instrument,),
        ).fetchone()
        if row is None or row["last_heard"] < since or row["ready_epoch"] != epoch:
            missing.append(
                f"{instrument} has not been heard since the store started: readings may still be on the way."
            )
        elif row["older"]:
            missing.append(
                f"{instrument} still holds {row['older']} earlier stream(s) that the store has not confirmed."
            )
    return missing
