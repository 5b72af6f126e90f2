"""Normal and Student distributions, as far as budgets and decisions need them. Standard library only.

Forms of the GUM (annex G) and of Abramowitz and Stegun.
"""

from __future__ import annotations

import math
from functools import lru_cache

from acquire.dosimetry.errors import OutsideValidity

NODES = 200  # of the midpoint rule; more change a probability by at most 0.001, mostly by nothing


def normal_cdf(x: float) -> float:
    """Standard normal distribution function, a probability (0 to 1)."""
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


def student_cdf(t: float, dof: float) -> float:
    """Student's distribution function, a probability (0 to 1); infinite degrees of freedom give the normal one.

    Raises OutsideValidity below 1 degree of freedom.
    """
    if not dof >= 1:
        raise OutsideValidity(f"Student's distribution needs at least 1 degree of freedom, not {dof}.")
    return 0.5 + math.copysign(0.5 * _inside(abs(t), dof), t)


def two_errors_cdf(limit: float, first: tuple[float, float], second: tuple[float, float]) -> float:
    """Probability (0 to 1) that two independent errors, each (scale, degrees of freedom), together stay below a limit.

    Closed where both are normal or one has no scale; else the sum of two Student variables by the midpoint rule, in
    which the narrower error is averaged over (as JCGM 101 draws it). Raises OutsideValidity as `student_cdf`.
    """
    (narrow, dof_narrow), (wide, dof_wide) = sorted((first, second))
    if wide == 0:
        return float(limit >= 0)
    if narrow == 0 or math.isinf(min(dof_narrow, dof_wide)):
        return student_cdf(limit / math.hypot(narrow, wide), dof_wide)
    total = 0.0
    for n in range(NODES):
        angle = math.pi * ((n + 0.5) / NODES - 0.5)
        t = math.tan(angle)
        weight = _density(t, dof_narrow) * (1 + t * t) * math.pi / NODES
        total += weight * student_cdf((limit - narrow * t) / wide, dof_wide)
    return min(1.0, total)


def _density(t: float, dof: float) -> float:
    """Probability density of Student's distribution."""
    if math.isinf(dof):
        return math.exp(-t * t / 2) / math.sqrt(2 * math.pi)
    log_front = math.lgamma((dof + 1) / 2) - math.lgamma(dof / 2) - 0.5 * math.log(dof * math.pi)
    return math.exp(log_front - (dof + 1) / 2 * math.log1p(t * t / dof))


def normal_interval_k(p: float) -> float:
    """Half-width, in standard deviations, of the symmetric interval that holds the fraction p of a normal.

    Raises OutsideValidity unless 0 < p < 1.
    """
    return student_t_k(p, math.inf)


@lru_cache(maxsize=4096)
def student_t_k(p: float, dof: float) -> float:
    """Coverage factor t_p(ν): half-width of the symmetric interval holding the fraction p (GUM G.3.2, table G.2).

    dof may be any number from 1 up; infinity gives the normal distribution. Raises OutsideValidity.
    """
    if not 0 < p < 1 or not dof >= 1:
        raise OutsideValidity(f"A coverage factor needs 0 < p < 1 and at least 1 degree of freedom, not {p}, {dof}.")
    low, high = 0.0, 1.0
    while _inside(high, dof) < p:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if _inside(middle, dof) < p else (low, middle)
    return (low + high) / 2


def _inside(t: float, dof: float) -> float:
    """Probability of |T| <= t."""
    if math.isinf(dof):
        return math.erf(t / math.sqrt(2))
    return 1 - incomplete_beta(dof / 2, 0.5, dof / (dof + t * t))


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Regularised incomplete beta function I_x(a, b), by its continued fraction (Abramowitz and Stegun 26.5.8)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    if x < (a + 1) / (a + b + 2):
        return math.exp(log_front) * _fraction(a, b, x) / a
    return 1 - math.exp(log_front) * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    """Modified Lentz evaluation of the continued fraction."""
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 500):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / (1 + term * d)
            c = 1 + term / c
            value *= c * d
        if abs(c * d - 1) < 1e-16:
            break
    return value
