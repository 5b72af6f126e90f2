"""Keithley 6514 electrometer (instruction manual; lines captured from a real unit)."""

from __future__ import annotations

from typing import Literal

from drivers.keithley import numeric
from drivers.keithley.electrometer import KeithleySettings, Words
from drivers.keithley.scpi import Setting, leftover
from drivers.model import Framing, Model, Quantity, Verified

CORRECTED = (":SYST:ZCH 1", ":SYST:ZCOR:ACQ", ":SYST:ZCOR 1", ":SYST:ZCH 0")

WORDS = Words(
    functions={
        "charge": ("CHAR", "C"), "current": ("CURR", "A"), "voltage": ("VOLT", "V"), "resistance": ("RES", "Ohm"),
    },
    read=":READ?",
    elements="READ,TIME,STAT",
    first=numeric.FIRST,
    own=(),
    only={"CHAR": (leftover(":SENS:CHAR:ADIS:STAT", False),)},
    last=(
        *numeric.AVERAGE_OFF, *numeric.MATH_OFF, *numeric.TRIGGER, Setting(":FORM:ELEM", "READ,TIME,STAT", asked=False),
        *numeric.ZERO_OFF,
    ),
    zero={
        "charge": (":SYST:ZCH 1", ":SYST:ZCH 0"), "current": CORRECTED, "voltage": CORRECTED, "resistance": CORRECTED,
    },
    relative=":CALC2:NULL",
    states={},
)  # fmt: skip


class Settings6514(KeithleySettings):
    """function: what is measured; the rest as of every electrometer of this maker."""

    function: Literal["charge", "current", "voltage", "resistance"] = "charge"


class Keithley6514(numeric.NumericElectrometer[Settings6514]):
    """The 6514."""

    words = WORDS


KEITHLEY_6514 = Model(
    name="keithley-6514", vendor="Keithley", title="Keithley 6514 electrometer",
    transports=("serial", "VISA", "tcp", "Prologix"),
    quantities=(
        Quantity("charge", "C", "running"), Quantity("current", "A"), Quantity("voltage", "V"),
        Quantity("resistance", "Ohm"),
    ),
    settings=Settings6514, driver=Keithley6514, answers="6514", framing=Framing(zero=("zero",)),
    verified=(
        Verified("reading lines captured from a real 6514", "parsing of number, time and status"),
        Verified("the project's own simulator", "identification, set-up, zero, streaming, faults"),
    ),
    assumed=("READ? while zero check is on may be answered by an empty line (captured once)", *numeric.ASSUMED),
)  # fmt: skip
