"""One timer for many works, each held to its own time; it behaves as asyncio.timeout does.

No time is asserted; asyncio.timeout only ends what would otherwise wait for ever.
"""

from __future__ import annotations

import asyncio

import pytest

from drivers.deadline import Deadline

pytestmark = pytest.mark.virtual_time

MUST_STOP_WITHIN_S = 5


async def for_ever() -> None:
    await asyncio.Event().wait()


def timers() -> list[float]:
    """When the loop has something to do that was not taken back."""
    scheduled = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
    return [each.when() for each in scheduled if not each.cancelled()]


async def test_work_that_takes_too_long_is_a_time_out_and_the_task_goes_on() -> None:
    deadline = Deadline()
    for _ in range(3):
        with pytest.raises(TimeoutError), deadline.within(0.005):
            await for_ever()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_works_that_are_done_in_time_share_one_timer_that_can_be_forgotten() -> None:
    deadline = Deadline()
    for _ in range(50):
        with deadline.within(60.0):
            await asyncio.sleep(0)
    assert len(timers()) == 1
    deadline.forget()
    assert timers() == []


@pytest.mark.parametrize("before_s", [60.0, 0.001])
async def test_each_work_has_its_own_time_whatever_the_one_before_had(before_s: float) -> None:
    deadline = Deadline()
    with deadline.within(before_s):
        pass
    async with asyncio.timeout(MUST_STOP_WITHIN_S):
        with deadline.within(0.01):
            await asyncio.sleep(0.003)  # the earlier timer comes, and it is not for this
        with pytest.raises(TimeoutError), deadline.within(0.01):
            await for_ever()
    assert timers() == []


async def test_the_timer_of_work_that_is_over_ends_no_other_work() -> None:
    deadline = Deadline()
    with deadline.within(0.001):
        pass
    await asyncio.sleep(0.005)
    with deadline.within(60.0):
        await asyncio.sleep(0)
    deadline.forget()


async def test_work_under_way_keeps_its_time_when_the_rest_is_forgotten() -> None:
    deadline = Deadline()

    async def forgotten() -> None:
        deadline.forget()
        await for_ever()

    with pytest.raises(TimeoutError), deadline.within(0.005):
        await forgotten()


async def test_an_error_of_the_work_is_its_own() -> None:
    deadline = Deadline()
    with pytest.raises(ValueError, match="mine"), deadline.within(60.0):
        raise ValueError("mine")
    deadline.forget()


@pytest.mark.parametrize("expires", [False, True])
async def test_who_is_cancelled_by_somebody_else_is_cancelled_even_when_the_time_is_up(expires: bool) -> None:
    deadline = Deadline()

    async def work() -> None:
        with deadline.within(60.0):
            await for_ever()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    if expires:
        deadline._until = 0.0
        deadline._look()
    with pytest.raises(asyncio.CancelledError):
        await task
    deadline.forget()
    assert task.cancelled()
