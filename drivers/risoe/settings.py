"""What a Risø reader is told, and what its commands take. The framing is not public: each part of it is a setting."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from drivers.driver import WireSettings
from drivers.plain_words import form
from drivers.risoe import words
from drivers.risoe.sequence import HeatProgram, LightProgram
from drivers.settings import Settings
from drivers.transport.serial_settings import SerialSettings

ENDS = {"cr": b"\r", "lf": b"\n", "crlf": b"\r\n"}
_PRINTED = form(r"^[\x21-\x7e]+$", "printable ASCII without blanks")
_WITH_BLANKS = form(r"^[\x20-\x7e]+$", "printable ASCII")
Mark = Annotated[str, Field(min_length=1, max_length=16, pattern=_PRINTED)]
Position = Annotated[int, Field(ge=1, le=words.POSITIONS)]
Dosimeter = Annotated[str, Field(min_length=1, max_length=64, pattern=_PRINTED)]
Temperature = Annotated[int, Field(ge=30, le=700)]
Rate = Annotated[float, Field(ge=0.1, le=10)]


class MinisysSerial(SerialSettings):
    """Its log says 115000 Bd, which is 115200."""

    baud_rate: int = 115200


class MinisysSettings(WireSettings):
    """irradiation: whether commands that expose a sample to the source are carried out at all.

    timeout_s: beyond the longest time that a command was seen to take. progress_every_s: while something lasts.
    terminator, echo, ready, refusal: the framing, which is assumed. temperature_query: the reader's own, which nobody
    published; with it a sample is lifted when it is below cool_below_c, without it cool_s are waited.
    """

    poll_interval_s: float = Field(1.0, ge=0, le=60)
    timeout_s: float = Field(5.0, gt=0, le=120)
    serial: MinisysSerial = MinisysSerial()
    irradiation: bool = False
    progress_every_s: float = Field(5.0, gt=0, le=25)
    terminator: Literal["cr", "lf", "crlf"] = "cr"
    echo: bool = False
    ready: Mark = ">"
    refusal: Mark = "?"
    temperature_query: Annotated[str, Field(min_length=1, max_length=16, pattern=_WITH_BLANKS)] | None = None
    cool_below_c: int = Field(60, ge=25, le=200)
    cool_s: int = Field(60, ge=0, le=3600)

    @model_validator(mode="after")
    def _can_be_told_apart(self) -> Self:
        if self.ready.startswith(self.refusal) or self.refusal.startswith(self.ready):
            raise ValueError(f"ready ({self.ready}) and refusal ({self.refusal}) begin alike; give them other marks")
        return self

    @property
    def framing(self) -> words.Framing:
        """As the grammar takes it."""
        ready, refusal = self.ready.encode("ascii"), self.refusal.encode("ascii")
        return words.Framing(ENDS[self.terminator], ready, refusal, self.echo)


class SampleParameters(Settings):
    """positions: in the order they are read; elements: the dosimeter at each, in the same order."""

    positions: Annotated[tuple[Position, ...], Field(min_length=1, max_length=480)]
    elements: tuple[Dosimeter, ...] | None = None

    @model_validator(mode="after")
    def _one_for_each(self) -> Self:
        if self.elements is not None and len(self.elements) != len(self.positions):
            raise ValueError(f"{len(self.positions)} positions and {len(self.elements)} elements; give one for each")
        return self

    @property
    def samples(self) -> list[tuple[int, str | None]]:
        """Position and dosimeter id of each."""
        return list(zip(self.positions, self.elements or [None] * len(self.positions), strict=True))


class HeatParameters(SampleParameters):
    """A glow curve: to end_c in Cel at rate in Cel/s, in `points` channels; preheat_c is kept for preheat_s first."""

    end_c: Temperature
    rate: Rate
    points: int = Field(ge=2, le=9999)
    preheat_c: Temperature | None = None
    preheat_s: int = Field(10, ge=1, le=3600)

    @model_validator(mode="after")
    def _preheat_is_below(self) -> Self:
        if self.preheat_c is None:
            return self
        if self.preheat_c >= self.end_c or not all(HeatProgram(self.end_c, 1, self.points, self.preheat_c).split):
            raise ValueError("preheat_c must lie so far below end_c that a channel is left below it and above it")
        return self

    @property
    def program(self) -> HeatProgram:
        """What is done with each sample."""
        preheat_s = 0 if self.preheat_c is None else self.preheat_s
        return HeatProgram(self.end_c, self.rate, self.points, self.preheat_c, preheat_s)


class LightParameters(SampleParameters):
    """OSL: light for `seconds` in `points` channels with the sample held at hold_c in Cel, settled for settle_s."""

    source: Literal["blue", "infrared"]
    power: int = Field(90, ge=1, le=100)
    seconds: float = Field(ge=0.1, le=10_000)
    points: int = Field(ge=1, le=9999)
    hold_c: Temperature = 125
    rate: Rate = 5.0
    settle_s: int = Field(10, ge=1, le=3600)

    @property
    def program(self) -> LightProgram:
        """What is done with each sample."""
        source: Literal["B", "I"] = "B" if self.source == "blue" else "I"
        return LightProgram(source, self.power, self.seconds, self.points, self.hold_c, self.rate, self.settle_s)


class IrradiateParameters(Settings):
    """position under the beta source for `seconds`."""

    position: Position
    seconds: int = Field(ge=1, le=86_400)


class NitrogenParameters(Settings):
    """The nitrogen valve."""

    valve: Literal["open", "close"]
