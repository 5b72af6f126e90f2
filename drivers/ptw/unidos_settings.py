"""What a UNIDOS can be told: its settings, and the parameters of its commands.

Words and limits are those of PyMeasure's ptwUNIDOS. The unit narrows the voltage further, to that of its detector.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from drivers.driver import WireSettings
from drivers.plain_words import form
from drivers.settings import Settings

Range = Literal["VERY_LOW", "LOW", "MEDIUM", "HIGH"]
Level = Literal["LOW", "MEDIUM", "HIGH"]
HV_LIMIT_V = 400
INTERVAL_LIMIT_S = 3599999
NEED_ACCESS = ("electrical", "range", "hv_v", "interval_s", "autostart", "autoreset", "autostart_level")


class UnidosSettings(WireSettings):
    """What is None stays as the instrument has it; the detector's voltage is never touched unless hv_v is given.

    access: "write" takes write permission (the unit's closed lock); "read" only looks, and a person works at the
    screen. electrical: charge and current instead of dose. hv_v: in V. interval_s: of INT. autostart: let the signal
    start the measurement, otherwise that is switched off; autoreset: let it begin anew by itself (None: with
    autostart); autostart_level: the threshold. hv_settle_s, range_settle_s: for so long after a voltage was reached, or
    a range changed, a reading has the flag `settling`.
    """

    access: Literal["write", "read"] = "write"
    electrical: bool = True
    range: Range | None = None
    hv_v: int | None = Field(None, ge=-HV_LIMIT_V, le=HV_LIMIT_V)
    interval_s: int | None = Field(None, ge=1, le=INTERVAL_LIMIT_S)
    autostart: bool = False
    autoreset: bool | None = None
    autostart_level: Level | None = None
    hv_settle_s: float = Field(30.0, ge=0, le=3600)
    range_settle_s: float = Field(2.0, ge=0, le=60)
    timeout_s: float = Field(20.0, gt=0, le=120)

    @model_validator(mode="after")
    def _who_only_looks_sets_nothing(self) -> Self:
        given = [name for name in NEED_ACCESS if name in self.model_fields_set and name != "electrical"]
        if self.access == "read" and given:
            raise ValueError(f"with access = 'read' nothing is set on the UNIDOS: leave out {', '.join(given)}")
        return self


class RangeParameters(Settings):
    """One of the four ranges."""

    range: Range


class VoltageParameters(Settings):
    """Detector voltage in V; 0 switches it off."""

    voltage_v: int = Field(ge=-HV_LIMIT_V, le=HV_LIMIT_V)


class IntervalParameters(Settings):
    """Interval time in seconds."""

    seconds: int = Field(ge=1, le=INTERVAL_LIMIT_S)


class AutostartParameters(Settings):
    """enabled: the signal starts the measurement; reset: it also begins it anew; level: the threshold (None: as is)."""

    enabled: bool
    reset: bool = False
    level: Level | None = None


class DetectorParameters(Settings):
    """guid: of one detector, as `detectors` lists them."""

    guid: str = Field(pattern=form(r"[0-9A-Za-z{}-]{1,64}", "as the instrument shows it, in braces or not"))
