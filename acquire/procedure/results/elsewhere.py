"""Diodes of other ports on other instruments: what they collected while a port was measured, by their host's clock.

Their streams have no markers of this measurement, so that a clock says which of their readings lie within it: only
that of the host which set the markers, never another one's. It decides no dose; it leaves the detector in doubt.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from acquire.dosimetry import own_detector_is_largest
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.beam_seen import Still, beam_seen
from acquire.procedure.methods.collected_charge import Invalid, collected
from acquire.procedure.records.selection import Integrates, Ref, Refs
from acquire.procedure.results.loading import Bodies
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.bound import channel_of, is_port
from acquire.procedure.session.session import Session
from acquire.store import entries, streams
from acquire.store.attribution import measurement
from acquire.sums import added

MARGIN = 2.0  # times the own charge: two diodes on two electrometers are not compared to the percent (assumed)
MOST_S = 600.0  # a longer measurement is not looked at


def elsewhere(
    connection: sqlite3.Connection, session: Session, point: Point, marks: Mapping[str, Refs]
) -> dict[str, dict[str, Refs]]:
    """References to readings of other instruments' diodes between the markers of each attempt: by detector.

    Only of instruments of the same host whose charge runs on; of one that nothing was measured with, none.
    """
    if not is_port(point):
        return {}
    others = [p for p in session.plan.point if is_port(p) and p.port != point.port and p.instrument != point.instrument]
    running = {
        a.instrument: a.measurement
        for a in attempts(connection, session.id)
        if a.begun and a.in_force is not None and a.in_force.integrates == "running"
    }
    found: dict[str, dict[str, Refs]] = {}
    for name, (begin, end) in marks.items():
        source = getattr(streams.named(connection, begin.stream), "source", None)
        within = tuple(_time(connection, each.stream, each.seq) for each in (begin, end))
        for other in others:
            stream = measurement(connection, running[other.instrument]).stream if other.instrument in running else None
            row = streams.named(connection, stream) if stream else None
            if row is None or row.source != source or None in within or other.detector in (None, point.detector):
                continue
            channel = channel_of(session.inventory, other)
            if refs := tuple(_between(connection, row.stream, row.through, within, channel)):
                found.setdefault(name, {})[str(other.detector)] = refs
    return found


def none_elsewhere_is_larger(detector: str, own: Bodies, others: Mapping[str, Bodies], integrates: Integrates) -> None:
    """Raises Blocked where a diode on another instrument collected more than twice the charge of an attempt.

    What is not known there takes nothing from what was measured here, and an attempt without a charge says so itself.
    """
    for name, found in others.items():
        for other, bodies in found.items():
            try:
                nc, seen = collected(own[name], integrates).nc, beam_seen(bodies, Still())
            except (Invalid, KeyError):
                continue
            there = added(part.nc for part in seen.parts)
            if seen.doubt is None and abs(there) > MARGIN * abs(nc):
                own_detector_is_largest(detector, {detector: nc, other: there})


def _between(
    connection: sqlite3.Connection, stream: str, through: int, within: tuple[Any, ...], channel: str | None
) -> Iterator[Ref]:
    begin, end = within
    if (end - begin).total_seconds() > MOST_S:
        return
    first = _first_after(connection, stream, through, begin)
    for entry in entries.between(connection, stream, first, through):
        if entry.status != "stored":
            continue
        body = entries.decoded(stream, entry)
        if datetime.fromisoformat(body["time"]) > end:
            return
        if entry.kind == "scalar" and (channel is None or body.get("channel") == channel):
            yield Ref(stream=stream, seq=entry.seq, digest=entry.digest)


def _first_after(connection: sqlite3.Connection, stream: str, through: int, moment: datetime) -> int:
    """The first seq at or after a moment, by halving: a host's clock runs on within a stream."""
    low, high = 1, through + 1
    while low < high:
        middle = (low + high) // 2
        at = _time(connection, stream, middle)
        if at is None or at < moment:
            low = middle + 1
        else:
            high = middle
    return low


def _time(connection: sqlite3.Connection, stream: str, seq: int) -> datetime | None:
    entry = entries.entry_at(connection, stream, seq)
    if entry is None or entry.status != "stored":
        return None
    return datetime.fromisoformat(entries.decoded(stream, entry)["time"])
