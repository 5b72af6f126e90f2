"""Units as they are met in a clinic, turned into the ones used here: Gy, nC, kPa, °C, cm. UCUM codes and common names.

Sources: SI brochure (2019); 1 atm = 101.325 kPa = 760 mmHg; 1 rad = 0.01 Gy. Some libraries round 1 atm to 101.33 kPa,
which is 5e-5 higher; a factor for that can be given to `pressure_kpa`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from acquire.dosimetry.errors import OutsideValidity
from acquire.dosimetry.finite import finite

ATM_KPA = 101.325
ZERO_CELSIUS_K = 273.15  # TG-51 writes 273.2 in its own formula

_DOSE_GY = {
    "Gy": 1.0, "cGy": 1e-2, "mGy": 1e-3, "uGy": 1e-6, "RAD": 1e-2, "rad": 1e-2, "mRAD": 1e-5, "mrad": 1e-5,
}  # fmt: skip
_CHARGE_NC = {"C": 1e9, "mC": 1e6, "uC": 1e3, "nC": 1.0, "pC": 1e-3, "fC": 1e-6}
_CURRENT_NA = {"A": 1e9, "mA": 1e6, "uA": 1e3, "nA": 1.0, "pA": 1e-3, "fA": 1e-6}
_LENGTH_CM = {"m": 100.0, "cm": 1.0, "mm": 0.1, "um": 1e-4}
_TIME_S = {"s": 1.0, "ms": 1e-3, "min": 60.0, "h": 3600.0, "d": 86400.0}
_PRESSURE_KPA = {"kPa": 1.0, "hPa": 0.1, "mbar": 0.1, "Pa": 1e-3, "atm": ATM_KPA}


@finite
def dose_gy(value: float, unit: str) -> float:
    """A dose in Gy. 12 000 mrad = 12 cGy = 0.12 Gy. Raises OutsideValidity for another unit."""
    return value * _scale(unit, _DOSE_GY, "dose")


@finite
def charge_nc(value: float, unit: str) -> float:
    """A charge in nC. Raises OutsideValidity for another unit."""
    return value * _scale(unit, _CHARGE_NC, "charge")


@finite
def current_na(value: float, unit: str) -> float:
    """A current in nA (nC/s). Raises OutsideValidity for another unit."""
    return value * _scale(unit, _CURRENT_NA, "current")


@finite
def length_cm(value: float, unit: str) -> float:
    """A length in cm. Raises OutsideValidity for another unit."""
    return value * _scale(unit, _LENGTH_CM, "length")


@finite
def time_s(value: float, unit: str) -> float:
    """A time in s. Raises OutsideValidity for another unit."""
    return value * _scale(unit, _TIME_S, "time")


@finite
def pressure_kpa(value: float, unit: str, atm_kpa: float = ATM_KPA) -> float:
    """A pressure in kPa; mm[Hg] (also written mmHg, Torr) by atm_kpa/760. Raises OutsideValidity for another unit."""
    if unit in ("mm[Hg]", "mmHg", "Torr"):
        return value * atm_kpa / 760
    return value * _scale(unit, _PRESSURE_KPA | {"mm[Hg]": 0.0}, "pressure")


@finite
def temperature_c(value: float, unit: str) -> float:
    """A temperature in °C from Cel, [degF] (also °F) or K. Raises OutsideValidity."""
    match unit:
        case "Cel" | "°C":
            return value
        case "[degF]" | "°F":
            return (value - 32) / 1.8
        case "K":
            return value - ZERO_CELSIUS_K
    raise OutsideValidity(f"The unit '{unit}' is no temperature; allowed are Cel, [degF], K.")


@finite
def n_dw_gy_per_nc(value: float, unit: str) -> float:
    """An absorbed-dose coefficient in Gy/nC from "Gy/C", "Gy/nC", "cGy/nC", ... (dose unit / charge unit).

    Raises OutsideValidity.
    """
    dose, slash, charge = unit.partition("/")
    if not slash:
        raise OutsideValidity(f"The unit '{unit}' is no dose per charge; write it as Gy/C, Gy/nC or cGy/nC.")
    scale = _scale(dose, _DOSE_GY, "dose") / _scale(charge, _CHARGE_NC, "charge")
    return value * _exact(scale)


def _scale(unit: str, known: Mapping[str, float], what: str) -> float:
    if unit not in known:
        raise OutsideValidity(f"The unit '{unit}' is no {what}; allowed are {', '.join(known)}.")
    return known[unit]


def _exact(scale: float) -> float:
    """A power of ten as the nearest double, not as a quotient of two of them."""
    power = round(math.log10(scale))
    return 10.0**power if power >= 0 else 1 / 10.0**-power
