"""Keithley 6430 sub-femtoamp SourceMeter, as a meter with a voltage source (its manual, sections 3, 12, 14 and 17).

While its output is off the instrument refuses to measure, and that is said. It is switched on by the setting source_v
or the command `source` only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import Field

from drivers.commands import command
from drivers.keithley import numeric
from drivers.keithley.choosing import ChoosingElectrometer
from drivers.keithley.electrometer import Words
from drivers.keithley.parsed import SENTINEL, Parsed
from drivers.keithley.scpi import Setting, leftover
from drivers.keithley.source_words import SourceWords
from drivers.keithley.sourcing import SourceSettings, SourcingElectrometer
from drivers.keithley.words_numeric import SOURCE_METER
from drivers.model import Framing, Model, Quantity, Verified
from drivers.settings import Settings
from drivers.strict_numbers import decimal

ELEMENTS = "VOLT,CURR,RES,TIME,STAT"
SOURCE = SourceWords(
    level=":SOUR:VOLT", on=":OUTP", limit=":SENS:CURR:PROT", ranges={210.0: 0.105},
    locked=":OUTP:INT:TRIP", locked_is=0,  # 1: the source can be turned on (manual, p. 17-53)
    kind=(Setting(":SOUR:FUNC", "VOLT"),),
)  # fmt: skip
AUTOZERO = (":SYST:AZER ONCE",)

WORDS = Words(
    functions={"current": ("CURR", "A"), "voltage": ("VOLT", "V"), "resistance": ("RES", "Ohm")},
    read=":READ?",
    elements=ELEMENTS,
    first=(Setting(":FORM:DATA", "ASC", asked=False), Setting(":SENS:FUNC:CONC", False)),
    own=(),
    only={"RES": (Setting(":SENS:RES:MODE", "MAN"),)},  # in automatic ohms it sources a current of its own choice
    last=(
        *numeric.AVERAGE_OFF, leftover(":SENS:AVER:AUTO", False), *numeric.MATH_OFF, *numeric.TRIGGER,
        Setting(":SYST:TIME:RES", "", asked=False),
    ),
    zero={"current": AUTOZERO, "voltage": AUTOZERO, "resistance": AUTOZERO},
    relative=":CALC2:NULL",
    reaches={"current": 1.055, "voltage": 2.11, "resistance": 2.11},  # 1, 10, 100 pA ..., and 0.2, 2 ... V (assumed)
    largest={"current": 0.1055, "voltage": 211.0},
    states={
        "source on": SOURCE.on, "source function": ":SOUR:FUNC", "source voltage": SOURCE.level,
        "source limit": SOURCE.limit, "source may be switched on": SOURCE.locked,
    },
)  # fmt: skip


class Settings6430(SourceSettings):
    """function: what is measured; the rest as of every electrometer of this maker with a source."""

    source: ClassVar[SourceWords] = SOURCE
    function: Literal["current", "voltage", "resistance"] = "current"
    nplc: float = Field(1.0, ge=0.01, le=10)
    source_limit_a: float = Field(1.05e-4, ge=1e-9, le=0.105)


class FunctionParameters(Settings):
    """What to measure."""

    function: Literal["current", "voltage", "resistance"]


class Keithley6430(ChoosingElectrometer[Settings6430], SourcingElectrometer[Settings6430]):
    """The 6430."""

    words = WORDS
    trace = numeric.trace_of(WORDS.elements)
    line_faults = range(0)  # 800 to 810 are other things here: 803 is "Not permitted with OUTPUT off" (6430 manual)
    bits = SOURCE_METER

    def parse(self, line: bytes) -> Parsed:
        """The voltage beside a measured current is the source's; beside a measured voltage there is no other."""
        parsed = super().parse(line)
        volts = decimal(line.split(b",")[0].strip().decode())
        sourced = self.quantity == "current" and abs(volts) < SENTINEL
        return replace(parsed, source_v=volts or 0.0) if sourced else parsed

    @command("function", "Choose what is measured", FunctionParameters)
    async def function(self, p: FunctionParameters) -> Mapping[str, Any]:
        """Sets the instrument up anew, on autorange."""
        return await self.choose(p.function)


KEITHLEY_6430 = Model(
    name="keithley-6430", vendor="Keithley", title="Keithley 6430 sub-femtoamp SourceMeter",
    transports=("serial", "VISA", "tcp", "Prologix"),
    quantities=(Quantity("current", "A"), Quantity("voltage", "V"), Quantity("resistance", "Ohm")),
    settings=Settings6430, driver=Keithley6430, answers="6430", framing=Framing(zero=("zero",)),
    verified=(
        Verified("a reading line printed in the 6430 manual", "parsing of five numbers", "document"),
        Verified("the project's own simulator", "identification, set-up, streaming, buffer, voltage source, faults"),
    ),
    assumed=(
        "its status bits are those of the 2400 class", "zero is SYST:AZER ONCE",
        "SENS:RES:MODE MAN keeps it from sourcing by itself when it measures ohms (2400 class)",
        "its ranges reach 105.5 % of their full scale (2400 class)",
        "10 s after its voltage changed the source and the detector behind it have settled (a setting)",
        *numeric.ASSUMED,
    ),
)  # fmt: skip
