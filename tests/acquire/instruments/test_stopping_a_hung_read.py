"""A service that is told to stop while a read hangs has let its instruments go within five seconds."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest
import scaled_loop
from hanging_port import Hangs
from plugs import MODEL, Plug, Way, acquiring, now, until

from acquire import acquisition
from acquire.acquisition import Acquisition
from acquire.bus.names import Topics
from acquire.instruments import within
from acquire.instruments.runner import Runner
from acquire.spool.publisher import Publisher
from acquire.spool.recorder import Recorder
from acquire.spool.spool import Spool
from drivers import connect
from drivers.registry import model
from drivers.transport import threaded

STOPPED_WITHIN_S = 5.0
ASKED_FOR_S = 60.0  # what a reply may take; whoever is stopped long before it did not wait for that
SCALE = 10


async def stopped(runner: Runner, running: asyncio.Task[None]) -> float:
    began = now()
    nothing = cast("Any", None)
    it = Acquisition(nothing, Topics("clinic"), nothing, nothing, Path(), runners={"electrometer-1": runner})
    it._running["electrometer-1"] = running
    await it.stop()
    return now() - began


@pytest.mark.parametrize("way", ["pty", "tcp"])
def test_one_that_waits_for_a_reply_is_stopped_in_time(way: Way, tmp_path: Path) -> None:
    """Its time-out is a minute; over a terminal, and over a socket, whose other end does nothing at all."""

    async def hangs() -> float:
        plug = Plug(way, tmp_path, goes=False)
        await plug.start()
        async with acquiring(plug.resource, tmp_path, timeout_s=ASKED_FOR_S) as runner:
            await until(lambda: runner.appended > 2, "acquisition")
            plug.wire.when = lambda data: True
            await plug.wire.pulled.wait()
            (running,) = (each for each in asyncio.all_tasks() if each.get_name() == "runner")
            took = await stopped(runner, running)
        await plug.wire.stop()
        return took

    assert scaled_loop.run(hangs()) < ASKED_FOR_S / 2


async def test_one_whose_library_hangs_in_its_read_is_stopped_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a tenth of the time, the bounds scaled with it."""
    for where, name in ((acquisition, "HANG_S"), (within, "LETS_GO_S"), (threaded, "CLOSED_WITHIN_S")):
        monkeypatch.setattr(where, name, getattr(where, name) / SCALE)
    monkeypatch.setattr("acquire.instruments.runner.LETS_GO_S", within.LETS_GO_S)
    port = Hangs()
    spool = await Spool.open(tmp_path / "spool.db", reserve=4096)
    publisher = await Publisher.over(spool, Topics("clinic"))
    runner = Runner(
        "electrometer-1", lambda: connect(model(MODEL), "hanging", {"timeout_s": ASKED_FOR_S}, transport=port), spool,
        Recorder(spool, publisher),
    )  # fmt: skip
    running = asyncio.create_task(runner.run())
    await until(port.reading.is_set, "a read")
    took = await stopped(runner, running)
    port.let_go.set()
    await spool.close()
    assert took < ASKED_FOR_S / 2
    assert port._lost is not None, "the port is given up, not only left behind"


def test_the_sum_of_the_bounds_is_below_five_seconds() -> None:
    assert acquisition.HANG_S + within.LETS_GO_S < STOPPED_WITHIN_S
    assert threaded.CLOSED_WITHIN_S * 3 / 4 < within.LETS_GO_S, "the port is closed under the call before we go"
