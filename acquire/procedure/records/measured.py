"""What the readings of a point came to, before any formula: charges, thresholds, signals of elements, a spectrum.

The same records serve before the measurement, with a nominal signal; what only a measurement has is None there.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import UNSET, UnsetType

from acquire.procedure.records.factors import FactorRecord
from acquire.procedure.records.record import Number, Record


class AmbientConditions(Record, frozen=True, kw_only=True):
    """An entry of temperature and pressure; `minutes` from it to the reading it is used for, which `step` names."""

    temperature_c: Number
    pressure_kpa: Number
    n: int
    humidity_percent: Number | None
    source: str
    at: str
    minutes: Number | None = None
    step: str | None = None


class Brought(Record, frozen=True, kw_only=True):
    """By what a charge was brought to the conditions of the step `to`."""

    symbol: str
    numbers: str
    to: str


class PartRead(Record, frozen=True, kw_only=True):
    """A part of a beam: its number in the attempt, its measurement, begin and end on the instrument's clock, nC.

    interval_s: between readings, to which its ends are known; what: as two people have said, None where nobody has.
    """

    n: int
    name: str
    measurement: str
    begin_s: Number
    end_s: Number
    nc: Number
    interval_s: Number
    what: str | None = None


class BeamRead(Record, frozen=True, kw_only=True):
    """The parts in which a beam came; how long it should be on in s, where the plan states it; what stands with it."""

    parts: tuple[PartRead, ...]
    expected_s: Number | None = None
    remark: str | None = None


class HowCollected(Record, frozen=True, kw_only=True):
    """How a net charge came about: before leakage was taken off, in which time, air and parts of the beam."""

    gross_nc: Number | None = None
    time_s: Number | None = None
    leakage_nc: Number | None = None
    leakage_percent: Number | None = None
    subtracted: bool | None = None
    air: AmbientConditions | None = None
    brought: Brought | None = None
    beam: BeamRead | None = None


class AttemptRead(HowCollected, frozen=True, kw_only=True):
    """One attempt at a step: its net charge in nC and how it came about, or `why` it has none."""

    step: str
    why: str | None = None
    nc: Number | None = None


class ChargeRead(HowCollected, frozen=True, kw_only=True):
    """The net charge that counts in nC: of the only attempt, or what the plan's rule made of several."""

    nc: Number
    repeats: int | None = None
    sem_percent: Number | UnsetType | None = UNSET
    rule: str | None = None
    used: tuple[str, ...] | None = None
    left_out: tuple[tuple[str, str], ...] | None = None
    attempts: tuple[AttemptRead, ...] | None = None


class BackgroundRead(Record, frozen=True, kw_only=True):
    """The charge of the background in nC over its time, and the leakage that was fitted to it."""

    nc: Number
    time_s: Number
    nc_per_s: Number
    u_nc_per_s: Number | None = None
    dof: Number | None = None


class Charges(Record, frozen=True, kw_only=True):
    """Of a detector whose charge is collected: at its own, the opposite and the reduced voltage."""

    charge: ChargeRead
    background: BackgroundRead | None = None
    environment: AmbientConditions | None = None
    opposite: ChargeRead | None = None
    reduced: ChargeRead | None = None


class Scatter(Record, frozen=True, kw_only=True):
    """Standard deviation of the mean of n readings, in mV."""

    u_mv: Number
    n: int


class Threshold(Record, frozen=True, kw_only=True):
    """Threshold voltages in mV, and the minutes between each and the irradiation."""

    before_mv: Number
    after_mv: Number
    before_min: Number
    after_min: Number
    scatter: Mapping[str, Scatter] | None = None


class Thresholds(Record, frozen=True, kw_only=True):
    """Of a MOSFET. nominal: nothing was measured yet."""

    threshold: Threshold
    nominal: bool = False


class ElementSignalRead(Record, frozen=True, kw_only=True):
    """The signal of one element in nC or {counts}: the first reading, and all where there are several; its correction.

    A check element has none.
    """

    element: str
    value: Number
    unit: str
    readings: tuple[Number, ...] | None = None
    ecc: FactorRecord | None = None

    @property
    def every(self) -> tuple[Number, ...]:
        """Its readings, the only one too."""
        return self.readings or (self.value,)

    @property
    def correction(self) -> FactorRecord:
        """Its element correction. Raises ValueError for one that has none."""
        if self.ecc is None:
            raise ValueError(f"{self.element} has no element correction.")
        return self.ecc


class Elements(Record, frozen=True, kw_only=True):
    """Of chips or dots, with the standards, controls and check element of their run; days since removal by element."""

    standards: tuple[ElementSignalRead, ...]
    controls: tuple[ElementSignalRead, ...]
    elements: tuple[ElementSignalRead, ...]
    imaging: str
    checks: tuple[ElementSignalRead, ...] | None = None
    days: Mapping[str, Number] | None = None
    standard_days: Mapping[str, Number] | None = None


class SpectrumCounts(Record, frozen=True, kw_only=True):
    """Edges (keV/µm), counts and times (s) of a spectrum's file."""

    edges: tuple[Number, ...]
    counts: tuple[Number, ...]
    live_s: Number
    real_s: Number


class SpectrumFile(Record, frozen=True, kw_only=True):
    """Of a microdosimeter."""

    measured: SpectrumCounts
