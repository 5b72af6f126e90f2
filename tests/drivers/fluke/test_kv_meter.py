"""A 4000M+ before its simulator: one reading an exposure, its preparation, its waveform."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from drivers import Declined, Instrument, Reading, ReplyTimeout, WrongInstrument, connect
from drivers.fluke import FLUKE_4000M_PLUS
from simulators import serve


@asynccontextmanager
async def device(**options: Any) -> AsyncIterator[tuple[Instrument, Any]]:
    served = await serve("fluke-4000m-plus", "tcp:127.0.0.1:0", speed=1000, options=options)
    it = connect(FLUKE_4000M_PLUS, served.resource, {"timeout_s": 1})
    try:
        yield it, served.instrument
    finally:
        await it.close()
        await served.close()


async def until_exposed(it: Instrument) -> list[Reading]:
    for _ in range(2000):
        if found := list(await it.take()):
            return found
    raise AssertionError("no exposure came")


async def test_an_exposure_is_one_reading_however_often_it_is_asked_for() -> None:
    async with device() as (it, simulator):
        identity = await it.open()
        assert (identity.model, identity.serial) == ("4000M+", "")
        assert it.settings_in_force == {"filter": "50-85 kV"}
        assert list(await it.take()) == []
        simulator.detector.expose(123.4e-9, 0.1)
        dose, peaks = await until_exposed(it)
        assert (dose.quantity, dose.value, dose.unit, dose.range) == ("exposure", 123.4, "mR", "50-85 kV")
        assert dose.also["exposure-time"].value == pytest.approx(0.1)
        assert dose.also["tube-voltage-average"].value == pytest.approx(70, abs=3)
        assert (peaks.kind, len(peaks.axes["peak"].values), peaks.axes["peak"].unit) == ("curve", 3, "kV")
        assert [list(await it.take()) for _ in range(3)] == [[], [], []]
        simulator.detector.expose(50e-9, 0.1)
        assert (await until_exposed(it))[0].value == 50


async def test_what_it_kept_from_before_it_was_opened_is_no_reading() -> None:
    async with device() as (it, simulator):
        simulator.detector.expose(123.4e-9, 0.01)
        while not simulator.exposures()[0]:
            await simulator.clock.sleep_until(simulator.clock.now() + 0.1)
        await it.open()
        assert list(await it.take()) == []


async def test_preparing_says_what_is_wrong() -> None:
    async with device() as (it, simulator):
        await it.open()
        assert (await it.run_command("prepare", {"target": "molybdenum"})).result == {"target": "molybdenum"}
        simulator.set_state("status", 9)
        with pytest.raises(Declined, match="offset too high, ion chamber integrator failure"):
            await it.run_command("prepare", {"target": "tungsten"})


async def test_ten_points_of_the_waveform_and_back_to_readings() -> None:
    async with device() as (it, simulator):
        await it.open()
        outcome = await it.run_command("waveform", {"first": 20})
        (curve,) = outcome.readings
        assert outcome.result == {"points": 10}
        assert (curve.axes["index"].values[0], curve.axes["A"].values[0], curve.axes["B"].values[9]) == (20, 1020, 629)
        assert list(await it.take()) == []
        assert not simulator.waveform


async def test_a_waveform_that_was_cut_short_is_left_at_the_next_recovery(monkeypatch: pytest.MonkeyPatch) -> None:
    async with device() as (it, simulator):
        await it.open()
        monkeypatch.setattr(simulator, "points", lambda first: b"1 2\r\n")
        with pytest.raises(ReplyTimeout):
            await it.run_command("waveform", {})
        assert simulator.waveform
        await it.recover()
        assert not simulator.waveform
        assert list(await it.take()) == []


async def test_what_does_not_answer_like_its_filter_wheel_is_another_device() -> None:
    async with device() as (it, simulator):
        simulator.become("device")
        with pytest.raises(WrongInstrument, match="'ERROR' answers"):
            await it.open()
