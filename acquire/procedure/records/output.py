"""A result as it is stored and printed: its decision, and the dose or the spectrum that stands behind it."""

from __future__ import annotations

from typing import Any, Literal

from acquire.procedure.records.inputs import FindingRecord, RunTold
from acquire.procedure.records.record import Flat, Number, Record, of_plain, plain


class StepRecord(Record, frozen=True, kw_only=True):
    """A line of the calculation: what = formula, with the numbers put in, its value in its unit, and the source."""

    what: str
    formula: str
    numbers: str
    value: Number
    unit: str
    source: str


class BudgetRow(Record, frozen=True, kw_only=True):
    """A row of the budget in percent (k = 1); `dof` is None where they are ample."""

    name: str
    u_percent: Number
    kind: Literal["A", "B"]
    dof: Number | None
    shared: str | None
    source: str


class WindowFound(Record, frozen=True, kw_only=True):
    """The dose with its U against absolute limits of the order."""

    where: str
    certain: bool
    low_gy: Number | None
    high_gy: Number | None
    says: str
    source: str


class CourseLineFound(Record, frozen=True, kw_only=True):
    """A line of the dose over the course."""

    name: str
    gy_each: Number
    times: int
    dose_gy: Number


class CourseFound(Record, frozen=True, kw_only=True):
    """The dose over the whole course against the order's limit."""

    fractions: int
    dose_gy: Number
    expanded_gy: Number
    upper_gy: Number
    limit_gy: Number | None
    below_limit: bool | None
    imaging_stated: bool
    lines: tuple[CourseLineFound, ...]


class DoseFound(Record, frozen=True, kw_only=True):
    """A dose in Gy with its comparison, steps and budget."""

    rule: str
    u_form: str | None
    dose_gy: Number
    u_gy: Number
    u_percent: Number
    dof: Number | None
    k: Number
    expanded_gy: Number
    expected_gy: Number | None
    expected_u_percent: Number | None
    deviation_percent: Number | None
    deviation_expanded_percent: Number | None
    p_conform: Number | None
    tolerance_percent: Number | None
    action_percent: Number | None
    asks: str | None
    window: WindowFound | None
    formula: str
    formula_version: str
    formula_inputs_sha256: str
    steps: tuple[StepRecord, ...]
    budget: tuple[BudgetRow, ...]
    pair_percent: Number | None
    course: CourseFound | None
    imaging: str | None
    warnings: tuple[str, ...]


class SpectrumPlot(Record, frozen=True, kw_only=True):
    """y (keV/µm) and y d(y) to be drawn."""

    y_kev_um: tuple[Number, ...]
    y_d: tuple[Number, ...]


class SpectrumMeans(Record, frozen=True, kw_only=True):
    """The means of a spectrum with its cut."""

    y_f_kev_um: Number
    y_d_kev_um: Number
    y_star_kev_um: Number
    y0_kev_um: Number
    z_f_gy: Number
    events: Number
    cut_kev_um: Number
    bins_cut: int
    live_over_real: Number
    plot: SpectrumPlot


class SpectrumFound(Record, frozen=True, kw_only=True):
    """A spectrum, which has no dose and is held against no limit."""

    rule: str
    formula: str
    steps: tuple[StepRecord, ...]
    spectrum: SpectrumMeans
    warnings: tuple[str, ...]


class OutputHead(Record, frozen=True, kw_only=True):
    """What every result has; `why` where its decision is INVALID; `transcribed` where no instrument told its charge."""

    decision: str
    remarks: tuple[str, ...]
    why: tuple[str, ...] | None = None
    channel: str | None = None
    detector: str | None = None
    reader_run: RunTold | None = None
    transcribed: str | None = None
    quality: tuple[FindingRecord, ...] | None = None


class Output(OutputHead, frozen=True, kw_only=True):
    """A whole result; a dose, or a spectrum, or neither."""

    dose: DoseFound | None = None
    spectrum: SpectrumFound | None = None

    @property
    def dose_gy(self) -> float | None:
        """The dose in Gy, where there is one."""
        return self.dose.dose_gy if self.dose else None

    @property
    def deviation_percent(self) -> float | None:
        """The deviation from the expected dose, where it is held against one."""
        return self.dose.deviation_percent if self.dose else None

    def plain(self) -> dict[str, Any]:
        """As it is stored."""
        head = OutputHead(**{name: getattr(self, name) for name in OutputHead.__struct_fields__})
        return plain(head, self.dose, self.spectrum)


def output_of(flat: Flat) -> Output:
    """The inverse; other keys are left. Raises msgspec.ValidationError (a ValueError) for what is no result."""
    head = of_plain(flat, OutputHead)
    return Output(
        **{name: getattr(head, name) for name in head.__struct_fields__},
        dose=of_plain(flat, DoseFound) if flat.get("dose_gy") is not None else None,
        spectrum=of_plain(flat, SpectrumFound) if "spectrum" in flat else None,
    )
