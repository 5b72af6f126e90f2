"""PTW DIAMENTOR (CRS) dose area product meter on its serial line: product and time of one or two chambers a take.

Commands and their meaning after PyMeasure's ptwDIAMENTOR and its tests (diamentor_words.py); the rest is in `assumed`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

from pydantic import Field

from drivers.commands import Done, command
from drivers.driver import Driver, WireSettings
from drivers.errors import Declined
from drivers.instrument import Identity
from drivers.model import Framing, Model, Quantity, Verified
from drivers.ptw import diamentor_words as words
from drivers.ptw.telegrams import request
from drivers.reading import Flag, Sample
from drivers.replies import Line
from drivers.settings import NoParameters, Settings

CHAMBERS = ("A", "B")
PRODUCT, UNIT = "dose-area-product", "Gy.m2"
LINE = Line(b"\n")  # TST is answered with an empty line
FACTOR = r"[0-9]\.[0-9]{3}"
CALIBRATION = r"[0-9]\.[0-9]{3,4}E[0-9]{1,2}"


class DiamentorSettings(WireSettings):
    """What is None stays as the instrument has it. The calibration is never set: it is compared.

    chambers: how many are connected. unit: that the instrument shows; readings are in Gy.m2 whatever it is.
    pressure_hpa, temperature_c, correction_factor: of the air, and of chamber A. expected_calibration: of chamber A, in
    uGy.m2/s.
    """

    chambers: Literal[1, 2] = 1
    unit: Literal["cGy.cm2", "Gy.cm2", "uGy.m2"] | None = None
    pressure_hpa: int | None = Field(None, ge=500, le=1500)
    temperature_c: int | None = Field(None, ge=0, le=70)
    correction_factor: float | None = Field(None, ge=0, le=9.999)
    expected_calibration: float | None = Field(None, ge=1e8, le=9.999e12)
    timeout_s: float = Field(2.0, gt=0, le=120)


class AirParameters(Settings):
    """Pressure in hPa and temperature in Cel, whole numbers; what is None stays."""

    pressure_hpa: int | None = Field(None, ge=500, le=1500)
    temperature_c: int | None = Field(None, ge=0, le=70)


class Diamentor(Driver[DiamentorSettings]):
    """DIAMENTOR CRS."""

    def __init__(self, wire: Any, settings: DiamentorSettings) -> None:
        super().__init__(wire, settings)
        self._wanted: dict[str, str] = {}
        self._unit: str | None = None  # the number behind U, as it was the last time
        self._uncalibrated = False

    @property
    def channels(self) -> tuple[str, ...]:
        """The chambers in use."""
        return CHAMBERS[: self.settings.chambers]

    async def identify(self) -> Identity:
        """Asks for firmware (PTW) and serial number (SER)."""
        firmware = await self.wire.ask(request("PTW"), words.parse_device, LINE)
        raw = self.wire.heard[-1]
        return Identity("PTW", "DIAMENTOR CRS", await self._get("SER", "[0-9]{1,6}"), firmware, raw)

    async def set_up(self) -> None:
        """Set what is configured and not so already. Raises Declined."""
        s = self.settings
        self._wanted = {}
        if s.unit is not None:
            self._wanted["U"] = next(number for number, (name, _) in words.UNITS.items() if name == s.unit)
        self._wanted |= _air(s)
        if s.correction_factor is not None:
            self._wanted["KFA"] = f"{s.correction_factor:.3f}"
        for word, value in self._wanted.items():
            if await self._get(word, ".*") != value:
                await self._put(word, value)

    async def read_back(self) -> Mapping[str, Any]:
        """Unit, air, factors, and whether it is calibrated. Raises Declined, naming what is not as it was set."""
        found = {
            "U": await self._get("U", "[1-4]"), "PRE": await self._get("PRE", "[0-9]{4}"),
            "TMPA": await self._get("TMPA", "[0-9]{2}"), "KFA": await self._get("KFA", FACTOR),
        }  # fmt: skip
        for word, value in self._wanted.items():
            if found[word] != value:
                raise Declined(f"{self.wire.name} says {word} is {found[word]}; {value} was set.", found[word].encode())
        unit = self._unit_name(found["U"])
        calibration, wanted = float(await self._get("KA", CALIBRATION)), self.settings.expected_calibration
        if wanted is not None and abs(calibration - wanted) > 5e-5 * wanted:
            raise Declined(f"{self.wire.name} has the calibration factor {calibration:g}; {wanted:g} is expected.")
        form = partial(words.parse_value, "CRC", "[0-9],[0-9]")
        failed, uncalibrated = (await self.wire.ask_twice(request("CRC"), form, LINE)).split(",")
        self._uncalibrated = (failed, uncalibrated) != ("0", "0")
        return {
            "unit": unit, "pressure_hpa": int(found["PRE"]), "temperature_c": int(found["TMPA"]),
            "correction_factor": float(found["KFA"]), "calibration": calibration, "eeprom_ok": failed == "0",
            "calibrated": uncalibrated == "0",
        }  # fmt: skip

    async def take(self) -> Sequence[Sample]:
        """Reads both chambers (M), then the unit that was in force for them (U)."""
        before = self._unit
        try:
            measured = await self.wire.ask(request("M"), words.parse_measured, LINE)
        except Declined as error:
            if error.raw not in words.NO_NUMBER:
                raise
            flags, said = (words.NO_NUMBER[error.raw],), str(error)
            return [Sample(quantity=PRODUCT, unit=UNIT, channel=name, flags=flags, note=said) for name in self.channels]
        raw = self.wire.heard[-1]
        self._unit = await self._get("U", "[1-4]")
        changed = before not in (None, self._unit)
        return [self._sample(raw, name, each, changed) for name, each in zip(self.channels, measured, strict=False)]

    async def resume(self) -> None:
        """Raises Declined where it is not set any more as it was."""
        await self.read_back()

    # --- commands ---------------------------------------------------------------------------------------------------

    @command("reset", "Set product and time back to zero")
    async def reset(self, p: NoParameters) -> Done:
        """Sets them back to zero (RES); gives the values as they stand after it. Raises Declined."""
        await self._get("RES", "")
        return Done({}, await self.take())

    @command("self-test", "Self test of the instrument")
    async def self_test(self, p: NoParameters) -> None:
        """Runs it (TST). Raises Declined with what it found."""
        await self.wire.ask(request("TST"), words.parse_test, LINE)

    @command("constancy", "Electrical constancy check")
    async def constancy(self, p: NoParameters) -> None:
        """Runs it (G). Raises Declined where it is not passed."""
        if await self._get("G", "[PF]") != "P":
            raise Declined(f"{self.wire.name} did not pass its electrical constancy check.", b"GF")

    @command("air", "Set air pressure and temperature", AirParameters)
    async def air(self, p: AirParameters) -> Mapping[str, Any]:
        """Sets what is given (PRE, TMPA). Raises Declined."""
        for word, value in _air(p).items():
            await self._put(word, value)
            self._wanted[word] = value
        return p.model_dump(exclude_none=True)

    @command("line", "The baud rate in force", while_measuring=True, passive=True)
    async def line(self, p: NoParameters) -> Mapping[str, Any]:
        """Asks for it (BR); it is changed at the instrument only, or the line would be lost."""
        return {"baud_rate": words.BAUD_RATES[await self._get("BR", "[0-4]")]}

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _get(self, word: str, form: str) -> str:
        return await self.wire.ask(request(word), partial(words.parse_value, word, form), LINE)

    async def _put(self, word: str, value: str) -> None:
        """Set it. Raises Declined where the instrument says no or the echo is another value."""
        echo = await self.wire.ask(request(word + value), partial(words.parse_value, word, ".+"), LINE)
        if echo != value:
            raise Declined(f"{self.wire.name} says {word} is {echo}; {value} was set.", echo.encode())

    def _unit_name(self, number: str) -> str:
        if number == words.ROENTGEN:
            raise Declined(f"{self.wire.name} measures in R cm2; set it to cGy cm2, Gy cm2 or uGy m2 (setting unit).")
        return words.UNITS[number][0]

    def _sample(self, raw: bytes, name: str, chamber: words.Chamber, changed: bool) -> Sample:
        """A unit that is another than the last time was changed by hand, before the measurement or after it."""
        unit = self._unit or ""
        flags = [Flag.UNCALIBRATED] if self._uncalibrated else []
        note = None
        if changed or unit not in words.UNITS:
            flags += [Flag.CHANGED_BY_HAND, Flag.NOT_A_NUMBER]
            note = "the unit was changed by hand: what this number is in is not known"
        elif unit != self._wanted.get("U", unit):
            flags.append(Flag.CHANGED_BY_HAND)
            note = f"the unit is {words.UNITS[unit][0]}; {self.settings.unit} was set"
        valued = Flag.NOT_A_NUMBER not in flags
        return Sample(
            quantity=PRODUCT, unit=UNIT, value=chamber.product * words.UNITS[unit][1] if valued else None, raw=raw,
            channel=name, elapsed_s=chamber.time_s, flags=tuple(flags), note=note,
            attributes={"rate": chamber.rate, "unit": words.UNITS[unit][0]} if unit in words.UNITS else {},
        )  # fmt: skip


def _air(given: DiamentorSettings | AirParameters) -> dict[str, str]:
    found = {}
    if given.pressure_hpa is not None:
        found["PRE"] = f"{given.pressure_hpa:04d}"
    if given.temperature_c is not None:
        found["TMPA"] = f"{given.temperature_c:02d}"
    return found


PTW_DIAMENTOR = Model(
    name="ptw-diamentor", vendor="PTW", title="PTW DIAMENTOR dose area product meter",
    transports=("serial", "tcp", "VISA"), channels=CHAMBERS, quantities=(Quantity(PRODUCT, UNIT, "reset"),),
    settings=DiamentorSettings, driver=Diamentor, answers="DIAMENTOR CRS",
    framing=Framing(before=("reset",)),
    verified=(
        Verified("byte examples of an open driver tried on a real unit", "words, measurement, errors", "document"),
        Verified("PyMeasure's ptwDIAMENTOR", "every property and method, on the project's own simulator", "program"),
        Verified("the project's own simulator", "reset, streaming, errors, faults"),
    ),
    assumed=(
        "the second four fields of a measurement are those of a second chamber",
        "the last field of a measurement says nothing that is needed (it is not used)",
        "E4, E5 and E6 in the place of a measurement mean that there is no number now",
        "the full scale of the range in use is not told",
        "a line ends with LF or CR LF; 8 data bits, no parity",
        "not yet run on a real instrument by this project",
    ),
)  # fmt: skip
