"""Ion recombination by the two-voltage method: pulsed, pulsed-scanned and continuous beams.

r = M1/M2 is the ratio of the readings at V1 and V2, n = V1/V2 the ratio of the voltages. Every form is blocked below 1
and above 1.05. Forms are those of TRS-398 Rev.1 and TG-51, the bounds those of a public calculator of both.
"""

from __future__ import annotations

from collections.abc import Mapping

from acquire.dosimetry.errors import Blocked, OutsideValidity
from acquire.dosimetry.finite import finite

LIMITS = (1.0, 1.05)

# IAEA TRS-398 Rev.1 table 10 (the same as in the edition of 2000): k_s = a0 + a1 r + a2 r^2, by voltage ratio.
RECOMBINATION_PULSED: Mapping[float, tuple[float, float, float]] = {
    2.0: (2.337, -3.636, 2.299),
    2.5: (1.474, -1.587, 1.114),
    3.0: (1.198, -0.875, 0.677),
    3.5: (1.080, -0.542, 0.463),
    4.0: (1.022, -0.363, 0.341),
    5.0: (0.975, -0.188, 0.214),
}
RECOMBINATION_SCANNED: Mapping[float, tuple[float, float, float]] = {
    2.0: (4.711, -8.242, 4.533),
    2.5: (2.719, -3.977, 2.261),
    3.0: (2.001, -2.402, 1.404),
    3.5: (1.665, -1.647, 0.984),
    4.0: (1.468, -1.200, 0.734),
    5.0: (1.279, -0.750, 0.474),
}


@finite
def k_s_pulsed(voltage_ratio: float, reading_ratio: float) -> float:
    """k_s in pulsed beams (TRS-398 Rev.1 eq. 13, table 10). Raises Blocked, OutsideValidity for another ratio."""
    return _quadratic(RECOMBINATION_PULSED, voltage_ratio, reading_ratio)


@finite
def k_s_scanned(voltage_ratio: float, reading_ratio: float) -> float:
    """k_s in scanned beams (TRS-398 Rev.1 eq. 13, table 10). Raises Blocked, OutsideValidity for another ratio."""
    return _quadratic(RECOMBINATION_SCANNED, voltage_ratio, reading_ratio)


@finite
def k_s_linear(voltage_ratio: float, reading_ratio: float) -> float:
    """Pulsed beams, 1 + (r - 1)/(n - 1), TRS-398 Rev.1 eq. 14: for any n, while k_s < 1.03. Raises OutsideValidity."""
    _voltages(voltage_ratio)
    value = _bounded(1 + (reading_ratio - 1) / (voltage_ratio - 1), reading_ratio)
    if value >= 1.03:
        raise OutsideValidity(
            f"k_s = {value:.4f}: the linear form holds below 1.03 only; use a tabulated voltage ratio."
        )
    return value


@finite
def k_s_continuous(voltage_ratio: float, reading_ratio: float) -> float:
    """k_s in continuous radiation (Co-60), (n² - 1)/(n² - r), TRS-398 Rev.1 eq. 16 = TG-51 eq. 11.

    Raises OutsideValidity, Blocked.
    """
    _voltages(voltage_ratio)
    square = voltage_ratio * voltage_ratio
    return _bounded((square - 1) / (square - reading_ratio), reading_ratio)


@finite
def p_ion_pulsed(voltage_ratio: float, reading_ratio: float) -> float:
    """Pulsed and pulsed-swept beams after TG-51 eq. 12, (1 - n)/(r - n); the voltage ratio must be at least 2.

    Raises OutsideValidity.
    """
    _voltages(voltage_ratio)
    if voltage_ratio < 2:
        raise OutsideValidity(f"TG-51 asks for a voltage ratio of at least 2, not {voltage_ratio:g}.")
    return _bounded((1 - voltage_ratio) / (reading_ratio - voltage_ratio), reading_ratio)


@finite
def k_s_pulsed_follows(voltage_ratio: float, reading_ratio: float) -> float:
    """Relative change of `k_s_pulsed` for a relative change of M1/M2: r f'(r)/f(r). Raises as it does."""
    return _quadratic_follows(RECOMBINATION_PULSED, voltage_ratio, reading_ratio)


@finite
def k_s_scanned_follows(voltage_ratio: float, reading_ratio: float) -> float:
    """Relative change of `k_s_scanned` for a relative change of M1/M2. Raises as it does."""
    return _quadratic_follows(RECOMBINATION_SCANNED, voltage_ratio, reading_ratio)


@finite
def k_s_continuous_follows(voltage_ratio: float, reading_ratio: float) -> float:
    """Relative change of `k_s_continuous` for a relative change of M1/M2: r/(n² - r)."""
    return reading_ratio / (voltage_ratio * voltage_ratio - reading_ratio)


@finite
def p_ion_pulsed_follows(voltage_ratio: float, reading_ratio: float) -> float:
    """Relative change of `p_ion_pulsed` for a relative change of M1/M2: r/(n - r)."""
    return reading_ratio / (voltage_ratio - reading_ratio)


@finite
def voltage_ratio(high_v: float, low_v: float) -> float:
    """n = V1/V2 from two voltages of one sign; a tabulated ratio within 0.1 % is taken as that ratio.

    Raises OutsideValidity.
    """
    if low_v == 0 or high_v / low_v <= 1:
        raise OutsideValidity(f"The voltages {high_v:g} V and {low_v:g} V need one sign, the first the larger.")
    n = high_v / low_v
    return next((each for each in RECOMBINATION_PULSED if abs(n - each) < 1e-3 * each), n)


def _quadratic(table: Mapping[float, tuple[float, float, float]], n: float, r: float) -> float:
    if n not in table:
        allowed = ", ".join(f"{each:g}" for each in table)
        raise OutsideValidity(f"Recombination is tabulated for voltage ratios {allowed}, not {n:g}.")
    a0, a1, a2 = table[n]
    return _bounded(a0 + a1 * r + a2 * r**2, r)


def _quadratic_follows(table: Mapping[float, tuple[float, float, float]], n: float, r: float) -> float:
    value = _quadratic(table, n, r)
    _, a1, a2 = table[n]
    return (a1 * r + 2 * a2 * r**2) / value


def _bounded(value: float, r: float) -> float:
    if r < LIMITS[0] or not LIMITS[0] - 1e-9 <= value <= LIMITS[1]:
        raise Blocked(f"k_s would be {value:.4f} at M1/M2 = {r:.4f}: allowed is 1 to 1.05.")
    return value


def _voltages(n: float) -> None:
    if not n > 1:
        raise OutsideValidity(f"The ratio of the two voltages is {n:g}; it must be above 1.")
