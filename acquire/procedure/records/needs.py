"""What a formula needs besides the signal, as the documents gave it: one record for each way in which it is given."""

from __future__ import annotations

from typing import Literal

from acquire.procedure.records.factors import (
    BlanksRecord,
    CertificateConditions,
    CertificateRecord,
    CheckElementRecord,
    ComponentRecord,
    CourseRecord,
    ExpectedRecord,
    FactorRecord,
    Factors,
    FadingRecord,
    LimitsRecord,
    LinearityRecord,
    PlausibleRecord,
    PolarityRecord,
    RecombinationRecord,
    SpectrumRecord,
    WindowRecord,
)
from acquire.procedure.records.record import Number, Record


class Needs(Record, frozen=True, kw_only=True):
    """What the plan says of a point, whatever its method."""

    expected: ExpectedRecord | None
    limits: LimitsRecord | None
    plausible: PlausibleRecord | None
    course: CourseRecord | None
    surface: str
    position: Literal["in-field", "out-of-field"]
    protocol: str
    fff: bool
    components: tuple[ComponentRecord, ...]
    window: WindowRecord | None = None
    fading: FadingRecord | None = None
    linearity: LinearityRecord | None = None
    spectrum: SpectrumRecord | None = None
    pre_irradiation_gy: Number | None = None

    @property
    def highest_gy(self) -> float:
        """The largest dose that has to be reckoned with: the expected one, else the end of the plausible range."""
        if self.expected is not None:
            return self.expected.dose_gy
        return self.plausible.high_gy if self.plausible is not None else 0.0


class FactorNeeds(Needs, frozen=True, kw_only=True):
    """With factors by name."""

    factors: Factors


class DetectorNeeds(FactorNeeds, frozen=True, kw_only=True):
    """With what the calibration of a detector gives, and what the inventory says of it."""

    conditions: CertificateConditions
    detector_c: Number | None
    calibration: CertificateRecord
    full_scale_nc: Number | None = None
    threshold_mv: Number | None = None
    polarity: PolarityRecord | None = None
    recombination: RecombinationRecord | None = None


class ReaderNeeds(FactorNeeds, frozen=True, kw_only=True):
    """With what the batch of a reader gives; a coefficient of its own is among the factors."""

    reader: str
    pair_limit_percent: Number | None
    pair_rule: str
    pair_named: str | None
    background_form: Literal["after-sensitivity", "before-sensitivity"]
    blanks: BlanksRecord | None = None
    check: CheckElementRecord | None = None
    standard_dose: FactorRecord | None = None
    rcf_u_percent: Number | None = None
    coefficient_range: tuple[Number, Number] | None = None


class DotNeeds(ReaderNeeds, frozen=True, kw_only=True):
    """With the chain of an OSL reader, and what one reading takes away."""

    chain: str
    depletion_per_reading: Number
    depletion: Literal["growing", "falling"]
