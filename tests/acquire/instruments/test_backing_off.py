"""An instrument that opens and then fails, again and again: told once, tried ever more rarely, told when it works."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pytest
from plain_instrument import PlainInstrument, charge
from structlog.testing import capture_logs
from waiting import until

from acquire.bus.names import Topics
from acquire.instruments.runner import ROOM_EVERY_S, Runner
from acquire.spool.publisher import Publisher
from acquire.spool.recorder import Recorder
from acquire.spool.spool import Spool
from drivers import LinkDown, Reading


class Opens(PlainInstrument):
    """Opens always; gives a reading only when it may."""

    works: ClassVar[bool] = False

    async def take(self) -> Sequence[Reading]:
        if not Opens.works:
            raise LinkDown("the share is gone")
        return [charge(1, b"1")]


async def test_one_that_opens_and_then_fails_backs_off_and_is_told_once_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Opens.works = False
    spool = await Spool.open(tmp_path / "spool.db", reserve=4096)
    publisher = await Publisher.over(spool, Topics("clinic"))
    runner = Runner("folder-1", Opens, spool, Recorder(spool, publisher), chance=lambda: 1.0)
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        Opens.works = len(pauses) >= 7
        await asyncio.sleep(0)

    monkeypatch.setattr(runner, "_pause", pause)
    with capture_logs() as logs:
        running = asyncio.create_task(runner.run())
        await until(lambda: runner.appended > 3, 20, "readings")
        runner.stop()
        await running
    reopened = [each for each in pauses if each >= ROOM_EVERY_S]
    assert reopened[:7] == [1.0, 2.0, 4.0, 4.0, 4.0, 4.0, 4.0], "not every half second, each with a stream of its own"
    said = [each["event"] for each in logs if each["event"] in ("not available", "available again")]
    assert said == ["not available", "available again"]
    assert runner.state.state == "stopped"
    await spool.close()
