"""Retained states of instruments that left the configuration: they are taken off the broker, by who told them.

Which topics a host tells its states under is written beside its spool. What stands there and is told no longer was left
behind by an earlier run, or by the configuration before a reload. It is cleared where it says that nobody is there, or
has lapsed; what is told live is another host's by now.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import msgspec
from pydantic import ValidationError

from acquire.backoff import to_broker
from acquire.bus.client import BusError, Connection, connect
from acquire.bus.endpoint import Endpoint
from acquire.bus.presence import LASTING, Watch
from acquire.canonical import canonical
from acquire.log import Log
from acquire.private import private

log = Log("service")

RETAINED_WITHIN_S = 2.0  # a broker sends what it retains right after the subscription


class Departed:
    """The topics told by this host, and those that are to be cleared."""

    def __init__(self, spool: Path, told: Collection[str]) -> None:
        self._file = spool.with_name(spool.name + ".told")
        self._told = set(told)
        self._left = self._read() - self._told
        self._changed = asyncio.Event()
        self._write()

    def now_told(self, told: Collection[str]) -> None:
        """After a reload: what is told no longer is cleared."""
        self._left = (self._left | self._told) - set(told)
        self._told = set(told)
        self._write()
        self._changed.set()

    async def run(self, endpoint: Endpoint) -> None:
        """Until cancelled; a connection only while there is something to clear."""
        again = to_broker()
        while True:
            self._changed.clear()
            if not self._left:
                await self._changed.wait()
                continue
            with suppress(BusError):  # the publisher tells of a broker that is gone, once for all
                async with connect(endpoint, f"departed-{uuid4().hex[:14]}") as connection:
                    again.worked()
                    await self._clear(connection, sorted(self._left))
            await asyncio.sleep(again.next_s())

    async def _clear(self, connection: Connection, topics: list[str]) -> None:
        watch = Watch()
        for topic in topics:
            await connection.subscribe(topic)
        with suppress(TimeoutError):
            async with asyncio.timeout(RETAINED_WITHIN_S):
                async for message in connection.messages():
                    with suppress(ValidationError):
                        watch.hear(message)
        for topic in topics:
            known = watch.known(topic)
            if known is not None and (known.state.state in LASTING or watch.has_lapsed(topic)):
                await connection.publish(topic, b"", retain=True)
                log.info("the state of an instrument that left the configuration is cleared", topic=topic)
            self._left.discard(topic)
        self._write()

    # --- beside the spool -------------------------------------------------------------------------------------------

    def _read(self) -> set[str]:
        try:
            return set(msgspec.json.decode(self._file.read_bytes(), type=list[str]))
        except (OSError, msgspec.DecodeError):
            return set()

    def _write(self) -> None:
        """A disk that does not take it is no reason for anything: what is left then is cleared by hand."""
        made = self._file.with_name(self._file.name + ".part")
        with suppress(OSError):
            made.unlink(missing_ok=True)
            private(made).write_bytes(canonical(sorted(self._told | self._left)))
            made.replace(self._file)
