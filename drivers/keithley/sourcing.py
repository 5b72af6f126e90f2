"""Electrometers with a voltage source: it is switched on, raised or reversed by an explicit setting or command only.

Every change is read back; each reading carries the source's voltage, by which it is seen whether it is the one that was
set and has settled. Without the setting source_v the source is left as it is, and what it is stands in the state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Generic, Self, TypeVar
from weakref import WeakKeyDictionary

from pydantic import Field, model_validator

from drivers.commands import command
from drivers.errors import Declined, Misuse
from drivers.keithley import scpi
from drivers.keithley.electrometer import KeithleySettings
from drivers.keithley.numeric import NumericElectrometer
from drivers.keithley.source_words import SourceVoltage, SourceWords
from drivers.reading import Sample
from drivers.settings import NoParameters, Settings
from drivers.wire import Wire


class SourceSettings(KeithleySettings):
    """source_v: switched on at this voltage when the instrument is set up; left out, the source is left as it is.

    source_limit_a: the current it gives at most. source_settle_s: for so long after its voltage changed a reading has
    the flag `settling`, by the instrument's own clock.
    """

    source: ClassVar[SourceWords]
    source_v: float | None = None
    source_limit_a: float = Field(2.5e-5, gt=0)
    source_settle_s: float = Field(10.0, ge=0, le=3600)

    @model_validator(mode="after")
    def _source_has_it(self) -> Self:
        self.source.check(self.source_v or 0.0, self.source_limit_a)
        return self


class SourceParameters(Settings):
    """The voltage with its sign."""

    voltage_v: float


P = TypeVar("P", bound=SourceSettings)

# What was set outlives the driver, which is made anew at each opening: after a fault of the line nothing may be
# switched on again that a person has switched off.
_VOLTAGES: WeakKeyDictionary[Wire, SourceVoltage] = WeakKeyDictionary()


class SourcingElectrometer(NumericElectrometer[P], Generic[P]):
    """The words of its source are those of its settings."""

    def __init__(self, wire: Any, settings: P) -> None:
        super().__init__(wire, settings)
        self._voltage = _VOLTAGES.setdefault(wire, SourceVoltage(settings.source_v, settings.source_settle_s))

    async def set_up(self) -> None:
        """The source as configured, if it is: one that is on at that voltage already is left alone.

        What a command did to it is not undone, and not done again where it went off by itself.
        """
        await super().set_up()
        self._voltage.begin()
        if self.settings.source_v is not None and not self._voltage.commanded:
            await self._bring_to(self.settings.source_v)

    async def beside(self) -> Callable[[Sample], Sample]:
        """What the reading says of its source."""
        return self._voltage.judged

    @command("source", "Switch the voltage source on at a voltage, or change its voltage", SourceParameters)
    async def source(self, p: SourceParameters) -> Mapping[str, Any]:
        """Reads back what it then is. Raises Misuse for a voltage beyond it, Declined where it is not as it was set."""
        try:
            self.settings.source.check(p.voltage_v, self.settings.source_limit_a)
        except ValueError as error:
            raise Misuse(f"{self.wire.name} cannot source that: {error}.") from error
        self._voltage.command(p.voltage_v)
        await self._bring_to(p.voltage_v)
        limits = {"limit_a": self.settings.source_limit_a, "settles_s": self.settings.source_settle_s}
        return {"voltage_v": p.voltage_v, **limits}

    @command("source-off", "Switch the voltage source off", while_measuring=True)
    async def source_off(self, p: NoParameters) -> Mapping[str, Any]:
        """Never refused while measuring: readings then say that the voltage is gone. Raises Declined."""
        words = self.settings.source
        self._voltage.command(0.0)
        await self.do(f"{words.on} 0")
        if await self._asked(words.on) != 0:
            raise Declined(f"{self.wire.name} says that its source is still on.")
        return {"on": False}

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _bring_to(self, voltage_v: float) -> None:
        """Off while range or limit change; only the level changes while it is on. Raises Declined, in one sentence."""
        words = self.settings.source
        wanted = words.settings(voltage_v, self.settings.source_limit_a)
        on = bool(await self._asked(words.on))
        differs = [each for each in wanted if not each.agrees(await self._told(each.header))]
        if on and any(each.header != words.level for each in differs):
            await self.do(f"{words.on} 0")
            on = False
        await self.do(*(each.command for each in differs), *([] if on else [f"{words.on} 1"]))
        for each in wanted:
            if not each.agrees(told := await self._told(each.header)):
                raise Declined(f"{self.wire.name} says {told} to {each.header}; {each.value} was set.")
        if await self._asked(words.on) != 1:
            locked = await self._asked(words.locked) == words.locked_is
            why = "its interlock keeps it off" if locked else "it does not say why"
            raise Declined(f"The voltage source of {self.wire.name} did not go on: {why}.")

    async def _told(self, header: str) -> str:
        (answer,) = await self.ask(f"{header}?", lambda line: scpi.parse_answers(line, 1))
        return str(answer)

    async def _asked(self, header: str) -> float | str:
        return scpi.in_force(await self._told(header))
