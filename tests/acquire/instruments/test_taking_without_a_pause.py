"""An instrument that is asked without a pause is asked for the next reading while the one before is being committed;
nobody but the spool may tell.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from plain_instrument import PlainInstrument, charge
from waiting import until

from acquire.bus.names import Topics
from acquire.instruments import runner as runners
from acquire.instruments.intake import may_hand_over
from acquire.instruments.runner import Runner
from acquire.spool.journal import SpoolFull
from acquire.spool.publisher import Publisher
from acquire.spool.recorder import Recorder
from acquire.spool.spool import Spool
from drivers import LinkDown, Reading, ReplyTimeout


class Quick(PlainInstrument):
    """Counts, as fast as it is asked; `faults` by number."""

    name = "quick"
    interval_s = 0.0
    number: ClassVar[int] = 0
    faults: ClassVar[dict[int, Exception]] = {}
    large: ClassVar[set[int]] = set()

    async def take(self) -> Sequence[Reading]:
        Quick.number += 1
        await asyncio.sleep(0.001)
        if fault := self.faults.pop(Quick.number, None):
            raise fault
        raw = b"x" * 2_000_000 if Quick.number in self.large else b"%d" % Quick.number
        return [charge(Quick.number, raw)]


class Held(Recorder):
    """Commits only when `may` says so; the rest as it is."""

    def __init__(self, spool: Spool, publisher: Publisher) -> None:
        super().__init__(spool, publisher)
        self.may = asyncio.Event()
        self.may.set()
        self.fails: Exception | None = None
        self.handed = 0

    def hand_over(self, stream: Any, bodies: Any) -> asyncio.Future[int]:
        self.handed += 1
        fails = self.fails
        committed = super().hand_over(stream, bodies) if fails is None else None

        async def later() -> int:
            await self.may.wait()
            if fails is not None:
                raise fails
            assert committed is not None
            return await committed

        return asyncio.ensure_future(later())


class Bench:
    def __init__(self, spool: Spool, recorder: Held) -> None:
        self.spool, self.recorder = spool, recorder
        self.runner = Runner("quick-1", Quick, spool, recorder)
        self.running = asyncio.create_task(self.runner.run())

    async def stop(self) -> list[list[dict[str, Any]]]:
        """What each stream holds, in order."""
        self.recorder.may.set()
        self.runner.stop()
        await self.running
        found = []
        for stream in await self.spool.streams():
            held = await self.spool.call(lambda j, n=stream.number: j.read(n, 1, 10_000, 100_000_000))
            found.append([json.loads(each.body) for each in held])
        return found


def numbers(entries: list[dict[str, Any]]) -> list[int | str]:
    """Readings by their number, others by their kind."""
    return [int(each["raw"]) if "raw" in each else each["kind"] for each in entries]


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(Quick, "faults", {})
    monkeypatch.setattr(Quick, "large", set())
    monkeypatch.setattr(Quick, "number", 0)
    monkeypatch.setattr(runners, "ROOM_EVERY_S", 0.01)
    monkeypatch.setattr(runners, "STRETCH_S", 60.0)
    spool = await Spool.open(tmp_path / "spool.db")
    recorder = Held(spool, await Publisher.over(spool, Topics("clinic")))
    made = Bench(spool, recorder)
    yield made
    await made.stop()
    await spool.close()


async def test_the_next_is_asked_for_while_the_one_before_is_committed_and_no_further(bench: Bench) -> None:
    await until(lambda: bench.recorder.handed > 3)
    bench.recorder.may.clear()
    for _ in range(2):
        await until(lambda: Quick.number == bench.runner.appended + 2)
        await asyncio.sleep(0.03)
    (entries,) = await bench.stop()
    assert numbers(entries) == list(range(1, Quick.number + 1)), "each in its order, and none is lost by stopping"


async def test_a_marker_waits_until_what_was_asked_before_is_safe_and_stands_behind_it(bench: Bench) -> None:
    await until(lambda: bench.recorder.handed > 3)
    bench.recorder.may.clear()
    asked = {"measurement": str(uuid4()), "session": "S-1", "step": "irradiate"}
    begin = asyncio.create_task(bench.runner.command("begin", asked))
    await asyncio.sleep(0.05)
    assert not begin.done()
    before = Quick.number
    bench.recorder.may.set()
    answer = await begin
    (entries,) = await bench.stop()
    found = numbers(entries)
    assert found[: answer["seq"]] == [*range(1, before + 1), "marker"]
    assert found[answer["seq"] :] == list(range(before + 1, Quick.number + 1))


async def test_what_a_full_spool_kept_out_is_counted_with_what_was_asked_for_meanwhile(bench: Bench) -> None:
    await until(lambda: bench.recorder.handed > 3)
    bench.recorder.fails = SpoolFull("spool full.")
    await until(lambda: bench.runner.state.state == "not-acquiring")
    bench.recorder.fails = None
    await until(lambda: bench.runner.state.state == "ready")
    first, second = await bench.stop()
    assert second[0]["kind"] == "gap"
    gone = second[0]["count"]
    assert gone >= 2, "the one that was refused, and the one that was asked for meanwhile"
    last = int(first[-1]["raw"])
    assert numbers(first) == list(range(1, last + 1))
    assert numbers(second)[1:] == list(range(last + gone + 1, Quick.number + 1))


async def test_a_stretch_comes_to_an_end_by_itself(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was complained of is over at the end of a turn, and others have theirs."""
    monkeypatch.setattr(runners, "STRETCH_S", 0.0)
    await until(lambda: bench.recorder.handed > 3)
    bench.recorder.may.clear()
    for _ in range(2):
        await until(lambda: Quick.number == bench.runner.appended + 1)
        await asyncio.sleep(0.03)


async def test_a_gap_stands_behind_what_came_before_it(bench: Bench) -> None:
    Quick.faults[5] = ReplyTimeout("No reply within 1 s.")
    await until(lambda: Quick.number > 8)
    (entries,) = await bench.stop()
    assert numbers(entries) == [1, 2, 3, 4, "gap", *range(6, Quick.number + 1)]


async def test_a_lost_link_takes_nothing_with_it(bench: Bench) -> None:
    Quick.faults[5] = LinkDown("The port is gone.")
    await until(lambda: Quick.number > 8)
    first, second = await bench.stop()
    assert numbers(first) == [1, 2, 3, 4]
    assert numbers(second) == list(range(6, Quick.number + 1))
    assert bench.runner.appended == Quick.number - 1


async def test_what_is_too_large_to_be_sent_keeps_its_place(bench: Bench) -> None:
    Quick.large.add(5)
    await until(lambda: Quick.number > 8)
    (entries,) = await bench.stop()
    assert numbers(entries) == [1, 2, 3, 4, "withheld", *range(6, Quick.number + 1)]


class Confirmed(Quick):
    async def confirm(self) -> None:
        """It wants to hear it."""


class Again(Quick):
    comes_again = True


class Unasked(Quick):
    speaks_unasked = True


class Paused(Quick):
    interval_s = 0.1


def test_who_must_hear_that_readings_are_safe_or_is_not_asked_without_a_pause_waits() -> None:
    assert may_hand_over(Quick())
    assert not any(may_hand_over(each()) for each in (Confirmed, Again, Unasked, Paused))
