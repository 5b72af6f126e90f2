"""Which reader run the elements of a point were read in, and so which standards, controls and checks are theirs.

Where the records leave that open there is no result of the point, but a sentence; and two people may state it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from acquire.errors import Refused
from acquire.procedure.documents.people import two_people
from acquire.procedure.documents.plan import Batch
from acquire.procedure.readouts.elements import readout
from acquire.procedure.readouts.placed import placements
from acquire.procedure.readouts.read_together import WAY_OUT, Side, Together, place_of, together, together_as_stated
from acquire.procedure.readouts.reader_records import reader_records
from acquire.procedure.readouts.reader_run import Begins, Limits, reader_runs
from acquire.procedure.session.reader_run_statements import keep_statements, runs_stated
from acquire.procedure.session.session import Session
from acquire.store.attribution import StoredReading

Read = Mapping[str, Sequence[StoredReading]]  # element: its readings that count
BETWEEN = {
    Begins.STATED: "the reader states another run",
    Begins.QUALITY_CONTROL: "a run begins in between with its quality control records",
    Begins.AGAIN: "an element was read once more in between",
}


class RunsOfReader:
    """The runs around some readouts of a session's elements on one reader, and what is wanted of each run."""

    def __init__(self, connection: sqlite3.Connection, session: Session, read: Read) -> None:
        readings = [each for of in read.values() for each in of]
        self.reader = readings[0].instrument
        self.inventory = session.inventory
        self.batch = session.plan.batch_of(self.reader) or Batch(reader=self.reader)
        self.wanted = dict.fromkeys(self.batch.travelling, self.batch.standard_readings)
        self._limits = Limits(self.wanted, self.batch.readings)
        self._stated = runs_stated(connection, session.id)
        records = reader_records(connection, session.inventory.element, session.plan.batch_of(self.reader), readings)
        self.runs = reader_runs(records, self.wanted, self._limits)

    def of(self, name: str, readings: Sequence[StoredReading]) -> Together:
        """What was read with an element, as the records tell or as two people have stated."""
        at = [(each.stream, each.seq) for each in readings]
        if (said := self._stated.get(at[0])) is not None:
            return self.as_stated(at, said.side)
        return together(self.runs, name, at, self.wanted)

    def as_stated(self, at: Sequence[tuple[str, int]], side: Side) -> Together:
        """What stands with standards on one side of a readout."""
        return together_as_stated(self.runs, at, self.wanted, side, self._limits)

    def said_of(self, readings: Sequence[StoredReading]) -> str | None:
        """What people have stated of a readout, as a sentence."""
        said = self._stated.get((readings[0].stream, readings[0].seq))
        return said.says if said else None

    def elsewhere(self, name: str, readings: Sequence[StoredReading], missing: Sequence[str]) -> str | None:
        """The sentence where what is missing was read in another run, and why that is another."""
        n, _ = place_of(self.runs, (readings[0].stream, readings[0].seq))
        for at, border in ((n - 1, n), (n + 1, n + 1)):
            if 0 <= at < len(self.runs) and self.runs[at].holds(missing):
                stand = ", ".join(each for each in missing if self.runs[at].of(each))
                why = BETWEEN.get(self.runs[border].begins, "another run begins in between")
                said = f"{stand} stand in another run of {self.reader} than {name}, since {why}"
                return f"{said}; if that is wrong, {WAY_OUT}."
        return None


def run_doubts(connection: sqlite3.Connection, session: Session) -> list[str]:
    """A sentence for each element that was read and whose run is not certain."""
    read = _read(connection, session)
    by_reader: dict[str, dict[str, Sequence[StoredReading]]] = {}
    for name, readings in read.items():
        by_reader.setdefault(readings[0].instrument, {})[name] = readings
    runs = {reader: RunsOfReader(connection, session, of) for reader, of in by_reader.items()}
    told = (runs[readings[0].instrument].of(name, readings).doubt for name, readings in read.items())
    return [doubt for doubt in told if doubt]


def state_run(
    connection: sqlite3.Connection,
    session: Session,
    names: Sequence[str],
    side: Side,
    who: str,
    confirmed_by: str,
    reason: str,
) -> None:
    """Two people state that elements were read with the standards that stand before, or after, them.

    Raises Refused: one person twice, no reason, an element that has no readout, none of its standards on that side.
    """
    two_people("The reader run of an element is stated", who, confirmed_by, reason)
    read = _read(connection, session)
    if unread := [name for name in names if name not in read]:
        raise Refused(
            f"{', '.join(unread)} has no readout in session {session.id}; a reader run is stated once it was read."
        )
    for name in names:
        of = RunsOfReader(connection, session, {name: read[name]})
        stands = of.as_stated([(each.stream, each.seq) for each in read[name]], side)
        if not of.wanted or not any(stands.found.values()):
            raise Refused(f"None of the standards and controls of {of.reader} stand {side} {name}.")
    keep_statements(connection, session, {name: read[name][0] for name in names}, side, who, confirmed_by, reason)


def _read(connection: sqlite3.Connection, session: Session) -> dict[str, Sequence[StoredReading]]:
    found: dict[str, Sequence[StoredReading]] = {}
    for placement in placements(connection, session.id):
        element = session.inventory.element_named(placement.dosimeter)
        batch = session.plan.batch_of(element.reader)
        of = readout(connection, element, placement, batch)
        if of.used is not None and of.several is None:
            found[placement.dosimeter] = (of.used, *of.later)[: batch.readings if batch else 1]
    return found
