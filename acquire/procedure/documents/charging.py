"""What a plan says for whoever charges: which change of the treatment a version holds, and work that fits no code."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from acquire.tomlfile import Written

Text = Annotated[str, Field(min_length=1)]


class Adjustment(Written):
    """A change of the treatment after a measurement: `of` which ports or volumes of this version, what, who decided."""

    of: tuple[Text, ...] = Field(min_length=1)
    what: Text
    decided_by: Text
    decided_on: date


class Unlisted(Written):
    """The work fits no code: whose unlisted code it takes, and why no other describes it."""

    form: Literal["planning", "physics", "management", "brachytherapy"]
    why: Text
