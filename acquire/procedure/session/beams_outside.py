"""Beams that were given outside every measurement: kept, attached to nothing, and shown beside the gap they leave.

A step that was refused leaves the instrument polled all the same; what it collected then stays in its stream.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from acquire.procedure.methods.beam_seen import Still, beam_seen
from acquire.procedure.methods.collected_charge import IN_NC, Invalid, curve, in_nc
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.beams_given import without_beam
from acquire.procedure.session.closing import closed
from acquire.procedure.session.session import Session
from acquire.store import entries, streams
from acquire.store.attribution import Walk, measurement, walk_stream

LEAST_SHARE = 0.1  # of the largest charge of a measurement on the instrument: below it nothing is told (assumed)

Run = list[tuple[int, dict[str, Any]]]  # (seq, body) of readings of one channel, between two markers


@dataclass(frozen=True, slots=True)
class BeamOutside:
    """Charge in nC that an instrument collected outside every measurement, over so many s; `at` on the host's clock."""

    instrument: str
    channel: str | None
    stream: str
    first_seq: int
    last_seq: int
    at: str
    nc: float
    duration_s: float

    @property
    def says(self) -> str:
        """The sentence that stands in the status."""
        of = f" (channel {self.channel})" if self.channel else ""
        return (
            f"{self.instrument}{of} collected {self.nc:.4g} nC in {self.duration_s:.1f} s at {self.at}, outside every"
            " measurement: it is kept and attached to nothing."
        )


def beams_outside(connection: sqlite3.Connection, session: Session) -> list[BeamOutside]:
    """Beams on the instruments of a session, from its first marker on each to its closing.

    Only what is a tenth at least of the largest charge that was measured there; nothing where none was measured.
    """
    found: list[BeamOutside] = []
    begun = [a for a in attempts(connection, session.id) if a.begun]
    for instrument in dict.fromkeys(a.instrument for a in begun):
        views = [measurement(connection, a.measurement) for a in begun if a.instrument == instrument]
        largest = max((_collected(v.readings) for v in views), key=abs, default=0.0)
        firsts = [(v.stream, v.begin_seq) for v in views if v.stream is not None and v.begin_seq is not None]
        for stream in dict.fromkeys(name for name, _ in firsts) if largest else ():
            first = min(seq for name, seq in firsts if name == stream)
            without = without_beam(connection, session.id, instrument)
            for run in _runs(connection, session.id, stream, first, largest):
                found += _beams(instrument, stream, run, without, largest)
    return found


def _collected(readings: Any) -> float:
    try:
        _, charges = curve([r.body for r in readings])
    except Invalid:
        return 0.0
    return charges[-1] - charges[0]


def _beams(instrument: str, stream: str, run: Run, without: Still, largest: float) -> Iterator[BeamOutside]:
    try:
        parts = beam_seen([body for _, body in run], without).parts
    except Invalid:
        return
    for part in parts:
        if part.nc / largest >= LEAST_SHARE:
            within = [(seq, b) for seq, b in run if part.begin_s <= float(b["elapsed_s"]) <= part.end_s]
            (first, body), (last, _) = within[0], within[-1]
            at, channel = body["time"], body.get("channel")
            yield BeamOutside(instrument, channel, stream, first, last, at, part.nc, part.duration_s)


def _runs(connection: sqlite3.Connection, session: str, stream: str, first: int, largest: float) -> Iterator[Run]:
    """Readings of each channel while no measurement was open, cut where the charge fell: a zero was made."""
    row, over, walk = streams.named(connection, stream), closed(connection, session), Walk()
    open_runs: dict[str | None, Run] = {}
    for entry, _ in walk_stream(connection, stream, first, row.through if row else first, walk):
        if over is not None and over[0].precedes(entry.receipt):
            break
        if walk.open or entry.kind != "scalar" or entry.status != "stored":
            if walk.open or entry.kind == "marker":
                yield from open_runs.values()
                open_runs = {}
            continue
        body = entries.decoded(stream, entry)
        if body["quantity"] != "charge" or body.get("value") is None or body["unit"] not in IN_NC:
            continue
        run = open_runs.setdefault(body.get("channel"), [])
        if run and _nc(body) / largest - _nc(run[-1][1]) / largest < -LEAST_SHARE:
            yield run
            run = open_runs[body.get("channel")] = []
        run.append((entry.seq, body))
    yield from open_runs.values()


def _nc(body: dict[str, Any]) -> float:
    return in_nc(body["value"], body["unit"])
