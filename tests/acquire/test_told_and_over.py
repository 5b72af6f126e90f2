"""Whatever is told as a fault is told once, and told to be over when it is over, without a restart.

The table holds what can be made to fail by itself. States of instruments, store and host are held in
instruments/test_backing_off.py, store/test_served_file.py, spool/test_damaged_file.py and e2e/test_damaged_files.py.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from waiting import until

from acquire.bus.names import Topics
from acquire.bus.sparkplug import Node
from acquire.bus.sparkplug_node import EdgeNode
from acquire.instruments.ledger import Ledger
from acquire.spool.journal import Journal, SpoolFull
from acquire.spool.keeper import Keeper, Keeping
from acquire.spool.publisher import Publisher
from acquire.spool.spool import Spool
from acquire.store.served import ServedFile
from acquire.store.telling import Teller

TOPICS = Topics("clinic")


class Part:
    """Something that can fail: `again()` lets it try, `failing` says whether it fails."""

    failing = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def start(self) -> None: ...

    async def again(self) -> None:
        raise NotImplementedError

    async def stop(self) -> None: ...


class WithSpool(Part):
    calls = 0

    async def start(self) -> None:
        self.spool = await Spool.open(self.folder / "spool.db", reserve=4096)
        self.publisher = await Publisher.over(self.spool, TOPICS)
        call = self.spool.call

        async def may_fail(run: Callable[[Journal], Any]) -> Any:
            self.calls += 1
            if self.failing:
                raise SpoolFull("spool full: the spool's disk takes no more (disk I/O error).")
            return await call(run)

        self.spool.call = may_fail  # type: ignore[method-assign]

    async def stop(self) -> None:
        await self.spool.close()


class WritingDown(WithSpool):
    """what is confirmed could not be written down > what is confirmed is written down again"""

    async def again(self) -> None:
        await self.publisher.write_down()


async def nothing_to_write() -> None: ...


class Keeps(WithSpool):
    """the spool could not be kept > the spool is kept again"""

    async def start(self) -> None:
        await super().start()
        self.publisher.write_down = nothing_to_write  # type: ignore[method-assign]  # which is told for itself
        self._task = asyncio.create_task(Keeper(self.spool, self.publisher, Keeping(check_s=0.001)).run())

    async def again(self) -> None:
        before = self.calls
        await until(lambda: self.calls > before + 4)  # two or three of them are a round

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await super().stop()


class Commands(Part):
    """commands cannot be written down > commands are written down again"""

    async def start(self) -> None:
        self._place = self.folder / "ledger"
        self._ledger = Ledger(self._place)

    async def again(self) -> None:
        if self.failing and self._place.exists():
            self._place.rename(self.folder / "elsewhere")
        elif not self.failing:
            self._place.mkdir(exist_ok=True)
        self._ledger.note(name="begin")


class TellsEvents(Part):
    """session events wait > session events are told again"""

    async def start(self) -> None:
        self._teller = Teller(TOPICS)

    async def _on_thread(self, work: Callable[[sqlite3.Connection], None]) -> None:
        if self.failing:
            raise sqlite3.OperationalError("database or disk is full")

    async def again(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.08):
                while True:
                    self._teller.news.set()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(0.03):
                            await self._teller.run(None, self._on_thread)  # type: ignore[arg-type]


class Store(Part):
    """The store .* cannot be used .* > the store is served again"""

    async def start(self) -> None:
        self._file = ServedFile(self.folder / "store.db", self._opened)
        self._file.open()

    def _opened(self, connection: sqlite3.Connection, is_new: bool) -> None:
        if self.failing:
            raise sqlite3.OperationalError("disk I/O error")

    async def again(self) -> None:
        if self.failing and self._file.connection is not None:
            self._file._disconnect()
            self._file._tell(
                "The store store.db cannot be used (disk I/O error): nothing is confirmed until it can be."
            )
        self._file.look()

    async def stop(self) -> None:
        self._file.close()


@asynccontextmanager
async def started(part: Part) -> AsyncIterator[Part]:
    await part.start()
    try:
        yield part
    finally:
        await part.stop()


@pytest.mark.parametrize("kind", [WritingDown, Keeps, Commands, TellsEvents, Store])
async def test_it_is_told_once_and_its_end_as_well(tmp_path: Path, kind: type[Part]) -> None:
    fault, over = str(kind.__doc__).split(" > ")
    with capture_logs() as logs:
        async with started(kind(tmp_path)) as part:
            await part.again()
            part.failing = True
            for _ in range(3):
                await part.again()
            assert [each["event"] for each in logs if each["event"] == over] == []
            part.failing = False
            for _ in range(3):
                await part.again()
    told = [each["event"] for each in logs if each["log_level"] in ("warning", "error")]
    assert len(told) == 1, told
    assert told[0].startswith(fault.split(" .*")[0])
    assert [each["event"] for each in logs].count(over) == 1


async def test_an_edge_node_counts_on_while_its_disk_takes_nothing(tmp_path: Path) -> None:
    counter = tmp_path / "there" / "x.bdseq"
    node = EdgeNode(TOPICS, Node.of("group", "clinic", None), (), counter)
    assert [node._next_bd_seq(), node._next_bd_seq()] == [0, 1], "its folder is not there"
    counter.parent.mkdir()
    assert node._next_bd_seq() == 2
    assert EdgeNode(TOPICS, Node.of("group", "clinic", None), (), counter)._next_bd_seq() == 3
