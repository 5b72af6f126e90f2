"""Which peaks of a preset a curve has, and what lies under them: begun from the preset, decided by fits.

A lower figure of merit is no reason to believe a peak. A small one that only fits with its energy at a bound, or that
sits on a neighbour's side nearer than it could be resolved, describes what the form of the neighbour lacks; it is taken
out where the curve is described without it. A peak is added, or another background taken, by Schwarz's criterion.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from acquire.glow.background import background
from acquire.glow.curve import GlowCurve
from acquire.glow.errors import GlowError
from acquire.glow.escape import K_EV, Heating, Integral
from acquire.glow.fitting import Fitted, bounds_of, fit
from acquire.glow.forms import Form
from acquire.glow.model import Model, Peaks
from acquire.glow.presets import Preset
from acquire.glow.start import find_start
from acquire.glow.statistics import figure_of_merit

Array = NDArray[np.float64]

GOOD_FOM = 3.0  # percent; Balian and Eddy's figure below which a fit is called good
ENOUGH_FOM = 2.0  # percent; above this further peaks are looked for
_SEEN = 0.0015  # of the curve's height: less of a peak is not begun with
_FAINT = 0.001  # of the highest peak: less of a peak is not kept
_NO_WORSE = 1.3  # of the figure of merit, when a doubtful peak is taken out
_SMALL = 0.2  # of the highest peak: an unphysical peak below this is taken out
_UNRESOLVED = 0.4  # of the width at half height, between two maxima
_BETTER = 0.95  # of the figure of merit, by which a faint peak must improve it
WORTH = 10.0  # of Schwarz's criterion: very strong evidence (Kass and Raftery 1995)


@dataclass(frozen=True, slots=True)
class Task:
    """A curve with what is to be fitted to it. u: of each point, or ones. left_out: points that are not fitted."""

    curve: GlowCurve
    u: Array
    known_noise: bool
    preset: Preset
    form: Form
    heating: Heating
    integral: Integral
    left_out: int

    @property
    def top(self) -> float:
        """The height of the curve."""
        return float(self.curve.signal.max())

    def model(self, under: str, n: int) -> Model:
        """A model of n peaks over this background."""
        below = background(under, self.curve.temperature_k, self.curve.blank)
        return Model(self.form, self.heating, below, n, self.integral)

    def fit(self, under: str, names: tuple[str, ...], peaks: Peaks, below: Array) -> Chosen:
        """The fit that begins there."""
        model = self.model(under, len(names))
        bounds = bounds_of(model, peaks, self.curve.temperature_k, self.top)
        fitted = fit(model, self.curve.signal, self.u, model.pack(peaks, below), bounds)
        return Chosen(names, fitted, fitted.bic(self.known_noise))


@dataclass(frozen=True, slots=True)
class Chosen:
    """A fit with the names of its peaks."""

    names: tuple[str, ...]
    fitted: Fitted
    bic: float

    def fom(self, signal: Array) -> float:
        """Its figure of merit in percent."""
        return figure_of_merit(signal, self.fitted.light)


def width_k(t_m: Array, e: Array) -> Array:
    """Full width at half height of a first-order peak, K; 2.45 kT_m²/E, within 3 % of the exact one."""
    return 2.45 * K_EV * t_m**2 / e


def choose(task: Task, under: str) -> Chosen:
    """Peaks and background. under: its name, or "auto". Raises GlowError where no peak of the preset is found."""
    first = "linear" if under == "auto" else under
    chosen = _without_unphysical(task, _begun(task, first), first)
    if chosen.fom(task.curve.signal) > ENOUGH_FOM:
        chosen, first = _completed(task, chosen, first, under == "auto")
    chosen = _best_background(task, chosen, first) if under == "auto" else chosen
    return _named(task.preset, _with_faint(task, chosen))


def _named(preset: Preset, chosen: Chosen) -> Chosen:
    """With the names that fit best to where the preset's peaks lie beside the main one.

    A fit may carry a peak to where another belongs: of a chip whose low peaks were annealed, peak 2 becomes peak 3.
    """
    t_m, main = chosen.fitted.peaks.t_m, preset.main
    if main is None or main not in chosen.names:
        return chosen
    usual = {peak.name: peak.t_m_k for peak in preset.peaks}
    shift = t_m[chosen.names.index(main)] - usual[main]
    order = sorted(range(t_m.size), key=lambda k: float(t_m[k]))
    if order != list(range(t_m.size)):
        return chosen
    offered = [names for names in combinations(usual, t_m.size) if main in names]
    names = min(offered, key=lambda names: sum((usual[n] + shift - t) ** 2 for n, t in zip(names, t_m, strict=True)))
    return replace(chosen, names=names) if names.index(main) == chosen.names.index(main) else chosen


def _begun(task: Task, under: str) -> Chosen:
    sure = [peak for peak in task.preset.peaks if not peak.optional]
    t_m, e = np.array([p.t_m_k for p in sure]), np.array([p.e_ev for p in sure])
    curve = task.curve
    if len(sure) == 1:
        t_m, e = _by_its_width(curve, e)
    below = background(under, curve.temperature_k, curve.blank)
    main = [p.name for p in sure].index(task.preset.main) if task.preset.main else None
    start = find_start(curve.temperature_k, curve.signal, t_m, e, below, main)
    seen = start.peaks.i_m > _SEEN * task.top
    if not seen.any():
        raise GlowError(f"No peak of {task.preset.name} is found in this curve; it may be of another material.")
    peaks = start.peaks.of(seen)
    q = np.full(peaks.t_m.size, task.form.start)
    names = tuple(p.name for p, is_seen in zip(sure, seen, strict=True) if is_seen)
    return task.fit(under, names, replace(peaks, q=q), below.start(start.under))


def _by_its_width(curve: GlowCurve, e: Array) -> tuple[Array, Array]:
    """The one peak's maximum, and its energy by the width at half height (Chen, J. Appl. Phys. 40 (1969) 570)."""
    at = int(np.argmax(curve.signal))
    t_m = float(curve.temperature_k[at])
    above = curve.temperature_k[curve.signal > curve.signal[at] / 2]
    wide = float(np.ptp(above))
    energy = 2.52 * K_EV * t_m**2 / wide - 2 * K_EV * t_m if wide > 5 else float(e[0])
    return np.array([t_m]), np.array([min(max(energy, 0.6), 2.8)])


def doubtful(chosen: Chosen) -> NDArray[np.bool_]:
    """Peaks with an energy or maximum at a bound, or unresolved beside a larger neighbour."""
    fitted, peaks = chosen.fitted, chosen.fitted.peaks
    n = peaks.t_m.size
    found = fitted.at_bound[n : 3 * n].reshape(2, n).any(axis=0)
    return np.asarray(found | _crowded(peaks))


def _crowded(peaks: Peaks) -> NDArray[np.bool_]:
    wide = width_k(peaks.t_m, peaks.e)
    crowded = np.zeros(peaks.t_m.size, dtype=np.bool_)
    for a in range(peaks.t_m.size - 1):
        near = abs(peaks.t_m[a + 1] - peaks.t_m[a]) < _UNRESOLVED * max(wide[a], wide[a + 1])
        crowded[a if peaks.i_m[a] < peaks.i_m[a + 1] else a + 1] |= near
    return crowded


def _without_unphysical(task: Task, chosen: Chosen, under: str) -> Chosen:
    """Without the small peaks that are doubtful, the smallest first, as long as the curve is described without them."""
    kept: set[str] = set()
    while len(chosen.names) > 1:
        peaks = chosen.fitted.peaks
        small = peaks.i_m < _SMALL * peaks.i_m.max()
        faint = peaks.i_m < _FAINT * peaks.i_m.max()
        out = [k for k in np.flatnonzero((doubtful(chosen) & small) | faint) if chosen.names[k] not in kept]
        if not out:
            break
        worst = int(min(out, key=lambda k: float(peaks.i_m[k])))
        without = _less(task, chosen, under, worst)
        before, after = chosen.fom(task.curve.signal), without.fom(task.curve.signal)
        if after <= _NO_WORSE * before or without.bic < chosen.bic:
            chosen = without
        else:
            kept.add(chosen.names[worst])
    return chosen


def _less(task: Task, chosen: Chosen, under: str, without: int) -> Chosen:
    left = np.arange(len(chosen.names)) != without
    names = tuple(name for name, kept in zip(chosen.names, left, strict=True) if kept)
    return task.fit(under, names, chosen.fitted.peaks.of(left), chosen.fitted.under)


def _completed(task: Task, chosen: Chosen, under: str, free: bool) -> tuple[Chosen, str]:
    """With the peaks of the preset that are still worth it, where the others say they must lie."""
    if free:
        rising = _other_background(task, chosen, "exponential")
        if rising.bic < chosen.bic - WORTH:
            chosen, under = rising, "exponential"
    for peak in task.preset.peaks:
        if chosen.fom(task.curve.signal) <= ENOUGH_FOM:
            break
        if peak.name in chosen.names:
            continue
        with_it = _more(task, chosen, under, peak.name)
        if with_it is not None and with_it.bic < chosen.bic - WORTH:
            chosen = with_it
    return chosen, under


def _with_faint(task: Task, chosen: Chosen) -> Chosen:
    """With those of the preset's sure peaks that are too faint to be seen at the start, where they better the fit.

    Schwarz's criterion does not see them where the noise of all points is taken as one.
    """
    signal = task.curve.signal
    for peak in task.preset.peaks:
        if peak.optional or peak.name in chosen.names:
            continue
        with_it = _more(task, chosen, chosen.fitted.model.background.name, peak.name)
        if with_it is not None and with_it.fom(signal) < _BETTER * chosen.fom(signal):
            chosen = with_it
    return chosen


def _more(task: Task, chosen: Chosen, under: str, name: str) -> Chosen | None:
    """With one more peak; None where it lies outside of the curve or would be doubtful."""
    order = [peak.name for peak in task.preset.peaks]
    usual = {peak.name: peak for peak in task.preset.peaks}
    peaks = chosen.fitted.peaks
    shifts = peaks.t_m - np.array([usual[each].t_m_k for each in chosen.names])
    at = float(usual[name].t_m_k + np.interp(usual[name].t_m_k, peaks.t_m - shifts, shifts))
    if not task.curve.temperature_k.min() < at < task.curve.temperature_k.max():
        return None
    names = tuple(sorted((*chosen.names, name), key=order.index))
    k = names.index(name)
    left = np.interp(at, task.curve.temperature_k, task.curve.signal - chosen.fitted.light)
    height = max(float(left), 0.02 * task.top)
    with_it = Peaks(
        np.insert(peaks.i_m, k, height), np.insert(peaks.t_m, k, at), np.insert(peaks.e, k, usual[name].e_ev),
        np.insert(peaks.q, k, task.form.start),
    )  # fmt: skip
    found = task.fit(under, names, with_it, chosen.fitted.under)
    return None if doubtful(found)[k] or found.fitted.peaks.i_m[k] < _SEEN * task.top else found


def _other_background(task: Task, chosen: Chosen, under: str) -> Chosen:
    model = chosen.fitted.model
    old = model.background.value_and_slopes(chosen.fitted.under)[0]
    match under:
        case "none":
            below = np.empty(0)
        case "exponential":
            below = np.array([max(float(old.min()), 0.0), max(float(old[-1] - old.min()), 0.01 * task.top), 40.0])
        case _:
            below = np.array([float(old[0]), float(old[-1])])
    return task.fit(under, chosen.names, chosen.fitted.peaks, below)


def _best_background(task: Task, chosen: Chosen, under: str) -> Chosen:
    """Of line, exponential and nothing; a simpler one unless the other is worth it."""
    others = ["exponential"] if under == "linear" else ["linear"]
    best = chosen
    for other in others:
        tried = _other_background(task, chosen, other)
        if tried.bic < best.bic - (WORTH if other == "exponential" else 0):
            best = _without_unphysical(task, tried, other)
    if best.fitted.under.size and best.fitted.at_bound[-best.fitted.under.size :][:2].all():
        return _other_background(task, best, "none")
    return best
