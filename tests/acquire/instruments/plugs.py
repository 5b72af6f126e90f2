"""An instrument that is acquired over a real port, and a plug that is pulled at a chosen request and put back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from scaled_loop import LoopClock

from acquire.bus.names import Topics
from acquire.instruments.runner import Runner
from acquire.spool.publisher import Publisher
from acquire.spool.recorder import Recorder
from acquire.spool.spool import Spool
from drivers import connect
from drivers.registry import model
from simulators import MODELS, Instrument, WireModel
from simulators.link import Link
from simulators.ports import Port, PtyPort, TcpPort

MODEL = "keithley-6517b"
SERIAL = "4096271"  # of the simulator with seed 3
SETTINGS: dict[str, Any] = {"nplc": 0.1, "poll_interval_s": 0.2}
PATIENCE_S = 120.0  # of the loop; only for what never comes
Way = Literal["pty", "tcp"]
Asked = Callable[[bytes], bool]


def simulator(seed: int = 3) -> Instrument:
    simulated = MODELS[MODEL]
    assert isinstance(simulated, WireModel)
    made = simulated.make(LoopClock(), seed, {})
    made.detector.leakage_a = 3e-11  # so that no two readings are alike
    return made


class Wire(Link):
    """Carries to the instrument until a request that `when` names: that one, and what follows, never arrives."""

    def __init__(self, instrument: Instrument, port: Port) -> None:
        super().__init__(instrument, port)
        self.instrument = instrument
        self.when: Asked | None = None
        self.pulled = asyncio.Event()
        self.heard: list[bytes] = []

    def on_bytes(self, data: bytes) -> None:
        if self.when is not None and not self.pulled.is_set() and self.when(data):
            self.pulled.set()
        if self.pulled.is_set():
            return
        self.heard.append(data)
        super().on_bytes(data)


class Plug:
    """One instrument behind one port. `resource` reaches it; `goes` says whether the port goes with the plug, or stays
    there, dead (the cable between an adapter and its instrument).
    """

    def __init__(self, way: Way, folder: Path, *, goes: bool = True) -> None:
        self.goes = goes
        self.port: Port = PtyPort(str(folder / "line")) if way == "pty" else TcpPort("127.0.0.1", 0)
        self.wire = Wire(simulator(), self.port)

    @property
    def resource(self) -> str:
        return self.port.resource

    async def start(self) -> None:
        await self.wire.start()

    async def pull(self) -> None:
        self.wire.pulled.set()
        if self.goes:
            await self.port.vanish()

    async def put_back(self) -> float:
        """The loop's time when the instrument answers again."""
        if self.goes:
            await self.port.come_back()
        self.wire.when = None
        self.wire.pulled.clear()
        return now()


def now() -> float:
    return asyncio.get_running_loop().time()


async def until(condition: Callable[[], object], what: str) -> None:
    limit = now() + PATIENCE_S
    while not condition():
        assert now() < limit, f"{what} did not happen within {PATIENCE_S:g} s of the instrument's time"
        await asyncio.sleep(0.05)


@asynccontextmanager
async def acquiring(resource: str, folder: Path, **settings: Any) -> AsyncIterator[Runner]:
    """A runner with a spool of its own. Chance is at its worst: every pause is as long as it may be."""
    spool = await Spool.open(folder / "spool.db", reserve=4096)
    publisher = await Publisher.over(spool, Topics("clinic"))
    given = SETTINGS | settings
    made = Runner(
        "electrometer-1", lambda: connect(model(MODEL), resource, given), spool, Recorder(spool, publisher),
        chance=lambda: 1.0,
    )  # fmt: skip
    running = asyncio.create_task(made.run(), name="runner")
    try:
        yield made
    finally:
        made.stop()
        await asyncio.wait([running])
        if not running.cancelled() and (failed := running.exception()) is not None:
            raise failed
        await spool.close()


async def recovered(runner: Runner, since: float) -> float:
    """Seconds from `since` to the first new reading of an instrument that is ready."""
    had = runner.appended
    await until(lambda: runner.appended > had and runner.state.state in ("ready", "measuring"), "recovery")
    return now() - since
