"""What every way of measuring has in common while readings are chosen: what was taken, and what is wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field

from acquire.procedure.documents.point import Point
from acquire.procedure.records.selection import BoundDetector, Ref, Refs
from acquire.procedure.results.neighbours import on_channel
from acquire.procedure.session.attempts import Attempt, attempts
from acquire.procedure.session.session import Session
from acquire.store import entries
from acquire.store.attribution import MeasurementView, StoredReading, measurement
from acquire.store.entries import Damaged


@dataclass(slots=True)
class Choosing:
    """One point of a session, and what was chosen so far.

    `problems` holds one sentence for each thing because of which no number can be given. channel: None until a
    measurement or the plan has told it, or where there is none.
    """

    connection: sqlite3.Connection
    session: Session
    point: Point
    bound: dict[str, BoundDetector]
    channel: str | None = None
    readings: dict[str, Refs] = field(default_factory=dict)
    marks: dict[str, Refs] = field(default_factory=dict)
    measurements: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    told: bool = False

    def done(self) -> dict[str | None, Attempt]:
        """The attempt that counts of each step, by the step's id."""
        found = attempts(self.connection, self.session.id)
        return {a.step: a for a in found if a.ended and a.abandoned is None}

    def not_measured(self, step: str) -> str:
        """The sentence of a step that was not measured, with the reason where one was given."""
        row = self.connection.execute(
            "SELECT reason FROM not_measured WHERE session = ? AND step = ?", (self.session.id, step)
        ).fetchone()
        return f"Step {step} was not measured{': ' + row['reason'].rstrip('.') if row else ''}."

    def take(self, attempt: Attempt, name: str) -> str | None:
        """Readings and markers of a measurement under a name; returns what is wrong with it, if anything is."""
        view = measurement(self.connection, attempt.measurement)
        self.measurements.setdefault(name, attempt.measurement)
        self.readings[name] = self._readings(view)
        if view.refused:
            self.remarks.append(
                f"{view.refused} reply(ies) during {attempt.step} could not be read and were kept apart."
            )
        if view.state != "ended" or view.stream is None or view.begin_seq is None or view.end_seq is None:
            return f"The {name} of {attempt.step} is {view.state}: {view.reason or 'no end yet'}."
        if not self._is_of_channel(view.channel):
            return f"The {name} of {attempt.step} is of channel {view.channel}, not of channel {self.channel}."
        self.marks[name] = tuple(self._marker(view.stream, seq) for seq in (view.begin_seq, view.end_seq))
        return None

    def _is_of_channel(self, channel: str | None) -> bool:
        """The first measurement tells the channel; of a bound detector it is known whatever the markers say."""
        if self._is_bound:
            return True
        if not self.told:
            self.channel, self.told = channel, True
        return channel == self.channel

    @property
    def _is_bound(self) -> bool:
        return self.point.id in self.bound

    def _readings(self, view: MeasurementView) -> Refs:
        """Those of the markers' channel, or of the channel that two people have bound to the point."""
        if not self._is_bound or view.stream is None or view.begin_seq is None or view.end_seq is None:
            return refs(view.readings)
        return on_channel(self.connection, self.bound[self.point.id].channel, view.stream, view.begin_seq, view.end_seq)

    def _marker(self, stream: str, seq: int) -> Ref:
        entry = entries.entry_at(self.connection, stream, seq)
        if entry is None or entry.status == "damaged":
            raise Damaged(stream, seq)
        return Ref(stream=stream, seq=seq, digest=entry.digest)


def refs(readings: Iterable[StoredReading]) -> Refs:
    """References to entries: stream, seq, and the digest of the bytes."""
    return tuple(Ref(stream=r.stream, seq=r.seq, digest=r.digest) for r in readings)
