"""How fast glow curves are taken apart, beside scipy's bounded curve_fit of the same five peaks, in one run.

    PYTHONPATH=.:tests .venv/bin/python -m benchmarks.glow [--curve FILE] [--curves N] [--repeat N]

Without a file the curve is one of the shape of the intercomparison's Refglow005: five peaks of TLD-100 and a line, 200
points, computed by stepping the rate equation. Medians of the repeats, by the clock and by the processor's own; what
counts are the ratios, since other programs use the machine too.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import scipy
from scipy.optimize import curve_fit
from tld_curves import PEAKS_005, TEMPERATURES_005, noisy, rate_equation_curve

from acquire.glow import GlowCurve, GlowResult, analyse, analyse_all, glow_curve, read_columns, refit

K = 8.617333262e-5
STARTS = ((25, 160, 160, 220, 450), (360, 417, 452, 480, 507), (1.2, 1.4, 1.5, 1.6, 2.0))


def a_curve(seed: int = 1) -> GlowCurve:
    """Five peaks of TLD-100 over a line, with a noise of 0.3 % of the height."""
    t = np.array(TEMPERATURES_005)
    signal = rate_equation_curve(t, PEAKS_005) + 1 + 0.004 * (t - t[0])
    return glow_curve(t, noisy(signal, 1.5, seed), name=f"like Refglow005, {seed}")


def curve_fit_of(curve: GlowCurve) -> float:
    """What people write: bounded curve_fit of a sum of Randall-Wilkins peaks and a line. Its figure of merit in %."""
    t, y = curve.temperature_k, curve.signal

    def peak(i_m: float, t_m: float, e: float) -> np.ndarray:
        x, x_m = e / (K * t), e / (K * t_m)
        return i_m * np.exp(x_m - x) * np.exp(x_m * (g(x_m) - t / t_m * np.exp(x_m - x) * g(x)))

    def g(x: np.ndarray | float) -> np.ndarray | float:
        above = x**4 + 8.5733287401 * x**3 + 18.0590169730 * x**2 + 8.6347608925 * x + 0.2677737343
        return 1 - above / (x**4 + 9.5733223454 * x**3 + 25.6329561486 * x**2 + 21.0996530827 * x + 3.9584969228)

    def light(_: np.ndarray, *p: float) -> np.ndarray:
        return sum((peak(*p[k::5][:3]) for k in range(5)), p[15] + p[16] * (t - t[0]))

    start = [*STARTS[0], *STARTS[1], *STARTS[2], 1.0, 0.001]
    low = [0.0] * 5 + [each - 25 for each in STARTS[1]] + [0.5] * 5 + [-50, -1]
    high = [1e5] * 5 + [each + 25 for each in STARTS[1]] + [3.0] * 5 + [50, 1]
    found, _ = curve_fit(light, t, y, start, bounds=(low, high))
    fitted = light(t, *found)
    return float(100 * np.abs(y - fitted).sum() / fitted.sum())


def begun(curve: GlowCurve) -> GlowResult:
    """A result that stands for the given starts: the preset's peaks at the places and heights of STARTS."""
    from msgspec.structs import replace  # noqa: PLC0415

    found = analyse(curve)
    at = zip(found.peaks, *STARTS, strict=True)
    peaks = tuple(replace(peak, i_m=float(i), t_m_k=float(t), e_ev=e) for peak, i, t, e in at)
    return replace(found, peaks=peaks, background="linear", under={"cold_end": 1.0, "hot_end": 1.0})


def timed(work: Callable[[], object], repeat: int) -> tuple[float, float]:
    """Milliseconds by the clock and by the processor, medians."""
    walls, cpus = [], []
    for _ in range(repeat):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return 1000 * statistics.median(walls), 1000 * statistics.median(cpus)


def one(curve: GlowCurve, repeat: int) -> dict[str, tuple[float, float, float]]:
    """Of each way: ms by the clock, ms of the processor, figure of merit in %."""
    start = begun(curve)
    ways: dict[str, Callable[[], float]] = {
        "bounded curve_fit": lambda: curve_fit_of(curve),
        "from given starts": lambda: refit(curve, start).fom_percent or 0.0,
        "everything by itself": lambda: analyse(curve).fom_percent or 0.0,
    }
    return {name: (*timed(way, repeat), way()) for name, way in ways.items()}


def batch(n: int, workers: int) -> dict[str, tuple[float, float]]:
    """Of n different curves, processes included: curves per second by the clock, and per second of a processor."""
    curves = [a_curve(seed) for seed in range(n)]
    start = begun(curves[0])
    rates = {}
    for name, like in (("from given starts", start), ("everything by itself", None)):
        rates[name] = rate(partial(analyse_all, curves, like=like, workers=workers), n)
    few = curves[: max(1, n // 20)]
    rates["bounded curve_fit, one process"] = rate(lambda: [curve_fit_of(each) for each in few], len(few))
    return rates


def rate(work: Callable[[], Sequence[object]], n: int) -> tuple[float, float]:
    """Results per second by the clock and per second of a processor, those of child processes too."""
    wall, cpu = time.perf_counter(), processor_s()
    assert len(work()) == n
    return n / (time.perf_counter() - wall), n / (processor_s() - cpu)


def processor_s() -> float:
    """Seconds of a processor that this process and the children that have ended took."""
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def main() -> None:
    """Everything, and on what machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--curve", type=Path)
    parser.add_argument("--curves", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=30)
    asked = parser.parse_args()
    print(f"Python {platform.python_version()}, SciPy {scipy.__version__}, {os.cpu_count()} cores")
    curve = read_columns(asked.curve.read_text(), asked.curve.name) if asked.curve else a_curve()
    print(f"\n{curve.name}: {'':22} {'ms':>8} {'CPU ms':>8} {'FOM %':>8} {'curve_fit takes':>16}")
    ways = one(curve, asked.repeat)
    slowest = ways["bounded curve_fit"]
    for name, (wall, cpu, fom) in ways.items():
        print(f"{name:36} {wall:8.1f} {cpu:8.1f} {fom:8.3f} {slowest[1] / cpu:14.1f} x")
    print(
        f"\n{asked.curves} curves, two processes {'':8} {'per second':>12} {'per CPU second':>15} {'of curve_fit':>13}"
    )
    rates = batch(asked.curves, 2)
    _, alone = rates["bounded curve_fit, one process"]
    for name, (by_clock, by_cpu) in rates.items():
        print(f"{name:36} {by_clock:12.0f} {by_cpu:15.0f} {by_cpu / alone:11.1f} x")


if __name__ == "__main__":
    main()
