"""Keithley 6485 and 6487 picoammeters (instruction manuals; lines captured from real units).

The 6487's voltage source is left as it is and stated: nothing here switches it on.
"""

from __future__ import annotations

from dataclasses import replace

from drivers.keithley import numeric
from drivers.keithley.electrometer import KeithleySettings, Words
from drivers.model import Framing, Model, Quantity, Verified

ELEMENTS = "READ,UNIT,TIME,STAT"

WORDS_6485 = Words(
    functions={"current": ("CURR", "A")},
    read=":READ?",
    elements=ELEMENTS,
    first=numeric.FIRST,
    own=(),
    only={},
    last=(*numeric.AVERAGE_OFF, *numeric.MATH_OFF, *numeric.TRIGGER, *numeric.ZERO_OFF),
    zero={"current": (":SYST:ZCH 1", ":INIT", ":SYST:ZCOR:ACQ", ":SYST:ZCOR 1", ":SYST:ZCH 0")},
    relative=":CALC2:NULL",
    states={},
)  # fmt: skip
WORDS_6487 = replace(
    WORDS_6485,
    elements=f"{ELEMENTS},VSO",
    states={"source on": ":SOUR:VOLT:STAT", "source voltage": ":SOUR:VOLT"},
)


class Keithley6485(numeric.NumericElectrometer[KeithleySettings]):
    """The 6485."""

    words = WORDS_6485


class Keithley6487(Keithley6485):
    """The 6487: the same words, and a source whose voltage stands in every reading."""

    words = WORDS_6487


KEITHLEY_6485 = Model(
    name="keithley-6485", vendor="Keithley", title="Keithley 6485 picoammeter",
    transports=("serial", "VISA", "tcp", "Prologix"), quantities=(Quantity("current", "A"),),
    settings=KeithleySettings, driver=Keithley6485, answers="6485", framing=Framing(zero=("zero",)),
    verified=(
        Verified("a reading line captured from a real 6485", "parsing of number, unit, time and status", "capture"),
        Verified("the project's own simulator", "identification, set-up, zero, streaming, faults"),
    ),
    assumed=numeric.ASSUMED,
)  # fmt: skip
KEITHLEY_6487 = replace(
    KEITHLEY_6485,
    name="keithley-6487", title="Keithley 6487 picoammeter and voltage source", driver=Keithley6487, answers="6487",
    verified=(
        Verified("a reading line printed in the 6487 manual", "number, unit, time, status and source", "document"),
        KEITHLEY_6485.verified[1],
    ),
)  # fmt: skip
