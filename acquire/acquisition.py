"""The instruments of one host while they run: each with its runner and its connection to the bus, begun and let go of
one by one, so that a change of one takes nothing from its neighbours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from acquire.bus.endpoint import Endpoint
from acquire.bus.names import Topics
from acquire.config import Config, InstrumentConfig
from acquire.config_instruments import FOLDER, SIMULATOR
from acquire.instruments.ledger import Ledger
from acquire.instruments.runner import Runner
from acquire.instruments.service import InstrumentService
from acquire.spool.recorder import Recorder
from acquire.spool.spool import Spool
from drivers import Instrument, connect
from drivers.registry import model

# A driver that does not come back is cancelled after this; with what letting go may take (acquire.instruments.within)
# the instruments are closed within five seconds.
HANG_S = 2.5


@dataclass(slots=True)
class Acquisition:
    """What runs of a host's instruments. resources: of its simulators, by id; folder: of the configuration."""

    endpoint: Endpoint
    topics: Topics
    spool: Spool
    recorder: Recorder
    folder: Path
    resources: Mapping[str, str] = field(default_factory=dict)
    runners: dict[str, Runner] = field(default_factory=dict)
    served: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def start(self, config: InstrumentConfig) -> None:
        """Begin to acquire from an instrument, and to take its commands."""
        make = partial(_make, config.model, self._resource(config.resource), config.settings)
        runner = self.runners[config.id] = Runner(config.id, make, self.spool, self.recorder)
        self._running[config.id] = asyncio.create_task(runner.run(), name=f"instrument-{config.id}")
        served = InstrumentService(runner, self.topics, Ledger(self.spool.path.parent))
        self.served[config.id] = asyncio.create_task(served.run(self.endpoint), name=f"commands-{config.id}")

    def _resource(self, resource: str) -> str:
        if resource.startswith(SIMULATOR):
            return self.resources[resource.removeprefix(SIMULATOR)]
        if resource.startswith(FOLDER):
            return f"{FOLDER}{self.folder / resource.removeprefix(FOLDER)}"
        return resource

    async def stop(self, names: Iterable[str] | None = None) -> None:
        """Let these instruments, or all, finish their exchange and close their streams; one that hangs is cancelled."""
        names = list(self._running if names is None else names)
        for name in names:
            self.runners[name].stop()
        tasks = [self._running.pop(name) for name in names if name in self._running]
        if tasks:
            await asyncio.wait(tasks, timeout=HANG_S)
            await cancel(tasks)

    async def let_go(self, names: Iterable[str]) -> None:
        """Stop these and say so on the bus: they are no more."""
        names = list(names)
        await self.stop(names)
        await cancel([self.served.pop(name) for name in names])
        for name in names:
            del self.runners[name]

    async def close(self) -> None:
        """Say "stopped" of each."""
        await self.stop()
        await cancel(list(self.served.values()))

    def is_measuring(self, name: str) -> bool:
        """Whether a measurement of this instrument is open."""
        return self.runners[name].state.measurement is not None

    def begin_anew(self) -> None:
        """The spool has begun a new file."""
        for runner in self.runners.values():
            runner.begin_anew()

    def store_is_ahead(self, instrument: str) -> None:
        """The store knows more of a stream of this instrument than the spool."""
        if instrument in self.runners:
            self.runners[instrument].store_is_ahead()


def _make(name: str, resource: str, settings: Mapping[str, Any]) -> Instrument:
    return connect(model(name), resource, settings)


async def cancel(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait for them to end."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


# --- a configuration that was read anew -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """What differs between two configurations of a host.

    gone: ids that left. begun: instruments that came. changed: those that are otherwise than before. restart: the
    tables and keys that only a restart takes.
    """

    gone: tuple[str, ...]
    begun: tuple[InstrumentConfig, ...]
    changed: tuple[InstrumentConfig, ...]
    restart: tuple[str, ...]


def change(old: Config, new: Config) -> Change:
    """From one configuration to another."""
    before, after = ({each.id: each for each in config.instrument} for config in (old, new))
    keys = [key for key in Config.model_fields if key != "instrument"]
    return Change(
        tuple(name for name in before if name not in after),
        tuple(each for name, each in after.items() if name not in before),
        tuple(each for name, each in after.items() if name in before and before[name] != each),
        tuple(key for key in keys if getattr(old, key) != getattr(new, key)),
    )
