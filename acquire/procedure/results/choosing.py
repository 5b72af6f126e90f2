"""What every way of measuring has in common while readings are chosen: what was taken, and what is wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from acquire.errors import Refused
from acquire.procedure.documents.plan import Plan, Step
from acquire.procedure.documents.point import Point
from acquire.procedure.records.selection import BoundDetector, PartTaken, Ref, Refs
from acquire.procedure.results.across import readings_of
from acquire.procedure.results.neighbours import on_channel
from acquire.procedure.session.attempts import Attempt, attempts
from acquire.procedure.session.beam_statements import every_part_said, rests
from acquire.procedure.session.beams_given import may_have_given
from acquire.procedure.session.bound import channel_of
from acquire.procedure.session.session import Session
from acquire.store import entries
from acquire.store.attribution import MeasurementView, StoredReading, measurement
from acquire.store.entries import Damaged

Done = Mapping[tuple[str | None, str], Sequence[Attempt]]


@dataclass(slots=True)
class Choosing:
    """One point of a session, and what was chosen so far.

    `problems` holds one sentence for each thing because of which no number can be given. channel: None until a
    measurement or the plan has told it, or where there is none. The session's plan has the detectors as they really
    lay, `as_planned` as they were planned.
    """

    connection: sqlite3.Connection
    session: Session
    point: Point
    as_planned: Plan
    bound: dict[str, BoundDetector]
    channel: str | None = None
    readings: dict[str, Refs] = field(default_factory=dict)
    marks: dict[str, Refs] = field(default_factory=dict)
    measurements: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    told: bool = False

    def done(self) -> Done:
        """The attempts that count, by step and instrument: one, or the parts of an interrupted beam in their order."""
        found: dict[tuple[str | None, str], list[Attempt]] = {}
        of_rests = rests(self.connection, self.session.id)
        for attempt in attempts(self.connection, self.session.id):
            key, is_rest = (attempt.step, attempt.instrument), attempt.measurement in of_rests
            if self._counts(attempt):
                found[key] = [*(found.get(key, []) if is_rest else []), attempt]
        whole = {key for key, made in found.items() if len(made) > 1 or (made[0].ended and made[0].abandoned is None)}
        return {key: made for key, made in found.items() if key in whole}

    def _counts(self, attempt: Attempt) -> bool:
        """Whether it was measured, or given up with some of a beam in it."""
        if attempt.abandoned is None:
            return attempt.begun and attempt.ended
        return may_have_given(self.connection, self.session.id, attempt)

    def instrument_of(self, step: Step) -> str:
        """The instrument on which a step measures the point."""
        return step.instrument or self.as_planned.point_named(self.point.id).instrument or ""

    @property
    def across(self) -> BoundDetector | None:
        """The diode of another instrument that lay at the point, where two people have said so."""
        bound = self.bound.get(self.point.id)
        return bound if bound is not None and bound.is_across else None

    def shared_channel(self, step: Step, came: str | None = None) -> str | None:
        """The point's channel where the markers may name another one's; None where they name its own.

        Its step measures others on the same instrument, or its beam came during the step `came`.
        """
        beside = self.session.plan.inputs(step).get(self.instrument_of(step), ())
        is_others = len(beside) > 1 or came not in (None, step.id)
        return channel_of(self.session.inventory, self.point) if is_others else None

    def note_of_beams(self, beams: Sequence[Attempt]) -> tuple[PartTaken, ...] | None:
        """What people have said of the parts of these beams, and that one of them is the rest of another."""
        own = {each.measurement for each in beams}
        said = {
            (p.measurement, p.begin_s, p.end_s): p
            for p in every_part_said(self.connection, self.session.id)
            if p.point == self.point.id and p.measurement in own
        }
        self.remarks += [p.says for p in said.values()]
        self.remarks += [
            f"{each.step} was interrupted and its rest measured after it: {each.reason.strip().rstrip('.')}"
            f" ({each.who}, confirmed by {each.confirmed_by}); its parts are summed."
            for measured, each in rests(self.connection, self.session.id).items()
            if measured in own and each.of_session is None
        ]
        taken = [
            PartTaken(measurement=p.measurement, begin_s=p.begin_s, end_s=p.end_s, what=p.what) for p in said.values()
        ]
        return tuple(taken) or None

    def not_measured(self, step: str) -> str:
        """The sentence of a step that was not measured, with the reason where one was given."""
        row = self.connection.execute(
            "SELECT reason FROM not_measured WHERE session = ? AND step = ?", (self.session.id, step)
        ).fetchone()
        return f"Step {step} was not measured{': ' + row['reason'].rstrip('.') if row else ''}."

    def take_across(self, attempt: Attempt, name: str) -> str | None:
        """The markers of a measurement under a name, with the readings of the diode that lay there."""
        problem = self.take(attempt, name)
        try:
            self.readings[name] = readings_of(self.connection, self.across) if self.across else ()
        except Refused as lost:
            return str(lost)
        return problem

    def take(self, attempt: Attempt, name: str, shared: str | None = None) -> str | None:
        """Readings and markers of a measurement under a name; returns what is wrong with it, if anything is.

        `shared`: the point's channel, where the markers may name another one's.
        """
        view = measurement(self.connection, attempt.measurement)
        if shared not in (None, view.channel):
            view = replace(view, channel=shared)
        else:
            shared = None
        self.measurements.setdefault(name, attempt.measurement)
        self.readings[name] = self._readings(view, shared)
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
        if self._bound_to is not None:
            return True
        if not self.told:
            self.channel, self.told = channel, True
        return channel == self.channel

    @property
    def _bound_to(self) -> str | None:
        bound = self.bound.get(self.point.id)
        return bound.channel if bound else None

    def _readings(self, view: MeasurementView, shared: str | None) -> Refs:
        """Those of the markers' channel, or of the channel that is the point's own or bound to it by two people."""
        channel = self._bound_to or shared
        if channel is None or view.stream is None or view.begin_seq is None or view.end_seq is None:
            return refs(view.readings)
        return on_channel(self.connection, channel, view.stream, view.begin_seq, view.end_seq)

    def marked_from(self, attempt: Attempt, name: str) -> None:
        """The marks under a name begin with those of an earlier attempt: the beam whose rest was measured."""
        view = measurement(self.connection, attempt.measurement)
        if view.stream is not None and view.begin_seq is not None:
            self.marks[name] = (self._marker(view.stream, view.begin_seq), self.marks[name][1])

    def _marker(self, stream: str, seq: int) -> Ref:
        entry = entries.entry_at(self.connection, stream, seq)
        if entry is None or entry.status == "damaged":
            raise Damaged(stream, seq)
        return Ref(stream=stream, seq=seq, digest=entry.digest)


def refs(readings: Iterable[StoredReading]) -> Refs:
    """References to entries: stream, seq, and the digest of the bytes."""
    return tuple(Ref(stream=r.stream, seq=r.seq, digest=r.digest) for r in readings)
