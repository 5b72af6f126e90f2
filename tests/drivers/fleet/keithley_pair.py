"""A Keithley's driver before its simulator, on virtual time: what the tests of buffers, sources and settings share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from fleet import both
from fleet_bench import LEFT_BY_ITS_USER
from fleet_wires import WIRES, Cable
from virtual_time import LoopClock, run

from drivers import InstrumentError, LinkDown, Reading, connect
from simulators.keithley.conversion import Conversion
from simulators.keithley.electrometer import Electrometer
from simulators.keithley.reading_6517 import mantissa
from simulators.link import Link

SIGNAL_A = 3e-11


@dataclass
class Pair:
    """An instrument and its simulator; `stored` is every conversion that went into its buffer."""

    device: Any
    unit: Electrometer
    link: Link
    stored: list[Conversion] = field(default_factory=list)
    got: list[Reading] = field(default_factory=list)

    async def takes(self, count: int, every_s: float = 0.25) -> list[Reading]:
        """As the daemon takes: what fails is recovered, or opened anew."""
        heard: list[Reading] = []
        for _ in range(count):
            try:
                heard += await self.device.take()
            except InstrumentError as error:
                await self.mend(error)
            await asyncio.sleep(every_s)
        self.got += heard
        return heard

    async def mend(self, error: InstrumentError) -> None:
        """Recover, else close and open until it answers."""
        again = self.device.open if isinstance(error, LinkDown) else self.device.recover
        for _ in range(20):
            try:
                await again()
            except InstrumentError as further:
                error, again = further, self.device.open
                await self.device.close()
                await asyncio.sleep(0.5)
            else:
                return
        raise AssertionError(f"never well again: {error}")

    async def flush(self) -> list[Reading]:
        """As before a marker."""
        heard = list(await self.device.flush())
        self.got += heard
        return heard

    def numbers(self) -> list[float]:
        """Every value that was believed, in the order in which it came."""
        return [each.value for each in self.got if each.value is not None]

    def truth(self) -> list[float]:
        """Every value that was stored, as the wire writes it."""
        if self.unit.kind.wakes_running:
            return [float(mantissa(each.value, each.full_scale, each.digits)) for each in self.stored]
        return [float(f"{each.value:.6E}") for each in self.stored]


def beside_its_simulator(
    name: str, work: Callable[[Pair], Awaitable[None]], wire: str = "perfect", leftover: str | None = None,
    **settings: Any,
) -> None:  # fmt: skip
    """Open it with these settings and do the work. leftover: what the last user said to the instrument."""

    async def all_of_it() -> None:
        model, simulated = both(name)
        left = LEFT_BY_ITS_USER.get(name, {}) if leftover is None else {"leftover": leftover}
        unit = simulated.make(LoopClock(), 3, {"hop_c": 0.0, **left})
        assert isinstance(unit, Electrometer)
        unit.detector.leakage_a = SIGNAL_A
        cable = Cable(next(each for each in WIRES if each.name == wire), name, lambda: 0, lambda _: None)
        link = Link(unit, cable.port)
        await link.start()
        given = {"timeout_s": 2.0} | settings
        pair = Pair(connect(model, "memory", given, transport=cable.transport), unit, link)
        watch(unit, pair.stored)
        try:
            await pair.device.open()
            await work(pair)
        finally:
            await pair.device.close()
            await link.stop()

    run(all_of_it())


def watch(unit: Electrometer, stored: list[Conversion]) -> None:
    """Note what goes into the buffer, whichever buffer the unit has at the time."""
    done = unit._done

    def noted(conversion: Conversion) -> None:
        filling = unit.buffer.filling
        done(conversion)
        if filling:
            stored.append(conversion)

    unit._done = noted  # type: ignore[method-assign]
    unit.trigger._done = noted
    set_up = unit._set_up

    def set_up_anew(*given: Any) -> None:
        set_up(*given)
        unit.trigger._done = noted

    unit._set_up = set_up_anew  # type: ignore[method-assign]
