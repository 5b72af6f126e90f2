"""What the 6514, 6485, 6487 and 6430 have in common: READ? gives one conversion that began after it, as numbers.

So nothing is stale, and nothing is held back before a marker.

Sources: 6514, 6485 and 6487 instruction manuals, 6430 manual. What they leave open stands in ASSUMED.
"""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from drivers.keithley.buffered import BufferingElectrometer
from drivers.keithley.electrometer import KeithleySettings
from drivers.keithley.parsed import Parsed
from drivers.keithley.scpi import Setting, leftover
from drivers.keithley.trace_words import Trace
from drivers.keithley.words_numeric import PICOAMMETER, StatusBits, parse_numbers

S = TypeVar("S", bound=KeithleySettings)

FIRST = (Setting(":SYST:ZCH", True, asked=False), Setting(":FORM:DATA", "ASC", asked=False))
AVERAGE_OFF = (leftover(":SENS:AVER:STAT", False), leftover(":SENS:MED:STAT", False))
TRIGGER = (
    leftover(":ARM:SOUR", "IMM"), leftover(":ARM:COUN", 1),
    Setting(":TRIG:SOUR", "IMM"), Setting(":TRIG:COUN", 1), leftover(":TRIG:DEL", 0),
)  # fmt: skip
MATH_OFF = (
    leftover(":CALC1:STAT", False),
    leftover(":CALC2:NULL:STAT", False, asked=False),  # the command "relative" may switch it on
)
ZERO_OFF = (
    leftover(":SYST:ZCOR", False, asked=False),  # the command "zero" may switch it on
    Setting(":SYST:TIME:RES", "", asked=False),
    Setting(":SYST:ZCH", False, asked=False),  # the status word of every reading shows it
)
ASSUMED = (
    "several queries in one message are answered in one line, joined by semicolons (6514 manual); where they are not"
    " answered, settings are not read back and the state shows none",
    "a range's query answers its upper end, at most 2.1 times a decade",
    "numbers have a sign, one digit, six decimals and a two-digit exponent, as all captured ones have",
    "the power-on bit of *ESR? tells a restart (IEEE 488.2; not seen on a real instrument)",
    "CALC2:NULL:ACQ takes the reference of the command 'relative': not confirmed by a captured session",
    "the buffer: :SENS:DATA? behind :TRAC:DATA? is the last reading stored, whose running time stamp dates them all",
    "not yet run on a real instrument by this project",
)


SIZE = 14  # bytes of a number with what parts it from the next


def trace_of(elements: str) -> Trace:
    """The buffer of a model whose readings have these elements (UNIT stands in READ and is none of its own)."""
    width = len([each for each in elements.split(",") if each != "UNIT"])
    return Trace(
        settings=(
            Setting(":TRAC:FEED:CONT", "NEV", asked=False), Setting(":TRAC:FEED", "SENS"),
            Setting(":TRAC:TST:FORM", "ABS"),
        ),
        width=width, size=width * SIZE, timer=":ARM",
    )  # fmt: skip


class NumericElectrometer(BufferingElectrometer[S], Generic[S]):
    """Subclasses are their words alone."""

    bits: ClassVar[StatusBits] = PICOAMMETER

    def parse(self, line: bytes) -> Parsed:
        """One reading with all its elements."""
        words = self.words
        return parse_numbers(line, words.elements.split(","), self.quantity, self.bits, words.largest)
