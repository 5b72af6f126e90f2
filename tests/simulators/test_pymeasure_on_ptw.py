"""PyMeasure's PTW drivers, written by others, through every property and method on our simulators.

What they and we do not agree on stands in docs/instruments/ptw.md.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from test_pymeasure_on_simulators import TCP, with_driver

from simulators import serve


def all_of_a_unidos(unit: Any) -> dict[str, Any]:
    seen: dict[str, Any] = {"before": unit.write_enabled}
    unit.write_enabled = True
    seen["after"] = unit.write_enabled
    for name, value in (
        ("autostart_level", "HIGH"), ("autoreset_enabled", True), ("integration_time", 2), ("range", "VERY_LOW"),
        ("voltage", -1), ("voltage", 0), ("electrical_units_enabled", True),
    ):  # fmt: skip
        setattr(unit, name, value)
        assert getattr(unit, name) == value, name
    unit.autostart_enabled = True
    seen["auto"] = unit.status
    unit.autostart_enabled = False
    unit.interval_measurement(1)
    seen["interval"] = unit.status
    unit.reset()
    unit.measure()
    unit.hold()
    seen["history"] = unit.measurement_history
    unit.clear()
    seen["cleared"] = unit.measurement_history
    seen["all"] = unit.read_detector()
    seen["one"] = unit.read_detector(seen["all"][0]["guid"])
    for name in ("lan_config", "wlan_config", "measurement_parameters", "system_info", "system_settings"):
        seen[name] = getattr(unit, name)
    unit.zero()
    seen["zero"] = unit.zero_status
    seen["mac"], seen["tfi"] = unit.mac_address, unit.tfi
    unit.reset()
    unit.selftest()
    seen["test"] = unit.selftest_result
    unit.write_enabled = False
    seen["released"] = unit.write_enabled
    return seen


@pytest.mark.parametrize("name", ["ptw-unidos-tango", "ptw-unidos-romeo"])
async def test_all_of_pymeasures_unidos_driver(name: str) -> None:
    from pymeasure.instruments.ptw import ptwUNIDOS  # noqa: PLC0415 - slow to import; only here

    served = await serve(name, TCP, speed=20)
    try:
        seen = await asyncio.to_thread(with_driver, ptwUNIDOS, served.resource, all_of_a_unidos)
    finally:
        await served.close()
    assert (seen["before"], seen["after"], seen["released"]) == (False, True, False)
    assert (seen["auto"], seen["interval"]) == ("AUTO", "INT")
    assert len(seen["history"]) >= 1
    assert seen["cleared"] == []
    assert seen["one"] == seen["all"][0]
    assert seen["measurement_parameters"]["integrationTime"] == 1
    assert seen["system_info"]["serialNumber"] == "123456"
    assert int(seen["zero"]["time_remaining"]) > 0
    assert float(seen["zero"]["time_total"]) == 82000
    assert seen["test"]["high"] == pytest.approx(13.5e-9)
    assert (seen["mac"].count("-"), seen["tfi"]) == (5, "-")


def all_of_a_diamentor(unit: Any) -> dict[str, Any]:
    seen: dict[str, Any] = {
        name: getattr(unit, name)
        for name in ("id", "serial_number", "baudrate", "constancy_check_passed", "is_calibrated", "is_eeprom_ok")
    }
    for name, value in (
        ("pressure", 500), ("pressure", 1500), ("temperature", 0), ("temperature", 70), ("dap_unit", "cGycm2"),
        ("dap_unit", "Gycm2"), ("dap_unit", "uGym2"), ("calibration_factor", 1e8), ("calibration_factor", 9.999e12),
        ("correction_factor", 9.999), ("correction_factor", 1.0), ("calibration_factor", 1e9), ("pressure", 1013),
        ("temperature", 20),
    ):  # fmt: skip
        setattr(unit, name, value)
        assert getattr(unit, name) == value, name
    unit.execute_selftest()
    seen["measured"] = unit.measurement
    unit.reset()
    seen["reset"] = unit.measurement
    with pytest.raises(ConnectionError, match="Unknown read error"):  # it compares "E1" with the CR behind it
        unit.ask("XYZ")
    return seen


async def test_all_of_pymeasures_diamentor_driver() -> None:
    from pymeasure.instruments.ptw import ptwDIAMENTOR  # noqa: PLC0415 - slow to import; only here

    served = await serve("ptw-diamentor", "pty")
    served.instrument.detector.expose(1e-7, 0.001)  # type: ignore[union-attr]  # it has a wire
    try:
        seen = await asyncio.to_thread(with_driver, ptwDIAMENTOR, f"ASRL{served.resource}::INSTR", all_of_a_diamentor)
    finally:
        await served.close()
    assert (seen["id"].strip(), seen["serial_number"], seen["baudrate"]) == ("CRS 2.33", 345678, 9600)
    assert (seen["constancy_check_passed"], seen["is_calibrated"], seen["is_eeprom_ok"]) == (True, True, True)
    assert seen["measured"]["dap"] == pytest.approx(100.0, rel=1e-3)
    assert (seen["reset"]["dap"], seen["reset"]["time"]) == (0.0, 0)
