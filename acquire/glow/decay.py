"""Decay curves of OSL: light under constant stimulation (CW) or under one that grows linearly (LM), and what is in it.

CW: I(t) = Σ n_i λ_i exp(-λ_i t) + background. LM, over a duration T: I(t) = Σ n_i λ_i (t/T) exp(-λ_i t²/(2T)) + what
of the background grows with the stimulation and what does not (Bulur, Radiat. Meas. 26 (1996) 701; 32 (2000) 141). λ is
the rate at full power, 1/s; n the light that a component holds, signal · s (counts, where the signal is a rate).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from acquire.glow.errors import GlowError
from acquire.glow.noise import COUNTS, poisson
from acquire.glow.solvers import least_squares, nnls
from acquire.glow.statistics import covariance_of, figure_of_merit, runs_test

Array = NDArray[np.float64]
Stimulation = Literal["cw", "lm"]

NAMES = ("fast", "medium", "slow", "slowest")
_GRID = 40  # rates that are tried for a start
_MOST_STEPS = 1000  # of non-negative least squares
_WORTH = 10.0  # of Schwarz's criterion, for one component more
_APART = 2.0  # ratio of two rates below which they are one component
_SEEN_FROM = 0.5  # of a component's light, that its first point must still show


@dataclass(frozen=True, slots=True)
class DecayCurve:
    """Signal of each point, and the middle of its channel in s after the stimulation began; unit in UCUM."""

    time_s: Array
    signal: Array
    unit: str = "1"
    stimulation: Stimulation = "cw"
    name: str = ""


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """A component: rate λ in 1/s, light n in signal · s, standard uncertainties, and what fraction of it was read."""

    name: str
    rate_per_s: float
    u_rate_per_s: float
    light: float
    u_light: float
    emptied: float


class DecayResult(msgspec.Struct, frozen=True, kw_only=True):
    """The components of a decay curve, fastest first; background: signal at no and, of LM, at full stimulation.

    depletion: the fraction of all light that this readout took, with its standard uncertainty. refused: one sentence
    where nothing could be analysed; there are no numbers then.
    """

    name: str
    stimulation: Stimulation
    refused: str | None = None
    components: tuple[Component, ...] = ()
    background: tuple[float, ...] = ()
    depletion: float | None = None
    u_depletion: float | None = None
    fom_percent: float | None = None
    p_runs: float | None = None
    reduced_chi2: float | None = None
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        return document


def decay_curve(
    time_s: ArrayLike, signal: ArrayLike, *, unit: str = "1", stimulation: Stimulation = "cw", name: str = ""
) -> DecayCurve:
    """A curve of any numbers. Raises GlowError where columns are no rows of numbers or differ in length."""
    try:
        t, y = np.array(time_s, dtype=np.float64).reshape(-1), np.array(signal, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise GlowError(f"The decay curve is no row of numbers: {error}.") from error
    if t.size != y.size:
        raise GlowError(f"The decay curve has {t.size} times and {y.size} signals; there must be as many.")
    return DecayCurve(t, y, unit, stimulation, name)


def analyse_decay(curve: DecayCurve, components: int | None = None) -> DecayResult:
    """Components of a decay curve: so many, or as many as Schwarz's criterion finds worth it, up to four.

    What cannot be analysed gives a result with a sentence in `refused`. Raises GlowError for a number of components
    that there is not.
    """
    if components is not None and not 1 <= components <= len(NAMES):
        raise GlowError(f"A decay curve is taken apart into 1 to {len(NAMES)} components, not {components}.")
    try:
        _refuse_no_decay(curve)
        wanted = range(1, len(NAMES) + 1) if components is None else [components]
        found = _best([_fit(curve, n) for n in wanted])
        _refuse_background_alone(curve, found)
        return _result(curve, found)
    except GlowError as error:
        return DecayResult(name=curve.name, stimulation=curve.stimulation, refused=str(error))


def _refuse_no_decay(curve: DecayCurve) -> None:
    t, y = curve.time_s, curve.signal
    if t.size < 10:
        raise GlowError(f"The decay curve has {t.size} points; at least 10 are needed.")
    if not (np.isfinite(t).all() and np.isfinite(y).all()):
        raise GlowError("A point of the decay curve is no finite number.")
    if t[0] < 0 or np.any(np.diff(t) <= 0) or t[-1] > 1e6:
        raise GlowError("The times of the decay curve must grow from 0 s on, each later than the one before.")
    top = float(y.max())
    if not 0 < top < 1e15 or float(np.ptp(y)) <= 1e-9 * top:
        raise GlowError("The decay curve holds no light that decays.")


@dataclass(frozen=True, slots=True)
class _Fit:
    rates: Array
    heights: Array
    light: Array
    covariance: Array
    chi2: float
    bic: float
    u: Array


def _columns(curve: DecayCurve, rates: Array) -> tuple[Array, Array]:
    """Light of each rate for n = 1 and its derivative by ln λ, each rates × points; without the background."""
    t, rate = curve.time_s, rates[:, None]
    if curve.stimulation == "cw":
        light = rate * np.exp(-rate * t)
        return light, light * (1 - rate * t)
    whole = t[-1]
    light = rate * t / whole * np.exp(-rate * t**2 / (2 * whole))
    return light, light * (1 - rate * t**2 / (2 * whole))


def _under(curve: DecayCurve) -> Array:
    one = np.ones_like(curve.time_s)
    return one[None] if curve.stimulation == "cw" else np.stack([one, curve.time_s / curve.time_s[-1]])


def _fit(curve: DecayCurve, n: int) -> _Fit:
    known = curve.unit == COUNTS
    u = poisson(curve.signal) if known else np.ones_like(curve.signal)
    rates = _start(curve, n)
    for _ in range(3 if known else 1):  # the noise of counts is that of the fit, not of the count itself
        found = _from(curve, rates, u, known)
        rates, u = found.rates, poisson(found.light) if known else u
    return found


def _start(curve: DecayCurve, n: int) -> Array:
    """Rates from non-negative least squares over a grid of them: the n groups that hold most light."""
    t = curve.time_s
    grid = np.geomspace(0.2 / t[-1], 2.0 / max(float(np.diff(t).min()), 1e-6 * t[-1]), _GRID)
    light, _ = _columns(curve, grid)
    heights, _ = nnls(np.concatenate([light, _under(curve)]).T, np.maximum(curve.signal, 0), maxiter=_MOST_STEPS)
    held = heights[:_GRID]
    groups = [group for group in np.split(np.arange(_GRID), np.flatnonzero(held <= 0)) if held[group].sum() > 0]
    groups.sort(key=lambda group: -float(held[group].sum()))
    rates = [float(np.exp(np.average(np.log(grid[group]), weights=held[group]))) for group in groups[:n]]
    while len(rates) < n:
        rates.append((rates[-1] if rates else 1 / t[-1]) / 5)
    return np.array(sorted(rates, reverse=True))


def _from(curve: DecayCurve, rates: Array, u: Array, known: bool) -> _Fit:
    n, under = rates.size, _under(curve)
    size = float(curve.signal.max())
    columns = np.concatenate([_columns(curve, rates)[0], under])
    heights, _ = nnls((columns / u).T, np.maximum(curve.signal, 0) / u, maxiter=_MOST_STEPS)
    scale = np.concatenate([np.maximum(heights[:n], size / rates), np.full(under.shape[0], size)])

    def value(p: Array) -> Array:
        light, _ = _columns(curve, np.exp(p[:n]))
        return np.asarray(((p[n:] * scale) @ np.concatenate([light, under]) - curve.signal) / u)

    def slopes(p: Array) -> Array:
        light, by_rate = _columns(curve, np.exp(p[:n]))
        by = np.concatenate([(p[n : 2 * n] * scale[:n])[:, None] * by_rate, scale[:, None] * [*light, *under]])
        return np.asarray((by / u).T)

    low = np.concatenate([np.full(n, np.log(0.01 / curve.time_s[-1])), np.zeros(scale.size)])
    high = np.concatenate([np.full(n, np.log(100 / np.diff(curve.time_s).min())), np.full(scale.size, np.inf)])
    begin = np.concatenate([np.log(rates), heights / scale + 1e-6])
    found = least_squares(value, np.clip(begin, low + 1e-9, high), slopes, (low, high), max_nfev=100)
    points = curve.signal.size
    chi2 = float(2 * found.cost)
    bic = (chi2 if known else points * np.log(max(chi2, 1e-300) / points)) + found.x.size * np.log(points)
    to_own = np.concatenate([np.exp(found.x[:n]), scale])
    spread = chi2 / max(points - found.x.size, 1)
    covariance = covariance_of((slopes(found.x) / to_own).T) * (max(spread, 1.0) if known else spread)
    return _Fit(np.exp(found.x[:n]), found.x[n:] * scale, value(found.x) * u + curve.signal, covariance, chi2, bic, u)


def _best(fits: list[_Fit]) -> _Fit:
    """The fewest components, unless one more is worth it and stands apart from the others with light of its own."""
    best = fits[0]
    for each in fits[1:]:
        n = each.rates.size
        rates = np.sort(each.rates)
        u = np.sqrt(np.diag(each.covariance))[n : 2 * n]
        sound = bool(np.all(rates[1:] > _APART * rates[:-1]) and np.all(each.heights[:n] > 2 * u))
        if not sound or each.bic > best.bic - _WORTH:
            break
        best = each
    return best


def _refuse_background_alone(curve: DecayCurve, found: _Fit) -> None:
    """Raises GlowError where the light under the components is as good without them, by Schwarz's criterion."""
    under, n = _under(curve), curve.signal.size
    _, lack = nnls((under / found.u).T, np.maximum(curve.signal, 0) / found.u, maxiter=_MOST_STEPS)
    alone = lack**2 if curve.unit == COUNTS else n * np.log(max(lack**2, 1e-300) / n)
    if alone + len(under) * np.log(n) < found.bic + _WORTH:
        raise GlowError("No decay is found above the noise: a light that does not decay describes the curve as well.")


def _result(curve: DecayCurve, found: _Fit) -> DecayResult:
    n = found.rates.size
    order = np.argsort(-found.rates)
    u = np.sqrt(np.maximum(np.diag(found.covariance), 0))
    emptied = 1 - np.exp(-found.rates * _exposure(curve))
    depletion, u_depletion = _depletion(curve, found)
    _, _, p = runs_test(curve.signal - found.light)
    return DecayResult(
        name=curve.name,
        stimulation=curve.stimulation,
        components=tuple(
            Component(
                name=NAMES[place],
                rate_per_s=float(found.rates[k]),
                u_rate_per_s=float(u[k]),
                light=float(found.heights[k]),
                u_light=float(u[n + k]),
                emptied=float(emptied[k]),
            )
            for place, k in enumerate(order)
        ),
        background=tuple(float(each) for each in found.heights[n:]),
        depletion=depletion,
        u_depletion=u_depletion,
        fom_percent=figure_of_merit(curve.signal, found.light),
        p_runs=p,
        reduced_chi2=found.chi2 / max(curve.signal.size - u.size, 1),
        warnings=_warnings(curve, found, emptied, u, p),
    )


def _exposure(curve: DecayCurve) -> float:
    """Seconds at full power that the stimulation amounts to; a ramp of the same duration is half as much."""
    return float(curve.time_s[-1]) * (1.0 if curve.stimulation == "cw" else 0.5)


def _depletion(curve: DecayCurve, found: _Fit) -> tuple[float, float]:
    n = found.rates.size
    light, rates, exposure = found.heights[:n], found.rates, _exposure(curve)
    whole = max(float(light.sum()), 1e-300)
    left = np.exp(-rates * exposure)
    value = float(light @ (1 - left)) / whole
    by = np.concatenate([light * exposure * left / whole, (1 - left - value) / whole])
    return value, float(max(by @ found.covariance[: 2 * n, : 2 * n] @ by, 0.0)) ** 0.5


def _warnings(curve: DecayCurve, found: _Fit, emptied: Array, u: Array, p: float) -> tuple[str, ...]:
    n = found.rates.size
    said = []
    if p < 1e-3:
        said.append(
            "The residuals keep to one side for long stretches (runs test): the components are not quite the decay."
        )
    if np.any(u[n : 2 * n] > 0.5 * np.maximum(found.heights[:n], 1e-300)) or np.any(u[:n] > found.rates):
        said.append("A component's light or rate is not known to a half: it is not identifiable in this curve.")
    if curve.stimulation == "cw" and np.any(np.exp(-found.rates * curve.time_s[0]) < _SEEN_FROM):
        said.append(
            f"The first point is {curve.time_s[0]:g} s after the light came on, when most of the fastest component was"
            " gone: its light and the depletion are extrapolated."
        )
    if np.any(emptied < 0.2):
        said.append("A component was hardly emptied: its light and the background cannot be told apart.")
    return tuple(said)
