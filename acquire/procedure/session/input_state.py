"""A zero and a leakage belong to a state, not to a day: what has ended them is said before the beam, and refused at it.

They hold for the channel, range, voltage, cable and detector with which they were made, while the instrument is on, and
for the minutes that the site has set (inventory: zero_valid_min, leakage_valid_min). What was changed is told by the
readings beside the markers, by the steps in between, and by what people say (acquire session changed, acquire
calibration ended). Order is that of what was written; age is the longest that any of the clocks tells.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from acquire.canonical import utc_now
from acquire.procedure.documents.causes import Stop
from acquire.procedure.documents.plan import CHARGES, Plan, Step
from acquire.procedure.documents.point import Point
from acquire.procedure.session.attempts import Attempt, attempts
from acquire.procedure.session.bound import channel_of
from acquire.procedure.session.foreseen import background_before, on_input
from acquire.procedure.session.input_changes import InputChange, input_changes
from acquire.procedure.session.session import Session
from acquire.procedure.session.told_input import ranges_of, same_voltage, told, voltages_of
from acquire.procedure.stock.events import ends_of
from acquire.store import audit, entries, streams
from acquire.store.attribution import measurement
from acquire.strict_numbers import moment

Kind = Literal["zero", "background"]
WORDS: Mapping[Kind, str] = {"zero": "zero", "background": "leakage"}
CLOCKS_DIFFER_S = 2.0  # an instrument's clock beside its host's over a session: assumed
LOOKED_AT = 200  # entries beyond a place, among them those of other channels
SETTLED_AT_MOST = 5000  # readings that are looked back over for a change of voltage


@dataclass(frozen=True, slots=True)
class Beam:
    """A beam of a point. attempt: its measurement, once it has begun; None: it would begin now."""

    step: Step
    point: Point
    attempt: Attempt | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """A place in an instrument's stream, with what was written when it was set.

    n: of its mark, which orders it among the marks of all attempts; entry: of the audit trail, among what people said.
    """

    stream: str
    seq: int
    n: float
    entry: int
    at: str


class Inputs:
    """The zeros and leakages of a session, and what has happened to their inputs since."""

    def __init__(self, connection: sqlite3.Connection, session: Session) -> None:
        self._connection, self.session = connection, session
        self._attempts = [a for a in attempts(connection, session.id) if a.begun]
        self._written = audit.entries_of_rows(connection, [session.id, *(a.measurement for a in self._attempts)])
        self._marks = {
            (row["measurement"], row["mark"]): row
            for a in self._attempts
            for row in connection.execute("SELECT * FROM attempt_mark WHERE measurement = ?", (a.measurement,))
        }
        self._changes = input_changes(connection, session.id)

    # --- what was made --------------------------------------------------------------------------------------------

    def step_for(self, kind: Kind, beam: Beam) -> Step | None:
        """The step in which the plan makes a zero or leakage for a beam; None where it asks for none."""
        plan, inventory, point = self.session.plan, self.session.inventory, beam.point
        if kind == "background":
            return background_before(plan, point, beam.step.id, inventory)
        before = plan.step[: plan.step.index(beam.step)]
        own = [s for s in before if s.kind == "zero" and self._is_of(s, point)]
        return own[-1] if own else None

    def made(self, kind: Kind, beam: Beam) -> list[Attempt]:
        """Those that were made before a beam on its input, oldest first; of zeros those with other detectors too."""
        step = self.step_for(kind, beam)
        wanted = {step.id} if step is not None and kind == "background" else self._zeros(beam.point)
        own = [a for a in self.ended_attempts() if a.step in wanted and a.instrument == beam.point.instrument]
        return [a for a in own if self._precedes(a, beam)]

    def ended(self, made: Attempt, beam: Beam) -> str | None:
        """Why a zero or leakage does not hold for a beam, as a clause; None where it does."""
        return next(self._ended_by(made, beam, self._end(made), self._begin(made, beam)), None)

    def holding(self, kind: Kind, beam: Beam) -> list[Attempt]:
        """Those that were made before a beam and hold for it."""
        return [each for each in self.made(kind, beam) if self.ended(each, beam) is None]

    def holding_after(self, beam: Beam) -> list[Attempt]:
        """Leakages that were measured after a beam, before anything had ended the state in which that was measured."""
        step = self.step_for("background", beam)
        if step is None or beam.attempt is None or not beam.attempt.ended:
            return []
        place, own = self._end(beam.attempt), beam.point.instrument
        later = [a for a in self.ended_attempts() if a.step == step.id and a.instrument == own]
        later = [a for a in later if self._mark(a, "begun").n > place.n]
        return [a for a in later if next(self._ended_by(a, beam, place, self._mark(a, "begun")), None) is None]

    def running(self) -> set[str]:
        """The steps of attempts that have begun and neither ended nor were given up."""
        return {a.step for a in self._attempts if not a.ended and a.abandoned is None}

    def ended_attempts(self) -> list[Attempt]:
        """Every attempt of the session that was ended and counts, in the order made."""
        return [a for a in self._attempts if a.ended and a.abandoned is None]

    def not_held(self, kind: Kind, beam: Beam) -> Stop | None:
        """The sentence where no zero or leakage that was made holds for a beam that the plan asks one for."""
        step, made = self.step_for(kind, beam), self.made(kind, beam)
        if step is None:
            return None
        what, on = WORDS[kind], self._input(beam.point)
        if not made:
            return Stop("zero", f"{on} has no {what} for {beam.step.id}: step {step.id} was {self._left_out(step)}.")
        of = made[-1:] if kind == "zero" else made  # the newest zero is the one in force
        found = [self.ended(each, beam) for each in of]
        if None in found:
            return None
        again = f"acquire session step {self.session.id} {made[-1].step} run --again"
        return Stop(
            "zero",
            f"The {what} of {on} ({made[-1].step}) does not hold for {beam.step.id}: {found[-1]}. Make it again before"
            f" the beam ({again}).",
        )

    def at_other_voltage(self, made: Attempt, beam: Beam) -> float | None:
        """The planned voltage in V of a leakage, where the beam is planned at another one; else None."""
        planned = self._planned_v(self.session.plan.step_named(made.step), beam.point)
        return planned if None not in (planned, beam.step.voltage_v) and planned != beam.step.voltage_v else None

    # --- what has ended it ------------------------------------------------------------------------------------------

    def _ended_by(self, made: Attempt, beam: Beam, place: _Place, until: _Place) -> Iterator[str]:
        """What happened between two places, the later of which is the beam's or, of one measured after it, its own."""
        yield from self._by_detector(made, beam, place, until)
        yield from self._by_word(made.instrument, place, until)
        yield from self._by_event(beam.point, place, until)
        if until.stream != place.stream and not self._was_on(place, until, beam.point):
            yield f"{made.instrument} was connected anew since it was made, and may have been off"
            return
        yield from self._by_readings(made, beam, place, until)
        yield from self._by_age(made, place, until)

    def _by_detector(self, made: Attempt, beam: Beam, place: _Place, until: _Place) -> Iterator[str]:
        own = beam.point.detector
        if (with_ := self._detectors(made.step, beam.point)) and own not in with_:
            yield f"it was made with {', '.join(with_)}, and {own} is measured"
        for other in self._attempts:
            if other.instrument != made.instrument or not place.n < self._mark(other, "begun").n < until.n:
                continue
            if (with_ := self._detectors(other.step, beam.point)) and own not in with_:
                yield f"{', '.join(with_)} was on this input since ({other.step})"

    def _by_word(self, instrument: str, place: _Place, until: _Place) -> Iterator[str]:
        for said in self._changes:
            if said.what != "on-since" and said.instrument == instrument and self._since(said, place, until):
                what = "was switched off" if said.what == "switched-off" else f"{said.what} was changed"
                yield f"{instrument}: {what} ({said.reason.strip().rstrip('.')}; {said.who})"

    def _since(self, said: InputChange, place: _Place, until: _Place) -> bool:
        if said.moment is None:
            return place.entry < self._written[("input_changed", (said.n,))] < until.entry
        return moment(place.at) <= moment(said.moment) <= moment(until.at)

    def _by_event(self, point: Point, place: _Place, until: _Place) -> Iterator[str]:
        for name in (point.detector or "", point.instrument or ""):
            for event in ends_of(self._connection, name):
                if moment(place.at) <= moment(event.moment) <= moment(until.at):
                    yield f"'{event.what}' of {name} at {event.moment} ({event.reason.strip().rstrip('.')})"

    def _by_readings(self, made: Attempt, beam: Beam, place: _Place, until: _Place) -> Iterator[str]:
        before = self.bodies(made, beam.point) or self._beside(place, beam.point)
        after = self._beside(until, beam.point)
        if beam.attempt is not None:
            after = [*after, *self.bodies(beam.attempt, beam.point)]
        ranges, volts = ranges_of([*before[-1:], *after]), voltages_of([*before[-1:], *after])
        if len(ranges) > 1:
            yield f"it was made on range {ranges[0]}, and {made.instrument} is on {ranges[-1]}"
        if len(volts) > 1 and self.at_other_voltage(made, beam) is None:
            yield f"it was made at {volts[0]:g} V, and {made.instrument} says {volts[-1]:g} V"

    def _was_on(self, place: _Place, until: _Place, point: Point) -> bool:
        """Whether the instrument's own clock ran on all the while, beside that of its host: then it was never off."""
        first, last = self._beside(place, point), self._beside(until, point)
        if not first or not last or None in (first[0].get("elapsed_s"), last[0].get("elapsed_s")):
            return False
        own, hosts = (float(last[0][key]) - float(first[0][key]) for key in ("elapsed_s", "monotonic_s"))
        return own > 0 and abs(own - hosts) <= CLOCKS_DIFFER_S

    def _by_age(self, made: Attempt, place: _Place, until: _Place) -> Iterator[str]:
        inventory = self.session.inventory
        valid = inventory.zero_valid_min if made.kind == "zero" else inventory.leakage_valid_min
        age_min = max(self._ages_s(place, until)) / 60
        if valid is not None and age_min > valid:
            yield f"it is {age_min:.0f} min old, and holds for {valid:g} min here"

    def _ages_s(self, place: _Place, until: _Place) -> Iterator[float]:
        """By the store's clock and, by the readings nearest to both places, by the host's two clocks."""
        yield (moment(until.at) - moment(place.at)).total_seconds()
        first, last = self._scalar(place, None), self._scalar(until, None)
        if first is not None and last is not None:
            yield (moment(last["time"]) - moment(first["time"])).total_seconds()
            yield float(last["monotonic_s"]) - float(first["monotonic_s"])

    def changed_between(self, first: Attempt, last: Attempt, point: Point) -> str | None:
        """What people, or the stock, say was changed at a point's input between two measurements of it; None else."""
        place, until = self._end(first), self._mark(last, "begun")
        said = (*self._by_word(first.instrument, place, until), *self._by_event(point, place, until))
        return next(iter(said), None)

    # --- voltage ----------------------------------------------------------------------------------------------------

    def voltage_stop(self, beam: Beam) -> str | None:
        """Why a beam's voltage is not as planned, or has not settled, by what the instrument said; None else."""
        name = beam.point.instrument or ""
        until = self._begin_of(name, beam)
        if until is None:
            return None
        bodies = self._beside(until, beam.point)
        if beam.attempt is not None:
            bodies = [*bodies, *self.bodies(beam.attempt, beam.point)]
        volts, planned = voltages_of(bodies), beam.step.voltage_v
        if planned is not None and (wrong := [v for v in volts if not same_voltage(v, planned)]):
            return f"{name} says {wrong[-1]:g} V; {beam.step.id} is planned at {planned:g} V: set that, and wait."
        settle_s = beam.point.settle_s
        if not volts or settle_s is None:
            return None
        since = self._at_voltage_s(until, volts[-1], settle_s, beam.point)
        if since is None or since >= settle_s:
            return None
        return (
            f"{name} says that its voltage has been {volts[-1]:g} V for {since:.0f} s; a reading counts only after"
            f" {settle_s:g} s."
        )

    def _at_voltage_s(self, until: _Place, volts: float, settle_s: float, point: Point) -> float | None:
        """For how long the voltage has been as it is, in s; None where no change is seen within the wait."""
        channel, last, oldest = channel_of(self.session.inventory, point), None, None
        for entry in entries.beside(self._connection, until.stream, until.seq, before=True, most=SETTLED_AT_MOST):
            body = entries.decoded(until.stream, entry)
            if entry.kind != "scalar" or (channel is not None and body.get("channel") not in (None, channel)):
                continue
            last, stated = last or body, told(body).voltage_v
            if stated is not None and not same_voltage(stated, volts):
                return float(last["monotonic_s"]) - float((oldest or last)["monotonic_s"])
            oldest = body
            if float(last["monotonic_s"]) - float(body["monotonic_s"]) > settle_s:
                return None
        return None

    # --- inside -----------------------------------------------------------------------------------------------------

    def _input(self, point: Point) -> str:
        channel = channel_of(self.session.inventory, point)
        return f"{point.instrument}{f' (channel {channel})' if channel else ''} with {point.detector}"

    def _left_out(self, step: Step) -> str:
        row = self._connection.execute(
            "SELECT reason FROM not_measured WHERE session = ? AND step = ?", (self.session.id, step.id)
        ).fetchone()
        return f"left out ({row['reason'].rstrip('.')})" if row else "not done"

    def _zeros(self, point: Point) -> set[str]:
        return {s.id for s in self.session.plan.step if s.kind == "zero" and self._is_of(s, point)}

    def _is_of(self, step: Step, point: Point) -> bool:
        plan = self.session.plan
        if point.instrument not in plan.inputs(step):
            return False
        return not step.named or bool(on_input(plan, step, point, self.session.inventory))

    def _detectors(self, step_id: str, point: Point) -> list[str]:
        """Those that a step measures on a point's input; of a zero of the whole instrument the next ones there."""
        plan = self.session.plan
        step = plan.step_named(step_id)
        if step.named:
            return _names(on_input(plan, step, point, self.session.inventory))
        later = plan.step[plan.step.index(step) :]
        there = (on_input(plan, s, point, self.session.inventory) for s in later if s.integrates and s.named)
        return _names(next((each for each in there if each), []))

    def _planned_v(self, step: Step, point: Point) -> float | None:
        """The voltage of a step, or where it states none that of the point's next beam."""
        if step.voltage_v is not None:
            return step.voltage_v
        plan = self.session.plan
        later = (s for s in plan.step[plan.step.index(step) :] if s.kind in CHARGES and point.id in s.measured)
        return next((s.voltage_v for s in later), None)

    def _precedes(self, made: Attempt, beam: Beam) -> bool:
        return beam.attempt is None or self._mark(made, "ended").n < self._mark(beam.attempt, "begun").n

    def _end(self, made: Attempt) -> _Place:
        return self._mark(made, "ended")

    def _mark(self, attempt: Attempt, mark: str) -> _Place:
        row = self._marks[(attempt.measurement, mark)]
        entry = self._written.get(("attempt_mark", (row["n"],)), 0)  # none of what releases before schema 13 wrote
        return _Place(row["stream"], row["seq"], row["n"], entry, row["at"])

    def _begin(self, made: Attempt, beam: Beam) -> _Place:
        return self._begin_of(made.instrument, beam) or self._end(made)

    def _begin_of(self, instrument: str, beam: Beam) -> _Place | None:
        """Where a beam begins; of one that has not begun, behind the newest entry of its instrument's newest stream."""
        if beam.attempt is not None:
            return self._mark(beam.attempt, "begun")
        newest = streams.newest_of(self._connection, instrument)
        if newest is None:
            return None
        entry = audit.head(self._connection)[0] + 1
        return _Place(newest.stream, newest.through + 1, float("inf"), entry, utc_now())

    def bodies(self, attempt: Attempt, point: Point) -> list[dict[str, Any]]:
        """The readings of a measurement that are of a point's input."""
        channel = channel_of(self.session.inventory, point)
        bodies = (reading.body for reading in measurement(self._connection, attempt.measurement).readings)
        return [body for body in bodies if channel is None or body.get("channel") in (None, channel)]

    def _beside(self, place: _Place, point: Point) -> list[dict[str, Any]]:
        """The reading of a point's input that is nearest before a place, if there is one."""
        body = self._scalar(place, channel_of(self.session.inventory, point))
        return [] if body is None else [body]

    def _scalar(self, place: _Place, channel: str | None) -> dict[str, Any] | None:
        for entry in entries.beside(self._connection, place.stream, place.seq, before=True, most=LOOKED_AT):
            body = entries.decoded(place.stream, entry)
            if entry.kind == "scalar" and (channel is None or body.get("channel") in (None, channel)):
                return body
        return None


def beams_of(plan: Plan, step: Step) -> Iterator[Beam]:
    """A step's beam at each of its points whose charge is collected."""
    for name in step.measured:
        point = plan.point_named(name)
        if point.asks.way == "charge":
            yield Beam(step, point)


def _names(points: Sequence[Point]) -> list[str]:
    return list(dict.fromkeys(p.detector for p in points if p.detector is not None))
