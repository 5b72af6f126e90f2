"""The driver of the classic UNIDOS: its grammar, and the whole of it on its simulator."""

from __future__ import annotations

import pytest
from ptw_bench import simulated

from drivers import Declined, Flag, Garbled
from drivers.ptw import classic_words as words

pytestmark = pytest.mark.virtual_time

NAME = "ptw-unidos-classic"


def test_what_the_display_shows() -> None:
    assert words.parse_shown(b"  12.5    1.2340") == (12.5, 1.234)
    assert words.parse_shown(b"60 -0.5") == (60.0, -0.5)
    with pytest.raises(Declined, match=r"shows the high voltage \(300 V\) and no measurement: leave the menu"):
        words.parse_shown(b"300 V")
    for line in (
        b"",
        b"1.234",
        b"12.5 1.234 nC",
        b"12.5 1,234",
        b"-1 1.0",
        b"12.5 NaN",
        b"12.5 1.2.3",
        b"1 2 3",
        b"\xb5",
    ):
        with pytest.raises(Garbled):
            words.parse_shown(line)


def test_ranges_units_flags_and_menus() -> None:
    assert words.parse_range(b"LOW 1 20.0 n") == words.Range("LOW", 20.0, -9)
    assert words.parse_range(b"LOW 20.0 \xb5") == words.Range("LOW", 20.0, -6)
    for line in (b"LOW 20.0", b"LOW n", b"LOW 0.0 n", b"LOW 20.0 nC", b"20.0"):
        with pytest.raises(Garbled):
            words.parse_range(line)
    assert (words.parse_radiological(b"4"), words.parse_radiological(b"251")) == (True, False)
    for parse, line in (
        (words.parse_radiological, b"256"), (words.parse_radiological, b"x"), (words.parse_state, b"IN"),
        (words.parse_menu, b"0"), (words.parse_unit, b"C 1"), (words.parse_device, b"UNIDOS2;1.00"),
        (words.parse_serial, b"?"),
    ):  # fmt: skip
        with pytest.raises(Garbled):
            parse(line)
    with pytest.raises(Declined, match="shows R; set it to C or Gy"):
        words.parse_unit(b"R")


async def test_charge_from_the_start_key_on() -> None:
    async with simulated(NAME, range="medium") as (unit, simulator, clock):
        assert simulator.range_ == "R1"
        assert unit.settings_in_force == {
            "radiological": False,
            "unit": "C",
            "range": "MEDIUM",
            "full_scale_c": pytest.approx(2e-6),
        }
        await unit.run_command("start", {})
        simulator.detector.expose(5e-7, 5.0)
        clock.advance(6.0)
        (reading,) = await unit.take()
        assert (reading.value, reading.unit, reading.range) == (pytest.approx(5e-7, rel=1e-3), "C", "MEDIUM")
        assert reading.elapsed_s == pytest.approx(6.0, abs=0.1)
        assert reading.flags == ()


async def test_an_integration_and_a_null() -> None:
    async with simulated(NAME, {"leakage_a": 1e-11}) as (unit, simulator, clock):
        await unit.run_command("zero", {})
        assert simulator.integral.offset_a == pytest.approx(1e-11)
        done = await unit.run_command("integrate", {})
        assert [r.mode for r in done.readings] == ["INT"]
        clock.advance(61.0)
        assert [(r.mode, r.elapsed_s) for r in await unit.take()] == [("HLD", 60.0)]


async def test_no_key_is_pressed_while_a_menu_is_open_and_the_voltage_is_never_touched() -> None:
    async with simulated(NAME) as (unit, simulator, _):
        simulator.menu = "0003"
        for name, parameters in (("start", {}), ("zero", {}), ("range", {"range": "high"})):
            with pytest.raises(Declined, match=r"has a menu open \(0003\); leave it at the instrument"):
                await unit.run_command(name, parameters)
        assert (simulator.range_, simulator.voltage, simulator.menu) == ("R0", 300, "0003")
        (odd,) = await unit.take()
        assert (odd.kind, odd.value) == ("unparsed", None)
        simulator.menu = "00"
        assert [r.value for r in await unit.take()] == [0.0]


async def test_a_range_changed_by_hand_leaves_no_number_for_one_reading() -> None:
    async with simulated(NAME) as (unit, simulator, _):
        simulator.front_panel("range")
        assert [(r.value, r.flags) for r in await unit.take()] == [(None, (Flag.NOT_A_NUMBER,))]
        assert [(r.value, r.flags) for r in await unit.take()] == [(0.0, ())]
        assert (await unit.run_command("range", {"range": "high"})).result == {"range": "high"}
        assert [(r.value, r.range) for r in await unit.take()] == [(0.0, "HIGH")]


async def test_a_dose_where_charge_is_expected_is_flagged() -> None:
    async with simulated(NAME, {"radiological": True}) as (unit, _, _):
        (reading,) = await unit.take()
        assert (reading.quantity, reading.flags) == ("dose", (Flag.CHANGED_BY_HAND,))
        assert reading.note == "it shows Gy; charge is expected"
    async with simulated(NAME, {"radiological": True}, radiological=True) as (unit, _, _):
        assert [r.flags for r in await unit.take()] == [()]
        assert unit.measures == "dose"


async def test_more_than_the_range_shows_is_no_number() -> None:
    async with simulated(NAME) as (unit, simulator, _):
        simulator.literal = "  10.0   20.1000"
        (reading,) = await unit.take()
        assert (reading.value, reading.flags) == (None, (Flag.OVERLOAD,))
        assert reading.note == "20.1 is more than the 20 that the range shows"
