"""The source of a brachytherapy plan: its certificate, and what the plan was calculated with."""

from __future__ import annotations

from pydantic import AwareDatetime, Field, model_validator

from acquire.procedure.documents.calibrations import FactorEntry
from acquire.tomlfile import Written


class BrachySource(Written):
    """The source of a plan: its certificate (strength in U, half-life in d), and what the plan was calculated with."""

    strength: FactorEntry
    half_life: FactorEntry
    certified_at: AwareDatetime
    planned_s: float = Field(gt=0)
    planned_strength_u: float = Field(gt=0)
    limit_percent: float = Field(gt=0, lt=100)

    @model_validator(mode="after")
    def _units(self) -> BrachySource:
        if (self.strength.unit, self.half_life.unit) != ("U", "d"):
            raise ValueError("strength must be in U and half_life in d")
        return self
