"""A scripted driver, and everything one instrument needs, running on a real broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Literal

from brokers import running_mosquitto
from plain_instrument import PlainInstrument, charge
from waiting import until

from acquire.broker import broker
from acquire.bus.instrument_client import InstrumentClient, instrument_client
from acquire.bus.names import Topics
from acquire.config import BrokerConfig
from acquire.instruments.ledger import Ledger
from acquire.instruments.runner import Runner
from acquire.instruments.service import InstrumentService
from acquire.spool.publisher import Publisher
from acquire.spool.recorder import Recorder
from acquire.spool.spool import Spool
from acquire.store.worker import Worker
from drivers import (
    Declined,
    Done,
    Garbled,
    Identity,
    LinkDown,
    NoParameters,
    Reading,
    ReplyTimeout,
    Sample,
    Settings,
    command,
)

TOPICS = Topics("clinic")
Mode = Literal["mosquitto", "embedded"]


class Gain(Settings):
    gain: int


class Scripted(PlainInstrument):
    """Counts; does what its class-wide script says at the numbers named there."""

    name = "scripted"
    faults: ClassVar[dict[int, Exception]] = {}
    recoveries: ClassVar[list[Exception]] = []
    openings: ClassVar[list[Exception]] = []
    held_back: ClassVar[list[Reading | Exception]] = []
    number: ClassVar[int] = 0
    recovered: ClassVar[int] = 0
    opened: ClassVar[int] = 0
    gains: ClassVar[list[int]] = []
    may_answer: ClassVar[asyncio.Event]

    @classmethod
    def reset(cls) -> None:
        cls.faults, cls.recoveries, cls.openings, cls.held_back, cls.gains = {}, [], [], [], []
        cls.number = cls.recovered = cls.opened = 0
        cls.may_answer = asyncio.Event()
        cls.may_answer.set()

    async def open(self) -> Identity:
        if self.openings:
            raise self.openings.pop(0)
        Scripted.opened += 1
        return await super().open()

    async def take(self) -> Sequence[Reading]:
        Scripted.number += 1
        fault = self.faults.pop(self.number, None)
        if fault is not None:
            raise fault
        return [charge(self.number, b"%d" % self.number)]

    async def flush(self) -> Sequence[Reading]:
        given = []
        while self.held_back:
            each = self.held_back.pop(0)
            if isinstance(each, Exception):
                raise each
            given.append(each)
        return given

    async def recover(self) -> Identity:
        await self.may_answer.wait()
        if self.recoveries:
            raise self.recoveries.pop(0)
        Scripted.recovered += 1
        return await super().open()

    @command("set-gain", "Set the gain", Gain)
    async def set_gain(self, p: Gain) -> Mapping[str, Any]:
        await self.may_answer.wait()
        if p.gain > 9:
            raise Declined("The gain is at most 9.")
        self.gains.append(p.gain)
        return {"gain": p.gain}

    @command("peek", "Look, and change nothing", while_measuring=True)
    async def peek(self, p: NoParameters) -> Mapping[str, Any]:
        return {"number": self.number}

    @command("hang", "Never answer", within_s=0.2)
    async def hang(self, p: NoParameters) -> Mapping[str, Any]:
        await asyncio.Event().wait()
        return {}

    @command("cling", "Never answer, and do not let go for long", within_s=0.2)
    async def cling(self, p: NoParameters) -> Mapping[str, Any]:
        for _ in range(30):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0.1)
        return {}

    @command("break", "End in an error of the driver's own")
    async def break_(self, p: NoParameters) -> Mapping[str, Any]:
        raise ZeroDivisionError

    @command("mumble", "Answer what cannot be understood")
    async def mumble(self, p: NoParameters) -> Mapping[str, Any]:
        raise Garbled("Not a gain.", b"???")

    @command("silence", "Give no reply")
    async def silence(self, p: NoParameters) -> Mapping[str, Any]:
        raise ReplyTimeout("No reply within 1 s.")

    @command("unplug", "Lose the link")
    async def unplug(self, p: NoParameters) -> Mapping[str, Any]:
        raise LinkDown("The port is gone.")

    @command("measure", "Measure once, and give the sample", while_measuring=True)
    async def measure(self, p: NoParameters) -> Done:
        return Done({"measured": 1}, [Sample(quantity="charge", unit="C", value=5e-6)])

    @command("odd", "Answer with something that is no JSON")
    async def odd(self, p: NoParameters) -> Mapping[str, Any]:
        return {"odd": object()}


class House:
    """Everything one instrument needs, running."""

    def __init__(self, folder: Path, broker: Any) -> None:
        self.broker, self.folder = broker, folder
        self.tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        if not hasattr(Scripted, "may_answer"):
            Scripted.reset()
        self.worker = Worker(self.folder / "store.db", TOPICS)
        await self.worker.open()
        await self.start_source()
        self.tasks.append(asyncio.create_task(self.worker.run(self.broker.endpoint)))

    async def start_source(self) -> None:
        self.spool = await Spool.open(self.folder / "spool.db")
        self.publisher = await Publisher.over(self.spool, TOPICS)
        self.runner = Runner("scripted-1", Scripted, self.spool, Recorder(self.spool, self.publisher))
        self.publisher.on_store_ahead = lambda instrument: self.runner.store_is_ahead()
        self.service = InstrumentService(self.runner, TOPICS, Ledger(self.folder))
        endpoint = self.broker.endpoint
        self.source = [asyncio.create_task(each.run(endpoint)) for each in (self.publisher, self.service)]
        self.running = asyncio.create_task(self.runner.run())

    async def stop_source(self) -> None:
        self.runner.stop()
        await self.running
        for _ in range(500):
            if self.publisher.all_confirmed():
                break
            await asyncio.sleep(0.02)
        await _cancelled(self.source)
        await self.spool.close()

    async def stop(self) -> None:
        await self.stop_source()
        await _cancelled(self.tasks)
        await self.worker.close()


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def house_in(
    folder: Path, mode: Mode = "mosquitto", timeout_s: float = 8
) -> AsyncIterator[tuple[House, InstrumentClient]]:
    Scripted.reset()
    async with AsyncExitStack() as stack:
        where: Any
        if mode == "mosquitto":
            where = await stack.enter_async_context(running_mosquitto(folder))
        else:
            config = BrokerConfig.model_validate({"mode": mode, "port": 0})
            where = SimpleNamespace(endpoint=await stack.enter_async_context(broker(config)))
        house = House(folder, where)
        await house.start()
        try:
            asker = await stack.enter_async_context(
                instrument_client(where.endpoint, TOPICS, "test", timeout_s=timeout_s)
            )
            await until(lambda: house.runner.state.state == "ready")
            yield house, asker
        finally:
            Scripted.may_answer.set()
            await house.stop()
