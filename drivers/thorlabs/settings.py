"""What a PM100 can be told: its settings, and the parameters of its commands.

The limits of wavelength and range belong to the sensor: the meter is asked for them and says which are allowed.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from drivers.driver import WireSettings
from drivers.settings import Settings

SAMPLE_S = 0.003  # of one sample (PM100USB, by InstrumentKit and comet); a reading averages so many
Averaging = Field(10, ge=1, le=10_000)


class Pm100Settings(WireSettings):
    """function: what READ? gives. range_si: full scale in W or A, left out for autorange.

    wavelength_nm and low_pass (the photodiode's input filter, 15 Hz where it is on) stay as they are unless given.
    averaging: samples of 3 ms a reading. attenuation_db: of a filter before the sensor, which watts are corrected for;
    a positive number raises them. sensor_serial: the sensor is what was calibrated; another is refused.
    """

    function: Literal["power", "current"] = "power"
    wavelength_nm: float | None = Field(None, ge=100, le=30_000)
    range_si: float | None = Field(None, gt=0)
    averaging: int = Averaging
    attenuation_db: float = Field(0.0, ge=-60, le=60)
    low_pass: bool | None = None
    sensor_serial: str | None = None


class WavelengthParameters(Settings):
    """In nm, within what the sensor has."""

    wavelength_nm: float = Field(ge=100, le=30_000)


class RangeParameters(Settings):
    """range_si null takes autorange."""

    range_si: float | None = Field(None, gt=0)


class AveragingParameters(Settings):
    """Samples of 3 ms a reading."""

    averaging: int = Averaging
