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


async def test_all_of_pymeasures_unidos_driver() -> None:
    from pymeasure.instruments.ptw import ptwUNIDOS  # noqa: PLC0415 - slow to import; only here

    served = await serve("ptw-unidos-tango", TCP, speed=20)
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
