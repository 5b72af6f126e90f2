"""The plug is pulled in every phase of an instrument's life and put back: readings flow again within ten seconds.

Real terminals and sockets before the independent simulator; the ten seconds are those of the instrument, and every
pause of the back-off is as long as it may be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
import scaled_loop
from plugs import Plug, Way, acquiring, recovered, until

from acquire.instruments.measurement import CommandRefused
from acquire.instruments.runner import Runner

AGAIN_WITHIN_S = 10.0
AWAY_S = 17.0  # the back-off is at its ceiling; one that went on doubling would now wait until 31.5 s
Phase = Callable[[Plug, Runner], Awaitable[None]]


async def reading(runner: Runner) -> None:
    await until(lambda: runner.appended > 2, "acquisition")


async def pulled_before_opening(plug: Plug, runner: Runner) -> None:
    await plug.pull()


async def pulled_in_opening(plug: Plug, runner: Runner) -> None:
    """The port is there, and goes before a byte has come."""
    plug.wire.when = lambda data: True
    await plug.wire.pulled.wait()
    assert plug.wire.heard == []


async def pulled_in_identifying(plug: Plug, runner: Runner) -> None:
    """After the question is there, before its answer has gone."""
    plug.wire.when = lambda data: bool(plug.wire.heard)
    await plug.wire.pulled.wait()
    assert b"*IDN?" in b"".join(plug.wire.heard)


async def pulled_in_setting_up(plug: Plug, runner: Runner) -> None:
    plug.wire.when = lambda data: b"RANG" in data.upper()
    await plug.wire.pulled.wait()
    assert runner.appended == 0


async def pulled_in_polling(plug: Plug, runner: Runner) -> None:
    await reading(runner)
    plug.wire.when = lambda data: True
    await plug.wire.pulled.wait()


async def pulled_in_a_command(plug: Plug, runner: Runner) -> None:
    await reading(runner)
    plug.wire.when = lambda data: b"ZCH" in data.upper() or b"ZCOR" in data.upper()
    with suppress(CommandRefused):
        asking = asyncio.create_task(runner.command("zero", {}))
        await plug.wire.pulled.wait()
        await gone(plug)
        await asking


async def pulled_in_a_marker(plug: Plug, runner: Runner) -> None:
    """What the instrument holds is asked for before a begin marker: then the plug goes."""
    await reading(runner)
    asked = {"measurement": str(uuid4()), "session": "s-1", "step": "b1"}
    plug.wire.when = lambda data: runner._turns.doing == "begin"
    asking = asyncio.create_task(runner.command("begin", asked))
    await plug.wire.pulled.wait()
    await gone(plug)
    with pytest.raises(CommandRefused, match="cannot begin now"):
        await asking


async def gone(plug: Plug) -> None:
    await plug.pull()


PHASES: dict[str, Phase] = {
    "before-open": pulled_before_opening,
    "open": pulled_in_opening,
    "identify": pulled_in_identifying,
    "set-up": pulled_in_setting_up,
    "poll": pulled_in_polling,
    "command": pulled_in_a_command,
    "marker": pulled_in_a_marker,
}


@pytest.mark.parametrize("goes", [True, False], ids=["port-gone", "port-dead"])
@pytest.mark.parametrize("way", ["pty", "tcp"])
@pytest.mark.parametrize("phase", PHASES)
def test_the_plug_is_pulled_and_put_back(phase: str, way: Way, goes: bool, tmp_path: Path) -> None:
    async def pulled_and_put_back() -> None:
        plug = Plug(way, tmp_path, goes=goes)
        await plug.start()
        if phase == "before-open":
            await plug.pull()
        try:
            async with acquiring(plug.resource, tmp_path) as runner:
                await PHASES[phase](plug, runner)
                await gone(plug)
                await until(lambda: runner.state.state == "fault", "a fault that is told")
                await asyncio.sleep(AWAY_S)
                assert runner.state.state == "fault"
                assert runner.state.why
                took = await recovered(runner, await plug.put_back())
            assert took <= AGAIN_WITHIN_S, f"{took:.1f} s after it answered again"
        finally:
            await plug.wire.stop()

    scaled_loop.run(pulled_and_put_back())
