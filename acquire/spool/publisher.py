"""Carries out what the source's protocol decides: reads batches from the spool, publishes them, takes the answers.

It never holds up an append: the spool has its own thread, and a broker that is gone only means that more waits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Annotated

import msgspec
import structlog

from acquire.bus.client import BusError, Connection, Endpoint, Outage, Received, connect, is_worth_telling
from acquire.bus.names import Topics
from acquire.bus.presence import Presence
from acquire.spool import originals
from acquire.spool.journal import Journal, SpoolError, StreamRow
from acquire.spool.source import Effect, Limits, NextMessage, Source, Stream
from acquire.spool.spool import Spool
from acquire.spool.unsent import Unsent

log = structlog.get_logger("publisher")

RECONNECT_S = (0.2, 0.5, 1.0, 2.0)
KEEPALIVE_S = 5  # a connection that died unsaid is noticed within twice this: section 5, "recovery"
ENVELOPE = 1024  # bytes of a message that are not entries: what is said around them, and the commas between them
REFUSED = "it did not get through to the store, alone and ten times"
REFUSED_AGAIN = "it was sent again and did not get through to the store"
CONFIRM_EVERY_S = 1.0
ALARM_EVERY_S = 10.0


_Id = Annotated[str, msgspec.Meta(max_length=64)]


class _Committed(msgspec.Struct, rename={"schema_": "schema", "query": "ask"}):
    schema_: Annotated[str, msgspec.Meta(pattern="^committed/1$")]
    stream: _Id
    through: Annotated[int, msgspec.Meta(ge=0, le=2**62)]
    store: _Id
    epoch: _Id
    query: _Id


_decoder = msgspec.json.Decoder(_Committed)


class Publisher:
    """One per source: publishes what the recorder has put into the spool, and takes the store's answers.

    `on_store_ahead(instrument)` is called when the store knows more of a stream than this spool: the runner must open a
    new stream (rule 5d).
    """

    def __init__(self, spool: Spool, rows: list[StreamRow], topics: Topics, limits: Limits | None = None) -> None:
        self._spool = spool
        self._topics = topics
        self.source = Source(spool.source, spool.store, spool.epoch, rows, limits)
        self._unsent = Unsent()
        self._wake = asyncio.Event()
        self._heard = asyncio.Event()
        self._changed: set[str] = set()
        self._unwritten: list[Callable[[Journal], None]] = []  # pairing and epoch, while the disk took nothing
        self._writing = asyncio.Lock()
        self._alarmed: dict[tuple[str, str], float] = {}
        self._confirmed_at = 0.0
        self.connected = False
        self.connections = 0
        self.unreadable = 0  # messages under committed that are none
        self.foreign = 0  # answers of another store than the one paired with
        self.on_store_ahead: Callable[[str], None] = lambda instrument: None
        self.presence: Presence | None = None  # the state of this host, told on the same connection

    @classmethod
    async def over(cls, spool: Spool, topics: Topics, limits: Limits | None = None) -> Publisher:
        """A publisher for an open spool. Raises SpoolError."""
        return cls(spool, await spool.streams(), topics, limits)

    # --- what the recorder has put into the spool -------------------------------------------------------------------

    def opened(self, row: StreamRow) -> Stream:
        """The recorder has begun a stream."""
        return self.source.opened(row)

    def appended(self, stream: Stream, first: int, bodies: Sequence[bytes]) -> None:
        """These entries are committed, from seq `first` on."""
        self._unsent.keep(stream.number, first, bodies)
        self.source.appended(stream.stream, first + len(bodies) - 1)
        self._wake.set()

    def withheld(self, stream: Stream, seq: int) -> None:
        """A stand-in is committed at `seq` (rule 3.8)."""
        self.source.appended(stream.stream, seq)
        self._wake.set()

    def ended(self, stream: Stream, ended: str, why: str | None) -> None:
        """A stream was ended: its head is final now."""
        self.source.ended(stream.stream, ended, why)
        self._wake.set()

    def all_confirmed(self) -> bool:
        """Whether the store has confirmed every stream to its end."""
        return self.source.all_settled

    def resend(self, wanted: originals.Seqs) -> None:
        """Rule 10: send these withheld originals again, by stream number."""
        by_number = {s.number: s for s in self.source.streams.values() if s.number in wanted}
        for number, s in by_number.items():
            self.source.resend(s.stream, wanted[number])
        self._wake.set()

    # --- for the keeper ---------------------------------------------------------------------------------------------

    def begin_pass(self, streams: Iterable[str]) -> str:
        """Ask about these streams, under a new query (rule 3.7); returns it."""
        self._heard.clear()
        self._wake.set()
        return self.source.begin_pass(streams)

    async def heard(self, within_s: float) -> bool:
        """Wait for an answer of the store; whether one came."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(within_s, 0)):
                await self._heard.wait()
        heard = self._heard.is_set()
        self._heard.clear()
        return heard

    async def alarm(self, what: str, subject: str, message: str) -> None:
        """Say it in the log, and keep it in the spool for `acquire spool status`; the same one not all the time."""
        now = time.monotonic()
        if now - self._alarmed.get((what, subject), -ALARM_EVERY_S) < ALARM_EVERY_S:
            return
        self._alarmed[what, subject] = now
        log.error(message)
        try:
            await self._spool.call(lambda j: j.alarm(what, subject, message))
        except SpoolError as error:
            log.warning("the alarm could not be kept", why=str(error))

    # --- the connection ---------------------------------------------------------------------------------------------

    async def run(self, endpoint: Endpoint) -> None:
        """Publish until cancelled; the broker may come and go."""
        failures = 0
        identifier = f"source-{self._spool.source[:18]}"
        outage = Outage(endpoint, log)
        while True:
            try:
                will = self.presence.will() if self.presence is not None else None
                async with connect(endpoint, identifier, will=will, keepalive_s=KEEPALIVE_S) as connection:
                    failures = 0
                    outage.over()
                    await self._serve(connection)
            except BusError as error:
                outage.lost(error)
            finally:
                self.connected = False
            await asyncio.sleep(RECONNECT_S[min(failures, len(RECONNECT_S) - 1)])
            failures += 1

    async def _serve(self, connection: Connection) -> None:
        await connection.subscribe(self._topics.committed("+"))
        self.source.connected()
        self.connected = True
        self.connections += 1
        listener = asyncio.create_task(self._listen(connection), name="publisher-listen")
        listener.add_done_callback(lambda _: self._wake.set())
        tasks = [listener]
        if self.presence is not None:
            tasks.append(asyncio.create_task(self.presence.keep_told(connection), name="publisher-presence"))
        try:
            await self._send_all(connection, listener)
        except asyncio.CancelledError:
            if self.presence is not None:
                await self.presence.farewell(connection)
            raise
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send_all(self, connection: Connection, listener: asyncio.Task[None]) -> None:
        while not listener.done():
            self._wake.clear()
            message = self.source.next(time.monotonic())
            if message is not None:
                await (self._replace(message, REFUSED) if message.replace else self._send(connection, message))
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(self.source.wait_s(time.monotonic()) or 0.01):
                    await self._wake.wait()
        listener.result()

    async def _send(self, connection: Connection, message: NextMessage) -> None:
        s, query = message.stream, self.source.query
        bodies: list[bytes] = []
        if message.original:
            original = await self._spool.call(lambda j: originals.body_of(j.db, s.number, message.first))
            if self.source.query != query:
                return
            if original is None:
                await self._carry_out([self.source.give_up_original(s)])
                return
            bodies = [original]
        elif message.entries:
            wanted = (s.number, message.first, message.most, self._room(connection))
            bodies = self._unsent.take(*wanted) or await self._spool.read(*wanted)
            if self.source.query != query:  # another question came up meanwhile: decide anew
                return
            if not bodies:  # pruned meanwhile: decide anew
                return
        payload = self.source.encoded(message, bodies)
        if bodies and connection.largest_payload is not None and len(payload) > connection.largest_payload:
            await self._too_large(message, f"the broker takes no more than {connection.largest_payload} bytes at once")
            return
        self.source.sent(message, len(bodies), len(payload), time.monotonic())
        topic = self._topics.readings(s.instrument)
        await connection.hand_over(topic, payload, partial(self._published, message))

    def _room(self, connection: Connection) -> int:
        """Bytes of entries for one message; a single one may be larger."""
        most = self.source.limits.batch_bytes
        return most if connection.largest_payload is None else min(most, connection.largest_payload - ENVELOPE)

    def _published(self, message: NextMessage, error: BaseException | None) -> None:
        if isinstance(error, BusError):
            self.source.broke(message)
        elif error is not None:
            log.error("not published", why=repr(error))
        self._wake.set()

    async def _too_large(self, message: NextMessage, reason: str) -> None:
        if message.original:
            await self._withhold_again(self.source.give_up_original(message.stream), reason)
        else:
            await self._replace(message, reason)

    async def _withhold_again(self, effect: Effect, reason: str) -> None:
        """Rule 10: the original stays where it is, for a person to send it again."""
        assert effect.stream is not None
        s, seq = effect.stream, effect.seq
        self._unwritten.append(partial(_withheld_again, number=s.number, seq=seq, reason=reason))
        await self.write_down()
        text = f"the original of entry {seq} of stream {s.stream} ({s.instrument}) stays withheld: {reason}."
        await self.alarm("withheld", f"{s.stream} {seq}", text)

    async def _replace(self, message: NextMessage, reason: str) -> None:
        """Rule 8: nothing but this entry fails to get through, so its original is kept here and a stand-in sent."""
        s = message.stream
        await self._spool.call(lambda j: j.replace(s.number, message.first, reason))
        self.source.replaced(message)
        text = f"entry {message.first} of stream {s.stream} ({s.instrument}) is withheld: {reason}."
        await self.alarm("withheld", f"{s.stream} {message.first}", text)

    async def _listen(self, connection: Connection) -> None:
        async for message in connection.messages():
            try:
                said = _decoder.decode(message.payload)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                await self._not_an_answer(message, error)
                continue
            now = time.monotonic()
            effects = self.source.answer(said.stream, said.through, said.store, said.epoch, said.query, now)
            await self._carry_out(effects)
            self._wake.set()
            self._heard.set()

    async def _not_an_answer(self, message: Received, error: Exception) -> None:
        """Nothing of it is believed; it is counted, and told without filling the log."""
        self.unreadable += 1
        if is_worth_telling(self.unreadable):
            text = (
                f"{self.unreadable} messages under committed were no answers, the last under {message.topic[:120]!r}:"
                f" {str(error)[:120]}. Nothing is believed of them; see who may write there."
            )
            await self.alarm("unreadable answer", "store", text)

    async def _alarm_of_store(self, effect: Effect) -> None:
        """Another store's answers are counted: whoever sends them may send without end."""
        if effect.stream is None:
            self.foreign += 1
            if not is_worth_telling(self.foreign):
                return
        await self.alarm("store", effect.stream.stream if effect.stream else "store", effect.text)

    async def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            if effect.what == "pair":
                log.info("paired with a store", store=effect.text)
                self._unwritten.append(partial(Journal.pair, store=effect.text))
            elif effect.what == "epoch":
                if self._spool.epoch is not None:  # otherwise it is the first one ever heard of
                    log.warning("the store began a new epoch: every stream is asked for", epoch=effect.text)
                self._unwritten.append(partial(self._new_epoch, epoch=effect.text, uptime_s=self._spool.uptime_s()))
            elif effect.what == "alarm":
                await self._alarm_of_store(effect)
            elif effect.what == "receded" and effect.stream is not None:
                await self._spool.end_stream(effect.stream.number, "receded", effect.stream.why)
                self.on_store_ahead(effect.stream.instrument)
            elif effect.what == "original" and effect.stream is not None:
                log.info("a withheld original is in the store", stream=effect.stream.stream, seq=effect.seq)
                sent = partial(_original_sent, number=effect.stream.number, seq=effect.seq)
                self._unwritten.append(partial(sent, uptime_s=self._spool.uptime_s()))
            elif effect.what == "withhold again":
                await self._withhold_again(effect, REFUSED_AGAIN)
            elif effect.stream is not None:
                self._changed.add(effect.stream.stream)
        due = self._changed and time.monotonic() - self._confirmed_at >= CONFIRM_EVERY_S
        if due or self._unwritten:
            await self.write_down()

    def _new_epoch(self, journal: Journal, epoch: str, uptime_s: float) -> None:
        if journal.new_epoch(epoch, uptime_s):
            text = (
                "two stores: the epoch changed twice within an hour, so two stores of one record seem to answer."
                " Nothing is pruned until a day has passed without another change; stop one of them."
            )
            log.error(text)
            journal.alarm("two stores", "store", text)

    async def write_down(self) -> None:
        """Put what is confirmed into the spool's file; what a crash loses of it is asked again at the next start.

        A disk that takes nothing is no reason to stop: it is written when there is room.
        """
        async with self._writing:
            await self._write_down()

    async def _write_down(self) -> None:
        changed, self._changed = self._changed, set()
        streams = [self.source.streams[each] for each in changed if each in self.source.streams]
        marks = [(s.number, s.through, s.end_heard) for s in streams]
        self._confirmed_at = time.monotonic()
        epoch, uptime_s = self.source.epoch, self._spool.uptime_s()
        try:
            while self._unwritten:
                await self._spool.call(self._unwritten[0])
                del self._unwritten[0]
            await self._spool.call(lambda j: j.confirm(marks, epoch, uptime_s))
        except SpoolError as error:
            self._changed |= changed
            log.warning("what is confirmed could not be written down", why=str(error))


def _original_sent(journal: Journal, number: int, seq: int, uptime_s: float) -> None:
    with journal.writing() as db:
        originals.confirm(db, number, seq, uptime_s)


def _withheld_again(journal: Journal, number: int, seq: int, reason: str) -> None:
    with journal.writing() as db:
        originals.withhold_again(db, number, seq, reason)
