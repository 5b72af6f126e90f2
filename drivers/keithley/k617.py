"""Keithley 617 and 6512 electrometers: device-dependent commands on GPIB, long before SCPI.

There is no *IDN? and no serial number: the status word names the model, and that is all the unit can tell of itself.
Each reading is followed by the status word, which tells what its prefix does not: zero check, suppression, range. The
voltage source of the 617 is never touched.

Sources: drivers/keithley/ddc_words.py. What no document says stands in ASSUMED.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace as with_other
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from drivers.commands import command
from drivers.driver import Driver, WireSettings
from drivers.errors import Declined, Misuse
from drivers.instrument import Identity
from drivers.keithley.ddc_words import FUNCTIONS, Status, parse_errors, parse_reading, parse_status, range_number
from drivers.keithley.scpi import TERMINATORS, Terminator
from drivers.model import Framing, Model, Quantity, Verified
from drivers.reading import Flag, Sample
from drivers.settings import NoParameters, Settings

FunctionName = Literal["charge", "current", "voltage", "resistance"]


class Settings617(WireSettings):
    """function: what is measured. range_si: full scale in its unit, left out for autorange."""

    function: FunctionName = "charge"
    range_si: float | None = Field(None, gt=0)
    terminator: Terminator = "LF"
    poll_interval_s: float = Field(0.0, ge=0, le=60)

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        if self.expected_serial is not None:
            raise ValueError("a 617 or 6512 cannot tell its serial number: leave expected_serial out")
        range_number(self.function, self.range_si)
        return self


class RangeParameters(Settings):
    """range_si null takes autorange."""

    range_si: float | None = Field(None, gt=0)


class FunctionParameters(Settings):
    """What to measure."""

    function: FunctionName


class SwitchParameters(Settings):
    """On or off."""

    on: bool


class Keithley617(Driver[Settings617]):
    """Triggered by being addressed to talk (T0). It may give what it converted before a change: two are stale."""

    stale = 2

    def __init__(self, wire: Any, settings: Settings617) -> None:
        super().__init__(wire, settings)
        self.quantity: str = settings.function
        self._range = range_number(settings.function, settings.range_si)
        self._suppress = 0
        self._end = TERMINATORS[settings.terminator]
        self._before: Status | None = None

    @property
    def measures(self) -> str:
        """The function it is set to."""
        return self.quantity

    async def identify(self) -> Identity:
        """By its status word: a model, and no serial number. Raises Garbled, ReplyTimeout, LinkDown."""
        status = await self._ask("U0X", parse_status)
        return Identity("Keithley", status.model, "", "", self.wire.heard[-1])

    async def set_up(self) -> None:
        """Zero check goes through on and off. Raises Declined where the instrument says that it refused something."""
        self._suppress, self._before = 0, None
        number = FUNCTIONS[self.quantity].number
        await self._ask("U1X", parse_errors)  # of whoever was there before
        await self._do("C1", f"F{number}", f"R{self._range}", "Z0", "N0", "B0", "G0", "T0", "Q7", "M0", "C0")

    async def read_back(self) -> Mapping[str, Any]:
        """By its status word. Raises Declined, naming the setting that is not as it was set."""
        status = await self._ask("U0X", parse_status)
        self._before = status
        wanted = {
            "function": FUNCTIONS[self.quantity].number, "range": self._range, "suppress": self._suppress, "read": 0,
            "format": 0, "trigger": 0,
        }  # fmt: skip
        for name, value in wanted.items():
            if (told := getattr(status, name)) != value:
                raise Declined(f"{self.wire.name} says {told} for {name}; {value} was set.")
        return {
            "function": self.quantity, "range": self._range_of(status), "zero check": bool(status.zero_check),
            "zero correct": bool(status.zero_correct), "suppress": bool(status.suppress),
            "source on": bool(status.operate),
        }  # fmt: skip

    async def take(self) -> Sequence[Sample]:
        """One reading, and the status that it was taken in. Raises Garbled, ReplyTimeout, LinkDown."""
        quantity, value, flags = await self._ask("X", parse_reading)
        raw = self.wire.heard[-1]
        before, status = self._before, await self._ask("U0X", parse_status)
        self._before = status
        if status.zero_check:
            flags = (*flags, Flag.ZERO_CHECK)
        if status.suppress:
            flags = (*flags, Flag.RELATIVE)
        note = self._by_hand(quantity, status) or self._beyond(quantity, value, status)
        if note is not None:
            flags = (*flags, Flag.CHANGED_BY_HAND)
        changed = before is not None and with_other(before, operate=0) != with_other(status, operate=0)
        if changed or (status.quantity != quantity):
            note, value = f"the settings changed while it was taken{'; ' + note if note else ''}", None
            flags = (*flags, Flag.CHANGED_BY_HAND)
        if Flag.ZERO_CHECK in flags:
            value = None
        return [
            Sample(
                quantity=quantity, unit=FUNCTIONS[quantity].unit, value=value, flags=tuple(dict.fromkeys(flags)),
                range=self._range_of(status), raw=raw, note=note,
            )
        ]  # fmt: skip

    async def resume(self) -> None:
        """One that was switched off has other settings. Raises Declined."""
        await self.read_back()

    # --- commands ---------------------------------------------------------------------------------------------------

    @command("zero", "Zero check on, zero correct where the function has it, zero check off")
    async def zero(self, p: NoParameters) -> Mapping[str, Any]:
        """For charge this discharges the feedback capacitor. Raises Declined."""
        correct = [] if self.quantity == "charge" else ["Z0", "Z1"]
        try:
            for step in ("C1", *correct):
                await self._do(step)
        except Declined:  # in zero check it measures nothing
            await self._do("C0")
            raise
        await self._do("C0")
        return {"function": self.quantity}

    @command("reset-charge", "Discharge the feedback capacitor: zero check on, then off")
    async def reset_charge(self, p: NoParameters) -> Mapping[str, Any]:
        """The integral begins again near zero. Raises Misuse."""
        if self.quantity != "charge":
            raise Misuse(f"reset-charge needs the function charge; {self.wire.name} measures {self.quantity}.")
        return await self.zero(p)

    @command("zero-check", "Switch zero check", SwitchParameters)
    async def zero_check(self, p: SwitchParameters) -> Mapping[str, Any]:
        """Readings carry no value while it is on. Raises Declined."""
        await self._do(f"C{int(p.on)}")
        return {"on": p.on}

    @command("relative", "Switch the instrument's own baseline suppression", SwitchParameters)
    async def relative(self, p: SwitchParameters) -> Mapping[str, Any]:
        """Readings then carry the flag 'relative'. Raises Declined."""
        await self._do(f"N{int(p.on)}")
        self._suppress = int(p.on)
        return {"on": p.on}

    @command("range", "Set the range, or autorange", RangeParameters)
    async def range(self, p: RangeParameters) -> Mapping[str, Any]:
        """Full scale in the function's unit. Raises Misuse for one that it does not have, Declined."""
        try:
            number = range_number(self.quantity, p.range_si)
        except ValueError as error:
            raise Misuse(f"{self.wire.name} cannot do that: {error}.") from error
        await self._do(f"R{number}")
        self._range = number
        return {"range_si": p.range_si}

    @command("function", "Choose what is measured", FunctionParameters)
    async def function(self, p: FunctionParameters) -> Mapping[str, Any]:
        """Sets the instrument up anew, on autorange."""
        self.quantity, self._range = p.function, 0
        await self.set_up()
        return {"function": p.function}

    @command("set-up", "Set the instrument up anew as it is configured")
    async def set_up_anew(self, p: NoParameters) -> Mapping[str, Any]:
        """After a change by hand. Raises Declined."""
        await self.set_up()
        return {"function": self.quantity}

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _ask(self, words: str, parse: Any) -> Any:
        """The status words answer once, the next time it is addressed to talk; X alone leaves it to give a reading."""
        return await self.wire.ask(words.encode("ascii") + self._end, parse)

    async def _do(self, *commands: str) -> None:
        """Send settings, executed together, then ask what was wrong with them. Raises Declined."""
        words = "".join(commands) + "X"
        await self.wire.send(words.encode("ascii") + self._end)
        if wrong := await self._ask("U1X", parse_errors):
            raise Declined(f"{self.wire.name} refused '{words}' ({', '.join(wrong)}).")

    def _by_hand(self, quantity: str, status: Status) -> str | None:
        if quantity != self.quantity:
            return f"{quantity} came where {self.quantity} was set"
        if status.range != self._range:
            return f"it is on range R{status.range}; R{self._range} was set"
        if status.suppress != self._suppress:
            return "its suppression was switched by hand"
        return None

    def _beyond(self, quantity: str, value: float | None, status: Status) -> str | None:
        """One damaged digit, or the range was changed: no calculation believes the number."""
        ranges = FUNCTIONS[quantity].ranges
        if value is None or status.range == 0:
            return None
        full_scale = ranges[min(status.range, len(ranges)) - 1]
        if abs(value) <= full_scale * (1 + 1e-4):
            return None
        return f"{value:g} is beyond the {full_scale:g} of range R{status.range}, and no overflow"

    def _range_of(self, status: Status) -> str | None:
        if status.range == 0:
            return "auto"
        ranges = FUNCTIONS[status.quantity].ranges if status.quantity else ()
        return f"{ranges[min(status.range, len(ranges)) - 1]:g}" if ranges else None


ASSUMED = (
    "the order and number of the digits of U0 (617: F RR C Z N T O B G D Q MM K YY; 6512: the same, zeros where it has"
    " no source)",
    "a reading has a sign, one digit, five decimals and a two-digit exponent",
    "T0 gives one reading each time it is addressed to talk, perhaps one converted before a change: two are set aside",
    "X by itself changes nothing, and has the adapter address it to talk; bit 4 of its status byte is 'ready'",
    "on its largest range a number goes up to its full scale; beyond that it says O",
    "nothing in a reading tells a second copy of it, or that the unit was exchanged for another of the same model",
    "not yet run on a real instrument by this project",
)
VERIFIED = (
    Verified(
        "the forms printed in the 6512 manual and the 617 quick reference", "reading and status words", "document"
    ),
    Verified("the project's own simulator", "identification, set-up, zero, streaming, faults"),
)
QUANTITIES = (
    Quantity("charge", "C", "running"), Quantity("current", "A"), Quantity("voltage", "V"),
    Quantity("resistance", "Ohm"),
)  # fmt: skip


def _model(name: str, title: str) -> Model:
    return Model(
        name=f"keithley-{name}", vendor="Keithley", title=title, transports=("Prologix", "tcp", "serial"),
        quantities=QUANTITIES, settings=Settings617, driver=Keithley617, answers=name, framing=Framing(zero=("zero",)),
        verified=VERIFIED, assumed=ASSUMED,
    )  # fmt: skip


KEITHLEY_617 = _model("617", "Keithley 617 programmable electrometer")
KEITHLEY_6512 = _model("6512", "Keithley 6512 programmable electrometer")
