"""A driver that forgot its time-outs is given up after the watchdog's; one that comes back in time never notices it."""

from __future__ import annotations

import asyncio

import pytest

from acquire.instruments import within
from acquire.instruments.within import Watchdog
from drivers import LinkDown

pytestmark = pytest.mark.virtual_time


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(within, "WATCHDOG_S", 0.05)


async def test_work_that_never_ends_is_given_up_and_the_next_goes_on() -> None:
    dog = Watchdog("electrometer-1")
    with pytest.raises(LinkDown, match="electrometer-1 did not come back from a reading within"):
        await dog.watch(asyncio.Event().wait(), "a reading")
    assert await dog.watch(asyncio.sleep(0.001, "fine"), "a reading") == "fine"


async def test_much_work_in_turn_is_not_taken_for_one() -> None:
    dog = Watchdog("electrometer-1")
    for _ in range(15):
        await dog.watch(asyncio.sleep(0.01), "a reading")


async def test_a_cancellation_from_outside_stays_one() -> None:
    dog = Watchdog("electrometer-1")
    task = asyncio.create_task(dog.watch(asyncio.Event().wait(), "a reading"))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
