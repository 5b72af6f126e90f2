"""The rate equations of one trap, integrated by scipy's solve_ivp: the judge of every kinetic form and every heating.

n is the filled part of the trap, as each author has it: first order n' = -n r; general order n' = -n^b r; mixed order
n' = -n (n + c)/(1 + c) r with α = 1/(1 + c); one trap and one centre in quasi-equilibrium n' = -n² r/(n (1-R) + R),
the trap full at the beginning. r = s exp(-E/kT(t)).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.integrate import solve_ivp

K = 8.617333262e-5
LOSS: dict[str, Callable[[float, float], float]] = {
    "first": lambda n, q: n,
    "second": lambda n, q: n**2,
    "general": lambda n, q: n**q,
    "mixed": lambda n, q: n * (n + (1 - q) / q) * q,
    "otor": lambda n, q: n**2 / (n * (1 - q) + q),
    "otor-strong": lambda n, q: n**2 / (n * (1 - q) + q),
}


def light(
    form: str, q: float, e: float, log_s: float, time_s: np.ndarray, temperature: Callable[[float], float]
) -> np.ndarray:
    """-dn/dt at the times (s), n = 1 at the first of them."""

    def rate(t: float) -> float:
        return math.exp(log_s - e / (K * temperature(t)))

    def change(t: float, n: np.ndarray) -> list[float]:
        return [-LOSS[form](max(float(n[0]), 0.0), q) * rate(t)]

    solved = solve_ivp(
        change, (time_s[0], time_s[-1]), [1.0], t_eval=time_s, method="LSODA", rtol=1e-10, atol=1e-14, max_step=2.0
    )
    return np.array([LOSS[form](max(n, 0.0), q) * rate(t) for n, t in zip(solved.y[0], time_s, strict=True)])
