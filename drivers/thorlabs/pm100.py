"""Thorlabs PM100A, PM100D and PM100USB power meters, with the sensor that is plugged into them.

A number in watts says nothing without the wavelength it was calculated for, the unit and the sensor: after every
reading these are asked for, and a reading during which one of them may have changed gives no number. Never *RST.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from drivers.commands import command
from drivers.driver import Driver
from drivers.errors import Declined, LinkDown, WrongInstrument
from drivers.ieee488 import POWER_ON, parse_error, parse_event_status
from drivers.instrument import Identity
from drivers.model import Framing, Model, Quantity, Verified
from drivers.reading import Also, Flag, Sample
from drivers.settings import NoParameters
from drivers.thorlabs import words
from drivers.thorlabs.settings import (
    SAMPLE_S,
    AveragingParameters,
    Pm100Settings,
    RangeParameters,
    WavelengthParameters,
)
from drivers.thorlabs.words import Sensor

T = TypeVar("T")
QUEUE_DEPTH = 32
ATTENUATION = "SENS:CORR:LOSS:INP:MAGN"
ZERO_WITHIN_S = 60.0
ZERO_POLL_S = 0.2
ROUNDED_NM = 0.5  # the meter rounds to what its sensor has (PM100USB manual p. 20)
OF = {"power": ("POW", "W"), "current": ("CURR", "A")}


@dataclass(frozen=True, slots=True)
class State:
    """What a number of the meter depends on, as it says so itself. `function` may be a word that is not driven here."""

    sensor: Sensor
    wavelength_nm: float | None
    unit: str
    function: str


class Pm100(Driver[Pm100Settings]):
    """One reading a take, and what it depends on."""

    def __init__(self, wire: Any, settings: Pm100Settings) -> None:
        super().__init__(wire, settings)
        self._wavelength_nm, self._range_si = settings.wavelength_nm, settings.range_si
        self._averaging = settings.averaging
        self._state: State | None = None
        self._most = 0.0  # the largest range, in the function's unit
        self._in_force_si: float | None = None  # the range as it was read back, infinite with autorange
        self._without_sensor = False

    @property
    def measures(self) -> str:
        """The function it is set to."""
        return self.settings.function

    async def identify(self) -> Identity:
        """Asks who is there (*IDN?). Raises Garbled, ReplyTimeout, LinkDown."""
        idn = await self._ask("*IDN?", words.parse_idn)
        return Identity("Thorlabs", idn.model, idn.serial, idn.firmware, self.wire.heard[-1])

    async def set_up(self) -> None:
        """Everything that can change a reading, then the errors it made.

        Raises Declined without a sensor, with one that cannot measure this, and for what the meter refuses;
        WrongInstrument with another sensor than the one configured.
        """
        self._without_sensor = False
        sensor = await self._fitting_sensor()
        await self._tell("*CLS")
        await self._ask("*ESR?", parse_event_status)
        await self._end_zero()
        header, unit = OF[self.measures]
        await self._do(f"CONF:{header}", f"SENS:{header}:REF:STAT 0")  # no value of another program is subtracted
        if header == "POW":
            await self._do(f"SENS:POW:UNIT {unit}", f"{ATTENUATION} {self.settings.attenuation_db:g}")
        await self._do(*self._averaging_words(), *self._range_words(), *self._low_pass_words())
        self._most = await self._ask_twice(f"SENS:{header}:RANG? MAX", words.parse_number)
        if self._wavelength_nm is not None:
            await self._set_wavelength(sensor, self._wavelength_nm)
        self._state = await self._state_now(sensor)

    async def read_back(self) -> Mapping[str, Any]:
        """What it says it is set to. Raises Declined, naming the setting that is not as it was set."""
        header = OF[self.measures][0]
        self._in_force_si = None
        count = await self._ask("SENS:AVER:COUN?", words.parse_number)
        auto = await self._ask(f"SENS:{header}:RANG:AUTO?", words.parse_switch)
        range_si = await self._ask_twice(f"SENS:{header}:RANG?", words.parse_number)
        self._in_force_si = math.inf if auto else range_si
        relative = await self._ask(f"SENS:{header}:REF:STAT?", words.parse_switch)
        state = await self._with_sensor()
        self._compare(f"SENS:{header}:REF:STAT", relative, False)
        self._compare("SENS:AVER:COUN", count, self._averaging)
        self._compare(f"SENS:{header}:RANG:AUTO", auto, self._range_si is None)
        if self._range_si is not None and range_si < self._range_si * (1 - 1e-3):
            self._compare(f"SENS:{header}:RANG", range_si, self._range_si)
        self._compare("CONF", state.function, self.measures)
        if self._wavelength_nm is not None and abs((state.wavelength_nm or 0) - self._wavelength_nm) > ROUNDED_NM:
            self._compare("SENS:CORR:WAV", state.wavelength_nm, self._wavelength_nm)
        self._state = state
        told = {"function": state.function, "averaging": count, "range": range_si, "autorange": auto}
        if self.settings.low_pass is not None:
            told["low pass"] = await self._ask("INP:PDI:FILT:LPAS:STAT?", words.parse_switch)
            self._compare("INP:PDI:FILT:LPAS:STAT", told["low pass"], self.settings.low_pass)
        if header == "POW":
            told["attenuation"] = await self._ask(f"{ATTENUATION}?", words.parse_number)
            self._compare(ATTENUATION, told["attenuation"], self.settings.attenuation_db)
        return told | {
            "sensor": state.sensor.name, "sensor serial": state.sensor.serial, "wavelength": state.wavelength_nm,
            "sensor calibrated": state.sensor.calibrated, "sensor flags": state.sensor.flags,
        }  # fmt: skip

    async def take(self) -> Sequence[Sample]:
        """One reading. Raises LinkDown where another sensor was plugged in: it is then set up anew."""
        heard = await self._ask("READ?", partial(words.parse_reading, self._most), self._averaging * SAMPLE_S * 2)
        raw = self.wire.heard[-1]
        sensor = await self._ask("SYST:SENS:IDN?", words.parse_sensor)
        if sensor is None:
            self._without_sensor = True
            return [self._no_number(raw, self._no_sensor(), Flag.NOT_A_NUMBER)]
        before = self._state
        if self._without_sensor or before is None or sensor != before.sensor:
            raise LinkDown(f"A sensor was plugged into {self.wire.name}: {sensor.name} {sensor.serial}; it is set up.")
        self._state = await self._state_now(sensor)
        return [self._sample(raw, *heard, before, self._state)]

    async def resume(self) -> None:
        """Ends a zero that nobody waits for.

        Raises LinkDown, so that it is set up anew, where power went in the meantime, no sensor is attached, or somebody
        has set another unit (a number of dBm is none of watts, and may not have been understood for that).
        """
        if await self._ask("*ESR?", parse_event_status) & POWER_ON:
            raise LinkDown(f"{self.wire.name} was switched off and on: its settings are gone.")
        sensor = await self._ask("SYST:SENS:IDN?", words.parse_sensor)
        if sensor is None:
            raise LinkDown(self._no_sensor())
        if (unit := (await self._state_now(sensor)).unit) != "W":
            raise LinkDown(f"{self.wire.name} was set to {unit} by hand; it is set to W again.")
        await self._end_zero()
        await self._errors()

    # --- commands ---------------------------------------------------------------------------------------------------

    @command("zero", "Zero with the sensor covered; waits for its end", within_s=ZERO_WITHIN_S + 30)
    async def zero(self, p: NoParameters) -> Mapping[str, Any]:
        """Starts SENS:CORR:COLL:ZERO and asks for its state until it has ended. Raises Declined where it does not."""
        await self._do("SENS:CORR:COLL:ZERO:INIT")
        for _ in range(int(ZERO_WITHIN_S / ZERO_POLL_S)):
            if not await self._zeroing():
                return {"magnitude": await self._ask("SENS:CORR:COLL:ZERO:MAGN?", words.parse_number)}
            await asyncio.sleep(ZERO_POLL_S)
        await self._end_zero()
        raise Declined(f"{self.wire.name} has not finished its zero after {ZERO_WITHIN_S:g} s; it was aborted.")

    @command("zero-abort", "End a zero that is under way")
    async def zero_abort(self, p: NoParameters) -> Mapping[str, Any]:
        """The result says whether one was under way. Raises Declined where it goes on."""
        return {"aborted": await self._end_zero()}

    @command("wavelength", "Set the wavelength that watts are calculated for", WavelengthParameters)
    async def wavelength(self, p: WavelengthParameters) -> Mapping[str, Any]:
        """Raises Declined where the sensor does not have it."""
        await self._set_wavelength((await self._with_sensor()).sensor, p.wavelength_nm)
        self._wavelength_nm = p.wavelength_nm
        return {"wavelength_nm": p.wavelength_nm}

    @command("range", "Set the range, or autorange", RangeParameters)
    async def range(self, p: RangeParameters) -> Mapping[str, Any]:
        """Full scale in W or A; what is in force is read back. Raises Declined."""
        before, self._range_si = self._range_si, p.range_si
        try:
            await self._do(*self._range_words())
        except Declined:
            self._range_si = before
            await self._do(*self._range_words())
            raise
        return {"range_si": p.range_si}

    @command("averaging", "Set how many samples of 3 ms a reading averages", AveragingParameters)
    async def averaging(self, p: AveragingParameters) -> Mapping[str, Any]:
        """Raises Declined where the meter does not take it; it then averages as before."""
        before, self._averaging = self._averaging, p.averaging
        try:
            await self._do(*self._averaging_words())
        except Declined:
            self._averaging = before
            raise
        return {"averaging": p.averaging}

    @command("errors", "Read and empty the meter's error queue", while_measuring=True, passive=True)
    async def errors(self, p: NoParameters) -> Mapping[str, Any]:
        """Numbers and texts, oldest first."""
        return {"errors": [f"{number} {text}" for number, text in await self._errors()]}

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _ask(self, query: str, parse: Callable[[bytes], T], more_s: float = 0.0) -> T:
        """more_s: time the meter needs before it can answer."""
        return await self.wire.ask(f"{query}\n".encode(), parse, timeout_s=self.settings.timeout_s + more_s)

    async def _ask_twice(self, query: str, parse: Callable[[bytes], T]) -> T:
        return await self.wire.ask_twice(f"{query}\n".encode(), parse, timeout_s=self.settings.timeout_s)

    async def _tell(self, message: str) -> None:
        await self.wire.send(f"{message}\n".encode())

    async def _do(self, *messages: str) -> None:
        """Send settings, then ask for errors: they have no reply of their own. Raises Declined naming all of them."""
        for each in messages:
            await self._tell(each)
        if said := "; ".join(f"{number} {text}" for number, text in await self._errors()):
            raise Declined(f"{self.wire.name} refused one of {', '.join(messages)}: {said}.")

    async def _errors(self) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        for _ in range(QUEUE_DEPTH):
            number, text = await self._ask("SYST:ERR?", parse_error)
            if number == 0:
                break
            found.append((number, text))
        return found

    def _averaging_words(self) -> list[str]:
        return [f"SENS:AVER:COUN {self._averaging}"]

    def _range_words(self) -> list[str]:
        header = f"SENS:{OF[self.measures][0]}:RANG"
        if self._range_si is None:
            return [f"{header}:AUTO 1"]
        return [f"{header}:AUTO 0", f"{header} {self._range_si:g}"]

    def _low_pass_words(self) -> list[str]:
        wanted = self.settings.low_pass
        return [] if wanted is None else [f"INP:PDI:FILT:LPAS:STAT {int(wanted)}"]

    async def _set_wavelength(self, sensor: Sensor, wanted_nm: float) -> None:
        if not sensor.wavelength_settable:
            raise Declined(f"The sensor {sensor.name} on {self.wire.name} has no wavelength to set.")
        least = await self._ask("SENS:CORR:WAV? MIN", words.parse_number)
        most = await self._ask("SENS:CORR:WAV? MAX", words.parse_number)
        if not least <= wanted_nm <= most:
            raise Declined(f"{wanted_nm:g} nm is none of the sensor {sensor.name}; it has {least:g} to {most:g} nm.")
        await self._do(f"SENS:CORR:WAV {wanted_nm:g}")

    async def _fitting_sensor(self) -> Sensor:
        sensor = await self._ask("SYST:SENS:IDN?", words.parse_sensor)
        if sensor is None:
            raise Declined(self._no_sensor())
        wanted = self.settings.sensor_serial
        if wanted is not None and sensor.serial != wanted:
            raise WrongInstrument(
                f"The sensor {wanted} is configured on {self.wire.name}; {sensor.name} {sensor.serial} is plugged in."
            )
        if self.measures == "power" and not sensor.measures_power:
            raise Declined(f"The sensor {sensor.name} on {self.wire.name} does not measure power.")
        return sensor

    async def _with_sensor(self) -> State:
        sensor = await self._ask("SYST:SENS:IDN?", words.parse_sensor)
        if sensor is None:
            raise Declined(self._no_sensor())
        return await self._state_now(sensor)

    async def _state_now(self, sensor: Sensor) -> State:
        """CONF? comes last: its reply is a word, and a second copy of it is never taken for a reading."""
        wavelength_nm = await self._ask("SENS:CORR:WAV?", words.parse_number) if sensor.wavelength_settable else None
        unit = await self._ask("SENS:POW:UNIT?", words.parse_unit) if sensor.measures_power else "W"
        return State(sensor, wavelength_nm, unit, await self._ask("CONF?", words.parse_function))

    async def _zeroing(self) -> bool:
        return await self._ask("SENS:CORR:COLL:ZERO:STAT?", words.parse_switch)

    async def _end_zero(self) -> bool:
        """Whether one was under way. Raises Declined where it goes on."""
        if not await self._zeroing():
            return False
        await self._do("SENS:CORR:COLL:ZERO:ABOR")
        if await self._zeroing():
            raise Declined(f"{self.wire.name} goes on zeroing although it was aborted.")
        return True

    def _compare(self, header: str, found: Any, wanted: Any) -> None:
        if found != wanted:
            raise Declined(f"{self.wire.name} says {found} to {header}?; {wanted} was set.")

    def _no_sensor(self) -> str:
        return f"No sensor is plugged into {self.wire.name}; without one it gives no number."

    def _no_number(self, raw: bytes, why: str, flag: Flag) -> Sample:
        return Sample(quantity=self.measures, unit=OF[self.measures][1], flags=(flag,), raw=raw, note=why)

    def _sample(self, raw: bytes, value: float | None, flags: tuple[Flag, ...], before: State, after: State) -> Sample:
        if before != after:
            why = "Somebody changed function, unit or wavelength while it was read."
            return self._no_number(raw, why, Flag.CHANGED_BY_HAND)
        if after.function not in OF or (after.function == "power" and after.unit != "W"):
            why = f"It is set to {after.function} in {after.unit} by hand; {self.measures} was set."
            return self._no_number(raw, why, Flag.CHANGED_BY_HAND)
        notes = self._by_hand(value, after)
        also = {} if after.wavelength_nm is None else {"wavelength": Also(value=after.wavelength_nm, unit="nm")}
        return Sample(
            quantity=after.function, unit=OF[after.function][1], value=value, raw=raw, also=also,
            flags=(*flags, Flag.CHANGED_BY_HAND) if notes else flags, note="; ".join(notes) or None,
            range=self._range_in_force(),
        )  # fmt: skip

    def _range_in_force(self) -> str | None:
        if self._in_force_si is None:
            return None
        return "auto" if math.isinf(self._in_force_si) else f"{self._in_force_si:g}"

    def _by_hand(self, value: float | None, state: State) -> list[str]:
        """What is not as it was set."""
        if state.function != self.measures:
            return [f"{state.function} came where {self.measures} was set"]
        found, wanted = [], self._wavelength_nm
        if wanted is not None and abs((state.wavelength_nm or 0) - wanted) > ROUNDED_NM:
            found.append(f"the wavelength is {state.wavelength_nm:g} nm; {wanted:g} nm was set")
        limit = self._range_si if self._in_force_si is None else self._in_force_si
        if limit is not None and value is not None and abs(value) > limit * words.BEYOND:
            found.append(f"the number is beyond the range {limit:g} that was set")
        return found


THORLABS_PM100 = Model(
    name="thorlabs-pm100", vendor="Thorlabs", title="Thorlabs PM100A/PM100D/PM100USB power meter",
    transports=("VISA (USBTMC)", "serial", "tcp"), quantities=(Quantity("power", "W"), Quantity("current", "A")),
    settings=Pm100Settings, driver=Pm100, answers=r"PM100(A|D|USB)", framing=Framing(zero=("zero",)),
    verified=(
        Verified("*IDN? replies of real PM100A, D and USB, pasted into public code", "the identification", "capture"),
        Verified("PM100D manual p. 49, 51; PM100USB manual p. 20, 21", "words and the sensor's flags", "document"),
        Verified("ThorlabsPM100 1.2.2 on the simulator", "settings, power, current, zero, filter", "program"),
        Verified("PyMeasure 0.16.0 on the simulator", "sensor, wavelength and its limits, power", "program"),
        Verified("InstrumentKit 0.6.0 on the simulator", "averaging, configuration, reading", "program"),
        Verified("the project's own simulator", "identification, set-up, zero, readings, faults"),
    ),
    assumed=(
        "a reading is a digit, a point, digits and an exponent (1.23456789E-06); their number is not documented",
        "beyond a range it says 9.9E37, and 9.91E37 where it has no number (SCPI-1999, which the manual names)",
        "CONF? answers POW or CURR, switches answer 0 or 1",
        "without a sensor SYST:SENS:IDN? begins with 'no sensor' (from a public client)",
        "SENS:CORR:COLL:ZERO:STAT? is 1 while it zeroes and 0 afterwards (from public clients)",
        "an attenuation of -60 to 60 dB is taken, and raises the power where it is positive",
        "MAX behind the query of a range gives the largest range of the sensor",
        "a sample takes 3 ms (two public clients); up to 10000 are averaged",
        "on a serial line messages end with LF; its rate is not documented for this family and is a setting",
    ),
)  # fmt: skip
