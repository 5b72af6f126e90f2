"""What a UNIDOS is asked beside measuring, on its simulator: permission, autostart, history, records, looking only."""

from __future__ import annotations

import pytest
from ptw_bench import simulated
from pydantic import ValidationError

from drivers import Declined, Flag, Garbled, Misuse
from drivers.ptw import unidos_records as records
from drivers.ptw.unidos_settings import UnidosSettings

pytestmark = pytest.mark.virtual_time

TANGO = "ptw-unidos-tango"


async def test_write_permission_is_given_back_and_taken_again_when_a_command_needs_it() -> None:
    async with simulated(TANGO) as (unit, simulator, _):
        assert simulator.owner is not None
        assert (await unit.run_command("release-access", {})).result == {"access": False}
        assert simulator.owner is None
        assert (await unit.run_command("status", {})).result == {"state": "RES", "access": False, "last_failure": ""}
        await unit.run_command("start", {})
        assert simulator.owner is not None
        assert simulator.meter.state == "MEAS"
        await unit.run_command("release-access", {})
        assert (await unit.run_command("take-access", {})).result == {"access": True}


async def test_with_access_read_it_only_looks() -> None:
    async with simulated(TANGO, access="read") as (unit, simulator, _):
        simulator.meter.electrical = False
        (reading,) = await unit.take()
        assert (reading.quantity, reading.flags, simulator.owner) == ("dose", (), None)
        for name in ("start", "zero", "take-access"):
            with pytest.raises(Misuse, match="only looked at"):
                await unit.run_command(name, {})
    with pytest.raises(ValidationError, match="nothing is set on the UNIDOS: leave out range, hv_v"):
        UnidosSettings(access="read", range="LOW", hv_v=300)


@pytest.mark.parametrize(
    "wrong", [{"hv_v": 401}, {"hv_v": -401}, {"interval_s": 0}, {"interval_s": 3600000}, {"range": "low"},
              {"autostart_level": "HIGHEST"}, {"hv_settle_s": -1}],
)  # fmt: skip
def test_settings_beyond_the_documents_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        UnidosSettings.model_validate(wrong)


async def test_autostart_is_set_as_configured_and_by_command() -> None:
    given = {"autostart": True, "autoreset": False, "autostart_level": "HIGH", "interval_s": 3599999}
    async with simulated(TANGO, **given) as (unit, simulator, clock):
        m = simulator.meter
        assert (m.autostart, m.autoreset, m.autostart_level, m.interval_s) == (True, False, "HIGH", 3599999)
        simulator.detector.expose(5e-9, 5.0)
        assert [r.mode for r in await unit.take()] == ["AUTO_MEAS"]
        clock.advance(6.0)
        assert [r.mode for r in await unit.take()] == ["AUTO_HOLD"]
        await unit.run_command("autostart", {"enabled": False, "level": "LOW"})
        assert (m.autostart, m.autostart_level, unit.settings_in_force["autostart"]) == (False, "LOW", "false")


async def test_the_units_own_log_is_read_and_cleared() -> None:
    async with simulated(TANGO) as (unit, _, clock):
        assert (await unit.run_command("history", {})).result == {"history": []}
        await unit.run_command("interval", {"seconds": 5})
        clock.advance(6.0)
        (entry,) = (await unit.run_command("history", {})).result["history"]
        assert set(entry) == {"date", "detector", "dose", "flags", "id", "kTotal"}
        assert (await unit.run_command("clear-history", {})).result == {"history": []}
        assert (await unit.run_command("history", {})).result == {"history": []}


async def test_records_of_detectors_and_of_the_unit() -> None:
    async with simulated(TANGO) as (unit, _, _):
        (found,) = (await unit.run_command("detectors", {})).result["detectors"]
        assert (await unit.run_command("detector", {"guid": found["guid"]})).result == {"detector": found}
        with pytest.raises(Declined, match="error 21: a required parameter, for example the detector"):
            await unit.run_command("detector", {"guid": "none"})
        about = (await unit.run_command("about", {})).result
        assert about["device"]["typeNumber"] == "TM10052"
        assert about["measurement"]["hv"] == 200
        limits = (await unit.run_command("limits", {})).result
        assert limits["full_scale"]["range"] == limits["resolution"]["range"] == "MEDIUM"
        assert limits["full_scale"]["rate"] > limits["resolution"]["rate"] > 0


async def test_a_rate_beyond_the_stated_full_scale_has_no_value() -> None:
    async with simulated(TANGO) as (unit, _, _):
        driver = unit._driver
        driver._full = records.FullScale("MEDIUM", -1.0, "A")  # so that any rate is beyond it
        (reading,) = await unit.take()
        assert (reading.value, reading.also["rate"].value, reading.flags) == (None, None, (Flag.OUT_OF_LIMIT,))
        assert reading.note == "the rate 0 A is over the -1 A that MEDIUM takes"


async def test_an_inner_failure_comes_with_what_the_unit_says_of_it() -> None:
    async with simulated(TANGO) as (unit, simulator, _):
        simulator.failure = "no answer from the detector store"
        simulator.refusal = 54
        with pytest.raises(Declined, match=r"error 54: the inner request was denied. It says of it: 'no answer from"):
            await unit.run_command("start", {})


@pytest.mark.parametrize(
    "reply",
    [b"RHR", b"RHR;", b"RHR;{}", b"RHR;[1]", b"RHR;[{\"a\":NaN}]", b"RHR;[{\"a\":1;\"a\":2}]", b"RHR;[{\"a\":1e999}]",
     b"RHR;[" * 3, b"RHR;[{\"a\":1,]"],
)  # fmt: skip
def test_a_log_of_another_form_is_refused(reply: bytes) -> None:
    with pytest.raises(Garbled):
        records.parse_list("RHR", reply)


def test_published_limits() -> None:
    full = records.parse_full_scale("MVM;MEDIUM;1.65;E-06;µ;Gy;min".encode())
    assert (full.range, full.rate, full.rate_unit) == ("MEDIUM", pytest.approx(1.65e-6), "Gy/min")
    step = records.parse_resolution(b"MVR;MEDIUM;0.5;E-12;p;Gy;0.003;E-09;n;Gy;min")
    assert (step.integral, step.unit, step.rate, step.rate_unit) == (0.5e-12, "Gy", 0.003e-9, "Gy/min")


@pytest.mark.parametrize(
    ("parse", "reply"),
    [(records.parse_full_scale, b"MVM;MEDIUM;1.65;E-06;n;Gy;min"), (records.parse_full_scale, b"MVM;MID;1.6;E-09;n;A;"),
     (records.parse_full_scale, b"MVM;LOW;1.6;E-09;n;A"), (records.parse_full_scale, b"MVM;LOW;1.6;E-09;n;A;min"),
     (records.parse_resolution, b"MVR;LOW;0.5;E-12;p;C;0.3;E-09;n;Gy;min"), (records.parse_resolution, b"MVR;LOW"),
     (records.parse_self_test, b"ASS;Passed;0;89000;Low"), (records.parse_self_test, b"ASS;Passed;0;1;Low;1.0;E-9;n")],
)  # fmt: skip
def test_limits_and_results_of_another_form_are_refused(parse: object, reply: bytes) -> None:
    with pytest.raises(Garbled):
        parse(reply)  # type: ignore[operator]
