"""Electrometers of several functions: which is measured is chosen by a setting or a command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic

from drivers.commands import command
from drivers.errors import Declined, Misuse
from drivers.keithley.buffered import BufferingElectrometer
from drivers.keithley.electrometer import S
from drivers.keithley.scpi import Setting
from drivers.settings import NoParameters


def discharge(quantity: str, level_c: float | None) -> list[Setting]:
    """Auto-discharge at a level in C, of the charge function only; None leaves it off."""
    if quantity != "charge" or level_c is None:
        return []
    return [Setting(":SENS:CHAR:ADIS:LEV", level_c), Setting(":SENS:CHAR:ADIS:STAT", True)]


class ChoosingElectrometer(BufferingElectrometer[S], Generic[S]):
    """A subclass declares the command `function` with its own functions, and runs `choose`."""

    async def choose(self, function: str) -> Mapping[str, Any]:
        """Sets the instrument up anew, on autorange. Raises Declined; it then is as it was before."""
        before = self.quantity, self._range_si
        self.quantity, self._range_si = function, None
        try:
            await self.set_up()
        except Declined:  # a part of it may have been taken: as it was before
            self.quantity, self._range_si = before
            await self.set_up()
            raise
        return {"function": function}


class ChargeElectrometer(ChoosingElectrometer[S], Generic[S]):
    """One that collects charge on a feedback capacitor."""

    @command("reset-charge", "Discharge the feedback capacitor: zero check on, then off")
    async def reset_charge(self, p: NoParameters) -> Mapping[str, Any]:
        """The integral begins again near zero; releasing zero check adds a small charge of its own. Raises Misuse."""
        if self.quantity != "charge":
            raise Misuse(f"reset-charge needs the function charge; {self.wire.name} measures {self.quantity}.")
        await self.do(*self.words.zero["charge"])
        return {"function": "charge"}
