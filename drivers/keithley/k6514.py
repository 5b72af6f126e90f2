"""Keithley 6514 electrometer (instruction manual; lines captured from a real unit)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

from msgspec.structs import replace
from pydantic import Field

from drivers.commands import command
from drivers.errors import Garbled
from drivers.keithley import numeric
from drivers.keithley.choosing import ChargeElectrometer, discharge
from drivers.keithley.electrometer import KeithleySettings, Words
from drivers.keithley.scpi import Setting, leftover
from drivers.model import Framing, Model, Quantity, Verified
from drivers.reading import Flag, Sample
from drivers.settings import Settings

CORRECTED = (":SYST:ZCH 1", ":SYST:ZCOR:ACQ", ":SYST:ZCOR 1", ":SYST:ZCH 0")

MOST_CHARGE_C = 2.1e-5  # 6514 manual, :ADIScharge:LEVel
WORDS = Words(
    functions={
        "charge": ("CHAR", "C"), "current": ("CURR", "A"), "voltage": ("VOLT", "V"), "resistance": ("RES", "Ohm"),
    },
    read=":READ?",
    elements="READ,TIME,STAT",
    first=numeric.FIRST,
    own=(),
    only={"CHAR": (leftover(":SENS:CHAR:ADIS:STAT", False),)},
    last=(
        *numeric.AVERAGE_OFF, *numeric.MATH_OFF, *numeric.TRIGGER,
        *numeric.ZERO_OFF,
    ),
    zero={
        "charge": (":SYST:ZCH 1", ":SYST:ZCH 0"), "current": CORRECTED, "voltage": CORRECTED, "resistance": CORRECTED,
    },
    relative=":CALC2:NULL",
    largest={"charge": MOST_CHARGE_C, "current": 2.1e-2, "voltage": 210.0},
    states={},
)  # fmt: skip


FUNCTION = re.compile(r"""["']?(CHAR|CURR|VOLT|RES)(?:GE|ENT|AGE|ISTANCE)?(?::DC)?["']?""")


Function = Literal["charge", "current", "voltage", "resistance"]


class Settings6514(KeithleySettings):
    """function: what is measured; auto_discharge_c: charge at which the integral is emptied by itself, else never.

    damping (of currents) and guard (of volts and ohms): switched so; left out, they are left as they are. The rest as
    of every electrometer of this maker.
    """

    function: Function = "charge"
    auto_discharge_c: float | None = Field(None, ge=-MOST_CHARGE_C, le=MOST_CHARGE_C)
    damping: bool | None = None
    guard: bool | None = None


class FunctionParameters(Settings):
    """What to measure."""

    function: Function


class Keithley6514(ChargeElectrometer[Settings6514], numeric.NumericElectrometer[Settings6514]):
    """Its readings state no unit, and a person may choose another function at the front panel: each is followed by
    asking which it was.
    """

    words = WORDS
    trace = numeric.trace_of(WORDS.elements)

    def __init__(self, wire: Any, settings: Settings6514) -> None:
        super().__init__(wire, settings)
        self._said = self.quantity

    async def set_up(self) -> None:
        """The function that is asked for behind each reading is the one that is set now."""
        await super().set_up()
        self._said = self.quantity

    def chosen(self) -> list[Setting]:
        """Auto-discharge, damping and guard beside what every model has."""
        s, function = self.settings, self._function
        switches = [("DAMP", s.damping, ("CURR",)), ("GUAR", s.guard, ("VOLT", "RES"))]
        return [
            *super().chosen(),
            *discharge(self.quantity, s.auto_discharge_c),
            *(Setting(f":SENS:{function}:{w}", on) for w, on, of in switches if on is not None and function in of),
        ]

    @command("function", "Choose what is measured", FunctionParameters)
    async def function(self, p: FunctionParameters) -> Mapping[str, Any]:
        """Sets the instrument up anew, on autorange."""
        return await self.choose(p.function)

    async def beside(self) -> Callable[[Sample], Sample]:
        """The function that the readings were taken in. Raises Garbled where that is none of its own.

        Between two answers that differ nobody knows which of the two the numbers were of: they are not given.
        """
        before, self._said = self._said, await self.ask(":SENS:FUNC?", _quantity_of)
        if self._said == before == self.quantity:
            return lambda sample: sample
        return partial(_of_another_function, said=self._said, before=before, wanted=self.quantity)


def _of_another_function(sample: Sample, *, said: str, before: str, wanted: str) -> Sample:
    return replace(
        sample, quantity=said, unit=WORDS.functions[said][1], range=None,
        value=sample.value if said == before else None, flags=(*sample.flags, Flag.CHANGED_BY_HAND),
        note=f"{said} came where {wanted} was set, after {before}",
    )  # fmt: skip


def _quantity_of(answer: bytes) -> str:
    """The quantity of a reply to :SENS:FUNC?, such as "VOLTage:DC". Raises Garbled."""
    found = FUNCTION.fullmatch(answer.decode("latin-1").upper())
    if found is None:
        raise Garbled("The reply to :SENS:FUNC? is no function of this electrometer.", answer)
    return next(quantity for quantity, (function, _) in WORDS.functions.items() if function == found[1])


KEITHLEY_6514 = Model(
    name="keithley-6514", vendor="Keithley", title="Keithley 6514 electrometer",
    transports=("serial", "VISA", "tcp", "Prologix"),
    quantities=(
        Quantity("charge", "C", "running"), Quantity("current", "A"), Quantity("voltage", "V"),
        Quantity("resistance", "Ohm"),
    ),
    settings=Settings6514, driver=Keithley6514, answers="6514", framing=Framing(zero=("zero",)),
    verified=(
        Verified("reading lines captured from a real 6514", "parsing of number, time and status", "capture"),
        Verified("InstrumentKit 0.6.0 on the simulator", "functions, range, zero check, reading", "program"),
        Verified("the project's own simulator", "identification, set-up, zero, streaming, faults"),
    ),
    assumed=(
        ":SENS:FUNC? is answered by the function's name in quotes, as by the 6517",
        "READ? while zero check is on may be answered by an empty line (captured once)", *numeric.ASSUMED,
    ),
)  # fmt: skip
