"""Air in a vented chamber: density and humidity. T0 and P0 belong to the calibration certificate, not to a protocol."""

from __future__ import annotations

from acquire.dosimetry.budget import Contribution
from acquire.dosimetry.errors import OutsideValidity
from acquire.dosimetry.finite import finite
from acquire.dosimetry.station_pressure import PRESSURE_KPA, TEMPERATURE_C, pressure_unit, temperature_unit

ZERO_CELSIUS_K = 273.15  # TRS-398
ZERO_CELSIUS_TG51_K = 273.2  # AAPM TG-51


@finite
def k_tp(temperature_c: float, pressure_kpa: float, t0_c: float, p0_kpa: float) -> float:
    """Air density correction of a vented chamber, (273.15+T)/(273.15+T0) P0/P, a plain factor (TRS-398 Rev.1).

    Raises OutsideValidity for what is not in °C and kPa.
    """
    return _density(ZERO_CELSIUS_K, temperature_c, pressure_kpa, t0_c, p0_kpa)


@finite
def p_tp(temperature_c: float, pressure_kpa: float, t0_c: float, p0_kpa: float) -> float:
    """The same after AAPM TG-51, with 273.2. North American certificates state T0 = 22 °C; the certificate decides.

    Raises OutsideValidity for what is not in °C and kPa.
    """
    return _density(ZERO_CELSIUS_TG51_K, temperature_c, pressure_kpa, t0_c, p0_kpa)


@finite
def humidity_row(relative_percent: float) -> Contribution:
    """No correction for humid air is made between 20 and 80 %; the budget row for leaving it out (TRS-398 Rev.1).

    Raises OutsideValidity.
    """
    if not 20 <= relative_percent <= 80:
        raise OutsideValidity(
            f"The relative humidity of {relative_percent:g} % lies outside 20 to 80 %; there the reading of a chamber"
            " cannot be used without a correction of the laboratory."
        )
    u_percent = 0.05 if 40 <= relative_percent <= 60 else 0.15
    return Contribution("humidity", u_percent, f"TRS-398 Rev.1, no correction at {relative_percent:g} %")


def _density(zero_k: float, temperature_c: float, pressure_kpa: float, t0_c: float, p0_kpa: float) -> float:
    _check(temperature_c, pressure_kpa)
    if not 15 <= t0_c <= 25:
        raise OutsideValidity(f"The certificate's T0 = {t0_c} °C lies outside 15 to 25 °C; give it in °C.")
    if not 100 <= p0_kpa <= 102:
        raise OutsideValidity(f"The certificate's P0 = {p0_kpa} kPa lies outside 100 to 102 kPa; give it in kPa.")
    return (zero_k + temperature_c) / (zero_k + t0_c) * p0_kpa / pressure_kpa


def _check(temperature_c: float, pressure_kpa: float) -> None:
    if not PRESSURE_KPA[0] <= pressure_kpa <= PRESSURE_KPA[1]:
        likely = pressure_unit(pressure_kpa)
        raise OutsideValidity(
            f"The pressure {pressure_kpa} kPa lies outside {PRESSURE_KPA[0]} to {PRESSURE_KPA[1]} kPa: station pressure"
            f" in kPa is wanted, not hPa, mmHg or the sea-level value{f'; it looks like {likely}' if likely else ''}."
        )
    if not TEMPERATURE_C[0] <= temperature_c <= TEMPERATURE_C[1]:
        unit = temperature_unit(temperature_c)
        likely = f"; it looks like {unit}" if unit else ""
        raise OutsideValidity(f"The temperature {temperature_c} °C lies outside 5 to 45 °C; give it in °C{likely}.")
