"""Carries out what the source's protocol decides: reads batches from the spool, publishes them, takes the answers.

It never holds up an append: the spool has its own thread, and a broker that is gone only means that more waits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import msgspec
import structlog

from acquire.bus.client import BusError, Connection, Endpoint, Will, connect
from acquire.bus.names import Topics
from acquire.spool.journal import Journal, StreamRow
from acquire.spool.source import Effect, Limits, Source, Stream, Turn
from acquire.spool.spool import Bodies, Spool

log = structlog.get_logger("publisher")

RECONNECT_S = (0.2, 0.5, 1.0, 2.0, 5.0)
CONFIRM_EVERY_S = 1.0


class _Committed(msgspec.Struct, rename={"schema_": "schema"}):
    schema_: str
    stream: str
    through: int
    store: str
    epoch: str
    ask: str


_decoder = msgspec.json.Decoder(_Committed)


class Publisher:
    """One per source. The instruments' runners append through it, so that it knows what there is to send.

    `on_receded(instrument)` is called when the store knows more of a stream than this spool: the runner must open a
    new stream (rule 5d).
    """

    def __init__(self, spool: Spool, rows: list[StreamRow], topics: Topics, limits: Limits | None = None) -> None:
        self._spool = spool
        self._topics = topics
        self.source = Source(spool.source, spool.store, spool.epoch, rows, limits)
        self._wake = asyncio.Event()
        self._changed: set[str] = set()
        self._confirmed_at = 0.0
        self.connected = False
        self.on_receded: Callable[[str], None] = lambda instrument: None
        self.birth: Will | None = None  # retained, said on every connection
        self.will: Will | None = None  # retained, said for us when we are gone

    @classmethod
    async def over(cls, spool: Spool, topics: Topics, limits: Limits | None = None) -> Publisher:
        """A publisher for an open spool."""
        return cls(spool, await spool.streams(), topics, limits)

    # --- for the runners --------------------------------------------------------------------------------------------

    async def open_stream(self, instrument: str) -> Stream:
        """Begin a stream: one connection epoch of an instrument."""
        return self.source.opened(await self._spool.open_stream(instrument))

    async def append(self, stream: Stream, bodies: Bodies) -> int:
        """Append entries; returns the first seq once they are safe in the spool.

        What has been handed over is appended and sent even when the caller is cancelled meanwhile.
        """

        def appended(done: asyncio.Future[int]) -> None:
            if not done.cancelled() and done.exception() is None:
                self.source.appended(stream.stream, done.result() + len(bodies) - 1)
                self._wake.set()

        future = self._spool.append(stream.number, bodies)
        future.add_done_callback(appended)
        return await asyncio.shield(future)

    async def withhold(self, stream: Stream, body: bytes, reason: str) -> int:
        """Keep an original that is too large to send; its stand-in takes the seq."""
        seq = await self._spool.withhold(stream.number, body, reason)
        self.source.appended(stream.stream, seq)
        self._wake.set()
        return seq

    async def end_stream(self, stream: Stream, reason: str) -> None:
        """End a stream: its head is final now."""
        await self._spool.end_stream(stream.number, reason)
        self.source.ended(stream.stream, reason)
        self._wake.set()

    def all_confirmed(self) -> bool:
        """Whether the store has confirmed every stream to its end."""
        return all(s.settled for s in self.source.streams.values())

    # --- the connection ---------------------------------------------------------------------------------------------

    async def run(self, endpoint: Endpoint) -> None:
        """Publish until cancelled; the broker may come and go."""
        failures = 0
        identifier = f"source-{self._spool.source[:18]}"
        while True:
            try:
                async with connect(endpoint, identifier, will=self.will) as connection:
                    failures = 0
                    await self._serve(connection)
            except BusError as error:
                if self.connected or failures == 0:
                    log.warning("broker lost or absent", host=endpoint.host, port=endpoint.port, why=str(error))
            finally:
                self.connected = False
            await asyncio.sleep(RECONNECT_S[min(failures, len(RECONNECT_S) - 1)])
            failures += 1

    async def _serve(self, connection: Connection) -> None:
        await connection.subscribe(self._topics.committed("+"))
        if self.birth is not None:
            await connection.publish(self.birth.topic, self.birth.payload, retain=True)
        self.source.connected()
        self.connected = True
        listener = asyncio.create_task(self._listen(connection), name="publisher-listen")
        try:
            await self._send_all(connection, listener)
        finally:
            listener.cancel()
            with suppress(asyncio.CancelledError, BusError):
                await listener

    async def _send_all(self, connection: Connection, listener: asyncio.Task[None]) -> None:
        while not listener.done():
            self._wake.clear()
            turn = self.source.next(time.monotonic())
            if turn is not None:
                await self._send(connection, turn)
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self.source.wait_s(time.monotonic()) or 0.01)
        listener.result()

    async def _send(self, connection: Connection, turn: Turn) -> None:
        s, ask = turn.stream, self.source.ask
        bodies: list[bytes] = []
        if turn.entries:
            bodies = await self._spool.read(s.number, turn.first, turn.most, self.source.limits.batch_bytes)
            if self.source.ask != ask:  # another question came up meanwhile: decide anew
                return
        payload = self.source.message(turn, bodies)
        self.source.sent(turn, len(bodies), len(payload), time.monotonic())
        await connection.publish(self._topics.readings(s.instrument), payload)

    async def _listen(self, connection: Connection) -> None:
        async for message in connection.messages():
            try:
                said = _decoder.decode(message.payload)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue  # not an answer: nothing is believed
            if said.schema_ != "committed/1":
                continue
            now = time.monotonic()
            effects = self.source.answer(said.stream, said.through, said.store, said.epoch, said.ask, now)
            await self._carry_out(effects)
            self._wake.set()

    async def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            if effect.what == "pair":
                log.info("paired with a store", store=effect.text)
                await self._spool.call(partial(Journal.pair, store=effect.text))
            elif effect.what == "epoch":
                log.warning("the store began a new epoch: every stream is asked for", epoch=effect.text)
                await self._spool.call(partial(Journal.new_epoch, epoch=effect.text))
            elif effect.what == "alarm":
                log.error(effect.text)
            elif effect.what == "receded" and effect.stream is not None:
                await self._spool.end_stream(effect.stream.number, "receded")
                self.on_receded(effect.stream.instrument)
            elif effect.stream is not None:
                self._changed.add(effect.stream.stream)
        if self._changed and time.monotonic() - self._confirmed_at >= CONFIRM_EVERY_S:
            await self.write_down()

    async def write_down(self) -> None:
        """Put what is confirmed into the spool's file; what a crash loses of it is asked again at the next start."""
        streams = [self.source.streams[each] for each in self._changed]
        marks = [(s.number, s.through, s.end_heard) for s in streams]
        self._changed.clear()
        self._confirmed_at = time.monotonic()
        epoch, uptime_s = self.source.epoch, self._spool.uptime_s()
        await self._spool.call(lambda j: j.confirm(marks, epoch, uptime_s))
