"""What a physicist would say of a fit before believing its numbers: plain sentences, however low its FOM."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from acquire.glow.areas import Areas, group_area
from acquire.glow.choosing import GOOD_FOM, Chosen, Task
from acquire.glow.fitting import E_EV
from acquire.glow.peaks import log10_frequency_factors

Array = NDArray[np.float64]

# log10 of s in 1/s: below no trap holds charge at room temperature, above only a fit's artefact; assumed.
_S = (7.0, 25.0)
_RAMPS_K_S = (0.01, 40.0)  # K/s, where the rate is not known: slower or faster, readers do not heat
_UNSURE_AREA = 0.5  # relative standard uncertainty above which an area says nothing
_UNSURE_E = 0.3  # eV
_BY_CHANCE = 1e-3
_MANY_LEFT_OUT = 0.05  # of the points; fewer are the digits of a thermometer


def identified(chosen: Chosen, found: Areas, covariance: Array, no_trap: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether each peak's own parameters can be told from this curve, and are those of a trap."""
    n = len(chosen.names)
    at_bound = chosen.fitted.at_bound[: 3 * n].reshape(3, n)
    u_e = np.sqrt(np.diag(covariance))[2 * n : 3 * n]
    u_area = np.sqrt(np.diag(found.covariance))
    sure = (u_area < _UNSURE_AREA * np.maximum(found.values, 1e-300)) & (u_e < _UNSURE_E)
    return np.asarray(sure & ~at_bound.any(axis=0) & ~no_trap)


def of_no_trap(task: Task, chosen: Chosen, ramp_k_s: float | None) -> NDArray[np.bool_]:
    """Which peaks have a frequency factor that no trap has, at the ramp's rate or at any that a reader may have."""
    slowest, fastest = _RAMPS_K_S if ramp_k_s is None else (ramp_k_s, ramp_k_s)
    per_k = _log10_s(task, chosen, 1.0)
    return np.asarray((per_k + math.log10(fastest) < _S[0]) | (per_k + math.log10(slowest) > _S[1]))


def _log10_s(task: Task, chosen: Chosen, ramp_k_s: float) -> Array:
    peaks = chosen.fitted.peaks
    return log10_frequency_factors(task.form, peaks.t_m, peaks.e, peaks.q, ramp_k_s, task.integral)


def warnings_of(
    task: Task, chosen: Chosen, found: Areas, groups: tuple[tuple[int, ...], ...], sure: NDArray[np.bool_],
    no_trap: NDArray[np.bool_], ramp_k_s: float | None, p_runs: float, sticking: NDArray[np.bool_],
) -> tuple[str, ...]:  # fmt: skip
    """Sentences, the gravest first."""
    return (
        *_of_fom(chosen.fom(task.curve.signal), p_runs),
        *_of_bounds(chosen),
        *_of_energies(chosen),
        *_of_frequency(_log10_s(task, chosen, ramp_k_s or 1.0), chosen.names, no_trap, ramp_k_s),
        *_of_groups(chosen, found, groups),
        *_of_unsure(chosen, sure),
        *_of_spikes(task, sticking),
        *_of_left_out(task),
    )


def _of_fom(fom: float, p_runs: float) -> list[str]:
    said = []
    if fom > GOOD_FOM:
        said.append(f"The figure of merit is {fom:.2f} %; a good fit lies below {GOOD_FOM:g} %.")
    if p_runs < _BY_CHANCE:
        said.append(
            "The residuals keep to one side for long stretches (runs test): the sum of these peaks is not quite the"
            " curve's shape, and the stated uncertainties are too small by what that means."
        )
    return said


def _of_bounds(chosen: Chosen) -> list[str]:
    """Of a form's parameter only the upper bound counts: at the lower one it is first order, which traps may have."""
    fitted, names = chosen.fitted, chosen.names
    form = fitted.model.form
    kinds = (("height", ""), ("T_m", " K"), ("E", " eV"), (form.parameter or "", ""))[: fitted.model.blocks]
    own = fitted.model.blocks * len(names)
    values, held = fitted.p[:own].reshape(len(kinds), -1), fitted.at_bound[:own].reshape(len(kinds), -1)
    return [
        f"Peak {name}: {what} lies at the bound of what is allowed ({value:.4g}{unit}){_allowed(what)}; the peak is not"
        " to be believed by itself."
        for (what, unit), row, at_bound in zip(kinds, values, held, strict=True)
        for name, value, is_held in zip(names, row, at_bound, strict=True)
        if is_held and not (what == form.parameter and value < form.start)
    ]


def _allowed(what: str) -> str:
    if what != "E":
        return ""
    return f"; energies of {E_EV[0]:g} to {E_EV[1]:g} eV, and within 0.8 eV of the preset, are allowed"


def _of_energies(chosen: Chosen) -> list[str]:
    """Of one material's peaks a hotter one is deeper; one that is much shallower has taken its neighbours' part."""
    e, names = chosen.fitted.peaks.e, chosen.names
    return [
        f"Peak {names[k + 1]} has less energy ({e[k + 1]:.2f} eV) than the colder peak {names[k]} ({e[k]:.2f} eV) by"
        " more than a peak of one material should: their shapes have shared out what lies between them."
        for k in range(len(names) - 1)
        if e[k + 1] < e[k] - 0.5
    ]


def _of_frequency(
    log_s: Array, names: tuple[str, ...], no_trap: NDArray[np.bool_], ramp_k_s: float | None
) -> list[str]:
    at = "" if ramp_k_s is not None else " at 1 K/s (the heating rate is not known)"
    return [
        f"Peak {name}: the frequency factor is 10^{value:.1f} 1/s{at}, outside of 10^{_S[0]:g} to 10^{_S[1]:g}: no trap"
        " has that."
        for name, value, none in zip(names, log_s, no_trap, strict=True)
        if none
    ]


def _of_groups(chosen: Chosen, found: Areas, groups: tuple[tuple[int, ...], ...]) -> list[str]:
    said = []
    for group in groups:
        if len(group) > 1:
            area, u = group_area(found, group)
            names = [chosen.names[k] for k in group]
            said.append(
                f"Peaks {', '.join(names[:-1])} and {names[-1]} overlap: their areas share {plus_minus(area, u)}"
                " between them, and only that sum is robust."
            )
    return said


def plus_minus(value: float, u: float | None) -> str:
    """A value and its standard uncertainty, both to two digits of that (GUM 7.2.6): 25556 ± 55, 132050 ± 290.

    Without an uncertainty, five digits.
    """
    if u is None or not (np.isfinite(u) and u > 0):
        return f"{value:.5g}"
    digits = 1 - int(np.floor(np.log10(u)))
    shown = max(digits, 0)
    return f"{round(value, digits):.{shown}f} ± {round(u, digits):.{shown}f}"


def _of_unsure(chosen: Chosen, sure: NDArray[np.bool_]) -> list[str]:
    unsure = [name for name, is_sure in zip(chosen.names, sure, strict=True) if not is_sure]
    if not unsure:
        return []
    which = f"Peaks {', '.join(unsure)} are" if len(unsure) > 1 else f"Peak {unsure[0]} is"
    return [f"{which} not identifiable in this curve: too faint, too near to a neighbour, or at a bound."]


def _of_spikes(task: Task, sticking: NDArray[np.bool_]) -> list[str]:
    """Of points that were weighed down because they stick out."""
    down = np.flatnonzero(sticking)
    if down.size == 0:
        return []
    at = ", ".join(f"{task.curve.temperature_k[k]:.1f} K" for k in down[:5])
    more = f" and {down.size - 5} more" if down.size > 5 else ""
    return [f"Points stick out of the curve and count less in the fit (at {at}{more}); look for spikes or light leaks."]


def _of_left_out(task: Task) -> list[str]:
    if task.left_out <= _MANY_LEFT_OUT * task.curve.signal.size:
        return []
    how = "there are no times" if task.curve.time_s is None else "they are no part of the longest stretch in the range"
    return [f"{task.left_out} points are not fitted: the temperature stays or falls there, and {how}."]
