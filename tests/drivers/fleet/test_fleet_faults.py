"""Every registered instrument over four wires through every fault of the line.

The fleet is asked for, not written down: a model that is added is run here the day it is registered, before the
simulator of its name. The oracles are those of fleet_bench: no wrong number, no byte lost, no reading twice, no error
but an InstrumentError, readings that flow again.
"""

from __future__ import annotations

import pytest
from fleet import FLEET, both
from fleet_bench import TIMEOUT_S, bench
from fleet_wires import WIRES, Kind
from virtual_time import run

FAULTS = (
    f"late-reply={1.5 * TIMEOUT_S}", "split", "glued", "half-then-silence", "garbage-before", "bit-flip", "duplicate",
    "echo", "wrong-terminator=cr", "wrong-terminator=lf", "wrong-terminator=crlf", "wrong-terminator=none",
    "unsolicited", "reboot", "vanish-write", "vanish-read", "vanish-open", "vanish-identify", "busy-port", "hang",
    "busy-reply", "front-panel", "sentinel", f"slow={0.8 * TIMEOUT_S}", f"slow={1.1 * TIMEOUT_S}",
)  # fmt: skip
OTHERS = ("other-device", "other-serial")


@pytest.fixture(params=WIRES, ids=lambda each: each.name)
def wire(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", FLEET)
def test_no_fault_gives_a_wrong_number_and_readings_flow_again(
    name: str, wire: Kind, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def through() -> None:
        async with bench(*both(name), wire, monkeypatch) as it:
            assert await it.open(), it.troubles
            await it.takes(3)
            assert it.values, "no reading came before the fault"
            it.arm(fault)
            await it.takes(10)
            await it.flush()
            await it.close()
            if await it.open():
                await it.takes(2)
            it.disarm()
            assert it.link.happened or fault == "busy-port", f"{fault} never struck"
            assert await it.flows_again(), it.troubles[-6:]

    run(through())


@pytest.mark.parametrize("fault", OTHERS)
@pytest.mark.parametrize("name", FLEET)
def test_another_instrument_is_never_taken_for_the_one_configured(
    name: str, wire: Kind, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def through() -> None:
        model, simulated = both(name)
        async with bench(model, simulated, wire, monkeypatch) as it:
            assert await it.open(), it.troubles
            assert it.identity
            serial = it.identity.serial
            it.arm(fault)
            if fault == "other-device" or serial:
                assert await it.call(it.instrument.recover) is None
                assert "WrongInstrument" in it.troubles[-1] or wire.loss
        async with bench(model, simulated, wire, monkeypatch, expected_serial=serial or None) as it:
            it.arm(fault)
            if fault == "other-device" or serial:
                assert not await it.open()
                assert "WrongInstrument" in it.troubles[-1] or wire.loss

    run(through())
