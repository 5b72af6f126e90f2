"""Diodes on several channels of one instrument: the beam that is on must give the largest signal on its own diode.

Where two diodes were exchanged on the patient, the one that is planned for a port collects next to nothing during it,
and another one the port's charge. Their readings stand between the same markers, on their own channels. Held against
each other are the entrance diodes of other ports alone: an exit diode sees its own port through the patient.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence

from acquire.dosimetry import own_detector_is_largest
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.collected_charge import Body, Invalid, collected
from acquire.procedure.records.selection import Integrates, Ref, Refs
from acquire.procedure.results.loading import Bodies
from acquire.procedure.session.bound import channel_of, is_port
from acquire.procedure.session.session import Session
from acquire.store import entries


def neighbours(session: Session, point: Point) -> dict[str, str]:
    """The diodes of other ports on the instrument of a point, by the channel that each is on."""
    if not is_port(point):
        return {}
    others = (p for p in session.plan.point if is_port(p) and p.instrument == point.instrument and p.port != point.port)
    found = {channel_of(session.inventory, each): each.detector for each in others}
    own = channel_of(session.inventory, point)
    return {at: name for at, name in found.items() if at not in (None, own) and name not in (None, point.detector)}


def readings_of(
    connection: sqlite3.Connection, found: Mapping[str, str], marks: Mapping[str, Refs]
) -> dict[str, dict[str, Refs]]:
    """References to the readings of these channels between the markers of each attempt: name, detector, readings.

    Raises Damaged for an entry that is not what was stored.
    """
    selected: dict[str, dict[str, Refs]] = {}
    for name, (begin, end) in marks.items():
        of: dict[str, list[Ref]] = {detector: [] for detector in found.values()}
        for entry, channel in _scalars(connection, begin.stream, begin.seq, end.seq):
            if channel is not None and channel in found:
                of[found[channel]].append(Ref(stream=begin.stream, seq=entry.seq, digest=entry.digest))
        selected[name] = {detector: tuple(refs) for detector, refs in of.items() if refs}
    return selected


def own_signal_is_largest(detector: str, own: Bodies, others: Mapping[str, Bodies], integrates: Integrates) -> None:
    """Raises Blocked where a diode of another port collected more during an attempt, Invalid where that is not known.

    An attempt that has no charge says so by itself.
    """
    for name, found in others.items():
        try:
            charges = {detector: collected(own[name], integrates).nc}
        except (Invalid, KeyError):
            continue
        own_detector_is_largest(
            detector, charges | {each: _nc(each, bodies, detector, integrates) for each, bodies in found.items()}
        )


def _nc(other: str, bodies: Sequence[Body], detector: str, integrates: Integrates) -> float:
    try:
        return collected(bodies, integrates).nc
    except Invalid as error:
        raise Invalid(f"Whether {other} collected more than {detector} is not known: {error}") from error


def on_channel(connection: sqlite3.Connection, channel: str, stream: str, first: int, last: int) -> Refs:
    """References to the readings of one channel between two markers, whichever channel those name."""
    return tuple(
        Ref(stream=stream, seq=entry.seq, digest=entry.digest)
        for entry, of in _scalars(connection, stream, first, last)
        if of == channel
    )


def _scalars(
    connection: sqlite3.Connection, stream: str, first: int, last: int
) -> Iterator[tuple[entries.Entry, str | None]]:
    for entry in entries.between(connection, stream, first, last):
        if entry.status == "stored" and entry.kind == "scalar":
            yield entry, entries.decoded(stream, entry).get("channel")
