"""What a physicist would say of a fit before believing its numbers: plain sentences, however low its FOM."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from acquire.glow.areas import Areas, group_area
from acquire.glow.choosing import GOOD_FOM, Chosen, Task
from acquire.glow.fitting import E_EV
from acquire.glow.peaks import log10_frequency_factors

Array = NDArray[np.float64]

_S = (7.0, 25.0)  # log10 of s in 1/s: below no trap holds charge at room temperature, above only a fit's artefact
_UNSURE_AREA = 0.5  # relative standard uncertainty above which an area says nothing
_UNSURE_E = 0.3  # eV
_BY_CHANCE = 1e-3


def identified(chosen: Chosen, found: Areas, covariance: Array) -> NDArray[np.bool_]:
    """Whether each peak's own parameters can be told from this curve."""
    n = len(chosen.names)
    at_bound = chosen.fitted.at_bound[: 3 * n].reshape(3, n)
    u_e = np.sqrt(np.diag(covariance))[2 * n : 3 * n]
    u_area = np.sqrt(np.diag(found.covariance))
    sure = (u_area < _UNSURE_AREA * np.maximum(found.values, 1e-300)) & (u_e < _UNSURE_E)
    return np.asarray(sure & ~at_bound.any(axis=0))


def warnings_of(
    task: Task, chosen: Chosen, found: Areas, groups: tuple[tuple[int, ...], ...], sure: NDArray[np.bool_],
    ramp_k_s: float | None, p_runs: float, sticking: NDArray[np.bool_],
) -> tuple[str, ...]:  # fmt: skip
    """Sentences, the gravest first."""
    return (
        *_of_fom(chosen.fom(task.curve.signal), p_runs),
        *_of_bounds(chosen),
        *_of_energies(chosen),
        *_of_frequency(task, chosen, ramp_k_s),
        *_of_groups(chosen, found, groups),
        *_of_unsure(chosen, sure),
        *_of_spikes(task, sticking),
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
    fitted, n = chosen.fitted, len(chosen.names)
    said = []
    form = fitted.model.form
    labels = ("height", "T_m", "E", form.parameter or "")
    units = ("", " K", " eV", "")
    for block in range(fitted.model.blocks):
        for k, name in enumerate(chosen.names):
            if fitted.at_bound[block * n + k]:
                value = fitted.p[block * n + k]
                tail = (
                    f"; energies of {E_EV[0]:g} to {E_EV[1]:g} eV, and within 0.8 eV of the preset, are allowed"
                    if labels[block] == "E"
                    else ""
                )
                said.append(
                    f"Peak {name}: {labels[block]} lies at the bound of what is allowed"
                    f" ({value:.4g}{units[block]}){tail}; the peak is not to be believed by itself."
                )
    return said


def _of_energies(chosen: Chosen) -> list[str]:
    """Of one material's peaks a hotter one is deeper; one that is much shallower has taken its neighbours' part."""
    e, names = chosen.fitted.peaks.e, chosen.names
    return [
        f"Peak {names[k + 1]} has less energy ({e[k + 1]:.2f} eV) than the colder peak {names[k]} ({e[k]:.2f} eV) by"
        " more than a peak of one material should: their shapes have shared out what lies between them."
        for k in range(len(names) - 1)
        if e[k + 1] < e[k] - 0.5
    ]


def _of_frequency(task: Task, chosen: Chosen, ramp_k_s: float | None) -> list[str]:
    if ramp_k_s is None:
        return []
    peaks = chosen.fitted.peaks
    log_s = log10_frequency_factors(task.form, peaks.t_m, peaks.e, peaks.q, ramp_k_s, task.integral)
    return [
        f"Peak {name}: the frequency factor is 10^{value:.1f} 1/s, outside of 10^{_S[0]:g} to 10^{_S[1]:g}: no trap"
        " has that."
        for name, value in zip(chosen.names, log_s, strict=True)
        if not _S[0] <= value <= _S[1]
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
    """A value with its standard uncertainty to two digits: 25556 ± 55; without one, five digits."""
    if u is None or not (np.isfinite(u) and u > 0):
        return f"{value:.5g}"
    digits = max(0, 1 - int(np.floor(np.log10(u))))
    return f"{value:.{digits}f} ± {u:.{digits}f}"


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
