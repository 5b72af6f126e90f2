"""The reader run that a calibration's part names, as results name it: where the file, or the stream, begins it.

Two runs of a day may stand in one export; only the reader's records tell where the second one begins (ADR 0020).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from acquire.errors import Refused
from acquire.procedure.documents.plan import Batch
from acquire.procedure.readouts.reader_records import reader_records
from acquire.procedure.readouts.reader_run import Limits, ReaderRun, reader_runs
from acquire.procedure.stock.elements import every_element, of_inventory
from acquire.store import entries
from acquire.store.attribution import StoredReading


class NamedRuns:
    """The runs of a reader by name. batch: which records of its elements count, and how often in a run."""

    def __init__(self, connection: sqlite3.Connection, batch: Batch) -> None:
        self._connection = connection
        self._batch = batch
        self._run_of: dict[tuple[str, int], ReaderRun] = {}

    def name(self, reading: StoredReading, beside: Sequence[StoredReading]) -> str:
        """ "FILE, byte N" or "entry N of stream S": where the run of a reading begins. beside: of the same element.

        Raises Refused where the records do not tell of which run it is.
        """
        at = (reading.stream, reading.seq)
        if at not in self._run_of:
            every = (e for e in every_element(self._connection) if e.reader == self._batch.reader)
            known = [of_inventory(self._connection, each) for each in every]
            records = reader_records(self._connection, known, self._batch, beside)
            runs = reader_runs(records, (), Limits({}, self._batch.readings))
            self._run_of = {record.at: run for run in runs for record in run.records} | self._run_of
        run = self._run_of.get(at)
        if run is None or run.unknown:
            raise Refused(f"Nothing tells of which reader run entry {reading.seq} of stream {reading.stream} is.")
        return self._begins(run)

    def _begins(self, run: ReaderRun) -> str:
        first = run.records[0]
        origin = entries.body_at(self._connection, first.stream, first.seq).get("origin") or {}
        if origin.get("file") is None or origin.get("offset") is None:
            return f"entry {first.seq} of stream {first.stream}"
        return f"{origin['file']}, byte {origin['offset']}"
