"""What a MULTIDOS can be told; limits are those of its manual."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from drivers.driver import WireSettings
from drivers.ptw.block_check import Choice
from drivers.settings import Settings

RangeLetter = Literal["L", "H"]


class MultidosSettings(WireSettings):
    """What is None stays as the instrument has it.

    application: which of its applications it runs; two and many channels are measured, of the others only what the
    commands ask is read. rate: dose rates or currents instead of doses or charges. per: "electrical" for C and A, or
    for Gy the time base of its rates. ranges: of channel 1 and 2. calibration_set: 1 to 5. integration_s: of INT.
    first_channel, last_channel: of many. block_check: how telegrams are checked; "find-out" finds the algorithm.
    """

    application: Literal["dual", "multi", "constancy", "la48"] = "dual"
    rate: bool = False
    per: Literal["s", "min", "h", "electrical"] = "electrical"
    ranges: tuple[RangeLetter, RangeLetter] | None = None
    calibration_set: int | None = Field(None, ge=1, le=5)
    integration_s: int | None = Field(None, ge=6, le=9999)
    first_channel: int = Field(1, ge=1, le=16)
    last_channel: int = Field(12, ge=1, le=16)
    block_check: Choice = "find-out"

    @model_validator(mode="after")
    def _fits_the_application(self) -> Self:
        if self.last_channel < self.first_channel:
            raise ValueError(f"last_channel {self.last_channel} is below first_channel {self.first_channel}")
        if self.ranges is not None and self.application != "dual":
            raise ValueError("ranges are of application = 'dual': how the others name theirs is not published")
        return self


class IntervalParameters(Settings):
    """Integration time in seconds."""

    seconds: int = Field(ge=6, le=9999)


class RangesParameters(Settings):
    """Low or high, of channel 1 and 2."""

    ranges: tuple[RangeLetter, RangeLetter]


class ChannelParameters(Settings):
    """channel: 1 or 2."""

    channel: int = Field(ge=1, le=2)


class CorrectionParameters(Settings):
    """Air pressure in hPa, temperature in Cel, correction factor; what is None stays."""

    pressure_hpa: float | None = Field(None, ge=500, le=1300)
    temperature_c: float | None = Field(None, ge=10, le=40)
    factor: float | None = Field(None, ge=0.5, le=2)


class ElementParameters(Settings):
    """element: of the array, 1 to 48; None: all of them."""

    element: int | None = Field(None, ge=1, le=48)
