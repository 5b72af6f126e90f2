"""What the store says after a commit: to the sources that wait, and, now and then, to onlookers.

A source of batches has its answer in one message. Onlookers hear of the same streams through `committed` of each
instrument, about once a second while batches come, more seldom where they are many, and always after the last one:
docs/bus.md.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from acquire.bus.client import Connection
from acquire.bus.names import Topics
from acquire.canonical import canonical
from acquire.checksum import with_sum
from acquire.log import Log
from acquire.store.ingest import BatchAnswer, Ingested, Watermark

log = Log("store")

ONLOOKERS_S = 1.0
MOST_PER_S = 50  # to onlookers, of all instruments
ENVELOPE, OF_STREAM = 320, 90  # bytes of an answer, and of each stream in it, at most: ids have up to 64, numbers 19


class Answers:
    """`give` answers, `run` tells onlookers."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._waiting: dict[str, Watermark] = {}  # by instrument: what onlookers have not been told
        self._news = asyncio.Event()

    async def give(self, connection: Connection, done: Ingested) -> None:
        """Hand the answers over; a source asks again for what the broker does not take."""
        for batch in done.batches:
            topic = self._topics.batch_committed(batch.host)
            for piece in pieces(batch, connection.largest_payload):
                await connection.hand_over(topic, batch_committed(piece), _answered)
        for answer in done.answers:
            self._waiting.pop(answer.instrument, None)
            topic = self._topics.committed(answer.instrument)
            await connection.hand_over(topic, committed(answer), _answered, retain=True)
        if done.onlookers:
            self._waiting.update({each.instrument: each for each in done.onlookers})
            self._news.set()

    async def run(self, connection: Connection) -> None:
        """Tell onlookers until cancelled. Raises BusError when the broker is lost; what was not told is told after."""
        while True:
            await self._news.wait()
            self._news.clear()
            told = 0
            while self._waiting:
                instrument, answer = next(iter(self._waiting.items()))
                topic = self._topics.committed(instrument)
                await connection.hand_over(topic, committed(answer), _answered, retain=True)
                if self._waiting.get(instrument) is answer:
                    del self._waiting[instrument]
                told += 1
            await asyncio.sleep(max(ONLOOKERS_S, told / MOST_PER_S))


def _answered(error: BaseException | None) -> None:
    if error is not None:
        log.debug("an answer was not taken", why=str(error))


def pieces(answer: BatchAnswer, largest: int | None) -> list[BatchAnswer]:
    """The answer in as many messages as it takes where the broker limits them (bytes; None: it does not)."""
    streams = list(answer.through.items())
    most = len(streams) if largest is None else max(1, (largest - ENVELOPE) // OF_STREAM)
    return [replace(answer, through=dict(streams[n : n + most])) for n in range(0, len(streams), most)]


def committed(answer: Watermark) -> bytes:
    """The committed message, as canonical JSON with its checksum (docs/noloss.md section 2)."""
    said = {
        "schema": "committed/1",
        "stream": answer.stream,
        "through": answer.through,
        "store": answer.store,
        "epoch": answer.epoch,
        "ask": answer.query,
        "batches": True,
    }
    return with_sum(canonical(said)[:-1])


def batch_committed(answer: BatchAnswer) -> bytes:
    """The answer to a batch, likewise: as many committed messages."""
    said = {
        "schema": "batch-committed/1",
        "store": answer.store,
        "epoch": answer.epoch,
        "ask": answer.query,
        "through": answer.through,
    }
    return with_sum(canonical(said)[:-1])
