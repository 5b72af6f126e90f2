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
from acquire.store import entries, streams
from acquire.store.derived import once
from acquire.store.entries import Damaged, Entry, Mark
from acquire.store.made import Received
from acquire.store.streams import Stream

MeasurementState = Literal["not-begun", "open", "ended", "interrupted", "broken"]

# Refused entries of these kinds are readings for certain; of any other kind the lost thing may have been a marker.
CERTAINLY_READINGS = ("unparsed", "gap")
UNENDED: tuple[MeasurementState, ...] = ("not-begun", "open")
GONE = {"lost": "is lost", "damaged": "is damaged: its bytes are not those that were stored"}


@dataclass(frozen=True, slots=True)
class StoredReading:
    """A reading as the store holds it; `body` has the keys of the contract's ReadingEntry."""

    stream: str
    seq: int
    instrument: str
    body: dict[str, Any]
    digest: str
    received: Received


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

    def step(self, entry: Entry, in_conflict: bool) -> str | None:
        """Take one entry of the stream (rule 4.8). A damaged one may have been anything, as a lost one."""
        if in_conflict or entry.status in GONE:
            self._break(f"entry {entry.seq} {'came with two contents' if in_conflict else GONE[entry.status]}")
        elif entry.status == "refused":
            if entry.kind in CERTAINLY_READINGS:
                self._count_refused(_channel(entry))
            else:
                self._break(f"entry {entry.seq} was refused and may have been a marker: {entry.reason}")
        elif entry.kind == "marker":
            self._mark(parse(entry.body))
        elif self.open:
            return self._of(entry)
        return None

    def is_open(self, measurement: str) -> bool:
        """Whether the measurement has begun and nothing has closed it yet."""
        return measurement in self.open.values()

    def _of(self, entry: Entry) -> str | None:
        """A reading of another channel than the marker's belongs to none, or to that channel's own measurement."""
        return self.open[None] if None in self.open else self.open.get(_channel(entry))

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


def _channel(entry: Entry) -> str | None:
    channel: str | None = parse(entry.body).get("channel")
    return channel


def walk_stream(
    connection: sqlite3.Connection, stream: str, first: int, last: int, walk: Walk
) -> Iterator[tuple[Entry, str | None]]:
    """Entries first..last of a stream with the measurement each belongs to; a run that is lost is one entry."""
    conflicts = entries.conflicting(connection, stream, first, last)
    for entry in entries.walked(connection, stream, first, last):
        yield entry, walk.step(entry, entry.seq in conflicts)


def measurement(connection: sqlite3.Connection, measurement_id: str) -> MeasurementView:
    """Derive one measurement from the streams (rule 4.8), once in a transaction."""
    return once(connection, (measurement, measurement_id), lambda: _derived(connection, measurement_id))


def _derived(connection: sqlite3.Connection, measurement_id: str) -> MeasurementView:
    marks = list(entries.markers(connection, measurement_id))
    damaged = [f"entry {m.entry.seq} {GONE['damaged']}" for m in marks if m.entry.status == "damaged"]
    begins = [m for m in marks if m.entry.status != "damaged" and parse(m.entry.body)["mark"] == "begin"]
    if not begins and damaged:
        return MeasurementView(measurement_id, "broken", marks[0].stream, reason=damaged[0])
    if not begins:
        return MeasurementView(measurement_id, "not-begun", reason="its begin marker has not been confirmed")
    at = begins[0]
    stream = streams.named(connection, at.stream)
    assert stream is not None
    readings, end_seq, refused, broken = _within(connection, measurement_id, at, stream)
    channel = _channel(at.entry)
    state: MeasurementState = "open"
    reason = None
    if len(begins) > 1:
        state, reason = "broken", "it was begun more than once"
    elif broken is not None or damaged:
        state, reason = "broken", broken or damaged[0]
    elif channel is None and (mixed := several_channels(readings)):
        state, reason = "broken", mixed
    elif end_seq is not None:
        state = "ended"
    elif stream.ended is not None and stream.through == stream.final:
        state, reason = "interrupted", f"its stream ended: {stream.end}"
    return MeasurementView(measurement_id, state, at.stream, at.entry.seq, end_seq, readings, refused, reason, channel)


def several_channels(readings: Iterable[StoredReading]) -> str | None:
    """Why readings between two markers that name no channel cannot be added up; None where they are of one input."""
    found = dict.fromkeys(r.body.get("channel") for r in readings)
    if len(found) < 2:
        return None
    named = ", ".join(each for each in found if each is not None)
    return f"its readings are of several channels ({named}) and its begin marker names none"


def _within(
    connection: sqlite3.Connection, measurement_id: str, at: Mark, stream: Stream
) -> tuple[tuple[StoredReading, ...], int | None, int, str | None]:
    """Readings from the begin marker on, the seq of the end marker, how many were refused, and what broke it."""
    walk, readings, end_seq = Walk(), [], None
    for entry, belongs in walk_stream(connection, at.stream, at.entry.seq, stream.through, walk):
        if belongs == measurement_id:
            readings.append(_reading(at.stream, stream.instrument, entry))
        elif not walk.is_open(measurement_id):
            end_seq = entry.seq if entry.kind == "marker" and entry.status == "stored" else None
            break
    return tuple(readings), end_seq, walk.refused.get(measurement_id, 0), walk.broken.get(measurement_id)


def _reading(stream: str, instrument: str, entry: Entry) -> StoredReading:
    return StoredReading(stream, entry.seq, instrument, parse(entry.body), entry.digest, entry.receipt)


def has_reading(connection: sqlite3.Connection, measurement_id: str) -> bool:
    """Whether a reading of a measurement is stored already; what came behind the first is not looked at."""
    for mark in entries.markers(connection, measurement_id):
        stream = streams.named(connection, mark.stream)
        assert stream is not None
        walked = walk_stream(connection, mark.stream, mark.entry.seq, stream.through, Walk())
        if any(belongs == measurement_id for _, belongs in walked):
            return True
    return False


def readings_of_element(
    connection: sqlite3.Connection, element: str, element_index: int | None = None
) -> tuple[StoredReading, ...]:
    """Readings of a TLD or OSL element by its id as the reader states it, confirmed ones, in the order they came.

    Raises Damaged where the bytes of one are not those that were stored: which of them counts is not known then.
    """
    found = []
    for stream, instrument, entry in entries.of_element(connection, element):
        if entry.status == "damaged":
            raise Damaged(stream, entry.seq)
        found.append(_reading(stream, instrument, entry))
    return tuple(r for r in found if element_index is None or r.body.get("element_index") == element_index)


def outstanding(connection: sqlite3.Connection, instruments: Sequence[str], measurements: Sequence[str]) -> list[str]:
    """Rule 4.10: what keeps a session from closing, one sentence each. `measurements` are those begun by the session.

    Whether an instrument was heard is a matter of the store's starts, which are counted; no clock is asked.
    """
    missing = []
    for each in measurements:
        view = measurement(connection, each)
        if view.state in UNENDED:
            missing.append(f"Measurement {each} is {view.state}: its end has not been confirmed.")
    now = streams.life(connection)
    for instrument in instruments:
        stream = streams.newest_of(connection, instrument)
        if stream is None or stream.heard_start != now.start or stream.ready_epoch != now.epoch:
            missing.append(
                f"{instrument} has not been heard since the store started: readings may still be on the way."
            )
        elif stream.older:
            missing.append(
                f"{instrument} still holds {stream.older} earlier stream(s) that the store has not confirmed; `acquire"
                " spool status` at its host says whether they are on their way or lie in a file that was put aside."
            )
    return missing
