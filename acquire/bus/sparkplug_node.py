"""Carries a Sparkplug session: its connection with the death certificate as last will, commands of hosts, bdSeq."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from pydantic import ValidationError

from acquire.backoff import to_broker
from acquire.bus.client import BusError, Connection, Received, Will, connect
from acquire.bus.endpoint import Endpoint
from acquire.bus.messages import readings_of
from acquire.bus.names import Topics
from acquire.bus.presence import Watch
from acquire.bus.sparkplug import REBIRTH, Node, Out, Session
from acquire.bus.sparkplug_payload import booleans
from acquire.strict_numbers import whole


class EdgeNode:
    """One edge node: this host, with its instruments as devices. `counter` is the file that remembers bdSeq."""

    def __init__(self, topics: Topics, node: Node, instruments: Iterable[str], counter: Path) -> None:
        self._topics = topics
        self._node = node
        self._counter = counter
        self._bd_seq = -1
        self._instruments = tuple(instruments)
        self._by_topic = {topics.state(each): each for each in self._instruments}
        self._by_topic |= {topics.readings(each): each for each in self._instruments}
        self._watch = Watch()

    async def run(self, endpoint: Endpoint) -> None:
        """Until cancelled; every connection is a session of its own, with the next bdSeq."""
        again = to_broker()
        while True:
            bd_seq = await asyncio.to_thread(self._next_bd_seq)
            session = Session(self._node, bd_seq, self._instruments)
            will = Will(*session.death(), retain=False)
            with suppress(BusError):  # the publisher tells of a broker that is gone, once for all
                async with connect(endpoint, f"sparkplug-{uuid4().hex[:13]}", will=will) as connection:
                    again.worked()
                    try:
                        await self._serve(connection, session)
                    except asyncio.CancelledError:
                        await _farewell(connection, session.death())
                        raise
            await asyncio.sleep(again.next_s())

    async def _serve(self, connection: Connection, session: Session) -> None:
        command = self._node.topic("NCMD")
        await connection.subscribe(command)
        await _say(connection, session.births())
        for topic in self._by_topic:
            await connection.subscribe(topic)
        async for message in connection.messages():
            with suppress(ValidationError, ValueError):  # not a message of ours: nothing is told of it
                if message.topic == command:
                    if booleans(message.payload).get(REBIRTH):
                        await _say(connection, session.births())
                else:
                    await _say(connection, self._messages_of(session, message))

    def _messages_of(self, session: Session, message: Received) -> Iterable[Out]:
        instrument = self._by_topic[message.topic]
        if message.topic == self._topics.state(instrument):
            known = self._watch.hear(message)  # one that was retained in an earlier life of this host may have lapsed
            return () if self._watch.has_lapsed(message.topic) else session.state(instrument, known.state)
        return session.readings(instrument, readings_of(message.payload))

    def _next_bd_seq(self) -> int:
        """0 to 255 and again, one more for each connection, over restarts too."""
        with suppress(OSError, ValueError):
            self._bd_seq = whole(self._counter.read_text().strip())
        self._bd_seq = (self._bd_seq + 1) % 256
        with suppress(OSError):  # a disk that takes nothing must not stop the acquisition: counted on in memory
            self._counter.write_text(str(self._bd_seq))
        return self._bd_seq


async def _say(connection: Connection, messages: Iterable[Out]) -> None:
    """Births and data go with QoS 0 and are not retained (specification, 6.4)."""
    for topic, payload in messages:
        await connection.publish(topic, payload, qos=0)


async def _farewell(connection: Connection, death: Out) -> None:
    """An orderly end tells the broker to forget the will, so it is said by hand."""
    with suppress(BusError, TimeoutError):
        async with asyncio.timeout(3):
            await asyncio.shield(connection.publish(*death))
