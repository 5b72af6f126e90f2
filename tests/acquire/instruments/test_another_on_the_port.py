"""What comes back is not always what went: another name, another adapter, another unit. Only the right one is taken."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import scaled_loop
from plugs import SERIAL, Plug, Way, acquiring, now, recovered, until
from serial.tools.list_ports_common import ListPortInfo

from acquire.instruments.runner import REOPEN_CEILING_S

ADAPTER = "A50285BI"
RESOURCE = f"usb:0403:6001:{ADAPTER}"
AGAIN_WITHIN_S = 10.0
LONG_S = 30.0  # of the instrument's time, with another in its place


class Usb:
    """What is plugged into USB, as pyserial lists it; `asked_at`: when it was looked at."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.there: dict[str, str] = {}
        self.asked_at: list[float] = []
        patch.setattr("serial.tools.list_ports.comports", self._list)

    def _list(self) -> list[ListPortInfo]:
        self.asked_at.append(self.loop.time())
        found = []
        for device, serial in self.there.items():
            port = ListPortInfo(device)
            port.vid, port.pid, port.serial_number = 0x0403, 0x6001, serial
            found.append(port)
        return found

    @asynccontextmanager
    async def plugged(self, plug: Plug) -> AsyncIterator[None]:
        self.loop = asyncio.get_running_loop()
        await plug.start()
        self.there = {os.path.realpath(plug.resource): ADAPTER}
        try:
            yield
        finally:
            await plug.wire.stop()

    async def put_back(self, plug: Plug, serial: str) -> float:
        """The same terminal again, whatever it is called now."""
        at = await plug.put_back()
        self.there = {os.path.realpath(plug.resource): serial}
        return at


@pytest.fixture
def usb(monkeypatch: pytest.MonkeyPatch) -> Usb:
    return Usb(monkeypatch)


def somebody_elses(name: str) -> list[int]:
    """Terminals, the last of which has this name now."""
    taken: list[int] = []
    while not taken or os.ttyname(taken[-1]) != name:
        taken += os.openpty()
        assert len(taken) < 200, f"{name} is not free"
    return taken


def test_it_comes_back_under_another_port_name(usb: Usb, tmp_path: Path) -> None:
    async def renamed() -> None:
        plug = Plug("pty", tmp_path)
        async with usb.plugged(plug), acquiring(RESOURCE, tmp_path) as runner:
            await until(lambda: runner.appended > 2, "acquisition")
            (before,) = usb.there
            usb.there = {}
            await plug.pull()
            await until(lambda: "is not plugged in" in (runner.state.why or ""), "a sentence")
            taken = os.openpty()  # somebody else has the name now
            took = await recovered(runner, await usb.put_back(plug, ADAPTER))
            assert list(usb.there) != [before]
            for each in taken:
                os.close(each)
        assert took <= AGAIN_WITHIN_S

    scaled_loop.run(renamed())


def test_another_adapter_in_its_place_is_refused_named_and_looked_at_ever_more_rarely(usb: Usb, tmp_path: Path) -> None:
    async def exchanged() -> None:
        plug = Plug("pty", tmp_path)
        async with usb.plugged(plug), acquiring(RESOURCE, tmp_path) as runner:
            await until(lambda: runner.appended > 2, "acquisition")
            usb.there = {}
            await plug.pull()
            await usb.put_back(plug, "B7")
            plug.wire.heard.clear()
            usb.asked_at.clear()
            await asyncio.sleep(LONG_S)
            assert runner.state.state == "fault"
            assert "with serial number A50285BI is not plugged in; there is 0403:6001 B7" in str(runner.state.why)
            assert plug.wire.heard == [], "nothing is said to a stranger"
            pauses = [b - a for a, b in zip(usb.asked_at, usb.asked_at[1:], strict=False)]
            assert len(pauses) >= LONG_S / (2 * REOPEN_CEILING_S)
            assert pauses[-1] == pytest.approx(REOPEN_CEILING_S, abs=1)
            usb.there = {os.path.realpath(plug.resource): ADAPTER}
            assert await recovered(runner, now()) <= AGAIN_WITHIN_S

    scaled_loop.run(exchanged())


@pytest.mark.parametrize("way", ["pty", "tcp"])
def test_another_unit_on_the_port_is_refused_named_and_waited_out(way: Way, tmp_path: Path) -> None:
    async def exchanged() -> None:
        plug = Plug(way, tmp_path)
        await plug.start()
        instrument: Any = plug.wire.instrument
        own = dict(vars(instrument))
        async with acquiring(plug.resource, tmp_path, expected_serial=SERIAL) as runner:
            await until(lambda: runner.appended > 2, "acquisition")
            await plug.pull()
            await until(lambda: runner.state.state == "fault", "a fault")
            instrument.become("serial")
            changed = {name: own[name] for name, value in vars(instrument).items() if own.get(name) is not value}
            await plug.put_back()
            await until(lambda: f"Serial number {SERIAL} is configured" in (runner.state.why or ""), "a refusal")
            had = runner.appended
            await asyncio.sleep(LONG_S)
            assert (runner.state.state, runner.appended) == ("fault", had)
            identified = sum(b"*IDN?" in each for each in plug.wire.heard[-200:])
            assert identified >= 3, "it is looked at again and again"
            await plug.pull()
            for name, value in changed.items():  # the right one again
                setattr(instrument, name, value)
            assert await recovered(runner, await plug.put_back()) <= AGAIN_WITHIN_S
            assert runner.state.serial == SERIAL
        await plug.wire.stop()

    scaled_loop.run(exchanged())
