"""One campaign: a house, its faults for so many seconds, quiet, and the count."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from waiting import until

from acquire.bus.instrument_client import instrument_client
from acquire.bus.names import Topics
from campaign.counting import counted
from campaign.desk import Desk
from campaign.faults import Faults
from campaign.house import House, house_in, torn_down
from campaign.plan import plan

QUIET_WITHIN_S = 120.0
DESK_WITHIN_S = 60.0


async def campaign(
    folder: Path, kind: str, seed: int, seconds: float, leave_out: Sequence[str] = (), at_least: int = 0
) -> dict[str, Any]:
    """Faults of the seed on a house of this kind for so long, and at least so many of them on a machine that is slow;
    the table, with the seed in it.
    """
    house = await house_in(folder, kind)
    faults = Faults(house, seed)
    desk = Desk(house, faults, seed)
    try:
        await faults.flows({}, "the first readings")
        began = time.monotonic()
        await _troubled(house, faults, desk, began + seconds, leave_out, at_least)
        took = time.monotonic() - began
        await _quiet(house, faults, desk)
        table = await counted(house, faults, desk)
    except BaseException:
        for name, member in house.members.items():
            print(f"--- the end of what {name} said\n{member.process.log()[-3000:]}", flush=True)
        print(f"--- waits: {house.unconfirmed()}; stored: {house.through()}; {dict(faults.done)}", flush=True)
        raise
    finally:
        await torn_down(house)
    return {"house": kind, "seed": seed, "seconds": round(took), **table}


async def _troubled(
    house: House, faults: Faults, desk: Desk, until_s: float, leave_out: Sequence[str], at_least: int
) -> None:  # fmt: skip
    def enough() -> bool:
        return time.monotonic() > until_s and faults.done.total() >= at_least

    async with instrument_client(house.endpoint, Topics("clinic"), "campaign", timeout_s=4.0) as commands:
        tasks = [asyncio.create_task(desk.measure(commands, name, enough), name=name) for name in house.counters]
        tasks.append(asyncio.create_task(desk.close(enough), name="closing"))
        try:
            for fault in plan(desk.seed, house.kind, leave_out):
                if enough():
                    break
                await faults.carry_out(fault)
            async with asyncio.timeout(DESK_WITHIN_S):
                await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks, return_exceptions=True)


async def _quiet(house: House, faults: Faults, desk: Desk) -> None:
    """Instruments are switched off; everything is confirmed; closing is possible; all processes stop in order."""
    await faults.end()
    await faults.flows(house.through(), "readings after the last fault")
    for counter in house.counters.values():
        await counter.close()
    await until(lambda: set(house.unconfirmed().values()) == {0}, QUIET_WITHIN_S, "everything being confirmed", 0.2)
    desk.ask_to_close()
    for member in reversed(house.members.values()):
        assert await member.process.stop() == 0, member.process.log()[-2000:]
