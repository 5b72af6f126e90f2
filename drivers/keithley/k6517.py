"""Keithley 6517A and 6517B electrometers, over a serial line, VISA or TCP.

Source: 6517B reference manual (6517B-901-01 Rev C). What it leaves open stands in ASSUMED.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from drivers.commands import command
from drivers.errors import Garbled, Misuse
from drivers.keithley.choosing import ChargeElectrometer, discharge
from drivers.keithley.electrometer import KeithleySettings, Words
from drivers.keithley.parsed import Parsed
from drivers.keithley.scpi import Setting, leftover
from drivers.keithley.trace_words import Trace
from drivers.keithley.words_6517 import ELEMENTS, parse_reading, require_elements
from drivers.model import Framing, Model, Quantity, Verified
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
    largest={},  # the exponent of a number tells its range: words_6517
    states={"source on": ":OUTP:STAT", "source voltage": ":SOUR:VOLT"},
    filters=":SENS:{f}",
)  # fmt: skip


TRACE = Trace(
    settings=(
        Setting(":TRAC:FEED:CONT", "NEV", asked=False),
        Setting(":TRAC:FEED", "SENS"),
        leftover(":TRAC:POIN:AUTO", False),
        Setting(":TRAC:ELEM", "TST", asked=False),  # a mismatch with :FORM:ELEM is an error of its own, +313
        Setting(":TRAC:TST:FORM", "ABS"),
    ),
    width=3,
    size=64,
    timer=":TRIG",
    instead=((":ARM:COUN", 1), (":ARM:LAY2:COUN", 1), (":INIT:CONT", False)),
)
AMBIENT_ELEMENTS = {"temperature": "ETEM", "humidity": "HUM"}
SENSORS = {
    "temperature": (Setting(":SYST:TSC", True), Setting(":UNIT:TEMP", "C")),
    "humidity": (Setting(":SYST:HSC", True),),
}
MOST_CHARGE_C = 2.2e-6  # of the level of auto-discharge (6517B manual, section 14)
MOST_POINTS = 4000  # it holds 50000 (6517B manual, section 8); more could not be read out in time at 9600 baud


class Settings6517(KeithleySettings):
    """function: what is measured; auto_discharge_c: charge at which the integral is emptied by itself, else never.

    temperature, humidity: what the external sensors say stands beside each reading.

    The rest as of every electrometer of this maker.
    """

    function: Function = "charge"
    buffer_points: int | None = Field(None, ge=2, le=MOST_POINTS)
    trigger_delay_s: float = Field(0.0, ge=0, le=999999.999)
    auto_discharge_c: float | None = Field(None, ge=-MOST_CHARGE_C, le=MOST_CHARGE_C)
    temperature: bool = False
    humidity: bool = False


class FunctionParameters(Settings):
    """What to measure."""

    function: Function


class Keithley6517(ChargeElectrometer[Settings6517]):
    """Gives each conversion once (:SENS:DATA:FRES?), also one that began before a change: two of them are stale."""

    words = WORDS
    trace = TRACE
    stale = 2

    def parse(self, line: bytes) -> Parsed:
        """One reading with all its elements."""
        parsed = parse_reading(line, self.ambient)
        require_elements(parsed, line)
        return parsed

    def chosen(self) -> list[Setting]:
        """Auto-discharge, temperature and humidity beside what every model has."""
        return [
            *super().chosen(),
            *discharge(self.quantity, self.settings.auto_discharge_c),
            *(each for name in self.ambient for each in SENSORS[name]),
            *self._with_ambient(),
        ]

    def _with_ambient(self) -> list[Setting]:
        """Elements of the reading and of the buffer, which must be the same."""
        if not self.ambient:
            return []
        words = ",".join(AMBIENT_ELEMENTS[name] for name in self.ambient)
        stored = [] if self.points is None else [Setting(":TRAC:ELEM", f"TST,{words}", asked=False)]
        return [Setting(":FORM:ELEM", f"{ELEMENTS},{words}", asked=False), *stored]

    @property
    def ambient(self) -> tuple[str, ...]:
        """What is asked for beside the reading, in the order in which it comes."""
        wanted = {"temperature": self.settings.temperature, "humidity": self.settings.humidity}
        return tuple(name for name, on in wanted.items() if on)

    @property
    def width(self) -> int:
        """Fields of one reading in the buffer's reply."""
        return self.trace.width + len(self.ambient)

    def _window(self, header: str, percent: float | None) -> list[Setting]:
        if percent is None:
            return [Setting(f"{header}:AVER:TYPE", "SCAL")]
        return [Setting(f"{header}:AVER:ADV:NTOL", percent), Setting(f"{header}:AVER:TYPE", "ADV")]

    @command("function", "Choose what is measured", FunctionParameters)
    async def function(self, p: FunctionParameters) -> Mapping[str, Any]:
        """Sets the instrument up anew, on autorange."""
        return await self.choose(p.function)

    @command("device-clear", "Abort what the instrument is doing and empty its input (^C on the serial line)")
    async def device_clear(self, p: NoParameters) -> Mapping[str, Any]:
        """The answer must be DCL (6517B reference manual, RS-232 operation). Raises Misuse on GPIB and USB, Garbled,
        ReplyTimeout.
        """
        if self.wire.name.upper().startswith(("GPIB", "USB", "PROLOGIX")):
            raise Misuse(f"device-clear is for the instrument's serial line; {self.wire.name} is none.")
        await self.hold()
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
    "suffix texts of channel, temperature and humidity are published nowhere: the latter two are told by their place,"
    " whatever stands behind the number; the channel is kept as text",
    "every reading has a sign and seven digits, as all captured ones have; any other is kept unparsed",
    "a range's query answers its upper end, at most 2.1 times a decade, as the 6514 does",
    "several queries in one message are answered in one line, joined by semicolons (6514 manual); where they are not"
    " answered, settings are not read back and the state shows none",
    "a conversion that began before a change may still be given out: two readings are set aside after each",
    "REF:ACQ and REF:STAT of the command 'relative': not confirmed by a captured session",
    "the power-on bit of *ESR? tells a restart (IEEE 488.2; not seen on a real instrument)",
    "a reading that comes twice, byte for byte, is a duplicate: each has its own number and time stamp",
    "device-clear is sent as ^C: it needs the instrument's serial line, directly or behind a serial server",
    "the buffer: :SENS:DATA? behind :TRAC:DATA? is the last reading stored, whose running time stamp dates them all",
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
