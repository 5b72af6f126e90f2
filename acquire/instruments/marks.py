"""What begin and end take: a measurement, and which commands its step needs before it ends."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from acquire.seen import Seen
from drivers import Settings

Text = Annotated[Seen, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
CommandName = Annotated[str, StringConstraints(min_length=1, max_length=64)]

MARKS = ("begin", "end")


class End(Settings):
    """End of a measurement."""

    measurement: UUID
    session: Text
    step: Text
    channel: Text | None = Field(None, description="the input measured, of an instrument with several")


class Begin(End):
    """Begin of a measurement."""

    allows: list[CommandName] = Field([], max_length=20, description="commands that this step needs before its end")
