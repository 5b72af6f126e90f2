"""PTW UNIDOS of the T10001 family on its serial line: the subset of its protocol that is known.

The protocol presses keys and reads the display. High voltage and integration time are chosen in menus whose place
cannot be known for sure, so they are set at the instrument and never from here; a key is pressed only at the top menu.
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
from drivers.ptw import classic_words as words
from drivers.ptw.telegrams import request
from drivers.reading import Flag, Sample
from drivers.settings import NoParameters, Settings

NULL_TIMEOUT_S = 75.0
NULL_WITHIN_S = 150.0
RANGES = {"low": "R0", "medium": "R1", "high": "R2"}
RangeName = Literal["low", "medium", "high"]


class ClassicSettings(WireSettings):
    """radiological: whether doses are expected on the display; it is switched at the instrument. range: None as is."""

    radiological: bool = False
    range: RangeName | None = None
    poll_interval_s: float = Field(0.5, ge=0, le=60)


class ClassicRange(Settings):
    """One of the three ranges."""

    range: RangeName


class UnidosClassic(Driver[ClassicSettings]):
    """UNIDOS (T10001)."""

    def __init__(self, wire: Any, settings: ClassicSettings) -> None:
        super().__init__(wire, settings)
        self._scale: tuple[str, words.Range] | None = None  # unit and range, as they were the last time

    @property
    def measures(self) -> str:
        """As it is expected to be set at the instrument."""
        return "dose" if self.settings.radiological else "charge"

    async def identify(self) -> Identity:
        """Asks for name and version (PTW) and the serial number (SER)."""
        version = await self.wire.ask(request("PTW"), words.parse_device)
        raw = self.wire.heard[-1]
        return Identity("PTW", "UNIDOS", await self.wire.ask(request("SER"), words.parse_serial), version, raw)

    async def set_up(self) -> None:
        """Charge mode (M0), and the range where one is configured. Raises Declined where a menu is open."""
        await self._press("M0")
        if self.settings.range is not None:
            await self._press(RANGES[self.settings.range])

    async def read_back(self) -> Mapping[str, Any]:
        """Unit and range, whether it shows doses, and the largest charge in C that the range shows."""
        radiological = await self.wire.ask(request("?F"), words.parse_radiological)
        unit, range_ = self._scale = await self._scale_in_force()
        full = {"full_scale_c": range_.most * 10.0**range_.exponent} if unit == "C" else {}
        return {"radiological": radiological, "unit": unit, "range": range_.name, **full}

    async def take(self) -> Sequence[Sample]:
        """Reads the display (V), then state, unit and range that were in force for it."""
        time_s, shown = await self.wire.ask(request("V"), words.parse_shown)
        raw = self.wire.heard[-1]
        state = await self.wire.ask(request("?S"), words.parse_state)
        before, self._scale = self._scale, await self._scale_in_force()
        return [self._sample(raw, time_s, shown, state, before)]

    async def stand_down(self) -> None:
        """Back to its own keys (T1)."""
        await self.wire.ask(request("T1"), partial(words.parse_echo, "T1"), timeout_s=1.0)

    # --- commands ---------------------------------------------------------------------------------------------------

    @command("zero", "Null the instrument; takes about 75 s", within_s=NULL_WITHIN_S)
    async def zero(self, p: NoParameters) -> None:
        """Nulls it (N). Raises Declined where a menu is open."""
        await self._press("N", NULL_TIMEOUT_S)

    @command("start", "Press the start key", while_measuring=True)
    async def start(self, p: NoParameters) -> Done:
        """Presses it (G); gives the display as it is then. Raises Declined."""
        await self._press("G")
        return Done({}, await self.take())

    @command("integrate", "Integrate for the time that is set at the instrument", while_measuring=True)
    async def integrate(self, p: NoParameters) -> Done:
        """Starts it (I); gives the display as it is then. Raises Declined."""
        await self._press("I")
        return Done({}, await self.take())

    @command("range", "Set the range", ClassicRange)
    async def range(self, p: ClassicRange) -> Mapping[str, Any]:
        """Sets it (R0, R1, R2). Raises Declined where a menu is open."""
        await self._press(RANGES[p.range])
        return {"range": p.range}

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _press(self, key: str, timeout_s: float | None = None) -> None:
        """At the top menu only: elsewhere a key means something else."""
        menu = await self.wire.ask(request("?W"), words.parse_menu)
        if len(menu) > words.TOP_MENU:
            raise Declined(f"{self.wire.name} has a menu open ({menu}); leave it at the instrument.", menu.encode())
        await self.wire.ask(request(key), partial(words.parse_echo, key), timeout_s=timeout_s)

    async def _scale_in_force(self) -> tuple[str, words.Range]:
        unit = await self.wire.ask(request("?U"), words.parse_unit)
        return unit, await self.wire.ask(request("?R"), words.parse_range)

    def _sample(
        self, raw: bytes, time_s: float, shown: float, state: str, before: tuple[str, words.Range] | None
    ) -> Sample:
        """Unit and prefix stand beside the display, not on it: where they changed the number is not known."""
        assert self._scale is not None  # it was just read
        unit, range_ = self._scale
        flags, notes = [Flag.BUSY] if state == "NUL" else [], []
        if words.UNITS[unit] != self.measures:
            flags.append(Flag.CHANGED_BY_HAND)
            notes.append(f"it shows {unit}; {self.measures} is expected")
        if before not in (None, self._scale):
            flags.append(Flag.NOT_A_NUMBER)
            notes.append("unit or range were changed: what this number is in is not known")
        if abs(shown) > range_.most:
            flags.append(Flag.OVERLOAD)
            notes.append(f"{shown:g} is more than the {range_.most:g} that the range shows")
        valued = not {Flag.NOT_A_NUMBER, Flag.OVERLOAD}.intersection(flags)
        return Sample(
            quantity=words.UNITS[unit], unit=unit, value=shown * 10.0**range_.exponent if valued else None, raw=raw,
            elapsed_s=time_s, flags=tuple(flags), mode=state, range=range_.name, note="; ".join(notes) or None,
        )  # fmt: skip


PTW_UNIDOS_CLASSIC = Model(
    name="ptw-unidos-classic", vendor="PTW", title="PTW UNIDOS (T10001) dosemeter, known subset",
    transports=("serial", "tcp", "VISA"),
    quantities=(Quantity("charge", "C", "reset"), Quantity("dose", "Gy", "reset")),
    settings=ClassicSettings, driver=UnidosClassic, answers="UNIDOS",
    framing=Framing(zero=("zero",), start=("start",)),
    verified=(
        Verified("a public class that pressed the keys of a real unit", "words and line settings", "document"),
        Verified("the project's own simulator", "null, start, integration, menus, streaming, faults"),
    ),
    assumed=(
        "the display (V) is a time and a value separated by blanks; the prefix that ?R ends with is the value's",
        "the unit that ?U gives stands without a prefix",
        "R0, R1, R2, M0, N, G, I and T1 are echoed; the value begins at zero with G and with I",
        "how it refuses is not known: what is not of a known form is not believed",
        "not yet run on a real instrument by this project",
    ),
)  # fmt: skip
