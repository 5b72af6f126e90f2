"""The 617 and 6512 before their simulator: identity without a number, settings, commands, what is seen to change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fleet import both
from fleet_wires import WIRES, Cable
from pydantic import ValidationError
from virtual_time import LoopClock, run

from drivers import Declined, Flag, Misuse, Reading, WrongInstrument, connect
from simulators.keithley.ddc import DdcElectrometer
from simulators.link import Link

MODELS = ("keithley-617", "keithley-6512")
Work = Callable[[Any, DdcElectrometer], Awaitable[None]]


def beside(name: str, work: Work, opened: bool = True, **settings: Any) -> None:
    async def all_of_it() -> None:
        model, simulated = both(name)
        unit = simulated.make(LoopClock(), 3, {"noise": 0.0, "leakage_a": 3e-11})
        assert isinstance(unit, DdcElectrometer)
        cable = Cable(WIRES[0], name, lambda: 0, lambda _: None)
        link = Link(unit, cable.port)
        await link.start()
        device = connect(model, "memory", {"timeout_s": 2.0} | settings, transport=cable.transport)
        try:
            if opened:
                await device.open()
                await device.take()  # with what was set aside
            await work(device, unit)
        finally:
            await device.close()
            await link.stop()

    run(all_of_it())


async def one(device: Any) -> Reading:
    (reading,) = [each for each in await device.take() if Flag.STALE not in each.flags]
    assert isinstance(reading, Reading)
    return reading


@pytest.mark.parametrize("name", MODELS)
def test_it_is_known_by_its_status_word_and_has_no_serial_number(name: str) -> None:
    async def work(device: Any, unit: DdcElectrometer) -> None:
        identity = await device.open()
        assert (identity.vendor, identity.model, identity.serial) == ("Keithley", name.rpartition("-")[2], "")
        assert identity.raw.startswith(identity.model.encode())
        unit.become("device")
        with pytest.raises(WrongInstrument, match="196"):
            await device.open()

    beside(name, work, opened=False)


def test_a_serial_number_cannot_be_asked_of_it() -> None:
    with pytest.raises(ValidationError, match="cannot tell its serial number: leave expected_serial out"):
        both("keithley-617")[0].settings.model_validate({"expected_serial": "1"})
    with pytest.raises(ValidationError, match=r"the largest range of current is 0\.02 A, not 1"):
        both("keithley-617")[0].settings.model_validate({"function": "current", "range_si": 1})


@pytest.mark.parametrize("name", MODELS)
def test_it_is_set_up_read_back_and_its_source_is_never_touched(name: str) -> None:
    async def work(device: Any, unit: DdcElectrometer) -> None:
        assert (unit.set["F"], unit.set["R"], unit.set["C"], unit.set["T"]) == (3, 2, 0, 0)
        assert device.settings_in_force["range"] == "2e-09"
        sent = b"".join(each.data for each in device._link.trace.crossings if each.direction == "sent")
        assert b"O" not in sent
        assert b"V" not in sent
        first, second = await one(device), await one(device)
        assert (first.quantity, first.unit, first.flags, first.range) == ("charge", "C", (), "2e-09")
        assert second.value == pytest.approx((first.value or 0.0) + 3e-11 * 0.33, rel=1e-3)

    beside(name, work, range_si=1e-9)


@pytest.mark.parametrize(
    ("function", "state", "value"),
    [
        ("current", {}, 3e-11),
        ("voltage", {"voltage_v": 1.25}, 1.25),
        ("resistance", {"resistance_ohm": 4.7e7}, 4.7e7),
    ],
)
def test_every_function_can_be_chosen(function: str, state: dict[str, float], value: float) -> None:
    async def work(device: Any, unit: DdcElectrometer) -> None:
        for name, what in state.items():
            unit.set_state(name, what)
        await device.run_command("function", {"function": function})
        reading = await one(device)
        assert (reading.quantity, reading.value, reading.flags) == (function, pytest.approx(value, rel=1e-4), ())
        with pytest.raises(Misuse, match="reset-charge needs the function charge"):
            await device.run_command("reset-charge", {})
        await device.run_command("zero", {})
        assert device.settings_in_force["zero correct"] is True

    beside("keithley-617", work)


def test_zero_discharges_and_a_range_is_read_back() -> None:
    async def work(device: Any, unit: DdcElectrometer) -> None:
        unit.detector.expose(5e-9, 0.1)
        before = await one(device)
        await device.run_command("zero", {})
        after = await one(device)
        assert (before.value or 0.0) > 4e-9
        assert (after.value or 0.0) < 1e-9
        await device.run_command("range", {"range_si": 2e-8})
        assert (await one(device)).range == "2e-08"
        with pytest.raises(Misuse, match="largest range of charge is 2e-08 C"):
            await device.run_command("range", {"range_si": 1.0})

    beside("keithley-617", work)


def test_what_is_refused_is_named() -> None:
    async def work(device: Any, unit: DdcElectrometer) -> None:
        with pytest.raises(Declined, match=r"memory refused 'C1J9X' \(illegal command\)"):
            await device._driver._do("C1", "J9")
        with pytest.raises(Declined, match=r"memory refused 'T9X' \(illegal option\)"):
            await device._driver._do("T9")

    beside("keithley-617", work)


def test_what_somebody_does_at_the_front_panel_is_seen_by_the_status_word() -> None:
    async def work(device: Any, unit: DdcElectrometer) -> None:
        unit.front_panel("zero_check")
        during = await one(device)
        assert (during.value, during.flags) == (None, (Flag.ZERO_CHECK, Flag.CHANGED_BY_HAND))
        unit.front_panel("zero_check")
        await device.take()
        unit.front_panel("function")
        during, after = await one(device), await one(device)
        assert (during.value, Flag.CHANGED_BY_HAND in during.flags) == (None, True)
        assert (after.quantity, after.flags) == ("current", (Flag.CHANGED_BY_HAND,))
        assert after.note == "current came where charge was set"

    beside("keithley-617", work)
