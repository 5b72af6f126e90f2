"""Microdosimetric spectra: read from its file, reported with its cut, never held against a limit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from acquire.dosimetry import DecisionState
from acquire.dosimetry.dose import shown
from acquire.errors import Refused
from acquire.procedure.documents.asked import Asks
from acquire.procedure.documents.point import Point
from acquire.procedure.documents.spectrum_plan import SpectrumPlan
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.methods.detector_needs import common_needs
from acquire.procedure.methods.method import Method, Sources
from acquire.procedure.records.factors import SpectrumRecord
from acquire.procedure.records.measured import SpectrumCounts, SpectrumFile
from acquire.procedure.records.needs import Needs
from acquire.procedure.records.output import Output, SpectrumFound, SpectrumMeans, SpectrumPlot, StepRecord

if TYPE_CHECKING:
    from acquire.dosimetry.microdosimetry import Means, Spectrum

SOURCE = "ICRU 36"
FORMULA = "Microdosimetric means"


@contextmanager
def _without_warnings() -> Iterator[None]:
    """A number that overflows is refused for what it is, and not warned of on the way. Raises Refused."""
    import numpy as np  # noqa: PLC0415 - most points are no spectrum

    try:
        with np.errstate(all="ignore"):
            yield
    except OverflowError as error:
        raise Refused("The numbers of the spectrum are too large to be added up.") from error


@_without_warnings()
def read(plan: SpectrumPlan, body: bytes) -> SpectrumCounts:
    """Edges (keV/µm), counts and times of a file. Raises DosimetryError, naming the line, or Refused."""
    import numpy as np  # noqa: PLC0415

    from acquire.dosimetry.micro_calibration import scale_of_edge  # noqa: PLC0415 - brings numpy
    from acquire.dosimetry.micro_formats import parse_columns, parse_spe  # noqa: PLC0415
    from acquire.dosimetry.microdosimetry import Spectrum, edges_of_log_centres  # noqa: PLC0415

    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(f"Byte {error.start} of the spectrum file is not UTF-8 text.") from error
    if plan.file == "spe":
        channels = parse_spe(text)
        scale = scale_of_edge(plan.marker or 0.0, plan.y_edge_kev_um or 0.0, plan.offset, plan.edge_source)
        spectrum, live_s, real_s = channels.on(scale), channels.live_s, channels.real_s
    else:
        centres, counts = parse_columns(text, "blank")
        spectrum = Spectrum(edges_of_log_centres(centres), np.asarray(counts, dtype=np.float64))
        if plan.live_s is None or plan.real_s is None:
            raise Refused("A spectrum in columns states no times: give live_s and real_s in the plan.")
        live_s, real_s = plan.live_s, plan.real_s
    return SpectrumCounts(
        edges=tuple(spectrum.edges.tolist()), counts=tuple(spectrum.counts.tolist()), live_s=live_s, real_s=real_s
    )


def spectrum_needs(sources: Sources, point: Point) -> Needs:
    """How the plan wants it read. Raises Refused for a detector of another kind."""
    if (kind := sources.inventory.detector_named(point.detector or "").kind) != point.asks.kind:
        raise Refused(f"Point {point.id} has method '{point.method}', but {point.detector} is a {kind}.")
    return common_needs(point)


@_without_warnings()
def report(needs: Needs, file: SpectrumFile, remarks: Sequence[str]) -> Output:
    """y_F, y_D, y*, z_F with the cut beside them; no dose and no decision against a limit. Raises DosimetryError."""
    import numpy as np  # noqa: PLC0415

    from acquire.dosimetry.microdosimetry import (  # noqa: PLC0415
        Spectrum,
        live_time_flag,
        means,
        specific_energy_gy,
    )

    plan, measured = needs.spectrum, file.measured
    if plan is None:
        raise Invalid("The plan does not say how the spectrum is read.")
    spectrum = Spectrum(np.asarray(measured.edges), np.asarray(measured.counts))
    found = means(spectrum, plan.cut_kev_um, plan.y0_kev_um)
    z_f = specific_energy_gy(found.y_f, plan.diameter_um)
    flag = live_time_flag(measured.live_s, measured.real_s)
    return Output(
        decision=DecisionState.REPORT_ONLY.value,
        remarks=tuple(remarks),
        spectrum=SpectrumFound(
            rule="a spectrum is reported, never held against a limit",
            formula=FORMULA,
            steps=_steps(found, plan, z_f),
            spectrum=SpectrumMeans(
                y_f_kev_um=found.y_f,
                y_d_kev_um=found.y_d,
                y_star_kev_um=found.y_star,
                y0_kev_um=found.y0,
                z_f_gy=z_f,
                events=found.n,
                cut_kev_um=found.cut,
                bins_cut=found.bins_cut,
                live_over_real=measured.live_s / measured.real_s,
                plot=_plot(spectrum, found.cut, plan.bins_per_decade),
            ),
            warnings=(flag,) if flag else (),
        ),
    )


def _steps(found: Means, plan: SpectrumRecord, z_f: float) -> tuple[StepRecord, ...]:
    n, y_f, d = (shown(x) for x in (found.n, found.y_f, plan.diameter_um))
    return (
        _step("y_F", "Σ y n / Σ n", f"Σ y n = {shown(found.n * found.y_f)}, Σ n = {n}", found.y_f, "keV/um"),
        _step("y_D", "Σ y² n / Σ y n", f"Σ y² n = {shown(found.n * found.y_f * found.y_d)}", found.y_d, "keV/um"),
        _step("y*", "y0² Σ(1 − e^−(y/y0)²) n / Σ y n", f"y0 = {plan.y0_kev_um:g}", found.y_star, "keV/um"),
        _step("z_F", "4 y_F/(π ρ d²)", f"4 × 0.1602176634 × {y_f} / (π × {d}²)", z_f, "Gy"),
    )


def _step(what: str, formula: str, numbers: str, value: float, unit: str) -> StepRecord:
    return StepRecord(what=what, formula=formula, numbers=numbers, value=value, unit=unit, source=SOURCE)


def _plot(spectrum: Spectrum, cut: float, per_decade: int) -> SpectrumPlot:
    """y and y·d(y) in logarithmic bins above the cut, where equal areas are equal dose; nothing below it is drawn."""
    import numpy as np  # noqa: PLC0415

    from acquire.dosimetry.microdosimetry import Spectrum, log_edges, log_plot, rebin  # noqa: PLC0415

    kept = spectrum.edges[1:] > cut * (1 + 1e-12)
    first = int(np.argmax(kept))
    above = Spectrum(spectrum.edges[first:], spectrum.counts[first:])
    low = above.edges[0] if above.edges[0] > 0 else above.edges[1] / 10
    bins = int(np.ceil(np.log10(above.edges[-1] / low) * per_decade - 1e-9))
    if above.edges[0] <= 0:
        above = Spectrum(np.concatenate(([low], above.edges[1:])), above.counts)
    edges = log_edges(float(low), per_decade, bins)
    edges[0], edges[-1] = min(edges[0], above.edges[0]), max(edges[-1], above.edges[-1])
    y, height = log_plot(rebin(above, edges))
    return SpectrumPlot(y_kev_um=tuple(y.tolist()), y_d=tuple(height.tolist()))


METHOD = Method(
    name="spectrum",
    title="microdosimetric spectrum of",
    asks=Asks(way="file", kind="microdosimeter"),
    records=(Needs, SpectrumFile),
    needs=spectrum_needs,
    report=report,
)
