"""PTW UNIDOS Tango and Romeo dosemeters, over TCP: integral and rate of one MV reply a take, with the range in force.

Write permission (the token) is taken at set-up and again whenever it was lost; what is set is compared with the echo.

Commands and their meaning after PyMeasure's ptwUNIDOS and its tests (unidos_words.py); the rest is in `assumed`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from drivers.commands import Done, command
from drivers.driver import Driver
from drivers.errors import Declined, Garbled
from drivers.instrument import Identity
from drivers.model import Framing, Model, Quantity, Verified
from drivers.ptw import unidos_words as words
from drivers.ptw.unidos_order import InOrder
from drivers.ptw.unidos_settings import IntervalParameters, RangeParameters, UnidosSettings
from drivers.ptw.unidos_words import Measured
from drivers.reading import Also, Flag, Sample
from drivers.settings import NoParameters

PROGRESS_POLL_S = 0.25  # the maximum poll rate is not published: a few a second
BEGINS_WITHIN_S = 5.0  # a zero or self test that has not been seen to run after this did not begin
TOKEN_TRIES = 10
LONG_S = 200.0  # zero and self test: one and a half times what the instrument states, and its replies
HV_WITHIN = 0.01  # of the set voltage; assumed


class PtwUnidos(Driver[UnidosSettings]):
    """UNIDOS Tango (TM10052) and Romeo."""

    def __init__(self, wire: Any, settings: UnidosSettings) -> None:
        super().__init__(wire, settings)
        self._range = settings.range
        self._states_range = False  # until it was read back
        self._order = InOrder()

    @property
    def measures(self) -> str:
        """Charge in electrical units, else dose."""
        return "charge" if self.settings.electrical else "dose"

    async def identify(self) -> Identity:
        """Asks for name, type and firmware (PTW) and the serial number (SER)."""
        name, type_number, firmware, _ = await self.wire.ask(words.request("PTW"), words.parse_device)
        raw = self.wire.heard[-1]
        return Identity("PTW", f"{name} {type_number}", await self._get("SER"), firmware, raw)

    async def set_up(self) -> None:
        """Take write permission; set units, autostart, range and voltage as they are configured.

        Raises Declined where write permission is not given or an echo is another value than was set. A unit that does
        not know the words of autostart has none that another program could have left on.
        """
        s = self.settings
        self._states_range = False
        await self._take_token()
        await self._put("UEL", s.electrical)
        for word in ("ASE", "ASR"):
            try:
                await self._put(word, s.autostart)
            except Declined as error:
                if error.raw not in words.UNKNOWN_WORD or s.autostart:
                    raise
        if self._range is not None:
            await self._put("RGE", self._range)
        if s.hv_v is not None:
            await self._put("HV", s.hv_v)

    async def read_back(self) -> Mapping[str, Any]:
        """Units, range, voltage, autostart. Raises Declined, naming what is not as it was set."""
        s = self.settings
        wanted = {"UEL": s.electrical, "RGE": self._range, "HV": s.hv_v, "ASE": s.autostart}
        found = {word: await self._get(word) for word in wanted}
        self._states_range = True
        for word, value in wanted.items():
            if value is not None:
                self._hold_against(word, words.text_of(value), found[word])
        return {"electrical": found["UEL"], "range": found["RGE"], "hv_v": found["HV"], "autostart": found["ASE"]}

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

    async def stand_down(self) -> None:
        """Gives write permission back (TOK;0)."""
        await self.wire.ask(words.request("TOK", 0), partial(words.fields, "TOK"), timeout_s=1.0)

    # --- commands ---------------------------------------------------------------------------------------------------

    @command("zero", "Zero correction; takes about 82 s", within_s=LONG_S)
    async def zero(self, p: NoParameters) -> Mapping[str, Any]:
        """Starts the zero correction (NUL) and asks (NUS) until it has run and nothing remains.

        Raises Declined where it does not run or does not pass.
        """
        return await self._run("NUL", "NUS")

    @command("self-test", "Self test; takes about 89 s", within_s=LONG_S)
    async def self_test(self, p: NoParameters) -> Mapping[str, Any]:
        """Starts the self test (AST) and asks (ASS) until it has run and nothing remains.

        Raises Declined where it does not run or does not pass.
        """
        return await self._run("AST", "ASS")

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
        return {"range": p.range}

    @command("interval", "Integrate for a set time", IntervalParameters, while_measuring=True)
    async def interval(self, p: IntervalParameters) -> Done:
        """Sets the time in seconds (IT), then starts (INT). Raises Declined."""
        await self._put("IT", p.seconds)
        return await self._act("INT", seconds=p.seconds)

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _get(self, word: str) -> str:
        return await self.wire.ask(words.request(word), partial(words.parse_one, word))

    async def _act(self, word: str, **result: object) -> Done:
        """An action, and the values as they stand after it: nothing between it and the next take is missed."""
        await self._permitted(word, partial(words.parse_action, word))
        return Done(result, await self.take())

    async def _put(self, word: str, value: object) -> None:
        """Set it. Raises Declined where the echo is another value than was set."""
        echo = await self._permitted(word, partial(words.parse_one, word), value)
        self._hold_against(word, words.text_of(value), echo)

    def _hold_against(self, word: str, wanted: str, answer: str) -> None:
        if not words.same_value(wanted, answer):
            raise Declined(f"{self.wire.name} says {word} is {answer}; {wanted} was set.", answer.encode())

    async def _permitted(self, word: str, parse: Any, *parameters: object) -> Any:
        """Ask for something that needs write permission, which is taken again where it was lost."""
        try:
            return await self.wire.ask(words.request(word, *parameters), parse)
        except Declined as error:
            if error.raw != words.NO_PERMISSION:
                raise
        await self._take_token()
        return await self.wire.ask(words.request(word, *parameters), parse)

    async def _take_token(self) -> None:
        """Write permission: asked for, then asked whether it is ours (the reply to TOK does not say)."""
        await self.wire.ask(words.request("TOK"), partial(words.fields, "TOK"))
        for _ in range(TOKEN_TRIES):
            if await self.wire.ask(words.request("TOK", 1), words.parse_token):
                return
            await asyncio.sleep(PROGRESS_POLL_S)
        raise Declined(f"{self.wire.name} gives no write permission: close the lock on its screen (viewer mode).")

    async def _run(self, word: str, progress: str) -> Mapping[str, Any]:
        """Start it and wait for its end. Until it was seen to run, the progress word is that of the last run."""
        await self._permitted(word, partial(words.parse_action, word))
        waited, limit, begun = 0.0, BEGINS_WITHIN_S, False
        while waited < limit:
            ask = partial(words.parse_progress, progress)
            status, remaining_s, total_s = await self.wire.ask(words.request(progress), ask)
            if remaining_s > 0 and not begun:
                begun, limit = True, 1.5 * total_s + 10
            if begun and remaining_s <= 0:
                if status != "Passed":
                    raise Declined(f"The UNIDOS ended {word} with '{status}'.")
                return {"status": status, "total_s": total_s}
            step = PROGRESS_POLL_S if begun else PROGRESS_POLL_S / 10
            await asyncio.sleep(step)
            waited += step
        if not begun:
            raise Declined(f"The UNIDOS took {word} and was never seen to run it; its '{status}' is of an earlier run.")
        raise Declined(f"The UNIDOS has not finished {word} after {limit:.0f} s.")

    def _sample(self, raw: bytes, m: Measured, range_: str | None) -> Sample:
        charge = m.unit == "C"
        notes = [f"flags 0x{m.bits:x}"] if m.bits else []
        notes += self._by_hand(m, charge, range_)
        by_hand = len(notes) > bool(m.bits)
        return Sample(
            quantity="charge" if charge else "dose", unit=m.unit, value=m.integral, raw=raw, elapsed_s=m.time_s,
            flags=(*m.flags, Flag.CHANGED_BY_HAND) if by_hand else m.flags, mode=m.state, range=range_,
            also={
                "rate": Also(value=m.rate, unit=m.rate_unit),
                "detector-voltage": Also(value=m.voltage_v, unit="V"),
            },
            note="; ".join(notes) or None,
        )  # fmt: skip

    def _by_hand(self, m: Measured, charge: bool, range_: str | None) -> list[str]:
        """What is not as it was set."""
        found, hv = [], self.settings.hv_v
        if charge != self.settings.electrical:
            found.append(f"{m.unit} came where {'C' if self.settings.electrical else 'Gy'} was set")
        if None not in (self._range, range_) and range_ != self._range:
            found.append(f"the range is {range_}; {self._range} was set")
        if hv is not None and abs(m.voltage_v - hv) > HV_WITHIN * abs(hv):
            found.append(f"the detector's voltage is {m.voltage_v:g} V; {hv} V was set")
        return found


PTW_UNIDOS_TANGO = Model(
    name="ptw-unidos-tango", vendor="PTW", title="PTW UNIDOS Tango reference dosemeter",
    transports=("tcp", "VISA SOCKET"),
    quantities=(Quantity("charge", "C", "reset"), Quantity("dose", "Gy", "reset")),
    settings=UnidosSettings, driver=PtwUnidos, answers=r"UNIDOS Tango( .*)?",
    framing=Framing(zero=("zero",), before=("reset",), start=("start",), stop=("hold",)),
    verified=(
        Verified("byte examples of an open driver tried on a real Tango", "replies, flags, errors", "capture"),
        Verified("the project's own simulator", "token, zero, start, hold, streaming, faults"),
    ),
    assumed=(
        "poll rate of a few a second is harmless (the maximum is not published)",
        "status words of zero and self test other than 'Passed'; that time remains while they run",
        "the prefix always says what the exponent says, and fewer than a thousand stand before the point",
        "in one range a quantity has as many decimals with a prefix as it had before; a zero may have fewer",
        f"the voltage it states is within {HV_WITHIN:.0%} of the one set when it has settled",
        "not yet run on a real instrument by this project",
    ),
)  # fmt: skip
PTW_UNIDOS_ROMEO = replace(
    PTW_UNIDOS_TANGO,
    name="ptw-unidos-romeo", title="PTW UNIDOS Romeo reference dosemeter", answers=r"UNIDOS Romeo( .*)?",
    verified=PTW_UNIDOS_TANGO.verified[1:],
    assumed=("its name in the reply to PTW is 'UNIDOS Romeo'", *PTW_UNIDOS_TANGO.assumed),
)  # fmt: skip
