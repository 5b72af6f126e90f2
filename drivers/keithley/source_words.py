"""The voltage source beside an ammeter, pure: its limits, the words for a change, and what a reading says of it.

Sources: 6487 reference manual, section 3 (ranges, current limit, interlock), p. 14-10 (command summary), p. 13-7 (VSO
is the programmed voltage in operate, 0 while off, -999 in compliance); 6430 manual, sections 12 and 17.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from drivers.keithley.scpi import Setting
from drivers.reading import Flag, Sample

IN_COMPLIANCE_V = -999.0
WITHIN = 2e-3  # of the voltage set: seven digits are stated, a measured one is a little off
WITHIN_V = 5e-3


@dataclass(frozen=True, kw_only=True)
class SourceWords:
    """level, on, limit: headers. ranges: full scale in V to the largest current limit in A, from the smallest.

    kind: settings that make it a voltage source. locked: the query whose answer `locked_is` says that the interlock
    keeps the source off. limits: those that it has, where they are few.
    """

    level: str
    on: str
    limit: str
    ranges: Mapping[float, float]
    locked: str
    locked_is: int
    range: str | None = None
    kind: tuple[Setting, ...] = ()
    limits: tuple[float, ...] = ()

    def range_for(self, voltage_v: float) -> float:
        """The smallest range that holds a voltage. Raises ValueError in one sentence for one beyond them all."""
        for full_scale in self.ranges:
            if abs(voltage_v) <= full_scale:
                return full_scale
        raise ValueError(f"{voltage_v:g} V is beyond the source's {max(self.ranges):g} V")

    def check(self, voltage_v: float, limit_a: float) -> None:
        """Raises ValueError in one sentence for a pair that the source does not have."""
        if self.limits and limit_a not in self.limits:
            allowed = ", ".join(f"{each:g}" for each in self.limits)
            raise ValueError(f"the source's current limit is one of {allowed} A, not {limit_a:g} A")
        most_a = self.ranges[self.range_for(voltage_v)]
        if limit_a > most_a * (1 + 1e-9):
            raise ValueError(
                f"at {voltage_v:g} V the source's current limit is {most_a:g} A at most, not {limit_a:g} A"
            )

    def settings(self, voltage_v: float, limit_a: float) -> list[Setting]:
        """All that must be in force before it is switched on, in the order in which it is sent."""
        full_scale = self.range_for(voltage_v)
        ranging = [] if self.range is None else [Setting(self.range, full_scale)]
        return [*self.kind, *ranging, Setting(self.limit, limit_a), Setting(self.level, voltage_v)]


class SourceVoltage:
    """Whether the voltage that each reading states is the one that was set, and has settled since it changed.

    Times are those of the instrument's own clock, so that nobody types when a change was.
    """

    def __init__(self, wanted_v: float | None, settle_s: float) -> None:
        self.wanted_v = wanted_v  # as last set by a setting or a command; None: never
        self.commanded = False  # a command has the last word: no setting switches it on again behind it
        self._settle_s = settle_s
        self.begin()

    def begin(self) -> None:
        """The instrument was set up, and its clock begins anew: it has said nothing of its voltage yet."""
        self._stated_v = 0.0
        self._since_s: float | None = None

    def command(self, voltage_v: float) -> None:
        """It was set by a person's command; 0 for off."""
        self.wanted_v, self.commanded = voltage_v, True

    def judged(self, sample: Sample) -> Sample:
        """The sample with what its own source voltage says against it."""
        stated = sample.also.get("source-voltage")
        if stated is None or stated.value is None or sample.kind == "unparsed":
            return sample
        if stated.value == IN_COMPLIANCE_V:
            return _doubted(
                sample, Flag.HV_FAULT, "the voltage source was in compliance: its current limit was reached"
            )
        if not _near(stated.value, self._stated_v):
            self._stated_v, self._since_s = stated.value, sample.elapsed_s or 0.0
        if self.wanted_v is not None and not _near(stated.value, self.wanted_v):
            return _doubted(sample, Flag.HV_FAULT, f"the source is at {stated.value:g} V; {self.wanted_v:g} V was set")
        return self._settling(sample)

    def _settling(self, sample: Sample) -> Sample:
        if self._since_s is None:
            return sample
        if sample.elapsed_s is not None and (ago_s := sample.elapsed_s - self._since_s) >= self._settle_s:
            self._since_s = None
            return sample
        ago = "" if sample.elapsed_s is None else f" {ago_s:.1f} s ago"
        said = f"the source went to {self._stated_v:g} V{ago} and settles for {self._settle_s:g} s"
        return _doubted(sample, Flag.SETTLING, said)


def _near(one_v: float, other_v: float) -> bool:
    return abs(one_v - other_v) <= max(WITHIN_V, WITHIN * abs(other_v))


def _doubted(sample: Sample, flag: Flag, said: str) -> Sample:
    value = None if flag is Flag.HV_FAULT else sample.value
    note = said if sample.note is None else f"{sample.note}; {said}"
    return replace(sample, value=value, flags=(*sample.flags, flag), note=note)
