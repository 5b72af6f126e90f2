"""How a serial line is set, whichever library opens it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, StrictBool, field_validator, model_validator

PARITY = {"none": "N", "even": "E", "odd": "O"}
BAUD_RATES = (
    50,
    4_000_000,
)  # the slowest and fastest that Linux names (asm-generic/termbits.h: B50, B4000000)


def _said(value: object) -> object:
    """The command line has texts only."""
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


Stands = Annotated[StrictBool | None, BeforeValidator(_said)]  # of a control line: asserted, or not; None: as ever


class SerialSettings(BaseModel):
    """How the line is set: baud_rate in bit/s, the rest as the names say.

    dtr, rts: how these lines stand while the port is open, true for asserted. Not given, the system asserts both on
    opening, which resets some adapters and instruments, and powers others. Raises pydantic.ValidationError for what no
    line can be set to.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    baud_rate: int = 9600
    data_bits: Literal[7, 8] = 8
    parity: Literal["none", "even", "odd"] = "none"
    stop_bits: Literal[1, 2] = 1
    flow: Literal["none", "xon-xoff", "rts-cts"] = "none"
    dtr: Stands = None
    rts: Stands = None

    @field_validator("baud_rate")
    @classmethod
    def _that_a_line_has(cls, rate: int) -> int:
        slowest, fastest = BAUD_RATES
        if not slowest <= rate <= fastest:
            raise ValueError(f"{rate} Bd is no rate of a serial line; allowed are {slowest} to {fastest}")
        return rate

    @model_validator(mode="after")
    def _rts_has_one_master(self) -> Self:
        if self.rts is not None and self.flow == "rts-cts":
            raise ValueError(
                "rts cannot be chosen where flow is 'rts-cts', which moves that line; leave one of them out"
            )
        return self
