"""Settings of drivers and parameters of their commands: typed, frozen, and strict about what nobody declared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Base of every driver's settings. Unknown keys are refused so that a misspelt one is noticed; so is infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    @classmethod
    def from_request(cls, parameters: Mapping[str, Any]) -> Self:
        """Parameters of a request, as its JSON Schema has them: a text is no number and a number no text.

        Raises pydantic.ValidationError.
        """
        return cls.model_validate_json(json.dumps(dict(parameters)), strict=True)


class NoParameters(Settings):
    """A command that takes nothing."""
