"""PTW MULTIDOS on its serial line: two channels, or many, of one data telegram a take, with unit and ranges in force.

Of its other applications (constancy, LA48) the data telegrams are not published; what is documented is a command.
Words after manual D177.131.2/0 (multidos_words.py); what is not in its published pages stands in `assumed`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from drivers.commands import Done, command
from drivers.errors import Declined
from drivers.instrument import Identity
from drivers.model import Framing, Model, Quantity, Verified
from drivers.ptw import multidos_data as data
from drivers.ptw import multidos_words as words
from drivers.ptw.block_check import BlockCheck
from drivers.ptw.multidos_commands import MultidosCommands
from drivers.ptw.multidos_data import Channel, Telegram
from drivers.ptw.multidos_settings import IntervalParameters, MultidosSettings
from drivers.ptw.telegrams import request
from drivers.reading import NO_VALUE, Also, Flag, Sample
from drivers.settings import NoParameters
from drivers.wire import Wire

CHANGES_WITHIN_S = 5.0  # an application is there after so long
PER = {"s": "S", "min": "M", "h": "H", "electrical": "A"}
UNIT_FORM = "[SMHA]"
RATE_UNITS = {"S": "Gy/s", "M": "Gy/min", "H": "Gy/h", "A": "A"}


class Multidos(MultidosCommands):
    """MULTIDOS."""

    def __init__(self, wire: Wire, settings: MultidosSettings) -> None:
        super().__init__(wire, settings)
        self._check = BlockCheck(settings.block_check)
        self._ranges = None if settings.ranges is None else "".join(settings.ranges)

    @property
    def measures(self) -> str:
        """As configured."""
        electrical, rate = self.settings.per == "electrical", self.settings.rate
        return {(0, 0): "dose", (0, 1): "dose-rate", (1, 0): "charge", (1, 1): "current"}[electrical, rate]

    @property
    def channels(self) -> tuple[str, ...]:
        """1 and 2, or those of the many that are asked for."""
        s = self.settings
        if s.application != "multi":
            return data.CHANNELS
        return tuple(str(n) for n in range(s.first_channel, s.last_channel + 1))

    async def identify(self) -> Identity:
        """Asks for name and version (PTW) and the serial number (SER)."""
        version = await self.wire.ask(request("PTW"), words.parse_device)
        raw = self.wire.heard[-1]
        return Identity("PTW", "MULTIDOS", await self._get("SER", "[0-9A-Za-z]{6}"), version, raw)

    async def set_up(self) -> None:
        """Run the application and set what is configured and not so already. Raises Declined, Garbled."""
        s = self.settings
        await self._run_application(words.APPLICATIONS[s.application])
        if s.application in ("constancy", "la48"):
            return
        await self._put_where_other("M", "1" if s.rate else "0")
        for word, value in (
            ("U", PER[s.per]), ("R", self._ranges),
            ("SET", None if s.calibration_set is None else str(s.calibration_set)),
            ("I", None if s.integration_s is None else f"{s.integration_s:04d}"),
        ):  # fmt: skip
            if value is not None:
                await self._put_where_other(word, value)

    async def read_back(self) -> Mapping[str, Any]:
        """Application, mode, unit, ranges, set. Raises Declined, naming what is not as it was set."""
        s = self.settings
        found: dict[str, Any] = {"application": await self._get("A", "[ACDML]")}
        self._hold("A", found["application"], words.APPLICATIONS[s.application])
        if s.application in ("constancy", "la48"):
            return found
        found |= {"mode": await self._get("M", "[01]"), "unit": await self._get("U", UNIT_FORM)}
        found["calibration_set"] = await self._get("SET", "[1-5]")
        self._hold("M", found["mode"], "1" if s.rate else "0")
        self._hold("U", found["unit"], PER[s.per])
        self._hold("SET", found["calibration_set"], None if s.calibration_set is None else str(s.calibration_set))
        if s.application == "dual":
            found["ranges"] = await self._get("R", "[LH-]{2}")
            self._hold("R", found["ranges"], self._ranges)
        return {**found, "block_check": self._check.in_force or "unchecked"}

    async def take(self) -> Sequence[Sample]:
        """Reads the data telegram (D), then unit and ranges that were in force for it."""
        s = self.settings
        if s.application in ("constancy", "la48"):
            await self._get("S", "|".join(sorted(words.STATES)))
            return []
        query, parse = "D", data.parse_dual
        if s.application == "multi":
            query = f"D{s.first_channel:02d}{s.last_channel:02d}"
            parse = partial(data.parse_multi, s.first_channel, s.last_channel)
        telegram = await self.wire.ask(request(query), partial(self._checked, query, parse))
        raw = self.wire.heard[-1]
        ranges = await self._get("R", "[LH-]{2}") if s.application == "dual" else None
        unit = await self._unit_in_force(telegram.rate)
        return [self._sample(raw, telegram, each, unit, ranges) for each in telegram.channels]

    async def resume(self) -> None:
        """Raises Declined where it is not set any more as it was."""
        await self.read_back()

    # --- commands ---------------------------------------------------------------------------------------------------

    @command("start", "Start to integrate", while_measuring=True)
    async def start(self, p: NoParameters) -> Done:
        """Starts a measurement (STA); gives the values as it begins. Raises Declined."""
        return await self._act("STA")

    @command("hold", "Hold the values", while_measuring=True)
    async def hold(self, p: NoParameters) -> Done:
        """Holds them (HLD); gives the values that are held. Raises Declined."""
        return await self._act("HLD")

    @command("reset", "Set the values back to zero")
    async def reset(self, p: NoParameters) -> Done:
        """Sets them back to zero (RES)."""
        return await self._act("RES")

    @command("interval", "Integrate for a set time", IntervalParameters, while_measuring=True)
    async def interval(self, p: IntervalParameters) -> Done:
        """Sets the time in seconds (I), then starts (INT). Raises Declined."""
        await self._put("I", f"{p.seconds:04d}")
        return await self._act("INT", seconds=p.seconds)

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _act(self, word: str, **result: object) -> Done:
        await self.wire.ask(request(word), partial(words.parse_echo, word))
        return Done(result, await self.take())

    async def _run_application(self, letter: str) -> None:
        if await self._get("A", "[ACDML]") == letter:
            return
        await self._put("A", letter)
        await asyncio.sleep(CHANGES_WITHIN_S)
        self._hold("A", await self._get("A", "[ACDML]"), letter)

    def _hold(self, word: str, found: str, wanted: str | None) -> None:
        if wanted not in (None, found):
            raise Declined(f"{self.wire.name} says {word} is {found}; {wanted} was set.", found.encode())

    def _checked(self, query: str, parse: Any, reply: bytes) -> Telegram:
        words.text_of(query, reply)  # a refusal has no block check
        return parse(self._check.checked(reply))  # type: ignore[no-any-return]

    @property
    def _wanted_unit(self) -> str:
        return self._unit_of(PER[self.settings.per], self.settings.rate)

    @staticmethod
    def _unit_of(letter: str, rate: bool) -> str:
        return RATE_UNITS[letter] if rate else "C" if letter == "A" else "Gy"

    async def _unit_in_force(self, rate: bool) -> str:
        """As DU names it; of many channels, which have no DU, as U and the kind of the telegram say."""
        if self.settings.application == "dual":
            unit = await self._get("DU", r"[A-Za-z/]{1,6}")
        else:
            unit = self._unit_of(await self._get("U", UNIT_FORM), rate)
        if unit not in words.UNITS:
            allowed = ", ".join(words.UNITS)
            raise Declined(f"{self.wire.name} measures in {unit}; set it to one of {allowed}.", unit.encode())
        return unit

    def _sample(self, raw: bytes, t: Telegram, channel: Channel, unit: str, ranges: str | None) -> Sample:
        quantity, ucum, of = words.UNITS[unit]
        flags, notes = channel.flags, []
        range_ = None if ranges is None else ranges[data.CHANNELS.index(channel.name)]
        if unit != (wanted := self._wanted_unit):
            notes.append(f"the unit is {unit}; {wanted} was set")
        if None not in (self._ranges, ranges) and ranges != self._ranges:
            notes.append(f"the ranges are {ranges}; {self._ranges} was set")
        if notes:
            flags = (*flags, Flag.CHANGED_BY_HAND)
        if t.rate != (quantity in ("dose-rate", "current")):
            flags = (*flags, Flag.NOT_A_NUMBER)
            notes.append(f"the telegram is one of {'rates' if t.rate else 'sums'} and the unit {unit}")
        valued = channel.value is not None and NO_VALUE.isdisjoint(flags)
        return Sample(
            quantity=quantity, unit=ucum, value=channel.value / of if valued and channel.value is not None else None,
            raw=raw, elapsed_s=t.time_s, flags=flags, mode=t.state, range=range_, channel=channel.name,
            also={} if t.ratio is None else {"ratio": Also(value=t.ratio, unit="1")}, note="; ".join(notes) or None,
        )  # fmt: skip


PTW_MULTIDOS = Model(
    name="ptw-multidos", vendor="PTW", title="PTW MULTIDOS multi-channel dosemeter",
    transports=("serial", "tcp", "VISA"), channels=data.CHANNELS,
    quantities=(
        Quantity("dose", "Gy", "reset"), Quantity("charge", "C", "reset"), Quantity("dose-rate", "Gy/s"),
        Quantity("current", "A"),
    ),
    settings=MultidosSettings, driver=Multidos, answers="MULTIDOS",
    framing=Framing(zero=("zero",), before=("reset",), start=("start",), stop=("hold",)),
    verified=(
        Verified("the RS232 chapter of manual D177.131.2/0", "words, errors, the telegram of two channels", "document"),
        Verified("the project's own simulator", "two and many channels, zero, start, hold, streaming, faults"),
    ),
    assumed=(
        "the block check: its algorithm is published nowhere; telegrams are unchecked until it is found out or chosen",
        "the letters of the applications (A afterloading, C constancy, D two, M many channels, L LA48)",
        "FL is a decimal number of two digits; O, L and M have bit 0 for channel 1; what M means",
        "the telegram of many channels: D and two digits each for the first and the last channel, hexadecimal masks "
        "by the order of its channels, and lm, um, am as one or two characters",
        "U: S, M, H per second, minute, hour; A for coulomb and ampere",
        "a bare word reads each setting back, A and SET too",
        "whether the full scale of a channel (DM, command limits) is of charge or rate is not known: it is not "
        "held against what is expected; the inventory's full_scale_nc is",
        "not yet run on a real instrument by this project",
    ),
)  # fmt: skip
