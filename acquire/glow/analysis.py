"""The analysis of a glow curve, from its columns and the name of a material to a record: pure, and never a surprise.

What cannot be analysed gives a record with one sentence and no numbers, so a service may call this for every curve that
arrives.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from acquire.glow.alone import ANY, refuse_background_alone
from acquire.glow.areas import Areas, areas_of, group_area, groups_of
from acquire.glow.background import BACKGROUNDS
from acquire.glow.checking import checked, in_range, within
from acquire.glow.choosing import Chosen, Task, choose
from acquire.glow.curve import GlowCurve, ramp_of
from acquire.glow.errors import GlowError
from acquire.glow.escape import Heating, LinearHeating, MeasuredHeating
from acquire.glow.fitting import covariance
from acquire.glow.forms import form_named
from acquire.glow.judging import identified, of_no_trap, warnings_of
from acquire.glow.model import Peaks
from acquire.glow.noise import Noise, loosened, noise_of, poisson, smooth, spikes
from acquire.glow.peaks import log10_frequency_factors, widths
from acquire.glow.presets import Preset
from acquire.glow.presets import preset as preset_named
from acquire.glow.regions import integrate, outside, refuse_no_regions, usual_regions, weights_of
from acquire.glow.result import Drawn, GlowResult, GroupResult, PeakResult, RegionResult, Residuals
from acquire.glow.settings import Region, Settings
from acquire.glow.statistics import figure_of_merit, runs_test

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]

_AGAIN = 3  # fits of counts: each takes its noise from the one before


def analyse(curve: GlowCurve, preset: str | Preset = "TLD-100", settings: Settings | None = None) -> GlowResult:
    """Peaks, areas, groups, regions and warnings of a curve, begun from a preset alone.

    Of a curve that holds no glow, whatever is in it, the record has a sentence in `refused` and no numbers. Raises
    GlowError only for a preset, form, background, weights or region that there are not.
    """
    chosen = settings or Settings()
    material = preset_named(preset) if isinstance(preset, str) else preset
    form = form_named(chosen.form or material.form)
    noise = noise_of(curve, chosen.weights)
    if chosen.background not in ("auto", *BACKGROUNDS):
        raise GlowError(f"There is no background '{chosen.background}'; there are auto, {', '.join(BACKGROUNDS)}.")
    refuse_no_regions(chosen.regions or ())
    try:
        task, ramp = _task(curve, material, form.name, noise, chosen)
        under = "blank" if curve.blank is not None and chosen.background == "auto" else chosen.background
        found = choose(task, under)
        refuse_background_alone(task, found, ANY if under == "auto" else (under,))
        return _result(*_weighed(task, found, noise), noise, ramp, chosen)
    except GlowError as error:
        return _refused(curve, material.name, form.name, noise, error)


def refit(curve: GlowCurve, like: GlowResult, settings: Settings | None = None) -> GlowResult:
    """The same peaks and background on another curve, begun where `like` ended: for many readouts of one kind.

    Nothing is chosen, so it takes a fifth of the time. Raises GlowError where `like` has no peaks to begin with.
    """
    if like.refused is not None:
        raise GlowError(f"A fit cannot begin from a curve that was not analysed: {like.refused}")
    chosen = settings or Settings()
    noise = noise_of(curve, chosen.weights)
    refuse_no_regions(chosen.regions or ())
    try:
        task, ramp = _task(curve, preset_named(like.preset), like.model, noise, chosen)
        peaks = Peaks(
            np.array([peak.i_m for peak in like.peaks]),
            np.array([peak.t_m_k for peak in like.peaks]),
            np.array([peak.e_ev for peak in like.peaks]),
            np.array([peak.shape or 0.0 for peak in like.peaks]),
        )
        names = tuple(peak.name for peak in like.peaks)
        begun = task.fit(like.background, names, peaks, np.array(list(like.under.values())))
        refuse_background_alone(task, begun, (like.background,))
        return _result(*_weighed(task, begun, noise), noise, ramp, chosen)
    except GlowError as error:
        return _refused(curve, like.preset, like.model, noise, error)


def _refused(curve: GlowCurve, preset: str, form: str, noise: Noise, why: GlowError) -> GlowResult:
    return GlowResult(name=curve.name, preset=preset, refused=str(why), model=form, weights=noise, unit=curve.unit)


def _task(curve: GlowCurve, material: Preset, form: str, noise: Noise, settings: Settings) -> tuple[Task, float | None]:
    good = checked(curve, settings.range_k)
    heating, ramp = _heating(curve, good, settings)
    u = np.ones_like(good.signal)
    if noise == "stated" and good.u is not None:
        u = good.u
    elif noise == "poisson":
        u = poisson(smooth(good.signal))
    unused = in_range(curve, settings.range_k) - good.signal.size
    return Task(good, u, noise != "gaussian", material, form_named(form), heating, settings.integral, unused), ramp


def _heating(curve: GlowCurve, good: GlowCurve, settings: Settings) -> tuple[Heating, float | None]:
    """The heating at the points that are fitted, from the curve's first point on, and its rate in K/s."""
    if curve.time_s is None:
        return LinearHeating(good.temperature_k, settings.integral), curve.ramp_k_s
    at = within(curve, settings.range_k)
    time_s, kelvin = curve.time_s[: at[-1] + 1], curve.temperature_k[: at[-1] + 1]
    ramp, straight = ramp_of(time_s, kelvin)
    if straight:
        return LinearHeating(good.temperature_k, settings.integral), ramp
    if settings.integral == "kitis":
        raise GlowError("The heating is no straight ramp, for which alone Kitis' formulas are; use the exact integral.")
    return MeasuredHeating(time_s, kelvin, ramp, at), ramp


def _weighed(task: Task, chosen: Chosen, noise: Noise) -> tuple[Task, Chosen, Array, Bools]:
    """The fit once more with the noise that it implies; and with less weight for what sticks out of it."""
    if noise == "poisson":
        for _ in range(_AGAIN):
            task = replace(task, u=poisson(chosen.fitted.light))
            chosen = _once_more(task, chosen)
    u = task.u
    signal = task.curve.signal
    sticking = spikes(signal, chosen.fitted.light, u)
    if sticking.any():
        for _ in range(_AGAIN):
            u = loosened(signal, chosen.fitted.light, task.u)
            chosen = _once_more(replace(task, u=u), chosen)
    return task, chosen, u, sticking


def _once_more(task: Task, chosen: Chosen) -> Chosen:
    fitted = chosen.fitted
    return task.fit(fitted.model.background.name, chosen.names, fitted.peaks, fitted.under)


def _result(
    task: Task, chosen: Chosen, u: Array, sticking: Bools, noise: Noise, ramp_k_s: float | None, settings: Settings
) -> GlowResult:
    curve, fitted = task.curve, chosen.fitted
    free = int(np.sum(~fitted.at_bound))
    freedom = max(curve.signal.size - free, 1)
    scale = fitted.chi2 / freedom
    # Where the noise is known, a fit that is worse than it widens what is stated; one that is better changes nothing.
    cov = covariance(fitted, u) * (max(scale, 1.0) if task.known_noise else scale)
    found = areas_of(fitted, cov)
    groups = groups_of(found)
    no_trap = of_no_trap(task, chosen, ramp_k_s)
    sure = identified(chosen, found, cov, no_trap)
    off = curve.signal - fitted.light
    wanted = settings.regions
    if wanted is None:
        wanted = usual_regions(task.preset, chosen.names, fitted, curve.temperature_k)
    absent = [region for region in wanted if outside(region, curve.temperature_k)]
    runs, expected, p = runs_test(off)
    largest = int(np.argmax(np.abs(off)))
    noise_u = u if task.known_noise else u * scale**0.5
    return GlowResult(
        name=curve.name,
        preset=task.preset.name,
        model=task.form.name,
        background=fitted.model.background.name,
        under=dict(zip(fitted.model.background.labels, map(float, fitted.under), strict=True)),
        weights=noise,
        unit=curve.unit,
        heating="ramp" if isinstance(task.heating, LinearHeating) else "measured",
        ramp_k_s=ramp_k_s,
        fom_percent=figure_of_merit(curve.signal, fitted.light),
        reduced_chi2=scale,
        points=curve.signal.size,
        peaks=_peaks(task, chosen, found, cov, ramp_k_s, sure),
        groups=tuple(_group(chosen, found, group) for group in groups),
        area_correlations=_rows(found.correlation),
        parameters=_parameters(chosen),
        parameter_correlations=_rows(_correlation(cov)),
        regions=_regions(task, chosen, noise_u, cov, tuple(r for r in wanted if r not in absent)),
        residuals=Residuals(
            runs=runs, expected_runs=expected, p_runs=p, largest=float(off[largest]),
            largest_at_k=float(curve.temperature_k[largest]),
        ),
        warnings=(
            *warnings_of(task, chosen, found, groups, sure, no_trap, ramp_k_s, p, sticking),
            *(f"The region {r[0]}, {r[1]:g} to {r[2]:g} K, is not all in this curve: it has no value." for r in absent),
        ),
        drawn=_drawn(task, chosen),
    )  # fmt: skip


def _peaks(
    task: Task, chosen: Chosen, found: Areas, cov: Array, ramp_k_s: float | None, sure: Bools
) -> tuple[PeakResult, ...]:
    peaks, n = chosen.fitted.peaks, len(chosen.names)
    u = [None if held else float(each) for held, each in zip(chosen.fitted.at_bound, _u(cov), strict=True)]
    u_area = _u(found.covariance)
    log_s = None
    if ramp_k_s is not None:
        log_s = log10_frequency_factors(task.form, peaks.t_m, peaks.e, peaks.q, ramp_k_s, task.integral)
    wide = widths(task.form, peaks.t_m, peaks.e, peaks.q, task.integral)
    shaped = task.form.parameter is not None
    return tuple(
        PeakResult(
            name=name,
            t_m_k=float(peaks.t_m[k]),
            u_t_m_k=u[n + k],
            i_m=float(peaks.i_m[k]),
            u_i_m=u[k],
            e_ev=float(peaks.e[k]),
            u_e_ev=u[2 * n + k],
            area=float(found.values[k]),
            u_area=float(u_area[k]),
            fwhm_k=float(wide[k]),
            log10_s=None if log_s is None else float(log_s[k]),
            shape=float(peaks.q[k]) if shaped else None,
            u_shape=u[3 * n + k] if shaped else None,
            identified=bool(sure[k]),
            start_assumed=name in task.preset.assumed,
        )
        for k, name in enumerate(chosen.names)
    )


def _group(chosen: Chosen, found: Areas, group: tuple[int, ...]) -> GroupResult:
    area, u = group_area(found, group)
    return GroupResult(peaks=tuple(chosen.names[k] for k in group), area=area, u_area=u)


def _regions(task: Task, chosen: Chosen, u: Array, cov: Array, wanted: tuple[Region, ...]) -> tuple[RegionResult, ...]:
    t, signal = task.curve.temperature_k, task.curve.signal
    along = t
    if isinstance(task.heating, MeasuredHeating) and task.curve.time_s is not None:
        along = task.curve.time_s * task.heating.ramp_k_s
    return tuple(integrate(r, weights_of(t, along, r[1], r[2]), signal, u, chosen.fitted, cov) for r in wanted)


def _drawn(task: Task, chosen: Chosen) -> Drawn:
    fitted = chosen.fitted
    each = fitted.peaks.i_m[:, None] * fitted.model.shapes(fitted.peaks)
    below = fitted.model.background.value_and_slopes(fitted.under)[0]
    return Drawn(
        temperature_k=_row(task.curve.temperature_k),
        signal=_row(task.curve.signal),
        fit=_row(fitted.light),
        background=_row(below + np.zeros_like(fitted.light)),
        peaks=tuple(_row(peak) for peak in each),
    )


def _parameters(chosen: Chosen) -> tuple[str, ...]:
    model = chosen.fitted.model
    kinds = ("i_m", "t_m_k", "e_ev", model.form.parameter or "")[: model.blocks]
    return (*(f"{kind}[{name}]" for kind in kinds for name in chosen.names), *model.background.labels)


def _correlation(cov: Array) -> Array:
    u = np.sqrt(np.diag(cov))
    size = np.where(u > 0, u, np.inf)
    found: Array = cov / np.outer(size, size)
    np.fill_diagonal(found, 1.0)
    return found


def _u(cov: Array) -> Array:
    return np.sqrt(np.maximum(np.diag(cov), 0.0))


def _row(values: Array) -> tuple[float, ...]:
    return tuple(values.tolist())


def _rows(matrix: Array) -> tuple[tuple[float, ...], ...]:
    return tuple(_row(row) for row in matrix)
