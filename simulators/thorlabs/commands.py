"""The command table of a PM100, as its manuals and public clients name the headers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from simulators.scpi import common
from simulators.scpi.parameters import Count, Number, ScpiError, Word, boolean, short_form, show_bool, show_count
from simulators.scpi.table import Table
from simulators.thorlabs.meter import ZERO_S, SimulatedPm100
from simulators.thorlabs.sensors import CURRENT_RANGES_A, WAVELENGTH_SETTABLE, Sensor, Suffixed, show

MEASURED = {
    "POW": "POWer", "CURR": "CURRent[:DC]", "VOLT": "VOLTage[:DC]", "ENER": "ENERgy", "FREQ": "FREQuency",
    "PDEN": "PDENsity", "EDEN": "EDENsity", "RES": "RESistance", "TEMP": "TEMPerature",
}  # fmt: skip
SIMULATED = ("POW", "CURR")
SAMPLES = Count(1, 10000, 100)


def enter(table: Table, unit: SimulatedPm100) -> None:
    """All that it understands."""
    common.common(table, unit)
    status(table, unit)
    system(table, unit)
    measuring(table, unit)
    ranges(table, unit)
    correction(table, unit)
    table.attribute("[:SENSe]:AVERage[:COUNt]", unit, "average", SAMPLES, show_count)
    table.attribute(":INPut[:PDIode]:FILTer[:LPASs][:STATe]", unit, "low_pass", boolean, show_bool)


def status(table: Table, unit: SimulatedPm100) -> None:
    """The registers of IEEE 488.2 and SCPI; AUXillary is spelled as the manual's readers spell it."""
    table.act(":STATus:PRESet", unit.status.preset)
    for name, register in (
        ("MEASurement", unit.status.measurement), ("QUEStionable", unit.status.questionable),
        ("OPERation", unit.status.operation), ("AUXillary", unit.auxiliary),
    ):  # fmt: skip
        common.one_register(table, f":STATus:{name}", register)


def system(table: Table, unit: SimulatedPm100) -> None:
    """Errors, sensor, beeper, line frequency and calibration text."""
    table.query(":SYSTem:ERRor[:NEXT]", unit.status.next_error)
    table.query(":SYSTem:VERSion", lambda: "1999.0")
    table.query(":SYSTem:SENSor:IDN", lambda: unit.sensor.identification if unit.sensor else "no sensor,,,0,0,0")
    table.query(":CALibration:STRing", lambda: f'"{unit.sensor.calibrated}"' if unit.sensor else '""')
    table.stored(":SYSTem:BEEPer:STATe", True, boolean, show_bool)
    table.ignored(":SYSTem:BEEPer[:IMMediate]")
    table.stored(":SYSTem:LFRequency", 50.0, Number(50, 60, 50), show_count)


def measuring(table: Table, unit: SimulatedPm100) -> None:
    """READ?, FETCh?, INITiate, ABORt, and CONFigure and MEASure of each quantity."""
    table.waiting_query(":READ", unit.measure)
    table.query(":FETCh", lambda: unit.last, measurement=True)
    table.act(":INITiate[:IMMediate]", lambda: setattr(unit, "begun_s", unit.clock.now()))
    table.act(":ABORt", lambda: setattr(unit, "begun_s", None))
    table.query(":CONFigure", lambda: unit.function)

    async def configured(function: str) -> str:
        configure(unit, function)
        return await unit.measure()

    for function, words in MEASURED.items():
        table.act(f":CONFigure[:SCALar]:{words}", partial(configure, unit, function))
        table.waiting_query(f":MEASure[:SCALar]:{words}", partial(configured, function))
    table.waiting_query(":MEASure[:SCALar]", partial(configured, "POW"))


def configure(unit: SimulatedPm100, function: str) -> None:
    """Raises ScpiError -221 for what the sensor does not measure."""
    if function not in SIMULATED or not has_power(unit.sensor):
        raise ScpiError(-221)
    unit.configure(function)


def has_power(sensor: Sensor | None) -> bool:
    """Flag 1."""
    return sensor is not None and bool(sensor.flags & 1)


def ranges(table: Table, unit: SimulatedPm100) -> None:
    """Power and current have the same ranges, those of the current; setting one switches autorange off."""
    watts = Range(unit, "W", lambda: unit.responsivity)
    amperes = Range(unit, "A", lambda: 1.0)
    for words, range_ in (("POWer[:DC]", watts), ("CURRent[:DC]", amperes)):
        table.attribute(f"[:SENSe]:{words}:RANGe:AUTO", unit, "auto", boolean, show_bool)
        table.take(f"[:SENSe]:{words}:RANGe[:UPPer]", range_.put)
        table.asked(f"[:SENSe]:{words}:RANGe[:UPPer]", range_.in_force, range_.read, show)
        reference(table, unit, f"[:SENSe]:{words}:REFerence", range_.symbol, short_form(words.partition("[")[0]))
    table.attribute("[:SENSe]:POWer[:DC]:UNIT", unit, "unit", Word(("W", "DBM")), str)


def reference(table: Table, unit: SimulatedPm100, header: str, symbol: str, function: str) -> None:
    """A value that is subtracted while its state is on (ThorlabsPM100 calls it delta mode)."""
    values = Suffixed(-1e3, 1e3, 0.0, symbol)

    def switch(text: str) -> None:
        (unit.relative.add if boolean(text) else unit.relative.discard)(function)

    table.take(f"{header}[:VALue]", lambda text: unit.references.__setitem__(function, values(text)))
    table.asked(f"{header}[:VALue]", lambda: unit.references[function], values, show)
    table.take(f"{header}:STATe", switch)
    table.asked(f"{header}:STATe", lambda: function in unit.relative, boolean, show_bool)


@dataclass(frozen=True)
class Range:
    """The ranges in one unit; amperes(): how many A there are to one of it."""

    unit: SimulatedPm100
    symbol: str
    amperes: Callable[[], float]

    def read(self, text: str) -> float:
        """The lowest range that holds what was written, in the range's own unit."""
        ladder = tuple(each / self.amperes() for each in CURRENT_RANGES_A)
        return Suffixed(0.0, ladder[-1], ladder[-1], self.symbol, ladder, least=ladder[0])(text)

    def put(self, text: str) -> None:
        """Set it."""
        self.unit.range_a, self.unit.auto = self.read(text) * self.amperes(), False

    def in_force(self) -> float:
        """The range in force."""
        return self.unit.range_a / self.amperes()


def correction(table: Table, unit: SimulatedPm100) -> None:
    """Wavelength, responsivity, attenuation in dB, and the zero. A beam diameter is only remembered."""
    wavelength = "[:SENSe]:CORRection:WAVelength"
    table.take(wavelength, lambda text: set_wavelength(unit, text))
    table.asked(wavelength, lambda: unit.wavelength_nm, partial(wavelength_of, unit), show)
    table.query("[:SENSe]:CORRection:POWer[:PDIode]:RESPonse", lambda: show(unit.responsivity))
    table.stored("[:SENSe]:CORRection:BEAMdiameter", 9.5, Suffixed(0.1, 100, 9.5, "mm"), show)
    loss = "[:SENSe]:CORRection:LOSS[:INPut][:MAGNitude]"
    table.attribute(loss, unit, "attenuation_db", Number(-60, 60, 0), show)
    zero = "[:SENSe]:CORRection:COLLect:ZERO"
    table.act(f"{zero}[:INITiate]", lambda: setattr(unit, "zero_ends_s", unit.clock.now() + ZERO_S))
    table.act(f"{zero}:ABORt", lambda: setattr(unit, "zero_ends_s", 0.0))
    table.query(f"{zero}:STATe", lambda: show_bool(unit.zeroing))
    table.query(f"{zero}:MAGNitude", lambda: show(unit.zero_a))


def wavelengths(unit: SimulatedPm100) -> Suffixed:
    """What the sensor has, in nm. Raises ScpiError -221 without one that has wavelengths."""
    if unit.sensor is None or not unit.sensor.flags & WAVELENGTH_SETTABLE:
        raise ScpiError(-221)
    low, high = unit.sensor.wavelengths_nm
    return Suffixed(low, high, 635.0, "nm")


def wavelength_of(unit: SimulatedPm100, text: str) -> float:
    """What a text stands for, in nm."""
    return wavelengths(unit)(text)


def set_wavelength(unit: SimulatedPm100, text: str) -> None:
    """Rounded to a whole nm."""
    unit.wavelength_nm = float(round(wavelength_of(unit, text)))
