"""`acquire run`: everything a configuration names, in one process, until told to stop.

Order of starting: broker, store, spool and publisher, simulators, instruments. Order of stopping: instruments finish
the exchange under way and close their streams, the spool gets a few seconds to be confirmed, then the rest.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from acquire.broker import broker
from acquire.bus.client import Endpoint
from acquire.bus.homeassistant import HomeAssistant
from acquire.bus.names import Topics
from acquire.bus.sparkplug import Node
from acquire.bus.sparkplug_node import EdgeNode
from acquire.config import SIMULATOR, InstrumentConfig, Loaded, SpoolConfig
from acquire.errors import Refused
from acquire.fits import Fitter
from acquire.instruments.ledger import Ledger
from acquire.instruments.runner import Runner
from acquire.instruments.service import InstrumentService
from acquire.mail import Courier, Sender
from acquire.spool.health import HostState
from acquire.spool.keeper import DAY_S, Keeper, Keeping
from acquire.spool.opening import Waiting, opened, opened_later
from acquire.spool.publisher import Publisher
from acquire.spool.recorder import Recorder
from acquire.spool.spool import Spool
from acquire.store.worker import Worker
from drivers import Instrument, connect
from drivers.registry import model
from simulators import Served, serve

if TYPE_CHECKING:
    from acquire.order_listener import OrderListener

log = structlog.get_logger("service")

# A driver that does not come back is cancelled after this; with what letting go may take (acquire.instruments.within)
# the instruments are closed within five seconds.
HANG_S = 2.5
CONFIRMED_WITHIN_S = 5.0


@dataclass(slots=True)
class Service:
    """What is running, for whoever drives it from the same process (the demonstration, tests)."""

    loaded: Loaded
    topics: Topics
    endpoint: Endpoint
    runners: dict[str, Runner] = field(default_factory=dict)
    simulators: dict[str, Served] = field(default_factory=dict)
    publisher: Publisher | None = None
    worker: Worker | None = None
    orders: OrderListener | None = None
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _later: asyncio.Task[None] | None = None  # waits for the spool's disk, and starts what needs the spool then
    _running: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self, what: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Start a part that runs until the service stops."""
        task = asyncio.create_task(what, name=name)
        self._tasks.append(task)
        return task

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
        for runner in self.runners.values():
            runner.stop()
        if self._running:
            await asyncio.wait(self._running, timeout=HANG_S)
            await _cancel(self._running)
            self._running.clear()


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
        stack.push_async_callback(lambda: _cancel(running._tasks))
        if loaded.store is not None:
            await _start_store(running, loaded.store, stack)
        if loaded.spool is not None:
            await _start_source(running, loaded.spool, stack)
        try:
            yield running
        finally:
            if running._later is not None:
                await _cancel([running._later])
            await running.stop_instruments()
            if running.publisher is not None and running.publisher.connected:
                await running.confirmed(within_s=CONFIRMED_WITHIN_S)


async def _start_store(running: Service, path: Path, stack: AsyncExitStack) -> None:
    running.worker = Worker(path, running.topics, anchor=running.loaded.anchor)
    await running.worker.open()
    stack.push_async_callback(running.worker.close)
    stack.push_async_callback(lambda: _cancel(running._tasks))
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
    stack.push_async_callback(publisher.write_down)
    stack.push_async_callback(lambda: _cancel(running._tasks))
    host = HostState(spool, running.topics.host_state(running.loaded.config.host))
    publisher.presence = host.presence
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
    stack.push_async_callback(running.stop_instruments)
    ledger = Ledger(path.parent)
    recorder = Recorder(spool, publisher)
    for instrument in running.loaded.config.instrument:
        _start_instrument(running, instrument, spool, recorder, ledger)
    spool.on_begun_anew += [runner.begin_anew for runner in running.runners.values()]
    publisher.on_store_ahead = lambda instrument: running.runners[instrument].store_is_ahead()
    _start_others(running)


def _start_others(running: Service) -> None:
    """What is told to other systems on the same broker, each over a connection of its own."""
    asked = running.loaded.config.bus
    discovery = HomeAssistant(running.topics, running.runners)
    if asked.home_assistant is not None:
        part = discovery.run if asked.home_assistant else discovery.withdraw
        running.start(part(running.endpoint), "home-assistant")
    if asked.sparkplug_group is not None and running.loaded.spool is not None:
        node = Node.of(asked.sparkplug_group, running.topics.site, running.loaded.config.host)
        counter = running.loaded.spool.with_suffix(".bdseq")
        running.start(EdgeNode(running.topics, node, running.runners, counter).run(running.endpoint), "sparkplug")


def _start_instrument(
    running: Service, config: InstrumentConfig, spool: Spool, recorder: Recorder, ledger: Ledger
) -> None:
    resource = config.resource
    if resource.startswith(SIMULATOR):
        resource = running.simulators[resource.removeprefix(SIMULATOR)].resource
    elif resource.startswith("dir:"):
        resource = f"dir:{running.loaded.beside(Path(resource.removeprefix('dir:')))}"
    make = partial(_make, config.model, resource, config.settings)
    runner = running.runners[config.id] = Runner(config.id, make, spool, recorder)
    running._running.append(asyncio.create_task(runner.run(), name=f"instrument-{config.id}"))
    served = InstrumentService(runner, running.topics, ledger)
    running.start(served.run(running.endpoint), f"commands-{config.id}")


def _make(name: str, resource: str, settings: Mapping[str, Any]) -> Instrument:
    return connect(model(name), resource, settings)


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def run(loaded: Loaded) -> None:
    """Run until SIGINT or SIGTERM. A part that fails by itself stops the whole service, with its error."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop.set)
    async with service(loaded) as running:
        log.info("running", site=running.topics.site, broker=f"{running.endpoint.host}:{running.endpoint.port}")
        notify("READY=1")
        gc.collect()
        gc.freeze()  # what is alive now stays: collections need not walk it again and again (a sixth of the rate)
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait([waiting, *running._tasks], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        notify("STOPPING=1")
        for task in running._tasks:
            if task.done() and not task.cancelled():
                task.result()


def notify(state: str) -> None:
    """Tell systemd (sd_notify: one datagram to the socket it names). Nothing happens elsewhere."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s, suppress(OSError):
        s.connect("\0" + address[1:] if address.startswith("@") else address)
        s.sendall(state.encode())
