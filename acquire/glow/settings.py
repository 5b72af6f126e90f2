"""How a curve is to be analysed, where the preset and the curve do not say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from acquire.glow.escape import Integral

Weights = Literal["auto", "poisson", "gaussian"]
Region = tuple[str, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything has a value that is found from the curve.

    form: kinetic form, the preset's where None. background: by name, or "auto" (the best of none, linear and
    exponential by Schwarz's criterion; blank where the curve has one). weights: "auto" takes what the curve states,
    else Poisson's for counts, else one unknown noise for all points. integral: "exact", or "kitis" for the published
    approximation (ramps only). range_k: the part of the curve to fit, K. regions: (name, low K, high K), the preset's
    where None.
    """

    form: str | None = None
    background: str = "auto"
    weights: Weights = "auto"
    integral: Integral = "exact"
    range_k: tuple[float, float] | None = None
    regions: tuple[Region, ...] | None = None
