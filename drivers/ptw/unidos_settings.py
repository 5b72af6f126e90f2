"""What a UNIDOS can be told: its settings, and the parameters of its commands.

Words and limits are those of PyMeasure's ptwUNIDOS.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from drivers.driver import WireSettings
from drivers.settings import Settings

Range = Literal["VERY_LOW", "LOW", "MEDIUM", "HIGH"]


class UnidosSettings(WireSettings):
    """electrical: charge and current instead of dose. The detector's voltage stays as it is unless hv_v is given.

    autostart: let the signal start and reset the measurement; otherwise that is switched off.
    """

    electrical: bool = True
    range: Range | None = None
    hv_v: int | None = Field(None, ge=-400, le=400)
    autostart: bool = False
    timeout_s: float = Field(20.0, gt=0, le=120)


class RangeParameters(Settings):
    """One of the four ranges."""

    range: Range


class IntervalParameters(Settings):
    """Interval time in seconds."""

    seconds: int = Field(ge=1, le=3599999)
