"""Factors, parts of the uncertainty and rules as a result keeps them: what plan and calibrations said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from acquire.procedure.records.record import Number, Record


class FactorRecord(Record, frozen=True, kw_only=True):
    """One factor: value in its UCUM unit, u in percent (k = 1), source, and what it shares its uncertainty with."""

    value: Number
    unit: str
    u_percent: Number
    source: str
    U_percent: Number | None = None
    k: Number | None = None
    dof: Number | None = None
    shared: str | None = None
    range: tuple[Number, Number] | None = None
    formalism: str | None = None
    chamber: str | None = None
    tpr20_10: Number | None = None
    pdd10x: Number | None = None
    r50_cm: Number | None = None


class ComponentRecord(Record, frozen=True, kw_only=True):
    """A part of the uncertainty that belongs to no factor, of each "element" or of the "result"."""

    name: str
    u_percent: Number
    source: str
    per: str
    U_percent: Number | None = None
    k: Number | None = None
    dof: Number | None = None
    shared: str | None = None


class ExpectedRecord(Record, frozen=True, kw_only=True):
    """Expected dose in Gy, its u in percent (k = 1), and who answers for it."""

    dose_gy: Number
    u_percent: Number
    source: str
    entered_by: str
    checked_by: str | None = None


class LimitsRecord(Record, frozen=True, kw_only=True):
    """Limits of the deviation in percent, and the rule that decides."""

    tolerance_percent: Number
    action_percent: Number
    rule: Literal["guard-band", "simple-acceptance"]
    u_form: Literal["first-order", "exact"]
    source: str


class PlausibleRecord(Record, frozen=True, kw_only=True):
    """Lowest and highest believable dose in Gy."""

    low_gy: Number
    high_gy: Number


class WindowRecord(Record, frozen=True, kw_only=True):
    """Absolute limits of the order in Gy."""

    source: str
    low_gy: Number | None = None
    high_gy: Number | None = None


class ImagingRecord(Record, frozen=True, kw_only=True):
    """Imaging of the course."""

    per_image: FactorRecord
    images: int


class CourseRecord(Record, frozen=True, kw_only=True):
    """What a measurement stands for over the course."""

    fractions: int
    limit_gy: Number | None = None
    imaging: ImagingRecord | None = None


class FadingRecord(Record, frozen=True, kw_only=True):
    """The site's fading."""

    per_day: Number
    low_days: Number
    high_days: Number
    u_percent: Number
    source: str
    days_of_standards: Number | None = None


class LinearityRecord(Record, frozen=True, kw_only=True):
    """The site's linearity."""

    slope_per_gy: Number
    at_gy: Number
    low_gy: Number
    high_gy: Number
    u_percent: Number
    source: str


class SpectrumRecord(Record, frozen=True, kw_only=True):
    """How a spectrum is read and reported."""

    file: str
    offset: Number
    edge_source: str
    cut_kev_um: Number
    y0_kev_um: Number
    diameter_um: Number
    bins_per_decade: int
    marker: Number | None = None
    y_edge_kev_um: Number | None = None
    live_s: Number | None = None
    real_s: Number | None = None


class CertificateConditions(Record, frozen=True, kw_only=True):
    """Reference conditions of a calibration."""

    t0_c: Number | None = None
    p0_kpa: Number | None = None
    reading: str | None = None
    quality: str | None = None


class CertificateRecord(Record, frozen=True, kw_only=True):
    """Which calibration a detector's factors are from."""

    id: str
    certificate: str


class PolarityRecord(Record, frozen=True, kw_only=True):
    """k_pol is measured in the session."""

    u_percent: Number
    source: str


class RecombinationRecord(Record, frozen=True, kw_only=True):
    """k_s is measured in the session by the two-voltage method (volts)."""

    beam: str
    high_v: Number
    low_v: Number
    u_percent: Number
    source: str


class BlanksRecord(Record, frozen=True, kw_only=True):
    """Zero-dose readings of a batch."""

    sd: Number
    n: int
    unit: str
    source: str


class CheckElementRecord(Record, frozen=True, kw_only=True):
    """A reader's check element."""

    element: str
    signal: FactorRecord
    limit_percent: Number


Factors = Mapping[str, FactorRecord]
