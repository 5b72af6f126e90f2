"""amqtt inside this process, on a thread and event loop of its own: a stalled broker must not stop appending.

MQTT 3.1.1 only, all in memory. It is for demonstration, tests and single machines without Mosquitto; the no-loss
protocol does not notice the difference, only the clock does.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from acquire.event_loop import EventLoop

STARTED_WITHIN_S = 10.0


@asynccontextmanager
async def embedded(host: str, port: int) -> AsyncIterator[None]:
    """Runs amqtt until the context ends. Raises TimeoutError where it has not started within ten seconds."""
    running = _Thread(host, port)
    await asyncio.to_thread(running.start)
    try:
        yield
    finally:
        await asyncio.to_thread(running.stop)


class Subscriptions(dict[str, Any]):
    """What amqtt keeps its subscriptions in, walked as they were when the walk began.

    amqtt 0.12 awaits while it walks them (`Broker._handle_client_session`, `_run_broadcast`): a client that subscribes
    meanwhile ended another's session, or a broadcast, with "dictionary changed size during iteration".
    """

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self.keys()))

    def items(self) -> Any:
        """Pairs (filter, subscriptions) as they are now."""
        return tuple(super().items())


class _Thread:
    def __init__(self, host: str, port: int) -> None:
        self._bind = f"{host}:{port}"
        self._loop = EventLoop()
        self._thread = threading.Thread(target=self._run, name="embedded-broker", daemon=True)
        self._broker: Any = None

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(STARTED_WITHIN_S)

    async def _start(self) -> None:
        from amqtt.broker import Broker  # noqa: PLC0415 - a heavy import that only this mode needs

        for name in ("amqtt", "transitions"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._broker = Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": self._bind}},
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            }
        )
        self._broker._subscriptions = Subscriptions()
        await self._broker.start()

    def stop(self) -> None:
        try:
            asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(STARTED_WITHIN_S)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(STARTED_WITHIN_S)
            self._loop.close()

    async def _stop(self) -> None:
        await self._broker.shutdown()
        mine = asyncio.current_task()
        left = [task for task in asyncio.all_tasks() if task is not mine]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
