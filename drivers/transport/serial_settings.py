"""How a serial line is set, whichever library opens it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, field_validator

PARITY = {"none": "N", "even": "E", "odd": "O"}
BAUD_RATES = (
    50,
    4_000_000,
)  # the slowest and fastest that Linux names (asm-generic/termbits.h: B50, B4000000)


class SerialSettings(BaseModel):
    """How the line is set: baud_rate in bit/s, the rest as the names say.

    Raises pydantic.ValidationError for what no line can be set to. Opening a USB adapter may toggle DTR and RTS and so
    reset some instruments.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    baud_rate: int = 9600
    data_bits: Literal[7, 8] = 8
    parity: Literal["none", "even", "odd"] = "none"
    stop_bits: Literal[1, 2] = 1
    flow: Literal["none", "xon-xoff", "rts-cts"] = "none"

    @field_validator("baud_rate")
    @classmethod
    def _that_a_line_has(cls, rate: int) -> int:
        slowest, fastest = BAUD_RATES
        if not slowest <= rate <= fastest:
            raise ValueError(f"{rate} Bd is no rate of a serial line; allowed are {slowest} to {fastest}")
        return rate
