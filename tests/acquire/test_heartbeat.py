"""The watchdog is fed only while everything that must comes round: a stuck loop, store or spool starves it."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import scaled_loop
from waiting import until

from acquire.bus.endpoint import Endpoint
from acquire.bus.names import Topics
from acquire.heartbeat import Heartbeat, feed, watchdog_s
from acquire.spool.health import HostState
from acquire.spool.spool import Spool
from acquire.store.worker import Worker

WITHIN_S = 8.0  # of a loop that is 25 times as fast as ours


@contextmanager
def held(thread_has_it: threading.Event) -> Iterator[threading.Event]:
    """What a thread waits for, let go in the end."""
    go = threading.Event()
    try:
        yield go
    finally:
        thread_has_it.set()
        go.set()


class Fed:
    """When the watchdog was fed, by the loop's clock."""

    def __init__(self) -> None:
        self.at: list[float] = []

    def __call__(self, said: str) -> None:
        assert said == "WATCHDOG=1"
        self.at.append(asyncio.get_running_loop().time())


async def starves(heartbeat: Heartbeat, fed: Fed) -> None:
    """Fails where the watchdog goes on being fed, and where it was not fed before."""
    assert len(fed.at) > 1
    await asyncio.sleep(WITHIN_S)
    last = fed.at[-1]
    await asyncio.sleep(2 * WITHIN_S)
    assert fed.at[-1] == last, f"fed although {heartbeat.stuck(WITHIN_S / 2)} did not come round"


def test_a_store_s_thread_that_is_stuck_starves_it(tmp_path: Path) -> None:
    async def stuck() -> None:
        loop = asyncio.get_running_loop()
        heartbeat, fed, hangs = Heartbeat(loop.time), Fed(), threading.Event()
        worker = Worker(tmp_path / "store.db", Topics("clinic"))
        await worker.open()
        worker.came_round = heartbeat.of("store")
        tasks = [asyncio.create_task(worker.run(Endpoint("127.0.0.1", 1)))]
        tasks.append(asyncio.create_task(feed(heartbeat, fed, WITHIN_S)))
        await asyncio.sleep(2 * WITHIN_S)
        with held(hangs) as go:
            tasks.append(asyncio.create_task(worker.use(lambda connection: go.wait())))
            await starves(heartbeat, fed)
            assert heartbeat.stuck(WITHIN_S) == ["store"]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await worker.close()

    scaled_loop.run(stuck())


def test_a_spool_s_thread_that_is_stuck_starves_it(tmp_path: Path) -> None:
    async def stuck() -> None:
        loop = asyncio.get_running_loop()
        heartbeat, fed, hangs = Heartbeat(loop.time), Fed(), threading.Event()
        spool = await Spool.open(tmp_path / "spool.db")
        host = HostState(spool, "t")
        host.came_round = heartbeat.of("spool")
        tasks = [asyncio.create_task(host.run()), asyncio.create_task(feed(heartbeat, fed, WITHIN_S))]
        await asyncio.sleep(2 * WITHIN_S)
        with held(hangs) as go:
            tasks.append(asyncio.create_task(spool.call(lambda journal: go.wait())))
            await starves(heartbeat, fed)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await spool.close()

    scaled_loop.run(stuck())


async def test_a_loop_that_is_stuck_feeds_nobody() -> None:
    heartbeat, fed = Heartbeat(), Fed()
    feeding = asyncio.create_task(feed(heartbeat, fed, 0.04))
    await until(lambda: len(fed.at) > 1)
    before = len(fed.at)
    time.sleep(0.1)  # noqa: ASYNC251 - that is the fault
    assert len(fed.at) == before
    feeding.cancel()
    await asyncio.gather(feeding, return_exceptions=True)


def test_only_who_asked_for_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """sd_watchdog_enabled(3): microseconds, and the process they are for."""
    for usec, pid, expected in (
        ("60000000", str(os.getpid()), 60.0),
        ("60000000", str(os.getpid() + 1), None),
        ("60000000", None, 60.0),
        ("0", None, None),
        ("soon", None, None),
        (None, None, None),
    ):
        for name, value in (("WATCHDOG_USEC", usec), ("WATCHDOG_PID", pid)):
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)
        assert watchdog_s() == expected
