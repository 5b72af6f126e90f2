"""What a diode collected on its own instrument during the beam of a port that is measured on another one.

Its stream has no marker of that measurement, and its host may be another one, whose clock says nothing here. What was
written orders the two: entries from the last that surely came before the beam to the first that surely came after it.
"""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from acquire.dosimetry import DosimetryError
from acquire.errors import Refused
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.beam_seen import Still, beam_seen
from acquire.procedure.methods.collected_charge import Body, Invalid
from acquire.procedure.records.selection import BoundDetector, Ref, Refs
from acquire.procedure.results.elsewhere import MARGIN
from acquire.procedure.results.loading import load_all
from acquire.procedure.session.attempts import Attempt, attempts
from acquire.procedure.session.beams_given import may_have_given
from acquire.procedure.session.bound import channel_of
from acquire.procedure.session.session import Session, SessionState
from acquire.store import entries, streams
from acquire.store.attribution import measurement
from acquire.sums import added


def lay_across(connection: sqlite3.Connection, session: Session, point: str, own: Point) -> BoundDetector:
    """The diode planned at `own` as it lay at a port of another instrument: read there, or on its own. Raises Refused.

    It was read on its own instrument where that collected by far more than the port's during the port's measurement.
    Else both diodes changed their inputs too, and it was read with the port: only sizes tell that, as on one input.
    """
    detector, name = own.detector or "", own.instrument or ""
    channel = channel_of(session.inventory, own)
    attempt = _measured(connection, session, point)
    here = _beam_nc([r.body for r in measurement(connection, attempt.measurement).readings])
    within = meanwhile(connection, session, attempt, name)
    lay = BoundDetector(
        detector=detector, channel=channel, instrument=name, stream=within.stream, first_seq=within.first,
        last_seq=within.last,
    )  # fmt: skip
    there = _beam_nc(load_all(connection, readings_of(connection, lay)))
    if abs(there) > MARGIN * abs(here):
        return lay
    planned = session.plan.point_named(point)
    if channel is None and channel_of(session.inventory, planned) is None and here:
        return BoundDetector(detector=detector)
    raise Refused(
        f"The signals do not agree that {detector} lay at {point}: while {point} was measured {name} collected"
        f" {there:.4g} nC, and {planned.instrument} {here:.4g} nC."
    )


def _beam_nc(bodies: list[Body]) -> float:
    """What was collected in the beams that readings show; 0 where they show none, or no charge."""
    try:
        return added(part.nc for part in beam_seen(bodies, Still()).parts)
    except (Invalid, DosimetryError):
        return 0.0


def _measured(connection: sqlite3.Connection, session: Session, point: str) -> Attempt:
    """The one measurement of a port's beam, of a session that is closed: then nothing of it is on its way."""
    if session.state is SessionState.MEASURING:
        raise Refused(
            f"What a diode collected on another instrument may be on its way still: close session {session.id}, then"
            " bind."
        )
    steps = {s.id for s in session.plan.step if s.kind == "irradiate" and point in s.measured}
    instrument = session.plan.point_named(point).instrument
    of_beam = [a for a in attempts(connection, session.id) if a.step in steps and a.instrument == instrument]
    own = [a for a in of_beam if may_have_given(connection, session.id, a)]
    if len(own) != 1:
        how = "was not measured" if not own else "was measured in several attempts"
        raise Refused(f"{point} {how}: a diode of another instrument is bound to a port with one measurement.")
    return own[0]


class Meanwhile(NamedTuple):
    """The entries first..last of an instrument's stream: none of them is surely before or after a measurement."""

    stream: str
    first: int
    last: int


def meanwhile(connection: sqlite3.Connection, session: Session, attempt: Attempt, instrument: str) -> Meanwhile:
    """What `instrument` read while an attempt was measured on another one.

    Before it came what lies up to the instrument's last marker that was set before, and what the store had received
    when it began; after it what follows the instrument's first marker that was set after it had ended. Raises Refused
    where the instrument was not read all the while in one stream, did not add up, or was used in between.
    """
    stream = _stream(connection, session, instrument)
    row = streams.named(connection, stream)
    through = row.through if row is not None else 0
    begun, ended = _mark(connection, attempt, "begun"), _mark(connection, attempt, "ended")
    marks = connection.execute("SELECT n, seq FROM attempt_mark WHERE stream = ? ORDER BY n", (stream,)).fetchall()
    received = connection.execute(
        "SELECT max(seq) FROM entries WHERE stream = (SELECT number FROM streams WHERE stream = ?) AND received <= ?",
        (stream, begun["made_after"] or 0),
    ).fetchone()[0]
    before = max([received or 0, *(m["seq"] for m in marks if m["n"] < begun["n"])])
    after = min([through + 1, *(m["seq"] for m in marks if m["n"] > ended["n"])])
    if entries.next_marker(connection, stream, before + 1, after - 1) is not None:
        raise Refused(
            f"{instrument} measured something else while {attempt.step} was measured: what its diode collected of that"
            " beam is not told apart."
        )
    return Meanwhile(stream, before + 1, after - 1)


def readings_of(connection: sqlite3.Connection, bound: BoundDetector) -> Refs:
    """The readings of a bound diode in those entries. Raises Refused where one of them is lost or in doubt."""
    if bound.stream is None or bound.first_seq is None or bound.last_seq is None:
        return ()
    within = bound.stream, bound.first_seq, bound.last_seq
    conflicts, found = entries.conflicting(connection, *within), []
    for entry in entries.walked(connection, *within):
        if entry.status in ("lost", "damaged") or entry.seq in conflicts:
            raise Refused(
                f"Entry {entry.seq} of {bound.instrument} is lost or in doubt: what {bound.detector} collected during"
                " the beam is not known."
            )
        if entry.status == "stored" and entry.kind == "scalar":
            channel = entries.decoded(bound.stream, entry).get("channel")
            if bound.channel is None or channel == bound.channel:
                found.append(Ref(stream=bound.stream, seq=entry.seq, digest=entry.digest))
    return tuple(found)


def _stream(connection: sqlite3.Connection, session: Session, instrument: str) -> str:
    own = [a for a in attempts(connection, session.id) if a.instrument == instrument and a.begun]
    if any(a.in_force is None or a.in_force.integrates != "running" for a in own):
        raise Refused(
            f"{instrument} adds up between its own begin and end alone: what its diode collected during another"
            " instrument's measurement was not measured."
        )
    found = {
        row["stream"]
        for a in own
        for row in connection.execute(
            "SELECT stream FROM attempt_mark WHERE measurement = ? AND stream IS NOT NULL", (a.measurement,)
        )
    }
    if len(found) != 1:
        how = "was connected anew during this session" if found else "was not read in this session"
        raise Refused(f"{instrument} {how}: what its diode collected during another measurement is not told apart.")
    return str(found.pop())


def _mark(connection: sqlite3.Connection, attempt: Attempt, mark: str) -> sqlite3.Row:
    row = connection.execute(
        "SELECT n, made_after FROM attempt_mark WHERE measurement = ? AND mark = ?", (attempt.measurement, mark)
    ).fetchone()
    if row is None:
        raise Refused(f"{attempt.step} has not {mark}; diodes are bound once their ports were measured.")
    return row  # type: ignore[no-any-return]
