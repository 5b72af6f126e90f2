"""The voltage sources of the 6487 and 6430: by explicit word only, read back, and settled by their own statement."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fleet import both
from keithley_pair import Pair, beside_its_simulator
from pydantic import ValidationError

from drivers import Declined, Flag, Misuse

SOURCES = ("keithley-6487", "keithley-6430")
LEVEL = {"keithley-6487": ":SOUR:VOLT ", "keithley-6430": ":SOUR:VOLT "}
SWITCH = {"keithley-6487": ":SOUR:VOLT:STAT ", "keithley-6430": ":OUTP "}


def sent(pair: Pair, since: int = 0) -> list[str]:
    """What was sent, from that crossing on."""
    crossings = list(pair.device._link.trace.crossings)[since:]
    return [each.data.decode().strip() for each in crossings if each.direction == "sent"]


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_that_no_setting_names_is_left_as_it_is(name: str) -> None:
    async def work(pair: Pair) -> None:
        assert pair.unit.meter.source.on
        assert pair.unit.meter.source.volts == 5.0
        await pair.device.run_command("set-up", {})
        await pair.device.open()
        await pair.takes(1)
        assert not [each for each in sent(pair) if each.startswith((":SOUR", ":OUTP"))]
        in_force = pair.device.settings_in_force
        assert (in_force["source on"], in_force["source voltage"]) == (1.0, 5.0)

    beside_its_simulator(name, work, leftover=f":SOUR:VOLT 5;{SWITCH[name]}1")


@pytest.mark.parametrize("name", SOURCES)
def test_after_a_command_readings_are_too_early_until_the_voltage_has_settled_by_the_instruments_clock(
    name: str,
) -> None:
    async def work(pair: Pair) -> None:
        outcome = await pair.device.run_command("source", {"voltage_v": -200.0})
        assert outcome.result["voltage_v"] == -200.0
        assert pair.unit.meter.source.level == -200.0
        early = await pair.takes(3)
        assert [each.flags for each in early] == [(Flag.SETTLING,)] * 3
        assert all(each.value is not None for each in early)
        assert "the source went to -200 V 0.0 s ago and settles for 10 s" in (early[0].note or "")
        assert early[0].also["source-voltage"].value == -200.0
        await asyncio.sleep(10)
        assert [each.flags for each in await pair.takes(2)] == [(), ()]
        await pair.device.run_command("source", {"voltage_v": -100.0})
        assert [each.flags for each in await pair.takes(1)] == [(Flag.SETTLING,)]
        await pair.device.run_command("source-off", {})
        assert not pair.unit.meter.source.on

    beside_its_simulator(name, work, leftover="")


def test_through_the_buffer_each_reading_is_judged_at_its_own_time() -> None:
    async def work(pair: Pair) -> None:
        await pair.device.run_command("source", {"voltage_v": 100.0})
        got = await pair.takes(60)
        flags = [Flag.SETTLING in each.flags for each in got]
        times = [each.elapsed_s or 0.0 for each in got]
        settled = flags.index(False)
        assert flags == [True] * settled + [False] * (len(flags) - settled)
        assert 4.0 <= times[settled] - times[0] < 4.2

    beside_its_simulator("keithley-6487", work, buffer_points=7, source_settle_s=4)


def test_range_and_limit_change_only_while_the_source_is_off() -> None:
    async def work(pair: Pair) -> None:
        before = len(pair.device._link.trace.crossings)
        await pair.device.run_command("source", {"voltage_v": 300.0})
        words = [each for each in sent(pair, before) if each.startswith(":SOUR") and "?" not in each]
        assert words == [":SOUR:VOLT:STAT 0", ":SOUR:VOLT:RANG 500", ":SOUR:VOLT 300", ":SOUR:VOLT:STAT 1"]
        before = len(pair.device._link.trace.crossings)
        await pair.device.run_command("source", {"voltage_v": 310.0})
        words = [each for each in sent(pair, before) if each.startswith(":SOUR") and "?" not in each]
        assert words == [":SOUR:VOLT 310"]

    beside_its_simulator("keithley-6487", work, source_v=5.0)


@pytest.mark.parametrize("name", SOURCES)
def test_the_setting_switches_it_on_once_and_opening_again_leaves_it_alone(name: str) -> None:
    async def work(pair: Pair) -> None:
        assert pair.unit.meter.source.level == 8.0
        before = len(pair.device._link.trace.crossings)
        await pair.device.open()
        said = sent(pair, before)
        assert not [each for each in said if each.startswith((LEVEL[name], SWITCH[name]))]
        (first,) = await pair.takes(1)
        assert first.flags == (Flag.SETTLING,), "nobody knows since when: the instrument has said nothing yet"

    beside_its_simulator(name, work, leftover="", source_v=8.0)


@pytest.mark.parametrize("name", SOURCES)
def test_an_open_interlock_keeps_it_off_and_is_said(name: str) -> None:
    async def work(pair: Pair) -> None:
        pair.unit.set_state("interlock_open", True)
        with pytest.raises(Declined):
            await pair.device.run_command("source", {"voltage_v": 100.0})
        assert not pair.unit.meter.source.on

    beside_its_simulator(name, work, leftover="")


def test_one_that_stays_off_without_an_error_says_so_with_the_interlock() -> None:
    async def work(pair: Pair) -> None:
        pair.unit.set_state("interlock_open", True)
        queue = pair.unit.status.error
        pair.unit.status.error = lambda code: None if code == -221 else queue(code)  # type: ignore[method-assign]
        with pytest.raises(Declined, match="The voltage source of memory did not go on: its interlock keeps it off"):
            await pair.device.run_command("source", {"voltage_v": 100.0})

    beside_its_simulator("keithley-6487", work)


def test_in_compliance_and_off_by_hand_there_is_no_number() -> None:
    async def work(pair: Pair) -> None:
        await asyncio.sleep(20)
        await pair.takes(1)
        pair.unit.set_state("resistance_ohm", 1e5)
        (short,) = await pair.takes(1)
        assert (short.value, Flag.HV_FAULT in short.flags) == (None, True)
        assert "its current limit was reached" in (short.note or "")
        pair.unit.set_state("resistance_ohm", 1e12)
        pair.unit.meter.source.on = False
        (off,) = await pair.takes(1)
        assert (off.value, Flag.HV_FAULT in off.flags) == (None, True)
        assert "the source is at 0 V; 50 V was set" in (off.note or "")

    beside_its_simulator("keithley-6487", work, source_v=50.0)


@pytest.mark.parametrize(
    ("name", "settings", "says"),
    [
        ("keithley-6487", {"source_v": 501}, "501 V is beyond the source's 500 V"),
        ("keithley-6487", {"source_v": 60, "source_limit_a": 2.5e-2}, "at 60 V the source's current limit is 0.0025 A"),
        ("keithley-6487", {"source_limit_a": 1e-3}, "limit is one of 2.5e-05, 0.00025, 0.0025, 0.025 A, not 0.001 A"),
        ("keithley-6430", {"source_v": -211}, "-211 V is beyond the source's 210 V"),
        ("keithley-6430", {"source_limit_a": 0.2}, "less than or equal to 0.105"),
    ],
)
def test_what_the_source_does_not_have_is_refused_in_a_sentence(name: str, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        both(name)[0].settings.model_validate(settings)


def test_a_command_beyond_the_source_sends_nothing() -> None:
    async def work(pair: Pair) -> None:
        before = len(pair.device._link.trace.crossings)
        with pytest.raises(Misuse, match="memory cannot source that: 600 V is beyond the source's 500 V"):
            await pair.device.run_command("source", {"voltage_v": 600.0})
        assert len(pair.device._link.trace.crossings) == before
        off = pair.device.commands()["source-off"]
        assert (off.while_measuring, pair.device.commands()["source"].while_measuring) == (True, False)

    beside_its_simulator("keithley-6487", work)


@pytest.mark.parametrize("name", SOURCES)
def test_what_a_person_switched_off_is_not_switched_on_again_by_an_opening(name: str) -> None:
    async def work(pair: Pair) -> None:
        assert pair.unit.meter.source.level == 8.0
        await pair.device.run_command("source-off", {})
        await pair.device.run_command("set-up", {})
        await pair.device.open()
        assert not pair.unit.meter.source.on

    beside_its_simulator(name, work, leftover="", source_v=8.0)


def test_a_commanded_voltage_is_not_raised_again_after_the_power_went() -> None:
    async def work(pair: Pair) -> None:
        await pair.device.run_command("source", {"voltage_v": 300.0})
        pair.unit.power_cycle()
        await pair.device.open()
        assert not pair.unit.meter.source.on
        (reading,) = await pair.takes(1)
        assert (reading.value, Flag.HV_FAULT in reading.flags) == (None, True)
        assert "the source is at 0 V; 300 V was set" in (reading.note or "")

    beside_its_simulator("keithley-6487", work)
