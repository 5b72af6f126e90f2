"""Keithley 6517A and 6517B electrometers, over a serial line, VISA or TCP.

Source: 6517B reference manual (6517B-901-01 Rev C). What it leaves open stands in ASSUMED.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from drivers.commands import command
from drivers.errors import Declined, Garbled, Misuse
from drivers.keithley.electrometer import KeithleySettings, ScpiElectrometer, Words
from drivers.keithley.parsed import Parsed
from drivers.keithley.scpi import Setting, leftover
from drivers.keithley.words_6517 import ELEMENTS, parse_reading, require_elements
from drivers.model import Framing, Model, Quantity, Verified
from drivers.reading import Sample
from drivers.settings import NoParameters, Settings

Function = Literal["charge", "current", "voltage", "resistance"]
DEVICE_CLEAR = b"\x03"  # ^C on a serial line; answered with DCL (6517B reference manual, RS-232 operation)

WORDS = Words(
    functions={
        "charge": ("CHAR", "C"), "current": ("CURR", "A"), "voltage": ("VOLT", "V"), "resistance": ("RES", "Ohm"),
    },
    read=":SENS:DATA:FRES?",
    elements=ELEMENTS,
    first=(
        Setting(":INIT:CONT", False, asked=False),
        Setting(":SYST:ZCH", True, asked=False),
        Setting(":FORM:DATA", "ASC", asked=False),
    ),
    own=(
        leftover(":SENS:{f}:AVER:STAT", False),
        leftover(":SENS:{f}:MED:STAT", False),
        leftover(":SENS:{f}:DIG", 7),  # 6 1/2 digits
        leftover(":SENS:{f}:REF:STAT", False, asked=False),  # the command "relative" may switch it on
    ),
    only={"CHAR": (leftover(":SENS:CHAR:ADIS:STAT", False),)},
    last=(
        leftover(":CALC:STAT", False),
        leftover(":SYST:ZCOR", False, asked=False),  # the command "zero" may switch it on
        leftover(":ARM:SOUR", "IMM"), leftover(":ARM:COUN", "INF"),
        leftover(":ARM:LAY2:SOUR", "IMM"), leftover(":ARM:LAY2:COUN", "INF"), leftover(":ARM:LAY2:DEL", 0),
        Setting(":TRIG:SOUR", "IMM"), Setting(":TRIG:COUN", "INF"), leftover(":TRIG:DEL", 0),
        Setting(":SYST:TST:TYPE", "REL", asked=False),
        Setting(":SYST:ZCH", False, asked=False),  # a reading shows it by its status letter
        Setting(":INIT:CONT", True),
    ),
    zero={
        "charge": (":SYST:ZCH 1", ":SYST:ZCH 0"),
        "current": (":SYST:ZCH 1", ":SYST:ZCOR 0", ":SYST:ZCOR 1", ":SYST:ZCH 0"),
        "voltage": (":SYST:ZCH 1", ":SYST:ZCOR 0", ":SYST:ZCOR 1", ":SYST:ZCH 0"),
        "resistance": (":SYST:ZCH 1", ":SYST:ZCOR 0", ":SYST:ZCOR 1", ":SYST:ZCH 0"),
    },
    relative=":SENS:{f}:REF",
    states={"source on": ":OUTP:STAT", "source voltage": ":SOUR:VOLT"},
)  # fmt: skip


class Settings6517(KeithleySettings):
    """function: what is measured; the rest as of every electrometer of this maker."""

    function: Function = "charge"


class FunctionParameters(Settings):
    """What to measure."""

    function: Function


class Keithley6517(ScpiElectrometer[Settings6517]):
    """Gives each conversion once (:SENS:DATA:FRES?), also one that began before a change: two of them are stale."""

    words = WORDS
    stale: ClassVar[int] = 2

    def parse(self, line: bytes) -> Parsed:
        """One reading with all its elements."""
        parsed = parse_reading(line)
        require_elements(parsed, line)
        return parsed

    async def flush(self) -> Sequence[Sample]:
        """The conversion that is ready or under way belongs before the marker."""
        return await self.take()

    @command("reset-charge", "Discharge the feedback capacitor: zero check on, then off")
    async def reset_charge(self, p: NoParameters) -> Mapping[str, Any]:
        """The integral begins again near zero; releasing zero check adds a small charge of its own. Raises Misuse."""
        if self.quantity != "charge":
            raise Misuse(f"reset-charge needs the function charge; {self.wire.name} measures {self.quantity}.")
        await self.do(*self.words.zero["charge"])
        return {"function": "charge"}

    @command("function", "Choose what is measured", FunctionParameters)
    async def function(self, p: FunctionParameters) -> Mapping[str, Any]:
        """Sets the instrument up anew, on autorange."""
        before = self.quantity, self._range_si
        self.quantity, self._range_si = p.function, None
        try:
            await self.set_up()
        except Declined:  # a part of it may have been taken: as it was before
            self.quantity, self._range_si = before
            await self.set_up()
            raise
        return {"function": p.function}

    @command("device-clear", "Abort what the instrument is doing and empty its input (^C on the serial line)")
    async def device_clear(self, p: NoParameters) -> Mapping[str, Any]:
        """The answer must be DCL (6517B reference manual, RS-232 operation). Raises Misuse on GPIB and USB, Garbled,
        ReplyTimeout.
        """
        if self.wire.name.upper().startswith(("GPIB", "USB", "PROLOGIX")):
            raise Misuse(f"device-clear is for the instrument's serial line; {self.wire.name} is none.")
        await self.wire.ask(DEVICE_CLEAR, _cleared)
        return {"answer": "DCL"}


def _cleared(answer: bytes) -> None:
    if answer != b"DCL":
        raise Garbled("A device clear was not answered with DCL.", answer)


QUANTITIES = (
    Quantity("charge", "C", "running"), Quantity("current", "A"), Quantity("voltage", "V"),
    Quantity("resistance", "Ohm"),
)  # fmt: skip
TRANSPORTS = ("serial", "VISA", "tcp", "Prologix")
ASSUMED = (
    "unit text OHM of resistance readings",
    "suffix texts of channel, temperature and humidity are unknown: they are kept as text",
    "every reading has a sign and seven digits, as all captured ones have; any other is kept unparsed",
    "a range's query answers its upper end, at most 2.1 times a decade, as the 6514 does",
    "several queries in one message are answered in one line, joined by semicolons (6514 manual); where they are not"
    " answered, settings are not read back and the state shows none",
    "a conversion that began before a change may still be given out: two readings are set aside after each",
    "REF:ACQ and REF:STAT of the command 'relative': not confirmed by a captured session",
    "the power-on bit of *ESR? tells a restart (IEEE 488.2; not seen on a real instrument)",
    "a reading that comes twice, byte for byte, is a duplicate: each has its own number and time stamp",
    "device-clear is sent as ^C: it needs the instrument's serial line, directly or behind a serial server",
    "not yet run on a real instrument by this project",
)
VERIFIED = (
    Verified("reading lines captured from real 6517A and 6517B units", "parsing of every captured shape", "capture"),
    Verified("the project's own simulator", "identification, set-up, zero, streaming, faults"),
)

PYMEASURE = Verified("PyMeasure 0.16.0 on the simulator", "current, voltage, source, buffer", "program")
KEITHLEY_6517B = Model(
    name="keithley-6517b", vendor="Keithley", title="Keithley 6517B electrometer", transports=TRANSPORTS,
    quantities=QUANTITIES, settings=Settings6517, driver=Keithley6517, answers="6517B",
    framing=Framing(zero=("zero",)), verified=(*VERIFIED, PYMEASURE), assumed=ASSUMED,
)  # fmt: skip
KEITHLEY_6517A = Model(
    name="keithley-6517a", vendor="Keithley", title="Keithley 6517A electrometer", transports=TRANSPORTS,
    quantities=QUANTITIES, settings=Settings6517, driver=Keithley6517, answers="6517A",
    framing=Framing(zero=("zero",)), verified=VERIFIED, assumed=ASSUMED,
)  # fmt: skip
