"""Keithley 6430 sub-femtoamp SourceMeter, as an ammeter (manual extracts; a public driver's ranges).

Its output is never switched on here: while it is off the instrument refuses to measure, and that is said.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from drivers.keithley import numeric
from drivers.keithley.electrometer import KeithleySettings, Words
from drivers.keithley.scpi import Setting
from drivers.keithley.words_numeric import SOURCE_METER
from drivers.model import Framing, Model, Quantity, Verified

ELEMENTS = "VOLT,CURR,RES,TIME,STAT"

WORDS = Words(
    functions={"current": ("CURR", "A"), "voltage": ("VOLT", "V")},
    read=":READ?",
    elements=ELEMENTS,
    first=(Setting(":FORM:DATA", "ASC", asked=False), Setting(":SENS:FUNC:CONC", False)),
    own=(),
    only={},
    last=(
        *numeric.AVERAGE_OFF, *numeric.MATH_OFF, *numeric.TRIGGER,
        Setting(":SYST:TIME:RES", "", asked=False),
    ),
    zero={"current": (":SYST:AZER ONCE",), "voltage": (":SYST:AZER ONCE",)},
    relative=":CALC2:NULL",
    states={"source on": ":OUTP", "source voltage": ":SOUR:VOLT"},
)  # fmt: skip


class Settings6430(KeithleySettings):
    """function: what is measured."""

    function: Literal["current", "voltage"] = "current"
    nplc: float = Field(1.0, ge=0.01, le=10)


class Keithley6430(numeric.NumericElectrometer[Settings6430]):
    """The 6430."""

    words = WORDS
    bits = SOURCE_METER


KEITHLEY_6430 = Model(
    name="keithley-6430", vendor="Keithley", title="Keithley 6430 sub-femtoamp SourceMeter",
    transports=("serial", "VISA", "tcp", "Prologix"), quantities=(Quantity("current", "A"), Quantity("voltage", "V")),
    settings=Settings6430, driver=Keithley6430, answers="6430", framing=Framing(zero=("zero",)),
    verified=(
        Verified("a reading line printed in the 6430 manual", "parsing of five numbers", "document"),
        Verified("the project's own simulator", "identification, set-up, streaming, faults"),
    ),
    assumed=("its status bits are those of the 2400 class", "zero is SYST:AZER ONCE", *numeric.ASSUMED),
)  # fmt: skip
