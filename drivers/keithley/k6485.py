"""Keithley 6485 and 6487 picoammeters (instruction manual and reference manual; lines captured from real units).

The 6487's voltage source is left as it is and stated, unless a setting or a command says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import Field

from drivers.commands import command
from drivers.keithley import numeric
from drivers.keithley.choosing import ChoosingElectrometer
from drivers.keithley.electrometer import KeithleySettings, Words
from drivers.keithley.scpi import Setting, leftover
from drivers.keithley.source_words import SourceWords
from drivers.keithley.sourcing import SourceSettings, SourcingElectrometer
from drivers.model import Framing, Model, Quantity, Verified
from drivers.settings import Settings

ELEMENTS = "READ,UNIT,TIME,STAT"
SOURCE = SourceWords(
    level=":SOUR:VOLT", on=":SOUR:VOLT:STAT", limit=":SOUR:VOLT:ILIM", range=":SOUR:VOLT:RANG",
    ranges={10.0: 2.5e-2, 50.0: 2.5e-3, 500.0: 2.5e-3}, limits=(2.5e-5, 2.5e-4, 2.5e-3, 2.5e-2),
    locked=":SOUR:VOLT:INT:FAIL", locked_is=1,
)  # fmt: skip
ZEROED = (":SYST:ZCH 1", ":INIT", ":SYST:ZCOR:ACQ", ":SYST:ZCOR 1", ":SYST:ZCH 0")

WORDS_6485 = Words(
    functions={"current": ("CURR", "A")},
    read=":READ?",
    elements=ELEMENTS,
    first=numeric.FIRST,
    own=(),
    only={},
    last=(*numeric.AVERAGE_OFF, *numeric.MATH_OFF, *numeric.TRIGGER, *numeric.ZERO_OFF),
    zero={"current": ZEROED},
    relative=":CALC2:NULL",
    largest={"current": 2.1e-2},
    states={},
)  # fmt: skip
WORDS_6487 = replace(
    WORDS_6485,
    functions={"current": ("CURR", "A"), "resistance": ("OHMS", "Ohm")},
    elements=f"{ELEMENTS},VSO",
    zero={"current": ZEROED, "resistance": ZEROED},
    states={
        "source on": SOURCE.on, "source voltage": SOURCE.level, "source range": ":SOUR:VOLT:RANG",
        "source limit": SOURCE.limit, "source interlock open": SOURCE.locked,
    },
)  # fmt: skip


class Settings6485(KeithleySettings):
    """damping: switched so; left out, it is left as it is. The rest as of every electrometer of this maker."""

    nplc: float = Field(1.0, ge=0.01, le=60)
    damping: bool | None = None


class Settings6487(SourceSettings):
    """function: current, or the resistance that it makes of the source's voltage and the current.

    The rest as of the 6485, with the larger buffer (6487 manual, section 6) and the voltage source.
    """

    source: ClassVar[SourceWords] = SOURCE
    function: Literal["current", "resistance"] = "current"
    nplc: float = Field(1.0, ge=0.01, le=60)
    damping: bool | None = None
    buffer_points: int | None = Field(None, ge=2, le=3000)


class FunctionParameters(Settings):
    """What to measure."""

    function: Literal["current", "resistance"]


class Keithley6485(numeric.NumericElectrometer[Settings6485]):
    """The 6485."""

    words = WORDS_6485
    trace = numeric.trace_of(WORDS_6485.elements)

    def chosen(self) -> list[Setting]:
        """Damping beside what every model has."""
        return [*super().chosen(), *_damping(self.settings.damping)]


class Keithley6487(ChoosingElectrometer[Settings6487], SourcingElectrometer[Settings6487]):
    """The 6487: ohms beside amps, and a source whose voltage stands in every reading."""

    words = WORDS_6487
    trace = numeric.trace_of(WORDS_6487.elements)

    @property
    def _function(self) -> str:
        """Ohms are made of a current: ranges and integration time are those of the current."""
        return "CURR"

    def _select(self) -> Setting:
        """What it answers while it shows ohms is not published."""
        return Setting(":SENS:FUNC", "'CURR'", asked=self.quantity == "current")

    def chosen(self) -> list[Setting]:
        """Damping and ohms beside what every model has."""
        wanted = self.quantity == "resistance"
        ohms = Setting(":SENS:OHMS", True) if wanted else leftover(":SENS:OHMS", False)
        return [*super().chosen(), *_damping(self.settings.damping), ohms]

    @command("function", "Choose what is measured", FunctionParameters)
    async def function(self, p: FunctionParameters) -> Mapping[str, Any]:
        """Sets the instrument up anew, on autorange."""
        return await self.choose(p.function)


def _damping(on: bool | None) -> list[Setting]:
    return [] if on is None else [Setting(":SENS:DAMP", on)]


KEITHLEY_6485 = Model(
    name="keithley-6485", vendor="Keithley", title="Keithley 6485 picoammeter",
    transports=("serial", "VISA", "tcp", "Prologix"), quantities=(Quantity("current", "A"),),
    settings=Settings6485, driver=Keithley6485, answers="6485", framing=Framing(zero=("zero",)),
    verified=(
        Verified("a reading line captured from a real 6485", "parsing of number, unit, time and status", "capture"),
        Verified("the project's own simulator", "identification, set-up, zero, streaming, buffer, faults"),
    ),
    assumed=numeric.ASSUMED,
)  # fmt: skip
KEITHLEY_6487 = replace(
    KEITHLEY_6485,
    name="keithley-6487", title="Keithley 6487 picoammeter and voltage source",
    quantities=(Quantity("current", "A"), Quantity("resistance", "Ohm")), settings=Settings6487,
    driver=Keithley6487, answers="6487",
    verified=(
        Verified("a reading line printed in the 6487 manual", "number, unit, time, status and source", "document"),
        Verified(KEITHLEY_6485.verified[1].against, f"{KEITHLEY_6485.verified[1].what}, voltage source"),
    ),
    assumed=(
        "10 s after its voltage changed the source and the detector behind it have settled (a setting)",
        "zero of the function resistance is that of the current that it is made of", *numeric.ASSUMED,
    ),
)  # fmt: skip
