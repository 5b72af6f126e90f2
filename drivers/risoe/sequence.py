"""What is done with each sample, pure: the ordered steps of a readout, and the curve that its counts make.

Composed as the Sequence Editor's logs show it. The reader sends counts and no temperatures: the temperatures of a glow
curve are those that were programmed, counted as its own files count them (from 0 Cel, each channel at its end).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol
from uuid import uuid4

from msgspec import structs

from drivers.reading import Also, Axis, Flag, Sample
from drivers.risoe import words
from drivers.risoe.words import Command

COUNTS, UNIT = "counts", "{counts}"


@dataclass(frozen=True, slots=True)
class Cool:
    """Wait until the sample is cool enough to be lifted, at most lasts_s."""

    lasts_s: float = 0.0
    says: str = "waiting for the sample to cool"


@dataclass(frozen=True, slots=True)
class Step:
    """One step with one sample. completes: with its counts the sample's curve is whole."""

    position: int
    element: str | None
    does: Command | Cool
    completes: bool = False

    @property
    def where(self) -> str:
        """The sample as a person would say it."""
        return f"position {self.position}" + (f" ({self.element})" if self.element else "")


class Program(Protocol):
    """What is done with a sample, and what its counts are."""

    def does(self, position: int) -> Sequence[Command | Cool]:
        """The steps with the sample at a position, in order."""

    def curve(self, pieces: Sequence[Sequence[int]]) -> Sample:
        """The curve of its counts, the pieces in the order they were measured."""


@dataclass(frozen=True, slots=True)
class HeatProgram:
    """TL to end_c at rate Cel/s in `points` channels, with a preheat at preheat_c for preheat_s where one is given."""

    end_c: int
    rate: float
    points: int
    preheat_c: int | None = None
    preheat_s: int = 0

    def does(self, position: int) -> Sequence[Command | Cool]:
        """Turn, cool, lift, heat, lower: the heater is off at the end of the last ramp."""
        return [words.position(position), Cool(), words.LIFT_UP, *self._ramps(), words.LIFT_DOWN]

    def _ramps(self) -> list[Command]:
        if self.preheat_c is None:
            return [words.heat(self.end_c, self.rate, self.points, 0)]
        first, second = self.split
        return [
            words.heat(self.preheat_c, self.rate, first, self.preheat_c), words.pause(self.preheat_s),
            words.heat(self.end_c, self.rate, second, 0),
        ]  # fmt: skip

    @property
    def split(self) -> tuple[int, int]:
        """Channels before and after the plateau, which is not recorded: by temperature."""
        first = round(self.points * (self.preheat_c or 0) / self.end_c)
        return first, self.points - first

    def curve(self, pieces: Sequence[Sequence[int]]) -> Sample:
        """A glow curve; no temperature in it was measured."""
        if self.preheat_c is None:
            programmed = channels(0.0, self.end_c, self.points)
        else:
            first, second = self.split
            programmed = channels(0.0, self.preheat_c, first) + channels(self.preheat_c, self.end_c, second)
        said = f"TL {self.end_c} {self.rate:.2f} {self.points}"
        if self.preheat_c is not None:
            said += f" after {self.preheat_c} for {self.preheat_s} s"
        axis = Axis(unit="Cel", values=programmed)
        return _curve("glow-curve", {"programmed-temperature": axis}, pieces, {"record": "TL", "program": said})


@dataclass(frozen=True, slots=True)
class LightProgram:
    """OSL with source B or I at power percent for `seconds`, at hold_c Cel."""

    source: Literal["B", "I"]
    power: int
    seconds: float
    points: int
    hold_c: int
    rate: float
    settle_s: int

    def does(self, position: int) -> Sequence[Command | Cool]:
        """Turn, set the power, cool, lift, warm, stimulate, lower, heater off."""
        return [
            words.position(position), words.stimulation_power(self.power), Cool(), words.LIFT_UP,
            words.set_temperature(self.hold_c, self.rate), words.pause(self.settle_s),
            words.stimulate(self.source, self.seconds, self.points), words.LIFT_DOWN, words.HEATER_OFF,
        ]  # fmt: skip

    def curve(self, pieces: Sequence[Sequence[int]]) -> Sample:
        """A decay curve over the time of stimulation."""
        time = Axis(unit="s", values=channels(0.0, self.seconds, self.points))
        said = f"OS {self.source} {self.seconds:.2f} {self.points} at {self.hold_c} Cel, {self.power} %"
        return _curve("curve", {"time": time}, pieces, {"record": "OSL", "program": said})


def channels(low: float, high: float, points: int) -> tuple[float, ...]:
    """The end of each of so many channels between two values."""
    return tuple(low + (n + 1) * (high - low) / points for n in range(points))


def steps_of(program: Program, samples: Sequence[tuple[int, str | None]], cooling: Command | Cool | None) -> list[Step]:
    """Every step with every sample, one sample after the other; cooling: how a sample is let cool, None: not at all."""
    found = []
    for position, element in samples:
        with_cooling = [cooling if isinstance(each, Cool) else each for each in program.does(position)]
        does = [each for each in with_cooling if each is not None]
        last = max(n for n, each in enumerate(does) if isinstance(each, Command) and each.points)
        found += [Step(position, element, each, completes=n == last) for n, each in enumerate(does)]
    return found


@dataclass(slots=True)
class Run:
    """An ordered sequence under way. pieces: counts of the present sample, and raw the bytes they were read from.

    name: what tells it from every other sequence; the curves it gives are of one reader run.
    """

    steps: Sequence[Step]
    program: Program | None
    name: str = field(default_factory=lambda: str(uuid4()))
    at: int = 0
    pieces: list[tuple[int, ...]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    @property
    def step(self) -> Step | None:
        """The one that is due or under way; None: all is done."""
        return self.steps[self.at] if self.at < len(self.steps) else None

    def done(self, counts: tuple[int, ...], raw: bytes) -> Sample | None:
        """The present step was carried out; gives the curve that it completed."""
        step = self.steps[self.at]
        self.at += 1
        if counts:
            self.pieces.append(counts)
            self.raw.append(raw)
        if not step.completes or self.program is None:
            return None
        curve, whole = self.program.curve(self.pieces), b"\n".join(self.raw)
        self.pieces.clear()
        self.raw.clear()
        also = {"position": Also(unit="1", value=step.position)}
        of_run = {"position": str(step.position), "run": self.name}
        return structs.replace(curve, element=step.element, also=also, raw=whole, **of_run)

    @property
    def irradiates(self) -> bool:
        """Whether a source is, or may be, open in it."""
        return any(isinstance(each.does, Command) and each.does.opens_source for each in self.steps)

    def left(self) -> list[str]:
        """The samples that have no curve yet, in order."""
        return list(dict.fromkeys(step.where for step in self.steps[self.at :] if step.completes))

    def progress(self, elapsed_s: float, temperature_c: float | None) -> Sample:
        """How far the present step is: no value, and the dosimeter only in the sentence, for it is no readout of it.

        temperature_c: of the sample, where it was asked for.
        """
        step = self.steps[self.at]
        lasts_s = step.does.lasts_s
        also = {"position": Also(unit="1", value=step.position), "elapsed": Also(unit="s", value=elapsed_s)}
        also["expected"] = Also(unit="s", value=lasts_s)
        if temperature_c is not None:
            also["temperature"] = Also(unit="Cel", value=temperature_c)
        note = f"{step.where}: {step.does.says}, {elapsed_s:.0f} of {lasts_s:.0f} s; to read: {len(self.left())}"
        return unfinished(note, also)


def unfinished(note: str, also: dict[str, Also] | None = None) -> Sample:
    """A sentence about counts that are not there."""
    return Sample(quantity=COUNTS, unit=UNIT, flags=(Flag.INCOMPLETE,), note=note, also=also or {})


def _curve(
    kind: Literal["glow-curve", "curve"], axis: dict[str, Axis], pieces: Sequence[Sequence[int]], said: dict[str, str]
) -> Sample:
    counts = tuple(float(each) for piece in pieces for each in piece)
    axes = axis | {"signal": Axis(unit=UNIT, values=counts)}
    return Sample(kind=kind, quantity=COUNTS, unit=UNIT, value=sum(counts), axes=axes, attributes=said)
