"""`acquire run`: everything a configuration names, in one process, until told to stop.

Order of starting: broker, store, spool and publisher, simulators, instruments. Order of stopping: instruments finish
the exchange under way and close their streams, the spool gets a few seconds to be confirmed, then the rest, each
saying "stopped" of what it told. SIGHUP takes the instruments of the file anew (docs/service.md, "Reload").
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from acquire.acquisition import Acquisition, cancel, change
from acquire.broker import broker
from acquire.bus.endpoint import Endpoint
from acquire.bus.homeassistant import HomeAssistant
from acquire.bus.names import Topics
from acquire.bus.sparkplug import Node
from acquire.bus.sparkplug_node import EdgeNode
from acquire.config import Config, Loaded, SpoolConfig, load
from acquire.departed import Departed
from acquire.errors import Refused
from acquire.fits import Fitter
from acquire.heartbeat import Heartbeat, Notify, feed, watchdog_s
from acquire.instruments.runner import Runner
from acquire.log import Log
from acquire.mail import Courier, Sender
from acquire.spool.health import HostState
from acquire.spool.keeper import DAY_S, Keeper, Keeping
from acquire.spool.opening import Waiting, opened, opened_later
from acquire.spool.publisher import Publisher
from acquire.spool.recorder import Recorder
from acquire.spool.spool import Spool
from acquire.store.worker import Worker
from simulators import Served, serve

if TYPE_CHECKING:
    from acquire.order_listener import OrderListener
    from acquire.watching import Watching

log = Log("service")
T = TypeVar("T")

CONFIRMED_WITHIN_S = 5.0
RELOADED = "its [[instrument]] tables are taken, and everything else with a restart"


@dataclass(slots=True)
class Service:
    """What is running, for whoever drives it from the same process (the demonstration, tests)."""

    loaded: Loaded
    topics: Topics
    endpoint: Endpoint
    simulators: dict[str, Served] = field(default_factory=dict)
    publisher: Publisher | None = None
    worker: Worker | None = None
    acquisition: Acquisition | None = None
    departed: Departed | None = None
    heartbeat: Heartbeat = field(default_factory=Heartbeat)
    orders: OrderListener | None = None
    watching: Watching | None = None
    in_force: bool = True  # the configuration as it was read last, wholly
    waits_for_spool: str | None = None  # why it cannot be opened
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _others: list[asyncio.Task[None]] = field(default_factory=list)  # what is told to other systems
    _later: asyncio.Task[None] | None = None  # waits for the spool's disk, and starts what needs the spool then

    def start(self, what: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Start a part that runs until the service stops."""
        task = asyncio.create_task(what, name=name)
        self._tasks.append(task)
        return task

    @property
    def runners(self) -> Mapping[str, Runner]:
        """The instruments that run, by id."""
        return {} if self.acquisition is None else self.acquisition.runners

    @property
    def parts(self) -> list[asyncio.Task[None]]:
        """Everything of which the end is the service's end."""
        served = [] if self.acquisition is None else self.acquisition.served.values()
        return [*self._tasks, *self._others, *served]

    async def confirmed(self, within_s: float) -> bool:
        """Wait until the store has confirmed everything the spool holds."""
        until = asyncio.get_running_loop().time() + within_s
        while self.publisher is not None and not self.publisher.all_confirmed():
            if asyncio.get_running_loop().time() > until:
                return False
            await asyncio.sleep(0.02)
        return True

    async def stop_instruments(self) -> None:
        """Each finishes its exchange; one that hangs is cancelled after a few seconds."""
        if self.acquisition is not None:
            await self.acquisition.stop()

    async def stop_parts(self) -> None:
        """Cancel every part; each says "stopped" of what it told."""
        await cancel(self.parts)

    def states(self) -> list[str]:
        """The topics under which this host tells states."""
        return [self.topics.host_state(self.loaded.config.host), *(self.topics.state(name) for name in self.runners)]

    async def reload(self) -> None:
        """Read the file anew and take its instruments; streams of those that are as before go on.

        A file that is wrong changes nothing. An instrument whose measurement is open stays as it is.
        """
        try:
            new = load(self.loaded.path)
        except (Refused, OSError) as error:
            log.warning("the configuration was read anew and is wrong; nothing is changed", why=str(error))
            self.in_force = False
            return
        found = change(self.loaded.config, new.config)
        if found.restart:
            log.warning(f"the configuration was read anew: {RELOADED}", waits_for_restart=list(found.restart))
        held = await self._take(new.config)
        self.loaded = replace(self.loaded, sha256=new.sha256)
        self.in_force = not found.restart and not held
        log.info("reloaded", instruments=sorted(self.runners), configuration_sha256=new.sha256)

    async def _take(self, new: Config) -> list[str]:
        """The instruments that stay as they are."""
        if self.acquisition is None:
            return []
        found = change(self.loaded.config, new)
        held = [
            name for name in (*found.gone, *(each.id for each in found.changed)) if self.acquisition.is_measuring(name)
        ]
        if held:
            log.warning(
                "a measurement is open, so these stay as they are; reload again when it has ended", instruments=held
            )
        go = [name for name in (*found.gone, *(each.id for each in found.changed)) if name not in held]
        await self.acquisition.let_go(go)
        kept = {each.id: each for each in self.loaded.config.instrument if each.id not in go}
        for each in (*found.begun, *found.changed):
            if each.id not in held:
                kept[each.id] = each
                self.acquisition.start(each)
        self.loaded = replace(
            self.loaded, config=self.loaded.config.model_copy(update={"instrument": tuple(kept.values())})
        )
        if self.departed is not None:
            self.departed.now_told(self.states())
        await _start_others(self)
        return held


@asynccontextmanager
async def service(loaded: Loaded) -> AsyncIterator[Service]:
    """A running service; stops it in order at the end of the context.

    Raises Refused, SpoolError, StoreError and what the broker raises where it cannot start.
    """
    config = loaded.config
    topics = Topics(config.site)
    async with AsyncExitStack() as stack:
        endpoint = await stack.enter_async_context(broker(config.broker, loaded.path.parent))
        running = Service(loaded, topics, endpoint)
        stack.push_async_callback(running.stop_parts)
        if config.watching is not None:
            from acquire.watching import Watching  # noqa: PLC0415 - most hosts are not watched

            running.watching = Watching(running, config.watching)
            running.start(running.watching.run(), "watching")
        if loaded.store is not None:
            await _start_store(running, loaded.store, stack)
        if loaded.spool is not None:
            await _start_source(running, loaded.spool, stack)
        try:
            yield running
        finally:
            if running._later is not None:
                await cancel([running._later])
            await running.stop_instruments()
            if running.publisher is not None and running.publisher.connected:
                await running.confirmed(within_s=CONFIRMED_WITHIN_S)


async def _start_store(running: Service, path: Path, stack: AsyncExitStack) -> None:
    running.worker = Worker(path, running.topics, anchor=running.loaded.anchor)
    stack.push_async_callback(running.worker.close)  # also of one that is being opened when the service is stopped
    await running.worker.open()
    running.worker.came_round = running.heartbeat.of("store")
    stack.push_async_callback(running.stop_parts)
    running.start(running.worker.run(running.endpoint), "store")
    running.start(Fitter(running.worker.use).run(), "fits")
    running.start(_courier(running.loaded, running.worker).run(), "notices")
    if running.loaded.anchor is not None:
        running.start(running.worker.keep_anchors(), "anchor")
    if running.loaded.config.orders.listen is not None:
        from acquire.order_listener import OrderListener  # noqa: PLC0415 - most hosts listen for none

        running.orders = OrderListener(running.loaded, running.worker.use)
        await stack.enter_async_context(running.orders.listening())


def _courier(loaded: Loaded, worker: Worker) -> Courier:
    told = loaded.config.notices
    mail = None if told is None or told.mail is None else Sender(told.mail, loaded.path.parent)
    return Courier(worker.use, told, mail)


async def _start_source(running: Service, path: Path, stack: AsyncExitStack) -> None:
    """Now, or as soon as the spool's disk works."""
    kept = running.loaded.config.spool
    assert kept is not None
    spool = await opened(path, kept.limit)
    if isinstance(spool, Spool):
        await _run_source(running, kept, spool, stack)
    else:
        running.waits_for_spool = spool
        running._later = running.start(_start_source_later(running, kept, spool, stack), "spool-waits")


async def _start_source_later(running: Service, kept: SpoolConfig, why: str, stack: AsyncExitStack) -> None:
    """Ends as the first part does that it started, and with its error."""
    assert running.loaded.spool is not None
    config = running.loaded.config
    waiting = Waiting(running.topics, config.host, [each.id for each in config.instrument])
    spool = await opened_later(running.loaded.spool, kept.limit, why, waiting, running.endpoint)
    before = len(running._tasks)
    await _run_source(running, kept, spool, stack)
    done, _ = await asyncio.wait(running._tasks[before:], return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


async def _run_source(running: Service, kept: SpoolConfig, spool: Spool, stack: AsyncExitStack) -> None:
    path = spool.path
    stack.push_async_callback(spool.close)
    publisher = running.publisher = await Publisher.over(spool, running.topics, host=running.loaded.config.host)
    if running.watching is not None:
        running.watching.time_the_way(publisher)
    stack.push_async_callback(publisher.write_down)
    stack.push_async_callback(running.stop_parts)
    host = HostState(spool, running.topics.host_state(running.loaded.config.host))
    publisher.presence = host.presence
    host.came_round, publisher.came_round = running.heartbeat.of("spool"), running.heartbeat.of("publisher")
    running.start(host.run(), "spool-watch")
    running.start(publisher.run(running.endpoint), "publisher")
    running.start(Keeper(spool, publisher, Keeping(kept.retention_days * DAY_S)).run(), "spool-keeper")
    for simulator in running.loaded.config.simulator:
        try:
            served = await serve(
                simulator.model, simulator.listen, seed=simulator.seed, speed=simulator.speed, faults=simulator.faults,
                options=dict(simulator.options) or None, control=simulator.control,
            )  # fmt: skip
        except OSError as error:
            where = " or ".join(filter(None, (simulator.listen, simulator.control)))
            why = f"{error.strerror or error}; give it another place or free that one"
            raise Refused(f"The simulator {simulator.id} cannot be had at {where}: {why}.") from error
        stack.push_async_callback(served.close)
        running.simulators[simulator.id] = served
    resources = {name: each.resource for name, each in running.simulators.items()}
    acquisition = running.acquisition = Acquisition(
        running.endpoint, running.topics, spool, Recorder(spool, publisher), running.loaded.path.parent, resources
    )
    stack.push_async_callback(acquisition.close)
    for instrument in running.loaded.config.instrument:
        acquisition.start(instrument)
    spool.on_begun_anew.append(acquisition.begin_anew)
    publisher.on_store_ahead = acquisition.store_is_ahead
    running.departed = Departed(path, running.states())
    running.start(running.departed.run(running.endpoint), "departed")
    await _start_others(running)


async def _start_others(running: Service) -> None:
    """What is told to other systems on the same broker, each over a connection of its own; anew after a reload."""
    await cancel(running._others)
    running._others.clear()
    asked = running.loaded.config.bus
    if asked.home_assistant is not None:
        discovery = HomeAssistant(running.topics, running.runners)
        part = discovery.run if asked.home_assistant else discovery.withdraw
        running._others.append(asyncio.create_task(part(running.endpoint), name="home-assistant"))
    if asked.sparkplug_group is not None and running.loaded.spool is not None:
        node = Node.of(asked.sparkplug_group, running.topics.site, running.loaded.config.host)
        edge = EdgeNode(running.topics, node, running.runners, running.loaded.spool.with_suffix(".bdseq"))
        running._others.append(asyncio.create_task(edge.run(running.endpoint), name="sparkplug"))


async def run(loaded: Loaded) -> None:
    """Run until SIGINT or SIGTERM; SIGHUP reloads. A part that fails by itself stops all of it, with its error."""
    notify, within_s = _systemd()
    stop, hang_up = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop.set)
    loop.add_signal_handler(signal.SIGHUP, hang_up.set)
    async with AsyncExitStack() as stack:
        running = await _unless(stop, stack.enter_async_context(service(loaded)))
        if running is None:
            return
        announce(running)
        if within_s is not None:
            running.start(feed(running.heartbeat, notify, within_s), "watchdog")
        notify("READY=1")
        gc.collect()
        gc.freeze()  # what is alive now stays: collections need not walk it again and again (a sixth of the rate)
        while not await _ended(running, stop, hang_up):
            hang_up.clear()
            notify("RELOADING=1")
            await running.reload()
            notify("READY=1")
        notify("STOPPING=1")
        for task in running.parts:
            if task.done() and not task.cancelled():
                task.result()


async def _unless(stop: asyncio.Event, starting: Coroutine[Any, Any, T]) -> T | None:
    """What starts; None where it was told to stop before: what is to listen may wait for a silent name server."""
    begun, told = asyncio.create_task(starting), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((begun, told), return_when=asyncio.FIRST_COMPLETED)
    finally:
        await cancel((begun, told))
    return None if stop.is_set() and begun.cancelled() else begun.result()


def announce(running: Service) -> None:
    """Log what runs, so that whoever reads a log later knows which program it is of, and which configuration."""
    loaded, endpoint = running.loaded, running.endpoint
    log.info(
        "running", version=version("dosimetry-acquire"), configuration=str(loaded.path),
        configuration_sha256=loaded.sha256, site=running.topics.site, broker=f"{endpoint.host}:{endpoint.port}",
    )  # fmt: skip


def _systemd() -> tuple[Notify, float | None]:
    """How systemd is told, and within how many seconds it wants to be told that we live (None: it does not).

    It is nobody else's: a Mosquitto that we start would say in our name that it is ready.
    """
    from sdnotify import SystemdNotifier  # noqa: PLC0415 - only the service needs it

    notify, within_s = SystemdNotifier().notify, watchdog_s()
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        os.environ.pop(name, None)
    return notify, within_s


async def _ended(running: Service, stop: asyncio.Event, hang_up: asyncio.Event) -> bool:
    """Wait for the end of the service, or for a reload; whether it is the end."""
    waiting = [asyncio.create_task(each.wait()) for each in (stop, hang_up)]
    await asyncio.wait([*waiting, *running.parts], return_when=asyncio.FIRST_COMPLETED)
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return stop.is_set() or not hang_up.is_set() or any(task.done() for task in running.parts)
