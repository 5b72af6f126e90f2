"""Two instruments over real sockets and terminals: what the detector collected is what is measured."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from drivers import Instrument, Reading, connect
from drivers.registry import model
from simulators import Served, serve

CHARGE_C = 15.67e-9
SERIAL = {"baud_rate": 115200}
TAKES = 400
WAYS: dict[str, Callable[[str], str]] = {
    "tcp": lambda at: "tcp:" + ":".join(at.split("::")[1:3]),
    "visa-socket": lambda at: at,
    "pty": lambda at: at,
    "pty-pyserial": lambda at: f"pyserial:{at}",
    "pty-visa": lambda at: f"ASRL{at}::INSTR",
}


@asynccontextmanager
async def measuring(
    name: str, way: str, settings: dict[str, Any], speed: float
) -> AsyncIterator[tuple[Instrument, Any]]:
    simulator: Served = await serve(name, "pty" if way.startswith("pty") else "tcp:127.0.0.1:0", seed=3, speed=speed)
    it = connect(model(name), WAYS[way](simulator.resource), settings)
    try:
        yield it, simulator.instrument
    finally:
        await it.close()
        await simulator.close()


@pytest.mark.parametrize("way", WAYS)
async def test_a_6517_measures_the_charge_it_is_given_over_every_transport(way: str) -> None:
    settings = {"nplc": 0.1, "range_si": 2e-8, "timeout_s": 5, "serial": SERIAL}
    async with measuring("keithley-6517b", way, settings, speed=20) as (it, simulator):
        identity = await it.open()
        assert (identity.model, identity.serial) == ("6517B", "4096271")
        await it.run_command("zero", {})
        before = await value_of(it)
        simulator.detector.expose(CHARGE_C, 0.5)
        after = await until(it, lambda reading: (reading.value or 0) - before > 0.9999 * CHARGE_C)
        assert (after.value or 0) - before == pytest.approx(CHARGE_C, rel=1e-3)
        assert (after.unit, after.range) == ("C", "2.1e-08")
        assert after.elapsed_s is not None


async def test_a_tango_zeroes_starts_holds_and_gives_the_charge() -> None:
    async with measuring("ptw-unidos-tango", "tcp", {"timeout_s": 5, "expected_serial": "123456"}, 300) as (
        it,
        simulator,
    ):
        assert (await it.open()).firmware == "1.2.4"
        assert (await it.run_command("zero", {})).result == {"status": "Passed", "total_s": 82.0}
        for name in (*it.model.framing.before, *it.model.framing.start):
            await it.run_command(name, {})
        simulator.detector.expose(CHARGE_C, 1)
        reading = await until(it, lambda each: (each.value or 0) > 0.999 * CHARGE_C)
        assert reading.value == pytest.approx(CHARGE_C, rel=1e-3)
        (held,) = (await it.run_command("hold", {})).readings
        assert (held.mode, held.unit) == ("HOLD", "C")


async def value_of(it: Instrument) -> float:
    reading = await until(it, lambda each: each.value is not None)
    assert reading.value is not None
    return reading.value


async def until(it: Instrument, condition: Callable[[Reading], bool]) -> Reading:
    for _ in range(TAKES):
        for reading in await it.take():
            if condition(reading):
                return reading
    raise AssertionError("what was waited for never came")
