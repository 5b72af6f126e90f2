"""Which station pressure the weather can make at a site's altitude, and which unit a mistyped entry probably has.

Weather services, airports and mobile phones give the pressure reduced to sea level; a chamber needs that of its room.
"""

from __future__ import annotations

from acquire.dosimetry.finite import finite

SEA_LEVEL_KPA = 101.325
PRESSURE_KPA = (80.0, 106.0)
TEMPERATURE_C = (5.0, 45.0)
# Recalled: the lowest and highest sea-level pressures that the WMO's archive of extremes has: 870 hPa in a typhoon
# (1979), 1084.8 hPa in Mongolia (2001).
RECORDS_KPA = (87.0, 108.5)
# Assumed: lows of storms that a clinic works through, and highs that most years do not exceed, about the standard
# atmosphere. What lies outside may be, so that a second person can confirm it.
LOWEST, HIGHEST = 0.95, 1.03
IN_KPA = {"hPa": 0.1, "mmHg": 0.133322, "inHg": 3.38639, "psi": 6.89476, "bar or atm": 100.0, "Pa": 0.001}


@finite
def standard_kpa(altitude_m: float) -> float:
    """Pressure of the standard atmosphere at an altitude in m, in kPa (ISO 2533, U.S. Standard Atmosphere 1976)."""
    return float(SEA_LEVEL_KPA * (1 - 2.25577e-5 * altitude_m) ** 5.25588)


@finite
def impossible(pressure_kpa: float, altitude_m: float) -> str | None:
    """Why no weather makes this station pressure at an altitude, None where one could."""
    ratio = pressure_kpa / standard_kpa(altitude_m)
    low, high = (each / SEA_LEVEL_KPA for each in RECORDS_KPA)
    if low <= ratio <= high:
        return None
    likely = _likely(pressure_kpa) if ratio > 1 else "is the barometer broken, or the altitude in feet?"
    return f"{pressure_kpa:g} kPa has never been the pressure at {altitude_m:g} m, by the records of weather: {likely}"


@finite
def implausible(pressure_kpa: float, altitude_m: float) -> str | None:
    """Why a station pressure is not to be believed without a second person, None where it is."""
    standard = standard_kpa(altitude_m)
    if LOWEST * standard <= pressure_kpa <= HIGHEST * standard:
        return None
    likely = _likely(pressure_kpa) if pressure_kpa > standard else "is it the barometer of another place?"
    return (
        f"{pressure_kpa:g} kPa lies outside what weather makes at {altitude_m:g} m, {LOWEST * standard:.1f} to"
        f" {HIGHEST * standard:.1f} kPa (standard atmosphere {standard:.1f} kPa): {likely}"
    )


def _likely(pressure_kpa: float) -> str:
    """What a pressure that is too high for its altitude probably is."""
    if SEA_LEVEL_KPA * LOWEST <= pressure_kpa <= SEA_LEVEL_KPA * HIGHEST:
        return "it looks like the pressure reduced to sea level, as weather services give it; read the room's barometer"
    return "is the altitude in feet, or the barometer of another place?"


def pressure_unit(value: float) -> str | None:
    """The unit in which a value that is no station pressure in kPa would be one; None where it would in none."""
    return next((unit for unit, each in IN_KPA.items() if PRESSURE_KPA[0] <= value * each <= PRESSURE_KPA[1]), None)


def temperature_unit(value: float) -> str | None:
    """The unit in which a value that is no room temperature in °C would be one; None where it would in none."""
    low, high = TEMPERATURE_C
    if low <= (value - 32) / 1.8 <= high:
        return "°F"
    return "K" if low <= value - 273.15 <= high else None
