"""From what was heard to readings: the host's clocks, the raw bytes, and what is not believed.

A step of the host's clock is flagged on the reading (docs/noloss.md section 6): `time` of a stream then jumps, and what
compares it with another time has to know. Order, attribution and every interval of a measurement do without it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from drivers.model import Model
from drivers.reading import Flag, Reading, Sample, at_host

STEP_S = 0.5  # an ordinary correction (a clock that is slewed) moves the monotonic clock too, and is no step


@dataclass(frozen=True, slots=True)
class Stamp:
    """UTC as ISO 8601 with microseconds, the monotonic clock in seconds, and what is to be flagged."""

    time: str
    monotonic_s: float
    flags: tuple[Flag, ...] = ()


class HostClock:
    """The host's two clocks of one stream, held against each other.

    utc_s: seconds since 1970; monotonic_s: seconds. Both are given for tests that step them.
    """

    def __init__(
        self, utc_s: Callable[[], float] = time.time, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._utc_s = utc_s
        self._monotonic_s = monotonic_s
        self._apart_s = 0.0
        self.begin()

    def begin(self) -> None:
        """A stream begins: what was before says nothing of its readings."""
        self._apart_s = self._utc_s() - self._monotonic_s()

    def now(self) -> Stamp:
        """Of now; flagged where UTC moved by more than STEP_S against the monotonic clock since the last flag.

        Small steps add up, from the begin of the stream on. One step is flagged once: on all readings of one stamp.
        """
        utc_s, monotonic_s = self._utc_s(), self._monotonic_s()
        stamp = datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if abs(utc_s - monotonic_s - self._apart_s) <= STEP_S:
            return Stamp(stamp, monotonic_s)
        self._apart_s = utc_s - monotonic_s
        return Stamp(stamp, monotonic_s, (Flag.CLOCK_STEP,))


def host_clock() -> tuple[str, float]:
    """UTC as ISO 8601 with microseconds, and the monotonic clock in seconds, of now."""
    stamp = HostClock().now()
    return stamp.time, stamp.monotonic_s


def readings_of(
    model: Model, channels: Sequence[str], samples: Sequence[Sample], raw: bytes, clock: HostClock | None = None
) -> list[Reading]:
    """Readings of samples that were just heard; one that the model does not declare is kept and not believed.

    clock: of their stream; without one no step of it is seen.
    """
    made = []
    stamp: Stamp | None = None
    for sample in samples:
        stamp = stamp or (clock or HostClock()).now()  # a step is not used up where there is nothing to flag
        wrong = undeclared(model, channels, sample)
        if wrong is None:
            made.append(at_host(sample, raw, stamp.time, stamp.monotonic_s, *stamp.flags))
        else:
            made.append(_unbelieved(model, sample.raw or raw, wrong, stamp))
    return made


def undeclared(model: Model, channels: Sequence[str], sample: Sample) -> str | None:
    """What is wrong with a sample by its model's declaration: quantity, unit, channel. None: nothing."""
    declared = model.quantity(sample.quantity)
    if declared is None:
        return f"The driver gave {sample.quantity}, which {model.name} does not declare."
    if sample.unit != declared.unit:
        return f"The driver gave {sample.quantity} in {sample.unit}; {model.name} declares {declared.unit}."
    if channels and sample.channel not in channels:
        return f"The driver gave channel {sample.channel}; {model.name} has {', '.join(channels)}."
    if not channels and sample.channel is not None:
        return f"The driver gave channel {sample.channel}; {model.name} declares none."
    return None


def unparsed(model: Model, raw: bytes, why: str, *flags: Flag, clock: HostClock | None = None) -> Reading:
    """The bytes of something that is not believed, with the sentence that says why, and further flags."""
    return _unbelieved(model, raw, why, (clock or HostClock()).now(), *flags)


def _unbelieved(model: Model, raw: bytes, why: str, stamp: Stamp, *flags: Flag) -> Reading:
    first = model.quantities[0]
    return Reading(
        kind="unparsed", quantity=first.name, unit=first.unit, flags=(Flag.UNPARSED, *flags, *stamp.flags), raw=raw,
        time=stamp.time, monotonic_s=stamp.monotonic_s, note=why,
    )  # fmt: skip
