"""Driver of the Keithley 6517A and 6517B: one fresh reading a poll, over a serial line, VISA or TCP."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import Field

from drivers.driver import Driver, DriverInfo, Identity, NoParameters, Settings, Verified, command
from drivers.errors import Garbled, Misuse, Refused, ReplyTimeout, WrongInstrument
from drivers.keithley_6517 import protocol
from drivers.keithley_6517.protocol import Function, Parsed
from drivers.link import Link
from drivers.reading import Also, Flag, Reading
from drivers.trace import Trace
from drivers.transport.base import Transport
from drivers.transport.resource import open_transport
from drivers.transport.serial import SerialSettings

TERMINATORS = {"LF": b"\n", "CR": b"\r", "CRLF": b"\r\n"}
IDENTIFY_TRIES = 3
QUIET_S = 0.2  # a line is drained when it has been quiet for so long
SETTING_S = 0.2  # a pause other clients make after each setting; the serial line tells nobody when one is done
RECENT = 16  # replies among which a duplicate is looked for
T = TypeVar("T")
DEVICE_CLEAR = b"\x03"  # ^C on a serial line; answered with DCL (6517B reference manual, RS-232 operation)


class Settings6517(Settings):
    """range_si: full scale in the function's SI unit, left out for autorange. nplc: power line cycles a conversion."""

    function: Function = "charge"
    range_si: float | None = Field(None, gt=0)
    nplc: float = Field(1.0, ge=0.01, le=10)
    terminator: Literal["LF", "CR", "CRLF"] = "LF"
    expected_serial: str | None = None
    poll_interval_s: float = Field(0.0, ge=0, le=60)
    timeout_s: float = Field(3.0, gt=0, le=120)
    serial: SerialSettings = SerialSettings()


class RangeParameters(Settings):
    """range_si null takes autorange."""

    range_si: float | None = Field(None, gt=0)


class FunctionParameters(Settings):
    """What to measure."""

    function: Function


class SwitchParameters(Settings):
    """On or off."""

    on: bool


class Keithley6517B(Driver):
    """Keithley 6517B. Charge and current are what dosimetry asks of it."""

    info: ClassVar[DriverInfo] = DriverInfo(
        model="keithley-6517b",
        vendor="Keithley",
        title="Keithley 6517B electrometer",
        transports=("serial", "VISA", "tcp"),
        quantities=("charge", "current", "voltage", "resistance"),
        verified=(
            Verified("reading lines captured from real 6517A and 6517B units", "parsing of every captured shape"),
            Verified("the project's own simulator", "identification, set-up, zero, streaming, faults"),
        ),
        assumed=(
            "unit text OHM of resistance readings",
            "suffix texts of channel, temperature and humidity are unknown: they are kept as text",
            "terminators are as configured; replies may end in CR, LF or both",
            "every reading has a sign and seven digits, as all captured ones have; any other is kept unparsed",
            "REF:ACQ and REF:STAT of the command 'relative': not confirmed by a captured session",
            "the power-on bit of *ESR? tells a restart (IEEE 488.2; not seen on a real instrument)",
            "a reading that comes twice, byte for byte, is a duplicate: each has its own number and time stamp",
            "device-clear is sent as ^C: it needs the instrument's serial line, directly or behind a serial server",
            "not yet run on a real instrument",
        ),
    )
    settings_model = Settings6517
    model_pattern: ClassVar[str] = "6517B"

    def __init__(
        self, resource: str, settings: Settings6517, trace: Trace | None = None, transport: Transport | None = None
    ) -> None:
        self.settings = settings
        self.poll_interval_s = settings.poll_interval_s
        self._link = Link(transport or open_transport(resource, settings.serial), name=resource, trace=trace)
        self._end = TERMINATORS[settings.terminator]
        self._function: Function = settings.function
        self._range = settings.range_si
        self._identity: Identity | None = None
        self._last: Parsed | None = None
        self._recent: deque[bytes] = deque(maxlen=RECENT)
        self._restarted = False

    async def open(self) -> Identity:
        """Open, identify, set up, and make sure that the instrument took every setting; on failure free the port."""
        ready = False
        try:
            await self._link.open()
            with self._link.recovering():
                identity = self._identity = await self._identify()
            await self._set_up()
            ready = True
        finally:
            if not ready:
                await self._link.close()
        return identity

    async def recover(self) -> Identity:
        """Drain, identify, and go on as set up. Raises WrongInstrument when another unit answers now.

        Whether power went in the meantime is asked: readings are then marked until set up anew. Errors that come of the
        interruption are emptied, so that no later setting is blamed for them. Raises ReplyTimeout while no reply can be
        made sense of, and LinkDown.
        """
        with self._link.recovering():
            now = await self._identify()
            if self._identity is not None and now.serial != self._identity.serial:
                raise WrongInstrument(f"Serial number {now.serial} answers where {self._identity.serial} was.")
            try:
                status = await self._ask_for("*ESR?", protocol.parse_event_status)
            except Garbled as error:
                raise ReplyTimeout(f"{self._link.name} is not understood yet: {error}", error.raw) from error
            self._restarted |= bool(status & protocol.POWER_ON)
            await self._link.send(b"*CLS" + self._end)
        return now

    async def close(self) -> None:
        """Release the port."""
        await self._link.close()

    async def poll(self) -> Sequence[Reading]:
        """One fresh reading (:SENS:DATA:FRES?), or what came in its place with its bytes.

        What came in its place may have been nobody's answer: the reading itself is then still on the way, and would be
        taken for the answer to the next poll, and so on for ever. So the next poll raises ReplyTimeout.
        """
        raw = await self._ask(":SENS:DATA:FRES?")
        try:
            parsed = protocol.parse_reading(raw)
            protocol.require_elements(parsed, raw)
            self._refuse_duplicate(raw)
        except Garbled as error:
            self._link.doubt()
            return [self._unparsed(raw, str(error))]
        return [self._reading(raw, parsed)]

    # --- commands ---------------------------------------------------------------------------------------------------

    @command("zero", "Zero check on, zero correct where the function has it, zero check off")
    async def zero(self, p: NoParameters) -> Mapping[str, Any]:
        """For charge this discharges the feedback capacitor."""
        await self._set(protocol.zero(self._function))
        return {"function": self._function}

    @command("reset-charge", "Discharge the feedback capacitor: zero check on, then off")
    async def reset_charge(self, p: NoParameters) -> Mapping[str, Any]:
        """The integral begins again near zero; releasing zero check adds a small charge of its own. Raises Misuse."""
        if self._function != "charge":
            raise Misuse(f"reset-charge needs the function charge; {self._link.name} measures {self._function}.")
        await self._set(protocol.zero("charge"))
        return {"function": "charge"}

    @command("set-up", "Set the instrument up anew as it is configured")
    async def set_up(self, p: NoParameters) -> Mapping[str, Any]:
        """After a restart or a change by hand. Takes zero check through on and off, and so discharges."""
        await self._set_up()
        return {"function": self._function, "range_si": self._range}

    @command("device-clear", "Abort what the instrument is doing and empty its input (^C on the serial line)")
    async def device_clear(self, p: NoParameters) -> Mapping[str, Any]:
        """The line is drained before; the answer must be DCL. Raises Misuse on GPIB and USB, Garbled, ReplyTimeout."""
        if self._link.name.upper().startswith(("GPIB", "USB")):
            raise Misuse(f"device-clear is for the instrument's serial line; {self._link.name} is none.")
        with self._link.recovering():
            await self._link.drain(QUIET_S)
            answer = await self._link.exchange(DEVICE_CLEAR, timeout_s=self.settings.timeout_s)
            if answer != b"DCL":
                raise Garbled(f"{self._link.name} did not answer DCL to a device clear.", answer)
        return {"answer": "DCL"}

    @command("zero-check", "Switch zero check", SwitchParameters)
    async def zero_check(self, p: SwitchParameters) -> Mapping[str, Any]:
        """Readings carry no value while it is on."""
        await self._set([f":SYST:ZCH {int(p.on)}"])
        return {"on": p.on}

    @command("range", "Set the range, or autorange", RangeParameters)
    async def range(self, p: RangeParameters) -> Mapping[str, Any]:
        """Full scale in SI units."""
        f = protocol.SCPI[self._function]
        auto = f":SENS:{f}:RANG:AUTO 1"
        await self._set([auto if p.range_si is None else f":SENS:{f}:RANG {p.range_si:g}"])
        self._range = p.range_si
        return {"range_si": p.range_si}

    @command("function", "Choose what is measured", FunctionParameters)
    async def function(self, p: FunctionParameters) -> Mapping[str, Any]:
        """Sets the instrument up anew, on autorange."""
        self._function, self._range = p.function, None
        await self._set_up()
        return {"function": p.function}

    @command("relative", "Switch the instrument's own reference subtraction (REL)", SwitchParameters)
    async def relative(self, p: SwitchParameters) -> Mapping[str, Any]:
        """Readings then carry the flag 'relative'."""
        f = protocol.SCPI[self._function]
        await self._set([f":SENS:{f}:REF:ACQ", f":SENS:{f}:REF:STAT 1"] if p.on else [f":SENS:{f}:REF:STAT 0"])
        return {"on": p.on}

    @command("errors", "Read and empty the instrument's error queue", while_measuring=True)
    async def errors(self, p: NoParameters) -> Mapping[str, Any]:
        """Numbers and texts, oldest first."""
        return {"errors": await self._errors()}

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _ask(self, query: str) -> bytes:
        return await self._link.exchange(query.encode("ascii") + self._end, timeout_s=self.settings.timeout_s)

    async def _ask_for(self, query: str, parse: Callable[[bytes], T], more_s: float = 0.0) -> T:
        """A query whose reply `parse` understands. Raises what it raises, and doubts the line then."""
        request = query.encode("ascii") + self._end
        raw = await self._link.exchange(request, timeout_s=self.settings.timeout_s + more_s)
        try:
            return parse(raw)
        except Garbled:
            self._link.doubt()
            raise

    async def _identify(self) -> Identity:
        """*IDN? on a drained line; a late reading in its place is thrown away and the question asked again."""
        for attempt in range(IDENTIFY_TRIES):
            await self._link.drain(QUIET_S)
            try:
                raw = await self._ask("*IDN?")
                idn = protocol.parse_idn(raw)
            except (Garbled, ReplyTimeout) as error:
                if attempt < IDENTIFY_TRIES - 1:
                    continue
                if isinstance(error, ReplyTimeout):
                    raise
                said = error.raw.decode("latin-1")[:80]
                raise WrongInstrument(
                    f"A Keithley 6517 was expected on {self._link.name}; '{said}' answers."
                ) from error
            self._check(idn)
            return Identity("Keithley", idn.model, idn.serial, idn.firmware, raw)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _check(self, idn: protocol.Idn) -> None:
        if idn.model != self.model_pattern:
            raise WrongInstrument(f"A {self.model_pattern} is configured on {self._link.name}; a {idn.model} answers.")
        wanted = self.settings.expected_serial
        if wanted is not None and idn.serial != wanted:
            raise WrongInstrument(f"Serial number {wanted} is configured on {self._link.name}; {idn.serial} answers.")

    async def _set_up(self) -> None:
        self._last, self._restarted = None, False
        await self._set(protocol.set_up(self._function, self._range, self.settings.nplc))

    async def _set(self, commands: Sequence[str]) -> None:
        """Send settings, then ask for errors: settings have no reply of their own."""
        for each in commands:
            await self._link.send(each.encode("ascii") + self._end)
        errors = await self._errors(SETTING_S * len(commands))
        if errors:
            raise Refused(f"{self._link.name} refused a setting: {'; '.join(errors)}.")

    async def _errors(self, more_s: float = 0.0) -> list[str]:
        found = []
        for _ in range(12):  # the queue is ten deep
            number, text = await self._ask_for(":SYST:ERR?", protocol.parse_error, more_s)
            if number == 0:
                break
            found.append(f"{number} {text}")
        return found

    def _reading(self, raw: bytes, parsed: Parsed) -> Reading:
        flags, notes = parsed.flags, []
        function, unit = parsed.function or self._function, parsed.unit or _unit(self._function)
        if function != self._function:
            notes.append(f"{function} came where {self._function} was set")
        notes += self._noticed(parsed)
        if function != self._function or self._restarted:
            flags = (*flags, Flag.CHANGED_BY_HAND)
        also = {}
        if parsed.reading_number is not None:
            also["reading-number"] = Also(value=float(parsed.reading_number), unit="1")
        if parsed.source_v is not None:
            also["source-voltage"] = Also(value=parsed.source_v, unit="V")
        if parsed.others:
            notes.append(f"further elements: {', '.join(parsed.others)}")
        return Reading(
            kind="scalar", quantity=function, unit=unit, value=parsed.value, flags=flags, raw=raw, time=_now(),
            monotonic_s=time.monotonic(), elapsed_s=parsed.elapsed_s, clock=parsed.clock, also=also,
            note="; ".join(notes) or None,
            range="auto" if self._range is None else f"{self._range:g}",
        )  # fmt: skip

    def _refuse_duplicate(self, raw: bytes) -> None:
        if raw in self._recent:
            raise Garbled("A reading that has come before, time stamp and all.", raw)
        self._recent.append(raw)

    def _noticed(self, parsed: Parsed) -> list[str]:
        """Reading number and clock gone back together mean a restart: range and speed are then not those set."""
        last, self._last = self._last, parsed
        notes = []
        if last is not None and (parsed.reading_number or 0) <= (last.reading_number or 0):
            notes.append(f"the reading number went from {last.reading_number} to {parsed.reading_number}")
            before, now = last.elapsed_s, parsed.elapsed_s
            self._restarted |= before is not None and now is not None and now < before
        if self._restarted:
            notes.append("restarted, or reset by hand: to be set up anew (command set-up)")
        return notes

    def _unparsed(self, raw: bytes, why: str) -> Reading:
        return Reading(
            kind="unparsed", quantity=self._function, unit=_unit(self._function), flags=(Flag.UNPARSED,), raw=raw,
            time=_now(), monotonic_s=time.monotonic(), note=why,
        )  # fmt: skip


class Keithley6517A(Keithley6517B):
    """Keithley 6517A: the same words."""

    info: ClassVar[DriverInfo] = DriverInfo(
        model="keithley-6517a",
        vendor="Keithley",
        title="Keithley 6517A electrometer",
        transports=Keithley6517B.info.transports,
        quantities=Keithley6517B.info.quantities,
        verified=Keithley6517B.info.verified,
        assumed=Keithley6517B.info.assumed,
    )
    model_pattern: ClassVar[str] = "6517A"


def _unit(function: Function) -> str:
    return next(unit for name, unit in protocol.UNITS.values() if name == function)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
