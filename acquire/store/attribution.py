"""Which readings belong to which measurement: derived from the streams, never stored as truth.

A stream is walked in order up to the watermark and not further (docs/noloss.md rule 4.8). A marker opens or closes a
measurement; what was stored in between, on its channel, belongs to it. Anything that might hide a marker (a lost entry,
a conflict, a refused entry that is not certainly a reading) closes the measurement and makes it broken: a person
decides.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
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
    channel: str | None = None


@dataclass(slots=True)
class Walk:
    """The rule itself, pure: feed it the rows of one stream in order of seq.

    A measurement is of one channel of its instrument, named by its begin marker, or of an instrument with one input
    (None). On each channel one is open at a time; one without a channel is alone. `step` returns the measurement that
    a row belongs to (only for stored readings), and remembers in `broken` which measurements were closed by something
    doubtful, with the reason, and in `refused` how many replies and gaps fell into each that are no readings.
    """

    open: dict[str | None, str] = field(default_factory=dict)  # channel: measurement
    broken: dict[str, str] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)

    def step(self, row: sqlite3.Row, in_conflict: bool) -> str | None:
        """Take one row (kind, status, body, seq, reason) of the stream (rule 4.8)."""
        if in_conflict or row["status"] == "lost":
            self._break(f"entry {row['seq']} {'came with two contents' if in_conflict else 'is lost'}")
        elif row["status"] == "refused":
            if row["kind"] in CERTAINLY_READINGS:
                self._count_refused(_channel(row))
            else:
                self._break(f"entry {row['seq']} was refused and may have been a marker: {row['reason']}")
        elif row["kind"] == "marker":
            self._mark(parse(row["body"]))
        elif self.open:
            return self._of(row)
        return None

    def is_open(self, measurement: str) -> bool:
        """Whether the measurement has begun and nothing has closed it yet."""
        return measurement in self.open.values()

    def _of(self, row: sqlite3.Row) -> str | None:
        """A reading of another channel than the marker's belongs to none, or to that channel's own measurement."""
        return self.open[None] if None in self.open else self.open.get(_channel(row))

    def _mark(self, mark: dict[str, Any]) -> None:
        """A begin closes what it may stand in the place of; an end closes what it names, or else the same."""
        channel, measurement = mark.get("channel"), mark["measurement"]
        if mark["mark"] == "end" and self.is_open(measurement):
            self.open = {c: m for c, m in self.open.items() if m != measurement}
            return
        self.open = {} if channel is None else {c: m for c, m in self.open.items() if c not in (None, channel)}
        if mark["mark"] == "begin":
            self.open[channel] = measurement

    def _count_refused(self, channel: str | None) -> None:
        """What names no channel may have been of any."""
        for of, measurement in self.open.items():
            if None in (of, channel) or of == channel:
                self.refused[measurement] = self.refused.get(measurement, 0) + 1

    def _break(self, why: str) -> None:
        self.broken.update(dict.fromkeys(self.open.values(), why))
        self.open = {}


def _channel(row: sqlite3.Row) -> str | None:
    channel: str | None = parse(row["body"]).get("channel")
    return channel


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
    """Derive one measurement from the streams (rule 4.8)."""
    begins = connection.execute(
        "SELECT s.*, e.seq, e.body FROM entry e"
        " JOIN stream s USING (stream) WHERE e.measurement = ? AND e.status = 'stored' AND e.seq <= s.through"
        " AND CAST(e.body AS TEXT) ->> 'mark' = 'begin' ORDER BY s.first_heard, e.seq",
        (measurement_id,),
    ).fetchall()
    if not begins:
        return MeasurementView(measurement_id, "not-begun", reason="its begin marker has not been confirmed")
    at = begins[0]
    readings, end_seq, refused, broken = _within(connection, measurement_id, at)
    channel = _channel(at)
    state: MeasurementState = "open"
    reason = None
    if len(begins) > 1:
        state, reason = "broken", "it was begun more than once"
    elif broken is not None:
        state, reason = "broken", broken
    elif channel is None and (mixed := several_channels(readings)):
        state, reason = "broken", mixed
    elif end_seq is not None:
        state = "ended"
    elif at["ended"] is not None and at["through"] == at["final"]:
        state, reason = "interrupted", f"its stream ended: {_end(at)}"
    return MeasurementView(measurement_id, state, at["stream"], at["seq"], end_seq, readings, refused, reason, channel)


def several_channels(readings: Iterable[StoredReading]) -> str | None:
    """Why readings between two markers that name no channel cannot be added up; None where they are of one input."""
    found = dict.fromkeys(r.body.get("channel") for r in readings)
    if len(found) < 2:
        return None
    named = ", ".join(each for each in found if each is not None)
    return f"its readings are of several channels ({named}) and its begin marker names none"


def _end(at: sqlite3.Row) -> str:
    """The word for how a stream ended, with the sentence of the fault where one is known."""
    why = at["why"] if "why" in at.keys() else None  # noqa: SIM118 (sqlite3.Row)
    return f"{at['ended']} ({why})" if why else str(at["ended"])


def _within(
    connection: sqlite3.Connection, measurement_id: str, at: sqlite3.Row
) -> tuple[tuple[StoredReading, ...], int | None, int, str | None]:
    """Readings from the begin marker on, the seq of the end marker, how many were refused, and what broke it."""
    walk, readings, end_seq = Walk(), [], None
    for row, belongs in walk_stream(connection, at["stream"], at["seq"], at["through"], walk):
        if belongs == measurement_id:
            readings.append(_reading(at["stream"], at["instrument"], row))
        elif not walk.is_open(measurement_id):
            end_seq = row["seq"] if row["kind"] == "marker" and row["status"] == "stored" else None
            break
    return tuple(readings), end_seq, walk.refused.get(measurement_id, 0), walk.broken.get(measurement_id)


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
