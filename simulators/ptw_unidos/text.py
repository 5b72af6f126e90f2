"""How a UNIDOS writes values: mantissa, exponent, prefix, unit, each a field of its own.

Shapes after replies in PyMeasure's tests. That an integral's exponent is written bare (`E-3`) and a rate's with
two digits
(`E-09`) follows those examples; how many decimals a mantissa has is assumed to follow the range's resolution.
"""

from __future__ import annotations

import math

from simulators.ptw_unidos.meter import RANGES, DoseMeter

PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k"}
MINUTE_S = 60.0
ZERO_EXPONENT = -12


def measured_text(meter: DoseMeter, now: float) -> str:
    """The 15 fields of `MV` after the word."""
    limits = RANGES[meter.range_]
    charge, current = meter.charge_c(now), meter.current_a(now)
    if meter.electrical:
        integral = quantity(charge, limits.charge_step_c, "C")
        rate = quantity(current, limits.current_step_a, "A") + ";"
        voltage = f"{meter.voltage_at(now):.0f}"
    else:
        integral = quantity(charge * meter.calibration, limits.charge_step_c * meter.calibration, "Gy")
        per_minute = meter.calibration * MINUTE_S
        rate = quantity(current * per_minute, limits.current_step_a * per_minute, "Gy", padded=True) + ";min"
        voltage = f"{meter.voltage_at(now):.1f}"
    time_ms = f"{meter.time_s(now) * 1000:.1f};ms"
    return f"{meter.state};{integral};{rate};{time_ms};{voltage};V;{meter.flags(now):#x}"


def range_max_text(meter: DoseMeter) -> str:
    """The fields of `MVM`: range and full-scale rate."""
    full = RANGES[meter.range_].current_a
    return f"{meter.range_};{_rate(meter, full)}"


def range_resolution_text(meter: DoseMeter) -> str:
    """The fields of `MVR`: range, integral and rate resolution."""
    limits = RANGES[meter.range_]
    step = limits.charge_step_c if meter.electrical else limits.charge_step_c * meter.calibration
    integral = quantity(step, step / 10, "C" if meter.electrical else "Gy")
    return f"{meter.range_};{integral};{_rate(meter, limits.current_step_a)}"


def self_test_text(status: str) -> str:
    """The fields of `ASS`: status and times, then one charge per range."""
    return f"{status};Low; 136.6;E-12;p;C;Med; 1.500;E-09;n;C;High; 13.50;E-09;n;C"


def quantity(value: float, step: float, unit: str, *, padded: bool = False) -> str:
    """`2.6;E-3;m;Gy`: four fields; `step` is the resolution in the same unit, `padded` gives the exponent two
    digits.
    """
    value = round(value / step) * step
    exponent = ZERO_EXPONENT
    if value:
        exponent = 3 * math.floor(round(math.log10(abs(value)), 9) / 3)
        exponent = min(max(exponent, min(PREFIXES)), max(PREFIXES))
    decimals = max(1, min(6, exponent - math.floor(round(math.log10(step), 9)))) if value else 1
    digits = f"{abs(exponent):02d}" if padded else str(abs(exponent))
    sign = "-" if exponent < 0 else "+"
    return f"{value / 10.0**exponent:.{decimals}f};E{sign}{digits};{PREFIXES[exponent]};{unit}"


def _rate(meter: DoseMeter, current_a: float) -> str:
    if meter.electrical:
        return quantity(current_a, current_a / 100, "A", padded=True) + ";"
    per_minute = current_a * meter.calibration * MINUTE_S
    return quantity(per_minute, per_minute / 100, "Gy", padded=True) + ";min"
