"""PyMeasure's own drivers, written by others, talk to the served simulators through pyvisa-py."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from simulators import serve

TCP = "tcp:127.0.0.1:0"


def with_driver(driver: type[Any], resource: str, use: Callable[[Any], Any], **settings: Any) -> Any:
    """Run `use` on PyMeasure's `driver` at `resource` and close its line."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what third parties warn of is not ours to mend
        unit = driver(resource, visa_library="@py", **settings)
        try:
            return use(unit)
        finally:
            unit.adapter.close()
            unit.adapter.manager.close()


async def test_ptw_unidos_driver() -> None:
    from pymeasure.instruments.ptw import ptwUNIDOS  # noqa: PLC0415 - slow to import; only here

    served = await serve("ptw-unidos-tango", TCP, speed=200)

    def use(unit: Any) -> dict[str, Any]:
        seen = {"id": unit.id, "serial": unit.serial_number, "rest": unit.measurement_result}
        with pytest.raises(ValueError, match="E20"):
            unit.measure()
        assert unit.ask("TOK") == "true"
        unit.range = "LOW"
        unit.voltage = -300
        unit.electrical_units_enabled = False
        seen |= {"range": unit.range, "voltage": unit.voltage, "units": unit.electrical_units_enabled}
        unit.measure()
        seen |= {
            "status": unit.status,
            "max": unit.range_max,
            "resolution": unit.range_res,
            "test": unit.selftest_result,
        }
        unit.hold()
        seen["held"] = unit.measurement_result["status"]
        return seen

    try:
        seen = await asyncio.to_thread(with_driver, ptwUNIDOS, served.resource, use)
    finally:
        await served.close()
    assert seen["id"] == ["UNIDOS Tango", "TM10052", "1.2.4", "A16"]
    assert (seen["serial"], seen["range"], seen["voltage"], seen["units"]) == (123456, "LOW", -300, False)
    assert (seen["rest"]["status"], seen["rest"]["charge"], seen["status"], seen["held"]) == (
        "RES",
        0.0,
        "MEAS",
        "HOLD",
    )
    assert (seen["max"]["range"], seen["max"]["timebase"], seen["resolution"]["range"]) == ("LOW", "min", "LOW")
    assert seen["test"]["low"] == pytest.approx(136.6e-12)
    await served.close()


def use_keithley(unit: Any) -> dict[str, Any]:
    seen: dict[str, Any] = {"id": unit.id}
    unit.write(":SYST:ZCH 0")
    unit.measure_current(nplc=0.1)
    seen["current"] = unit.current
    unit.current_range = 2e-9
    seen["range"] = unit.current_range
    unit.source_voltage = 10.0
    unit.enable_source()
    seen |= {"source": unit.source_voltage, "on": unit.source_enabled}
    unit.write(":FORM:ELEM READ;:TRAC:ELEM NONE")
    unit.config_buffer(5)
    unit.write(":TRIG:COUN 5")
    unit.start_buffer()
    unit.wait_for_buffer(interval=0.01, timeout=5)
    seen["buffer"] = unit.buffer_data
    seen["errors"] = unit.check_errors()
    return seen


async def test_keithley_6517b_driver() -> None:
    from pymeasure.instruments.keithley import Keithley6517B  # noqa: PLC0415 - slow to import; only here

    served = await serve("keithley-6517b", TCP, speed=20, options={"noise": 0.0, "input_bias_a": 0.0})
    served.instrument.detector.expose(1e-9 * 1000, 1000)  # type: ignore[union-attr]  # a Keithley
    try:
        seen = await asyncio.to_thread(
            with_driver, Keithley6517B, served.resource, use_keithley, read_termination="\r\n", timeout=5000
        )
    finally:
        await served.close()
    assert seen["id"] == "KEITHLEY INSTRUMENTS INC.,MODEL 6517B,4096271,A13/700X"
    assert seen["current"] == pytest.approx(1e-9, rel=1e-3)
    assert 2e-9 <= seen["range"] <= 2.1e-9
    assert (seen["source"], seen["on"]) == (10.0, True)
    assert list(seen["buffer"]) == pytest.approx([1e-9] * 5, rel=1e-3)
    assert seen["errors"] == []
