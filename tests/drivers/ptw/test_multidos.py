"""The MULTIDOS driver on its simulator: set-up, two and many channels, commands, block check, other applications."""

from __future__ import annotations

import pytest
from ptw_bench import simulated
from pydantic import ValidationError

from drivers import Declined, Flag, LinkDown, Misuse
from drivers.ptw.multidos_settings import CorrectionParameters, MultidosSettings

pytestmark = pytest.mark.virtual_time

NAME = "ptw-multidos"


async def test_two_channels_from_start_to_hold() -> None:
    async with simulated(NAME, ranges=("H", "L"), calibration_set=3, integration_s=6) as (unit, simulator, clock):
        assert (simulator.settings["R"], simulator.settings["SET"], simulator.settings["I"]) == ("HL", "3", "0006")
        assert unit.channels == ("1", "2")
        await unit.run_command("start", {})
        simulator.detector.expose(2e-9, 4.0)
        clock.advance(5.0)
        held = await unit.run_command("hold", {})
        assert [(r.channel, r.value, r.unit, r.range, r.mode) for r in held.readings] == [
            ("1", pytest.approx(2e-9), "C", "H", "HLD"), ("2", pytest.approx(2e-10), "C", "L", "HLD"),
        ]  # fmt: skip
        assert held.readings[0].elapsed_s == 5.0
        assert held.readings[0].also["ratio"].value == 10.0
        reset = await unit.run_command("reset", {})
        assert [r.value for r in reset.readings] == [0.0, 0.0]


async def test_a_rate_per_minute_is_given_per_second() -> None:
    given = {"rate": True, "per": "min"}
    async with simulated(NAME, {"leakage_a": 1e-11, "calibration_gy_per_c": 6e7}, **given) as (unit, _, _):
        first, second = await unit.take()
        assert (first.quantity, first.unit) == ("dose-rate", "Gy/s")
        assert (first.value, second.value) == (pytest.approx(6e-4), pytest.approx(6e-5))
        assert unit.measures == "dose-rate"


async def test_an_interval_ends_by_itself() -> None:
    async with simulated(NAME, {"leakage_a": 1e-11}) as (unit, _, clock):
        await unit.run_command("interval", {"seconds": 6})
        clock.advance(10.0)
        assert [(r.mode, r.elapsed_s) for r in await unit.take()] == [("HLD", 6.0)] * 2
    with pytest.raises(ValidationError):
        MultidosSettings(integration_s=5)


async def test_many_channels_and_their_corrections() -> None:
    given = {"application": "multi", "first_channel": 2, "last_channel": 5}
    async with simulated(NAME, {"leakage_a": 1e-9}, **given) as (unit, simulator, clock):
        assert simulator.application == "M"
        await unit.run_command("start", {})
        clock.advance(100.0)
        readings = await unit.take()
        assert [r.channel for r in readings] == ["2", "3", "4", "5"] == list(unit.channels)
        assert [r.value for r in readings] == pytest.approx([1e-8, 1e-9, 1e-10, 1e-11], rel=1e-3)
        done = await unit.run_command("corrections", {"pressure_hpa": 986.6, "temperature_c": 22.0, "factor": 1.01})
        assert (simulator.settings["KP"], simulator.settings["KT"], simulator.settings["KK"]) == (
            "0986.6", "22.0", "1.010",
        )  # fmt: skip
        assert done.result["air_density"] == pytest.approx(1013.2 / 986.6 * 295.2 / 293.2, abs=6e-4)
        with pytest.raises(Misuse, match="runs multi; this is of application = 'dual'"):
            await unit.run_command("ranges", {"ranges": ["L", "H"]})
    for wrong in ({"pressure_hpa": 499.9}, {"pressure_hpa": 1300.1}, {"temperature_c": 9.9}, {"factor": 2.1}):
        with pytest.raises(ValidationError):
            CorrectionParameters.model_validate(wrong)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"first_channel": 3, "last_channel": 2}, "below first_channel"), ({"calibration_set": 6}, "less than or equal"),
     ({"application": "multi", "ranges": ("L", "L")}, "of application = 'dual'"), ({"last_channel": 17}, "16")],
)  # fmt: skip
def test_settings_that_cannot_be(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        MultidosSettings.model_validate(wrong)


@pytest.mark.parametrize("kind", ["byte-sum", "crc-16-xmodem", "crc-16-ccitt-false"])
async def test_the_block_check_is_found_out_and_told(kind: str) -> None:
    async with simulated(NAME, {"block_check": kind, "leakage_a": 1e-9}) as (unit, simulator, clock):
        assert unit.settings_in_force["block_check"] == "unchecked"
        await unit.run_command("start", {})
        for _ in range(3):
            clock.advance(1.0)
            assert all(r.value for r in await unit.take())
        await unit.run_command("reset", {})
        assert unit.settings_in_force["block_check"] == kind
        simulator.literal = "D0;    0.0s;RES;00;0;0;0; 1.000E-09;4; 1.000E-09;3; ----.-;00000"
        (refused,) = await unit.take()
        assert (refused.kind, refused.value) == ("unparsed", None)
        assert f"block check ({kind})" in refused.note


async def test_zero_takes_its_time_and_a_failed_one_is_said() -> None:
    async with simulated(NAME, {"leakage_a": 1e-12}) as (unit, simulator, clock):
        before = clock.now()
        await unit.run_command("zero", {})
        assert clock.now() - before >= 28.0
        assert simulator.integral.offset_a == pytest.approx(1e-12)

        async def fails(now: float) -> str:
            return "E06"

        simulator._zero = fails
        with pytest.raises(Declined, match="refused NUL with error 06: the zeroing failed"):
            await unit.run_command("zero", {})


async def test_what_it_says_of_itself() -> None:
    async with simulated(NAME) as (unit, simulator, _):
        assert (await unit.run_command("status", {})).result == {"state": "RES", "device": [], "errors": []}
        simulator.state_word, simulator.error_bits, simulator.device_bits = "ERR", 64, 64
        assert (await unit.run_command("status", {})).result == {
            "state": "ERR", "device": ["HV error"], "errors": ["EEPROM critical"],
        }  # fmt: skip
        limits = (await unit.run_command("limits", {"channel": 1})).result
        assert limits == {"full_scale": pytest.approx(1e-9), "resolution": pytest.approx(1e-13), "unit": "C"}
        done = await unit.run_command("ranges", {"ranges": ["H", "L"]})
        assert (done.result, simulator.settings["R"]) == ({"ranges": ["H", "L"]}, "HL")
        assert [r.range for r in await unit.take()] == ["H", "L"]


async def test_a_unit_or_range_changed_by_hand_is_said_and_after_a_fault_refused() -> None:
    async with simulated(NAME, ranges=("L", "L")) as (unit, simulator, _):
        simulator.front_panel()
        assert [(r.quantity, r.flags) for r in await unit.take()] == [("dose", (Flag.CHANGED_BY_HAND,))] * 2
        simulator.front_panel()
        simulator.settings["R"] = "HL"
        first, _ = await unit.take()
        assert (first.range, first.note) == ("H", "the ranges are HL; LL was set")
        with pytest.raises(LinkDown, match="says R is HL; LL was set"):
            await unit.recover()


async def test_a_sum_in_a_unit_of_rates_has_no_value() -> None:
    async with simulated(NAME) as (unit, simulator, _):
        simulator.literal = "D1;    0.0s;RES;00;0;0;0; 1.000E-09;4; 1.000E-09;3; ----.-;02700"
        assert [(r.value, r.flags) for r in await unit.take()] == [(None, (Flag.NOT_A_NUMBER,))] * 2


async def test_of_constancy_and_la48_what_is_documented_is_asked() -> None:
    async with simulated(NAME, application="constancy") as (unit, simulator, _):
        simulator.error_bits = 0b1_0000_0010
        assert await unit.take() == []
        found = (await unit.run_command("constancy-status", {})).result
        assert found == {"errors": ["electrical calibration", "radiological set 1"]}
        with pytest.raises(Misuse, match="of application = 'la48'"):
            await unit.run_command("array", {})
    async with simulated(NAME, application="la48") as (unit, _, _):
        found = (await unit.run_command("array", {})).result
        assert (len(found["text"]), found["unit"]) == (642, "Gy")
        assert (await unit.run_command("array", {"element": 7})).result["text"].startswith("D07;")
