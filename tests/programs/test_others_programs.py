"""Other people's clients, each a program of its own, talk to the served simulators (docs/others-programs.md).

PyMeasure is among the project's own test packages; the others live in .venv-programs, which tools/setup.sh makes.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from simulators import serve

HERE = Path(__file__).parent
APART = Path(os.environ.get("PROGRAMS_PYTHON", HERE.parents[1] / ".venv-programs" / "bin" / "python"))
WITHIN_S = 60


async def seen_by(program: str, model: str, python: str | Path = APART, **options: Any) -> dict[str, Any]:
    """What the program says of a simulator of that model, which runs five times as fast as a clock."""
    assert Path(python).exists(), f"{python} is missing: tools/setup.sh dev makes it."
    served = await serve(model, "tcp:127.0.0.1:0", speed=5, options=options)
    try:
        running = await asyncio.create_subprocess_exec(
            str(python), "-W", "ignore", str(HERE / f"{program}.py"), served.resource, stdout=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(WITHIN_S):
                said, _ = await running.communicate()
        finally:
            if running.returncode is None:
                running.kill()
                await running.wait()
    finally:
        await served.close()
    assert running.returncode == 0, f"{program} ended with {running.returncode}; what it said is above."
    found = json.loads(said)
    assert isinstance(found, dict)
    return found


async def test_thorlabspm100_of_the_package_index() -> None:
    seen = await seen_by("thorlabspm100_client", "thorlabs-pm100", leakage_a=1e-6)
    assert seen["sensor"] == "S150C,130204105,04-Feb-2027,1,1,49"
    assert (seen["configured"], seen["limits"]) == ("POW", [350, 1100])
    assert seen["set"] == [900, 20, "W\n", 1], "it gives words with their line end"
    assert (seen["power"], seen["current"]) == pytest.approx((2e-6, 1e-6), rel=1e-3)
    assert (seen["response"], seen["range"], seen["low pass"]) == (0.5, [5e-5, 0], 0)
    assert (seen["zeroing"], seen["aborted"]) == (1, [0, 0])
    assert seen["error"] == '0,"No error"'
    assert seen["error of measure.scalar.power"].startswith("-113"), "it sends MEASure without a question mark"


async def test_pymeasure_thorlabs_pm100() -> None:
    seen = await seen_by("pymeasure_pm100", "thorlabs-pm100", sys.executable, leakage_a=1e-6)
    assert seen["id"] == "Thorlabs,PM100USB,P2004525,1.4.0"
    assert seen["sensor"] == ["S150C", 130204105.0, "04-Feb-2027", 1, 1], "it makes a number of the serial number"
    assert seen["flags"] == [True, False, True, False]
    assert (seen["limits"], seen["wavelength"], seen["too long"]) == ([350, 1100], 900, 1100)
    assert seen["power"] == pytest.approx(2e-6, rel=1e-3)


async def test_instrumentkit_thorlabs_pm100() -> None:
    seen = await seen_by("instrumentkit_pm100", "thorlabs-pm100", leakage_a=1e-6)
    assert (seen["averaging"], seen["configured"], seen["unit"]) == (20, "POW", "W")
    assert seen["reading"] == pytest.approx(1e-6 / (0.5 * 635 / 900), rel=1e-3)
    assert seen["sensor"] == "AttributeError", "0.6.0 sends the query for the sensor and never reads the reply"


async def test_instrumentkit_keithley_6514() -> None:
    seen = await seen_by("instrumentkit_6514", "keithley-6514", leakage_a=1e-10)
    assert seen["voltage"] == ["VOLT:DC", True, "V"]
    assert seen["current"] == ["CURR:DC", True, "A"]
    assert seen["resistance"] == ["RES", True, "ohm"]
    assert seen["charge"] == ["CHAR", True, "C"]
    assert seen["range"] == pytest.approx(2.1e-7)
    assert (seen["sources"], seen["fetched"], seen["error"]) == (["IMM", "IMM"], [True, True], '0,"No error"')
    value, unit, stamp_s = seen["reading"]
    assert (value, unit) == (pytest.approx(1e-10, rel=1e-2), "A")
    assert stamp_s > 0
    assert seen["zero check"] == [False, "1"], "it waits for ON, and a real unit was seen to answer 1"


async def test_pymeasure_keithley_6517b() -> None:
    seen = await seen_by("pymeasure_6517b", "keithley-6517b", sys.executable, leakage_a=1e-10)
    assert seen["id"].startswith("KEITHLEY INSTRUMENTS INC.,MODEL 6517B,")
    assert seen["current"] == pytest.approx(1e-10, rel=1e-2)
    assert "NCOUL," in seen["asked"]
    assert seen["charge"] is None, "it takes exactly four letters after the number, and NCOUL are five"
    assert isinstance(seen["voltage"], float)
    assert seen["errors"] == []
