"""Which measured leakage counts for each beam of a point: one that was measured before it and that holds for it still.

Of several the plan's rule chooses, never the value; all are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from acquire.procedure.documents.plan import Step
from acquire.procedure.results.choosing import Choosing
from acquire.procedure.session.attempts import Attempt
from acquire.procedure.session.background_after import lasted_s, long_enough
from acquire.procedure.session.background_seen import BackgroundSeen, measured_backgrounds, seen
from acquire.procedure.session.foreseen import background_before
from acquire.procedure.session.input_state import Beam, Inputs

FIRST = "background"


@dataclass(frozen=True, slots=True)
class Held:
    """The name of a leakage's readings, whether it may only be named, and why the beam has none that holds."""

    name: str = FIRST
    named_only: bool = False
    problem: str | None = None


@dataclass(slots=True)
class Leakage:
    """The leakages of a point, taken as its beams ask for them. first: the point's first irradiation.

    problems: what is wrong with the leakages themselves, whatever the beam was.
    """

    choosing: Choosing
    first: Step
    inputs: Inputs
    taken: list[Attempt] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    _names: dict[str, str] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def of(self, step: Step, attempt: Attempt | None, *, came_itself: bool) -> Held:
        """That of a beam, which was measured in `attempt`, if it was; in its own step, or by two people's word another.

        What was measured on another instrument, or during another step, is held against nothing of its own input.
        """
        choosing = self.choosing
        if attempt is None and step != self.first:
            return Held()
        planned = self._step(step)
        made = self._made(planned)
        if planned is None or not made:
            self._none()
            return Held()
        if attempt is None or choosing.across is not None or not came_itself:
            return Held(self._take(planned, made[_counting(choosing, planned, made, self._told)]))
        beam = Beam(step, choosing.point, attempt)
        before = self.inputs.made("background", beam)
        why = [self.inputs.ended(each, beam) for each in before]
        holding = [each for each, ended in zip(before, why, strict=True) if ended is None]
        of = self._after(beam, planned, holding) or holding or before or made
        counts = of[_counting(choosing, planned, of, self._told)]
        named_only = self.inputs.at_other_voltage(counts, beam) is not None
        return Held(self._take(planned, counts), named_only, self._problem(beam, planned, holding, why))

    def _after(self, beam: Beam, planned: Step, holding: Sequence[Attempt]) -> list[Attempt]:
        """Those measured after a beam that was longer than each of before; none where one of those will do."""
        point = self.choosing.point
        times = [lasted_s(self.inputs, each, point) for each in self._parts(beam)]
        if not holding or None in times:
            return []
        beam_s = max(each for each in times if each is not None)
        if long_enough(self.inputs, holding, point, beam_s):
            return []
        after = long_enough(self.inputs, self.inputs.holding_after(beam), point, beam_s)
        remark = (
            f"{beam.step.id} was measured for {beam_s:.1f} s, for longer than {planned.id} before it; that which was"
            " measured after it, with nothing changed in between, counts."
        )
        if after and remark not in self.choosing.remarks:
            self.choosing.remarks.append(remark)
        return after

    def _parts(self, beam: Beam) -> Sequence[Attempt]:
        """The measurement of a beam and those of its rest."""
        done = self.choosing.done().values()
        return next((made for made in done if beam.attempt in made), (beam.attempt,) if beam.attempt else ())

    def _problem(self, beam: Beam, planned: Step, holding: Sequence[Attempt], why: Sequence[str | None]) -> str | None:
        if not why:
            return f"{planned.id} was measured after {beam.step.id} alone: its leakage before the beam is not known."
        if not holding:
            return f"The leakage of {beam.point.id} ({planned.id}) did not hold for {beam.step.id}: {why[-1]}."
        zeros = self.inputs.made("zero", beam)
        if zeros and (ended := self.inputs.ended(zeros[-1], beam)):
            return f"The zero of {beam.point.id} ({zeros[-1].step}) did not hold for {beam.step.id}: {ended}."
        return self.inputs.voltage_stop(beam)

    def _step(self, beam: Step) -> Step | None:
        """The step in which it is measured: of a diode of another instrument, that of the port it was planned for."""
        choosing = self.choosing
        plan, inventory, bound = choosing.as_planned, choosing.session.inventory, choosing.across
        if bound is None:
            return background_before(choosing.session.plan, choosing.point, beam.id, inventory)
        own = next(p for p in plan.point if (p.detector, p.instrument) == (bound.detector, bound.instrument))
        first = next(s for s in plan.step if s.kind == "irradiate" and own.id in s.measured)
        return background_before(plan, own, first.id, inventory)

    def _made(self, planned: Step | None) -> list[Attempt]:
        choosing = self.choosing
        if planned is None:
            return []
        return measured_backgrounds(choosing.connection, choosing.session, planned.id, choosing.point.instrument)

    def _none(self) -> None:
        choosing = self.choosing
        said = f"{choosing.point.id} has no background measured with {choosing.point.detector} before its beam."
        if said not in self.problems:
            self.problems.append(said)

    def _take(self, planned: Step, counts: Attempt) -> str:
        """The name under which its readings are taken, each once."""
        choosing = self.choosing
        if counts.measurement in self._names:
            return self._names[counts.measurement]
        name = f"{FIRST} {len(self._names) + 1}" if self._names else FIRST
        self._names[counts.measurement] = name
        self.taken.append(counts)
        shared = None if choosing.across else choosing.shared_channel(planned)
        if problem := choosing.take(counts, name, shared):
            self.problems.append(problem)
        return name


def _counting(choosing: Choosing, step: Step, made: Sequence[Attempt], said: set[str]) -> int:
    """Which of several leakages counts; that and the others are told once. The last one where none is of use."""
    if len(made) == 1:
        return 0
    rule = choosing.session.plan.background_rule or "last-valid"
    found = [seen(choosing.connection, choosing.session, choosing.point, each) for each in made]
    valid = [n for n, each in enumerate(found) if each is not None and each.why is None]
    counts = (valid or [len(made) - 1])[0 if rule == "first-valid" else -1]
    told = "; ".join(f"{n}: {_told(each)}" for n, each in enumerate(found, start=1))
    remark = (
        f"{step.id} was measured {len(made)} times ({told}); by the rule {rule}, which the plan fixed beforehand,"
        f" number {counts + 1} counts."
    )
    if remark not in said:
        said.add(remark)
        choosing.remarks.append(remark)
    return counts


def _told(background: BackgroundSeen | None) -> str:
    if background is None:
        return "not confirmed yet"
    if background.why:
        return background.why.rstrip(".")
    return f"{background.lasted_s:.1f} s, {1e3 * background.nc_per_s:.3g} pC/s"
