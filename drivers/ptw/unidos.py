"""PTW UNIDOS Tango and Romeo dosemeters, over TCP: integral and rate of one MV reply a take, with the range in force.

Write permission (the token) is taken at set-up and again whenever it was lost; what is set is compared with the echo
and read back. After voltage or range were changed a reading has the flag `settling` until they have settled.

Commands and their meaning after PyMeasure's ptwUNIDOS and its tests (unidos_words.py); the rest is in `assumed`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from drivers.commands import Done, command
from drivers.errors import Declined, Garbled
from drivers.model import Framing, Model, Quantity, Verified
from drivers.ptw import unidos_records as records
from drivers.ptw import unidos_words as words
from drivers.ptw.unidos_commands import UnidosCommands
from drivers.ptw.unidos_order import InOrder
from drivers.ptw.unidos_records import FullScale
from drivers.ptw.unidos_settings import IntervalParameters, RangeParameters, UnidosSettings, VoltageParameters
from drivers.ptw.unidos_voltage import HV_WITHIN, HighVoltage, RangeChange
from drivers.ptw.unidos_words import Measured
from drivers.reading import NO_VALUE, Also, Flag, Sample
from drivers.settings import NoParameters
from drivers.wire import Wire

# What was set at a unit outlives the driver, which is made anew at each opening: an opening after a fault of the line
# must not turn a voltage back, nor call it settled.
_VOLTAGES: WeakKeyDictionary[Wire, HighVoltage] = WeakKeyDictionary()


class PtwUnidos(UnidosCommands):
    """UNIDOS Tango (TM10052) and Romeo."""

    def __init__(self, wire: Wire, settings: UnidosSettings) -> None:
        super().__init__(wire, settings)
        self._range = settings.range
        self._autostart = settings.autostart
        self._states_range = False  # until it was read back
        self._order = InOrder()
        self._hv = _VOLTAGES.setdefault(wire, HighVoltage(settings.hv_v))
        self._range_change = RangeChange()
        self._full: FullScale | None = None

    @property
    def measures(self) -> str:
        """Charge in electrical units, else dose."""
        return "charge" if self.settings.electrical else "dose"

    async def set_up(self) -> None:
        """Take write permission; set what is configured and not so already.

        Raises Declined where write permission is not given or an echo is another value than was set. A unit that does
        not know the words of autostart has none that another program could have left on.
        """
        s = self.settings
        self._states_range = False
        if s.access == "read":
            return
        await self._take_token()
        await self._put_where_other("UEL", s.electrical)
        for word, wanted in (("ASE", s.autostart), ("ASR", s.autostart if s.autoreset is None else s.autoreset)):
            try:
                await self._put_where_other(word, wanted)
            except Declined as error:
                if error.raw not in words.UNKNOWN_WORD or wanted:
                    raise
        for word, value in (("ASL", s.autostart_level), ("IT", s.interval_s)):
            if value is not None:
                await self._put_where_other(word, value)
        if self._range is not None and await self._put_where_other("RGE", self._range):
            self._range_change.was_set(time.monotonic())
        if s.hv_v is not None and not self._hv.by_command and await self._put_where_other("HV", s.hv_v):
            self._hv.was_set(time.monotonic())

    async def read_back(self) -> Mapping[str, Any]:
        """Units, range with the largest current in A that it takes, voltage, autostart.

        Raises Declined, naming what is not as it was set.
        """
        s = self.settings
        hv_v = None if self._hv.by_command else s.hv_v
        wanted = {"UEL": s.electrical, "RGE": self._range, "HV": hv_v, "ASE": self._autostart}
        found = {word: await self._get(word) for word in wanted}
        self._states_range = True
        for word, value in wanted.items():
            if value is not None and s.access == "write":
                self._hold_against(word, words.text_of(value), found[word])
        self._full = await self._full_scale()
        stated = {"electrical": found["UEL"], "range": found["RGE"], "hv_v": found["HV"], "autostart": found["ASE"]}
        in_a = self._full is not None and (self._full.range, self._full.rate_unit) == (found["RGE"], "A")
        return {**stated, **({"full_scale_a": self._full.rate} if self._full is not None and in_a else {})}

    async def take(self) -> Sequence[Sample]:
        """Reads integral and rate (MV), then the range that was in force (RGE) where the unit states it."""
        m = await self.wire.ask(words.request("MV"), words.parse_measured)
        raw = self.wire.heard[-1]
        range_ = await self.wire.ask(words.request("RGE"), words.parse_range) if self._states_range else None
        if wrong := self._order.flaw(m, range_):
            raise Garbled(f"{wrong}.", raw)
        return [self._sample(raw, m, range_)]

    async def resume(self) -> None:
        """Raises Declined where the unit is not set any more as it was."""
        await self.read_back()

    # --- commands ---------------------------------------------------------------------------------------------------

    @command("start", "Start to integrate", while_measuring=True)
    async def start(self, p: NoParameters) -> Done:
        """Starts a measurement (STA); gives the integral as it begins. Raises Declined."""
        return await self._act("STA")

    @command("hold", "Hold the integral", while_measuring=True)
    async def hold(self, p: NoParameters) -> Done:
        """Holds it (HLD); gives the integral that is held. Raises Declined."""
        return await self._act("HLD")

    @command("reset", "Set the integral back to zero")
    async def reset(self, p: NoParameters) -> Done:
        """Sets the integral back to zero (RES)."""
        return await self._act("RES")

    @command("range", "Set the range", RangeParameters)
    async def range(self, p: RangeParameters) -> Mapping[str, Any]:
        """Sets it (RGE); the echo must be the range that was asked for. Raises Declined where it is not."""
        await self._put("RGE", p.range)
        self._range = p.range
        self._range_change.was_set(time.monotonic())
        return {"range": p.range}

    @command("high-voltage", "Set the detector's voltage", VoltageParameters)
    async def high_voltage(self, p: VoltageParameters) -> Mapping[str, Any]:
        """Sets it (HV), within the detector's own limits; readings then wait until it was reached and has settled.

        Raises Declined where the unit does not take it.
        """
        try:
            await self._put("HV", p.voltage_v)
        except Declined as error:
            if error.raw != words.OUT_OF_RANGE:
                raise
            raise Declined(
                f"{error} Allowed are -400 to 400 V, and of these what the detector's record has as minHv and maxHv "
                "(command detectors).", error.raw,
            ) from error  # fmt: skip
        self._hv.wanted_v, self._hv.by_command = p.voltage_v, True
        self._hv.was_set(time.monotonic())
        return {"voltage_v": p.voltage_v, "settles_s": self.settings.hv_settle_s}

    @command("interval", "Integrate for a set time", IntervalParameters, while_measuring=True)
    async def interval(self, p: IntervalParameters) -> Done:
        """Sets the time in seconds (IT), then starts (INT). Raises Declined."""
        await self._put("IT", p.seconds)
        return await self._act("INT", seconds=p.seconds)

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _act(self, word: str, **result: object) -> Done:
        """An action, and the values as they stand after it: nothing between it and the next take is missed."""
        await self._permitted(word, partial(words.parse_action, word))
        return Done(result, await self.take())

    async def _full_scale(self) -> FullScale | None:
        """Of the range in force; None where the unit does not say."""
        try:
            return await self.wire.ask_twice(words.request("MVM"), records.parse_full_scale)
        except Declined:
            return None

    def _sample(self, raw: bytes, m: Measured, range_: str | None) -> Sample:
        doubts = self._doubts(m, range_, time.monotonic())
        flags = tuple(dict.fromkeys((*m.flags, *(flag for flag, _ in doubts))))
        valued = NO_VALUE.isdisjoint(flags)
        return Sample(
            quantity="charge" if m.unit == "C" else "dose", unit=m.unit, value=m.integral if valued else None, raw=raw,
            elapsed_s=m.time_s, flags=flags, mode=m.state, range=range_,
            also={
                "rate": Also(value=m.rate if valued else None, unit=m.rate_unit),
                "detector-voltage": Also(value=m.voltage_v, unit="V"),
            },
            note="; ".join([*([f"flags 0x{m.bits:x}"] if m.bits else []), *(why for _, why in doubts)]) or None,
        )  # fmt: skip

    def _doubts(self, m: Measured, range_: str | None, now_s: float) -> list[tuple[Flag, str]]:
        """What the unit states beside the number that speaks against it."""
        s, found = self.settings, []
        wanted_unit = "C" if s.electrical else "Gy"
        if m.unit != wanted_unit and s.access == "write":
            found.append((Flag.CHANGED_BY_HAND, f"{m.unit} came where {wanted_unit} was set"))
        if None not in (self._range, range_) and range_ != self._range:
            found.append((Flag.CHANGED_BY_HAND, f"the range is {range_}; {self._range} was set"))
        settling = (
            self._hv.doubt(m.voltage_v, now_s, s.hv_settle_s),
            self._range_change.doubt(range_, now_s, s.range_settle_s),
        )
        return [*found, *(each for each in (*settling, self._beyond(m, range_)) if each is not None)]

    def _beyond(self, m: Measured, range_: str | None) -> tuple[Flag, str] | None:
        """A rate over the full scale that the unit states of the range, without a flag of the unit's own."""
        full = self._full
        if full is None or m.rate is None or (full.range, full.rate_unit) != (range_, m.rate_unit):
            return None
        if abs(m.rate) <= full.rate:
            return None
        said = f"the rate {m.rate:g} {m.rate_unit} is over the {full.rate:g} {full.rate_unit} that {range_} takes"
        return Flag.OUT_OF_LIMIT, said


PTW_UNIDOS_TANGO = Model(
    name="ptw-unidos-tango", vendor="PTW", title="PTW UNIDOS Tango reference dosemeter",
    transports=("tcp", "VISA SOCKET"),
    quantities=(Quantity("charge", "C", "reset"), Quantity("dose", "Gy", "reset")),
    settings=UnidosSettings, driver=PtwUnidos, answers=r"UNIDOS Tango( .*)?",
    framing=Framing(zero=("zero",), before=("reset",), start=("start",), stop=("hold",)),
    verified=(
        Verified("byte examples of an open driver tried on a real Tango", "replies, flags, errors", "capture"),
        Verified("PyMeasure's ptwUNIDOS", "every property and method, on the project's own simulator", "program"),
        Verified("the project's own simulator", "token, zero, start, hold, voltage, history, streaming, faults"),
    ),
    assumed=(
        "poll rate of a few a second is harmless (the maximum is not published)",
        "status words of zero and self test other than 'Passed'; that time remains while they run",
        "the prefix always says what the exponent says, and fewer than a thousand stand before the point",
        "in one range a quantity has as many decimals with a prefix as it had before; a zero may have fewer",
        f"the voltage that MV states is the one at the detector, within {HV_WITHIN:.0%} of the one set when reached",
        "30 s after the voltage was reached and 2 s after a change of range a reading is settled (settings)",
        "no rate is over the full scale that MVM states without an overload flag",
        "a range is too small where the mean current of a beam is above its full scale; its largest charge is not told",
        "the types of values in JSON records: they are passed on as they come",
        "not yet run on a real instrument by this project",
    ),
)  # fmt: skip
PTW_UNIDOS_ROMEO = replace(
    PTW_UNIDOS_TANGO,
    name="ptw-unidos-romeo", title="PTW UNIDOS Romeo reference dosemeter", answers=r"UNIDOS Romeo( .*)?",
    verified=PTW_UNIDOS_TANGO.verified[1:],
    assumed=("its name in the reply to PTW is 'UNIDOS Romeo'", *PTW_UNIDOS_TANGO.assumed),
)  # fmt: skip
