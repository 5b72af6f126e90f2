"""Drivers and simulators were written apart; here they meet, over TCP, VISA and a serial line, well and badly.

The oracle of every fault: no wrong number is ever delivered, every odd byte is kept or counted, and after recover()
(or a new open) readings flow again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from drivers import Driver, Flag, InstrumentError, LinkDown, Reading, ReplyTimeout, WrongInstrument
from drivers.keithley_6517 import Keithley6517B, Settings6517
from drivers.ptw_unidos_tango import PtwUnidosTango, TangoSettings
from simulators import Served, serve

CHARGE_NC = 15.67
LINK_FAULTS = (
    "late-reply", "split", "glued", "half-then-silence", "garbage-before", "bit-flip", "duplicate", "echo",
    "wrong-terminator", "unsolicited", "reboot", "vanish-write", "vanish-read", "hang", "busy-reply", "sentinel",
    "slow",
)  # fmt: skip


def keithley(resource: str, **settings: Any) -> Keithley6517B:
    given = {"nplc": 0.1, "range_si": 2e-8, "timeout_s": 0.4, "serial": {"baud_rate": 115200}} | settings
    return Keithley6517B(resource, Settings6517.model_validate(given))


def tango(resource: str, **settings: Any) -> PtwUnidosTango:
    return PtwUnidosTango(resource, TangoSettings.model_validate({"range": "LOW", "timeout_s": 0.4} | settings))


DRIVERS = {"keithley-6517b": keithley, "ptw-unidos-tango": tango}


@asynccontextmanager
async def served(model: str, listen: str = "tcp:127.0.0.1:0", **options: Any) -> AsyncIterator[Served]:
    simulator = await serve(model, listen, seed=3, **options)
    try:
        yield simulator
    finally:
        await simulator.close()


def tcp(simulator: Served) -> str:
    _, host, port, _ = simulator.resource.split("::")
    return f"tcp:{host}:{port}"


@pytest.mark.parametrize("way", ["tcp", "visa-socket", "pty", "pty-pyserial", "pty-visa"])
async def test_a_6517_measures_the_charge_it_is_given_over_every_transport(way: str) -> None:
    async with served("keithley-6517b", "pty" if way.startswith("pty") else "tcp:127.0.0.1:0", speed=5) as simulator:
        at = simulator.resource
        resource = {
            "tcp": lambda: tcp(simulator), "visa-socket": lambda: at, "pty": lambda: at,
            "pty-pyserial": lambda: f"pyserial:{at}", "pty-visa": lambda: f"ASRL{at}::INSTR",
        }[way]()  # fmt: skip
        driver = keithley(resource, timeout_s=3)
        identity = await driver.open()
        assert (identity.model, identity.serial) == ("6517B", "4096271")
        await driver.run_command("zero", {})
        before = (await driver.poll())[0]
        instrument: Any = simulator.instrument
        instrument.detector.expose(CHARGE_NC * 1e-9, 0.5)
        after = await rising(driver, before)
        assert after.unit == "C"
        assert (after.value or 0) - (before.value or 0) == pytest.approx(CHARGE_NC * 1e-9, rel=1e-3)
        assert after.elapsed_s is not None
        await driver.close()


async def rising(driver: Driver, before: Reading) -> Reading:
    """Poll until the charge stands still above where it was."""
    last = before
    for _ in range(300):
        (reading,) = await driver.poll()
        assert reading.value is not None
        still = abs(reading.value - (last.value or 0)) < 2e-12
        if still and reading.value > (before.value or 0) + 1e-9:
            return reading
        last = reading
    raise AssertionError("the charge never arrived")


async def test_a_tango_zeroes_starts_holds_and_gives_the_charge() -> None:
    async with served("ptw-unidos-tango", speed=100) as simulator:
        driver = tango(tcp(simulator), timeout_s=3, expected_serial="123456")
        assert (await driver.open()).firmware == "1.2.4"
        assert await driver.run_command("zero", {}) == {"status": "Passed", "total_s": 82.0}
        for name in ("reset", "start"):
            await driver.run_command(name, {})
        instrument: Any = simulator.instrument
        instrument.detector.expose(CHARGE_NC * 1e-9, 1)
        reading = await settled_tango(driver)
        assert reading.value == pytest.approx(CHARGE_NC * 1e-9, rel=1e-3)
        await driver.run_command("hold", {})
        (held,) = await driver.poll()
        assert (held.mode, held.unit) == ("HOLD", "C")
        await driver.close()


async def settled_tango(driver: Driver) -> Reading:
    for _ in range(200):
        (reading,) = await driver.poll()
        if (reading.value or 0) > 0.999 * CHARGE_NC * 1e-9:
            return reading
        await asyncio.sleep(0.01)
    raise AssertionError("the charge never arrived")


@pytest.mark.parametrize("model", list(DRIVERS))
async def test_what_was_emitted_is_what_was_received(model: str) -> None:
    async with served(model) as simulator:
        driver: Driver = DRIVERS[model](tcp(simulator), timeout_s=3)
        await driver.open()
        received = [r for _ in range(20) for r in await driver.poll()]
        await driver.close()
        instrument: Any = simulator.instrument
        assert instrument.emitted == len(received) == 20
        assert len({r.raw for r in received}) > 1 or model.startswith("ptw")


@pytest.mark.parametrize("fault", LINK_FAULTS)
@pytest.mark.parametrize("model", list(DRIVERS))
async def test_a_link_fault_never_gives_a_wrong_number_and_readings_flow_again(model: str, fault: str) -> None:
    async with served(model) as simulator, opened(DRIVERS[model](tcp(simulator))) as driver:
        instrument: Any = simulator.instrument
        good = [r for _ in range(3) for r in await driver.poll()]
        simulator.arm(fault)
        readings, troubles = await under_fault(driver, 12)
        simulator.disarm()
        assert await flows_again(driver)
        assert simulator.faults_happened, f"{fault} never struck"
        for reading in readings:
            plausible = reading.value is None or abs(reading.value) < 2e-11  # nothing was exposed: noise only
            digits_only = fault == "bit-flip" and reading.kind == "scalar"  # no check sum: cannot be told
            assert plausible or digits_only, reading
        assert good
        assert troubles or readings
        assert instrument.emitted > 0


@asynccontextmanager
async def opened(driver: Driver) -> AsyncIterator[Driver]:
    await driver.open()
    try:
        yield driver
    finally:
        await driver.close()


async def under_fault(driver: Driver, polls: int) -> tuple[list[Reading], int]:
    """Poll as the daemon does: recover after a time-out, open again after a lost link."""
    readings: list[Reading] = []
    troubles = 0
    for _ in range(polls):
        try:
            readings += await driver.poll()
        except InstrumentError:
            troubles += 1
            await again(driver)
    return readings, troubles


async def again(driver: Driver) -> bool:
    try:
        await driver.recover()
    except (LinkDown, ReplyTimeout, WrongInstrument):
        await driver.close()
        try:
            await driver.open()
        except InstrumentError:
            return False
    return True


async def flows_again(driver: Driver) -> bool:
    for _ in range(10):
        try:
            readings = await driver.poll()
        except InstrumentError:
            if not await again(driver):
                await asyncio.sleep(0.2)  # the port is away for half a second
            continue
        if readings and readings[0].kind == "scalar":
            return True
    return False


@pytest.mark.parametrize("model", list(DRIVERS))
@pytest.mark.parametrize("fault", ["other-device", "other-serial"])
async def test_another_instrument_on_the_port_is_refused(model: str, fault: str) -> None:
    async with served(model, faults=[fault]) as simulator:
        serial = {"keithley-6517b": "4096271", "ptw-unidos-tango": "123456"}[model]
        driver: Driver = DRIVERS[model](tcp(simulator), expected_serial=serial, timeout_s=1)
        with pytest.raises(WrongInstrument, match=r"configured|expected"):
            await driver.open()
        await driver.close()


async def test_a_front_panel_change_is_noticed() -> None:
    async with served("keithley-6517b") as simulator:
        driver = keithley(tcp(simulator), timeout_s=2)
        await driver.open()
        simulator.arm("front-panel")
        readings, _ = await under_fault(driver, 10)
        assert any(Flag.CHANGED_BY_HAND in r.flags or r.value is None for r in readings)
        await driver.close()
