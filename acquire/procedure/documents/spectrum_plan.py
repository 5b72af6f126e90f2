"""What a plan says of a microdosimetric spectrum."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from acquire.tomlfile import Written


class SpectrumPlan(Written):
    """How the spectrum of a point is read and reported; every choice of it stands in the record.

    file       "spe": ORTEC Maestro, channels on the scale of the edge marker; "log-columns": centres of logarithmic
               bins in keV/µm and counts, separated by blanks, with live_s and real_s stated here
    marker     channel at which the edge of y_edge_kev_um (its source beside it) was found; `offset` channel of y = 0
    cut_kev_um bins up to here are noise and dropped; y0_kev_um of the saturation correction
    """

    file: Literal["spe", "log-columns"]
    marker: float | None = None
    offset: float = 0.0
    y_edge_kev_um: float | None = Field(None, gt=0)
    edge_source: str = ""
    live_s: float | None = Field(None, gt=0)
    real_s: float | None = Field(None, gt=0)
    cut_kev_um: float = Field(ge=0)
    y0_kev_um: float = Field(gt=0)
    diameter_um: float = Field(gt=0)
    bins_per_decade: int = Field(20, ge=1, le=100)
