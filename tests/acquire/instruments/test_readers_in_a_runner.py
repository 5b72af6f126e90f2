"""TLD readers as the daemon runs them: a sequence begins with a command, its takes carry it on, and a fault ends it.

Real sockets before the independent simulators; the seconds are those of the reader.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import scaled_loop
from plugs import Wire, until
from scaled_loop import LoopClock

from acquire.bus.names import Topics
from acquire.canonical import parse
from acquire.instruments.measurement import CommandRefused
from acquire.instruments.runner import Runner
from acquire.spool.publisher import Publisher
from acquire.spool.recorder import Recorder
from acquire.spool.spool import Spool
from drivers import connect
from drivers.registry import model
from simulators import MODELS, WireModel
from simulators.ports import TcpPort

CHIPS = {"positions": [1, 2], "elements": ["A1", "A2"], "end_c": 60, "rate": 10.0, "points": 40}
OWN = {"risoe-da-20": {"cool_s": 0, "progress_every_s": 2, "poll_interval_s": 0.5}, "panasonic-ud-716": {}}


class Noting(Recorder):
    """Remembers what was appended."""

    def __init__(self, spool: Spool, publisher: Publisher) -> None:
        super().__init__(spool, publisher)
        self.bodies: list[Any] = []

    async def append(self, stream: Any, entries: Sequence[Any], *, urgent: bool = False) -> int:
        self.bodies += [parse(body) for body, _ in entries]
        return await super().append(stream, entries, urgent=urgent)


@dataclass
class Room:
    """A reader in its runner; `reader` is the simulator."""

    runner: Runner
    recorder: Noting
    reader: Any
    port: TcpPort

    @property
    def values(self) -> list[tuple[str, int | None]]:
        """Element and index of every reading with a value."""
        found = [each for each in self.recorder.bodies if each.get("value") is not None and "element" in each]
        return [(each["element"], each.get("element_index")) for each in found]

    @property
    def notes(self) -> list[str]:
        return [each["note"] for each in self.recorder.bodies if each.get("note")]


@asynccontextmanager
async def room(name: str, folder: Path, **options: Any) -> AsyncIterator[Room]:
    simulated = MODELS[name]
    assert isinstance(simulated, WireModel)
    reader, port = simulated.make(LoopClock(), 3, options), TcpPort("127.0.0.1", 0)
    wire = Wire(reader, port)
    await wire.start()
    spool = await Spool.open(folder / "spool.db", reserve=4096)
    recorder = Noting(spool, await Publisher.over(spool, Topics("clinic")))
    make: Callable[[], Any] = lambda: connect(model(name), port.resource, OWN[name])  # noqa: E731
    runner = Runner("reader-1", make, spool, recorder, chance=lambda: 1.0)
    running = asyncio.create_task(runner.run(), name="runner")
    try:
        await until(lambda: runner.state.state == "ready", "opening")
        yield Room(runner, recorder, reader, port)
    finally:
        runner.stop()
        await asyncio.wait([running])
        await spool.close()
        await wire.stop()


def test_a_sequence_is_carried_on_by_takes_and_each_chip_is_one_curve(tmp_path: Path) -> None:
    async def case() -> None:
        async with room("risoe-da-20", tmp_path) as it:
            await it.runner.command("initialise", {})
            told = await it.runner.command("glow-curve", CHIPS)
            assert told["steps"] == 8
            await until(lambda: len(it.values) == 2, "both curves")
            await until(lambda: it.reader.received[-1] == "LD" and not it.reader.lifted, "the last step")
            assert it.values == [("A1", None), ("A2", None)]
            curves = [each for each in it.recorder.bodies if each["kind"] == "glow-curve"]
            assert [len(each["axes"]["signal"]["values"]) for each in curves] == [40, 40]
            assert any("heating to 60 Cel" in note for note in it.notes), "told while it heated"
            assert all(each.get("value") is None for each in it.recorder.bodies if each.get("note"))
            assert it.runner.state.integrates == "elements"

    scaled_loop.run(case())


def test_a_plug_pulled_in_a_ramp_ends_the_sequence_and_is_said(tmp_path: Path) -> None:
    async def case() -> None:
        async with room("risoe-da-20", tmp_path) as it:
            await it.runner.command("initialise", {})
            await it.runner.command("glow-curve", CHIPS)
            await until(lambda: it.reader.received[-1].startswith("TL"), "the ramp")
            await it.port.vanish()
            await until(lambda: it.runner.state.state == "fault", "the fault")
            assert "ended at position 1 (A1), heating to 60 Cel" in (it.runner.state.why or "")
            assert "not read: position 1 (A1), position 2 (A2)" in (it.runner.state.why or "")
            sent = len(it.reader.received)
            await it.port.come_back()
            await until(lambda: it.runner.state.state == "ready", "opening again")
            await asyncio.sleep(20)
            assert set(it.reader.received[sent:]) == {"ST 0"}
            with pytest.raises(CommandRefused, match="then initialise"):
                await it.runner.command("glow-curve", CHIPS)
            assert it.values == []

    scaled_loop.run(case())


def test_a_panasonic_is_heard_and_a_quiet_time_is_no_fault(tmp_path: Path) -> None:
    async def case() -> None:
        async with room("panasonic-ud-716", tmp_path, every_s=2.0) as it:
            await asyncio.sleep(20)
            assert it.recorder.bodies == []
            it.reader.set_state("magazine", [["9000001", [0.5, 1.5, 2.5, 3.5]], ["9000002", [1.0, 2.0, 3.0, 4.0]]])
            await until(lambda: len(it.values) == 8, "two badges")
            assert it.values == [(badge, n) for badge in ("9000001", "9000002") for n in (1, 2, 3, 4)]
            assert it.runner.state.state == "ready"
            assert it.reader.heard == 0

    scaled_loop.run(case())
