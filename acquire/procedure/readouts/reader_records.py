"""The records of a reader around some readouts, as the store has them, in the reader's order.

Of each entry only what tells of runs is decoded: curves are passed over. How far is looked is bounded; what lies
further is of another run, or of none that these readouts could be of.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Literal

import msgspec

from acquire.procedure.documents.asked import readouts_of
from acquire.procedure.documents.inventory import Element
from acquire.procedure.documents.plan import Batch
from acquire.procedure.readouts.read_anew import in_place_of
from acquire.procedure.readouts.reader_order import Arrived, in_readers_order
from acquire.procedure.readouts.reader_run import Record
from acquire.store import entries
from acquire.store.attribution import StoredReading
from acquire.store.entries import Entry, OfElement

LOOKED_AT = 2000  # entries before the first readout, and behind the last
LOOKED_AT_BYTES = 20_000_000  # of them: curves are long, and a carousel has few
HIDES = ("withheld", "gap", "invalid")  # entries in whose place any record may have been


class Told(msgspec.Struct, frozen=True):
    """What a stored reading tells of its run."""

    kind: str
    role: str = "sample"
    value: float | None = None
    flags: tuple[str, ...] = ()
    element: str | None = None
    element_index: int | None = None
    channel: str | None = None
    attributes: dict[str, str] = {}
    run: str | None = None
    reader: str | None = None
    clock: str | None = None
    origin: dict[str, Any] = {}


_DECODER = msgspec.json.Decoder(Told)


def told_of(body: Mapping[str, Any]) -> Told:
    """The same of a reading that is decoded already."""
    return msgspec.convert(body, Told)


def is_readout(told: Told, kind: str | None) -> bool:
    """Of an element of a kind, or of any.

    A record that its reader calls unfinished has no value: the finished one comes later, and is the readout.
    """
    unfinished = told.value is None and "incomplete" in told.flags
    return told.kind in readouts_of(kind) and told.role == "sample" and not unfinished


def is_named(told: Told, batch: Batch | None) -> bool:
    """Whether the plan's batch lets a record count: all where it names none."""
    if batch is None:
        return True
    of_channel = batch.channel is None or told.channel == batch.channel
    return of_channel and all(told.attributes.get(name) == value for name, value in batch.readout.items())


def reader_records(
    connection: sqlite3.Connection, known: Iterable[Element], batch: Batch | None, readings: Sequence[StoredReading]
) -> list[Record]:
    """The records of a reader around readouts of its elements, in the reader's order. known: the elements by name."""
    reader = readings[0].instrument
    numbers = dict(connection.execute("SELECT stream, number FROM streams WHERE instrument = ?", (reader,)).fetchall())
    ends = sorted((numbers[each.stream], each.seq, each.stream) for each in readings)
    (_, first, in_), (_, last, of) = ends[0], ends[-1]
    before, is_cut = _most(entries.of_instrument(connection, reader, in_, first, before=True))
    beside = list(_up_to(entries.of_instrument(connection, reader, in_, first - 1, before=False), of, last))
    behind, _ = _most(entries.of_instrument(connection, reader, of, last, before=False))
    found = chain(reversed(before), beside, behind)
    instead = in_place_of(connection, reader)
    arrived = (
        each
        for each in _arrived(connection, found, _Names(known, batch, reader), hidden=is_cut)
        if each.record.at not in instead
    )
    kept = {(each.stream, each.seq) for each in readings} | {*instead.values()}
    return in_readers_order(arrived, kept)


def _most(found: Iterator[OfElement]) -> tuple[list[OfElement], bool]:
    """So many as are looked at, and whether there are more."""
    most: list[OfElement] = []
    size = 0
    for each in found:
        if len(most) >= LOOKED_AT or size > LOOKED_AT_BYTES:
            return most, True
        most.append(each)
        size += len(each.entry.body)
    return most, False


def _up_to(found: Iterator[OfElement], stream: str, seq: int) -> Iterator[OfElement]:
    for each in found:
        yield each
        if (each.stream, each.entry.seq) == (stream, seq):
            return


class _Names:
    """What the inventory calls the elements of a reader."""

    def __init__(self, known: Iterable[Element], batch: Batch | None, reader: str) -> None:
        self._batch = batch
        self._of: dict[str, list[Element]] = {}
        for element in known:
            if element.reader == reader:
                self._of.setdefault(element.read_as, []).append(element)

    def name(self, told: Told) -> str | None:
        """The element's id, or what the reader calls it; None for a record that does not count as its readout."""
        if told.element is None or not is_named(told, self._batch):
            return None
        known = self._of.get(told.element, [])
        element = next((e for e in known if e.element_index in (None, told.element_index)), None)
        if element is None:
            text = told.element if told.element_index is None else f"{told.element}.{told.element_index}"
            return text if is_readout(told, None) else None
        return element.id if is_readout(told, element.kind) else None

    def counted(self, told: Told, name: str | None) -> str | None:
        """The name; with what the record says of itself, where the plan does not name the records that count."""
        if name is None or (self._batch is not None and (self._batch.readout or self._batch.channel)):
            return name
        said: Mapping[str, str] = {**told.attributes, **({} if told.channel is None else {"": told.channel})}
        return f"{name} {json.dumps(said, sort_keys=True)}" if said else name


def _arrived(
    connection: sqlite3.Connection, found: Iterator[OfElement], names: _Names, *, hidden: bool
) -> Iterator[Arrived]:
    """Readings as they came, those behind something that is not there marked as such; hidden: the first one is."""
    before, in_conflict = None, set[int]()
    for stream, _, entry in found:
        if before is None or before[0] != stream:
            in_conflict = entries.conflicting(connection, stream, entry.seq, sys.maxsize)
        elif entry.seq > before[1] + 1:
            hidden = hidden or _is_gone(connection, stream, before[1] + 1, entry.seq - 1)
        before = stream, entry.seq
        doubtful = entry.status == "damaged" or entry.kind in HIDES or entry.seq in in_conflict
        hidden = hidden or doubtful
        if entry.status == "stored" and entry.kind in readouts_of():
            arrived = _one(stream, entry, names, hidden)
            if arrived.record.kind != "other" or arrived.record.run is not None:  # progress while it heats is no record
                yield arrived
                hidden = doubtful


def _is_gone(connection: sqlite3.Connection, stream: str, first: int, last: int) -> bool:
    """Whether something between two entries is lost; a marker, which is passed over here, is not."""
    return next(entries.lost_between(connection, stream, first, last), None) is not None


def _one(stream: str, entry: Entry, names: _Names, after_loss: bool) -> Arrived:
    told = _DECODER.decode(entry.body)
    name, origin = names.name(told), told.origin
    record = Record(
        stream=stream, seq=entry.seq, kind=_kind(told), name=name,
        counted=names.counted(told, name), run=told.run, reader=told.reader, clock=told.clock, after_loss=after_loss,
        dosimeter="" if told.element is None else f"{told.element} {origin.get('sha256')} {origin.get('offset')}",
    )  # fmt: skip
    return Arrived(
        record, origin.get("file"), origin.get("offset"), origin.get("length", 0), origin.get("sha256", ""),
        told.element_index,
    )  # fmt: skip


def _kind(told: Told) -> Literal["dosimeter", "pmt-noise", "reference-light", "other"]:
    match told.role:
        case "pmt-noise":
            return "pmt-noise"
        case "reference-light":
            return "reference-light"
    return "dosimeter" if told.role == "sample" and told.element is not None else "other"
