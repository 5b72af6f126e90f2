"""Carries out what the source's protocol decides: reads batches from the spool, publishes them, takes the answers.

It never holds up an append: the spool has its own thread, and a broker that is gone only means that more waits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

from acquire.backoff import to_broker
from acquire.bus.client import BusError, Connection, Outage, Received, connect
from acquire.bus.endpoint import Endpoint
from acquire.bus.names import Topics
from acquire.bus.presence import Presence
from acquire.log import Log
from acquire.once import Once, is_worth_telling
from acquire.spool import encoding, originals
from acquire.spool.alarms import Alarms
from acquire.spool.answers import NOT_AN_ANSWER, answer, answers_to_batch
from acquire.spool.batching import gather
from acquire.spool.entries import Held
from acquire.spool.journal import Journal, SpoolError, StreamRow
from acquire.spool.lag import Lag
from acquire.spool.onlookers import Onlookers
from acquire.spool.source import Effect, Limits, NextMessage, Source, Stream
from acquire.spool.spool import Spool
from acquire.spool.told import Told
from acquire.spool.unsent import Unsent

log = Log("publisher")
T = TypeVar("T")

ROUND_S = 5.0  # a loop with nothing to do comes round all the same, so that one that is stuck is told from it
KEEPALIVE_S = 5  # a connection that died unsaid is noticed within twice this: section 5, "recovery"
ENVELOPE = 1024  # bytes of a message that are not entries: what is said around them, and the commas between them
REFUSED = "it did not get through to the store, alone and ten times"
REFUSED_AGAIN = "it was sent again and did not get through to the store"


class Publisher:
    """One per source: publishes what the recorder has put into the spool, and takes the store's answers.

    `on_store_ahead(instrument)` is called when the store knows more of a stream than this spool: the runner must open a
    new stream (rule 5d).
    """

    def __init__(
        self, spool: Spool, rows: list[StreamRow], topics: Topics, limits: Limits | None = None, host: str | None = None
    ) -> None:
        self._spool = spool
        self._topics = topics
        self._host = host
        self._limits = limits
        self._begin(rows)
        spool.on_appended = self._appended
        spool.on_ended_late = self._ended_late
        spool.on_begun_anew.append(self._begin_anew)
        self._wake = asyncio.Event()
        self._heard = asyncio.Event()
        self._faults = Once()
        self.alarms = Alarms(spool)
        self._last_words: list[tuple[str, bytes]] = []  # of a source whose file is aside
        self.connected = False
        self.connections = 0
        self.certificate_until: float | None = None  # of the broker, in seconds since 1970
        self.unreadable = 0  # messages under committed that are none
        self.foreign = 0  # answers of another store than the one paired with
        self.on_store_ahead: Callable[[str], None] = lambda instrument: None
        self.presence: Presence | None = None  # the state of this host, told on the same connection
        self.lag: Lag | None = None  # times the way to the store, for whoever watches it
        self.came_round: Callable[[], None] = lambda: None  # every few seconds, with a broker or in search of one

    @classmethod
    async def over(
        cls, spool: Spool, topics: Topics, limits: Limits | None = None, host: str | None = None
    ) -> Publisher:
        """A publisher for an open spool, on a host of this name where its site has several. Raises SpoolError."""
        return cls(spool, await spool.streams(), topics, limits, host)

    def _begin(self, rows: list[StreamRow]) -> None:
        spool = self._spool
        self.source = Source(
            spool.source, spool.store, spool.epoch, rows, self._limits, host=self._host or "", aside=spool.streams_aside
        )
        self._unsent = Unsent()
        self._onlookers = Onlookers()
        self._told = Told(spool, self.source)

    def _begin_anew(self) -> None:
        """The spool has begun a new file: another source, which has a connection of its own.

        That the old streams have ended is told once, in the old source's name. Where that does not arrive, or could not
        be written, their tail is unknown.
        """
        left = [s for s in self.source.streams.values() if s.ended is None] if self._spool.streams_ended else []
        for s in left:
            s.ended = "crash"
            bare = NextMessage(s, s.head + 1, entries=False, most=0)
            self._last_words.append((self._topics.readings(s.instrument), encoding.readings(self.source, bare, [])))
        old = self.source
        self._begin([])
        if self.lag is not None:
            self.lag.begin_anew()
        self._told.aside(old.streams.values(), old.epoch)
        self._wake.set()

    # --- what the recorder has put into the spool -------------------------------------------------------------------

    def opened(self, row: StreamRow) -> Stream:
        """The recorder has begun a stream."""
        return self.source.opened(row)

    def _appended(self, number: int, first: int, entries: Sequence[Held]) -> None:
        """These entries of the stream are committed, from seq `first` on."""
        stream = self.source.appended(number, first + len(entries) - 1)
        self._unsent.keep(stream, first, entries)
        if self.lag is not None:
            self.lag.appended(number, first + len(entries) - 1)
        self._wake.set()

    def withheld(self, stream: Stream, seq: int) -> None:
        """A stand-in is committed at `seq` (rule 3.8)."""
        if self._has(stream):
            self.source.appended(stream.number, seq)
        self._wake.set()

    def ended(self, stream: Stream, ended: str, why: str | None) -> None:
        """A stream was ended: its head is final now."""
        if self._has(stream):
            self.source.ended(stream.stream, ended, why)
        self._wake.set()

    def _ended_late(self, number: int, ended: str, why: str | None) -> None:
        """An end that the disk did not take when it came is written now."""
        for stream in [s for s in self.source.streams.values() if s.number == number]:
            self.ended(stream, ended, why)

    def _has(self, stream: Stream) -> bool:
        """Whether the stream is of the file in use: one of a file that is aside by now is nothing to this source."""
        return self.source.streams.get(stream.stream) is stream

    @property
    def trouble(self) -> str | None:
        """Why the spool takes no entries now, in a sentence; None while it does."""
        return self._spool.trouble

    async def ask_spool(self, run: Callable[[Journal], T]) -> T:
        """Run a journal operation in the spool's thread. Raises what `run` raises, and SpoolError."""
        return await self._spool.call(run)

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

    # --- the connection ---------------------------------------------------------------------------------------------

    async def run(self, endpoint: Endpoint) -> None:
        """Publish until cancelled; the broker may come and go."""
        again = to_broker()
        outage = Outage(endpoint, log)
        while True:
            self.came_round()
            identifier = f"source-{self.source.source[:18]}"
            try:
                will = self.presence.will() if self.presence is not None else None
                async with connect(endpoint, identifier, will=will, keepalive_s=KEEPALIVE_S) as connection:
                    again.worked()
                    outage.over()
                    await self._serve(connection)
            except BusError as error:
                outage.lost(error)
            except SpoolError as error:  # its disk fails, or a new file is begun: the spool tells of it
                if self._faults.is_new(str(error)):
                    log.warning("nothing is sent for the moment", why=str(error))
            finally:
                self.connected = False
            await asyncio.sleep(again.next_s())

    async def _serve(self, connection: Connection) -> None:
        # An answer that gets lost is asked for again, so that it need not be acknowledged to the broker.
        await connection.subscribe(self._topics.committed("+"), qos=0)
        await connection.subscribe(self._topics.batch_committed(self._host), qos=0)
        if self._faults.is_over():
            log.info("sending goes on")
        while self._last_words:
            await connection.hand_over(*self._last_words.pop(0), self._batch_published)
        self.source.connected()
        self.connected = True
        self.connections += 1
        self.certificate_until = connection.certificate_until
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
        source = self.source
        while not listener.done() and self.source is source:
            self.came_round()
            self._wake.clear()
            now = time.monotonic()
            message = self.source.next(now)
            if message is not None:
                await self._carry(connection, message, now)
            elif (stream := self._onlookers.due(now)) is not None:
                await self._copy(connection, self.source.streams.get(stream), stream)
            else:
                await self._sleep(min(self._wait_s(now) or 0.01, ROUND_S))
        if listener.done():
            listener.result()

    async def _sleep(self, most_s: float) -> None:
        """Until there may be something to say; a timer is a third of the work of `asyncio.timeout`."""
        timer = asyncio.get_running_loop().call_later(most_s, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()

    def _wait_s(self, now: float) -> float:
        waiting = self._onlookers.wait_s(now)
        return self.source.wait_s(now) if waiting is None else min(waiting, self.source.wait_s(now))

    async def _carry(self, connection: Connection, message: NextMessage, now: float) -> None:
        if message.replace:
            await self._replace(message, REFUSED)
        elif number := self.source.begin_batch(message, now):
            await self._send_batch(connection, message, number)
        else:
            await self._send(connection, message)

    async def _send_batch(self, connection: Connection, first: NextMessage, number: int) -> None:
        """This message and what else is in its turn, as far as it lies in memory, in one (section 2)."""
        now = time.monotonic()
        parts = gather(self.source, self._unsent, first, number, self._room(connection), now)
        if not parts:
            await self._send(connection, first)
        elif len(parts) == 1:
            self.source.went_alone(first.stream)
            payload = encoding.readings(self.source, *parts[0])
            if not await self._is_too_large(connection, first, payload):
                await self._send_alone(connection, first, payload)
        else:
            for message, entries in parts:
                if entries:
                    self._onlookers.keep(message.stream.stream, message.first, [each.body for each in entries], now)
            payload = encoding.batch(self.source, [encoding.part(self.source, *each) for each in parts])
            await connection.hand_over(self._topics.batch(self._host), payload, self._batch_published)

    def _batch_published(self, error: BaseException | None) -> None:
        """What the broker took makes no room for more: an answer of the store does."""
        if error is not None and not isinstance(error, BusError):
            log.error("not published", why=repr(error))

    async def _copy(self, connection: Connection, s: Stream | None, stream: str) -> None:
        """Tell those who look on what went to the store in batches."""
        copy = self._onlookers.take(stream)
        if copy is not None and s is not None:
            for first, bodies in copy.pieces(self._room(connection)):
                payload = encoding.copy(self.source, s, first, bodies)
                await connection.hand_over(self._topics.readings(s.instrument), payload, self._batch_published)

    async def _send(self, connection: Connection, message: NextMessage) -> None:
        s, query = message.stream, self.source.query
        entries: list[Held] = []
        if message.original:
            original = await self._spool.call(lambda j: originals.original_of(j.db, s.number, message.first))
            if self.source.query != query:
                return
            if original is None:
                await self._withhold_again(self.source.give_up_original(s), originals.DAMAGED)
                return
            entries = [original]
        elif message.entries:
            room = self._room(connection)
            entries = self._unsent.take(s.stream, message.first, message.most, room) or await self._spool.read(
                s.number, message.first, message.most, room
            )
            if self.source.query != query:  # another question came up meanwhile: decide anew
                return
            if not entries:  # pruned meanwhile: decide anew
                return
        payload = encoding.readings(self.source, message, entries)
        if not await self._is_too_large(connection, message, payload):
            self.source.sent(message, len(entries), len(payload), time.monotonic())
            await self._send_alone(connection, message, payload)

    async def _send_alone(self, connection: Connection, message: NextMessage, payload: bytes) -> None:
        """A message of its own, after those of its stream that were told in batches before it."""
        s = message.stream
        await self._copy(connection, s, s.stream)
        await connection.hand_over(self._topics.readings(s.instrument), payload, partial(self._published, message))

    def _room(self, connection: Connection) -> int:
        """Bytes of entries for one message; a single one may be larger."""
        most = self.source.limits.batch_bytes
        return most if connection.largest_payload is None else min(most, connection.largest_payload - ENVELOPE)

    def _published(self, message: NextMessage, error: BaseException | None) -> None:
        if isinstance(error, BusError) and self._has(message.stream):
            self.source.broke(message)
            self._wake.set()
        elif error is not None:
            log.error("not published", why=repr(error))

    async def _is_too_large(self, connection: Connection, message: NextMessage, payload: bytes) -> bool:
        """Whether the broker would not take it; its entry is withheld then (rules 8 and 10)."""
        most = connection.largest_payload
        if not message.entries or most is None or len(payload) <= most:
            return False
        reason = f"the broker takes no more than {most} bytes at once"
        if message.original:
            await self._withhold_again(self.source.give_up_original(message.stream), reason)
        else:
            await self._replace(message, reason)
        return True

    async def _withhold_again(self, effect: Effect, reason: str) -> None:
        """Rule 10: the original stays where it is, for a person to send it again."""
        assert effect.stream is not None
        s, seq = effect.stream, effect.seq
        self._told.withheld_again(s, seq, reason)
        await self.write_down()
        text = f"the original of entry {seq} of stream {s.stream} ({s.instrument}) stays withheld: {reason}."
        await self.alarms.tell("withheld", f"{s.stream} {seq}", text)

    async def _replace(self, message: NextMessage, reason: str) -> None:
        """Rule 8: nothing but this entry fails to get through, so its original is kept here and a stand-in sent."""
        s = message.stream
        await self._spool.call(lambda j: j.replace(s.number, message.first, reason))
        if not self._has(s):
            return
        self.source.replaced(message)
        text = f"entry {message.first} of stream {s.stream} ({s.instrument}) is withheld: {reason}."
        await self.alarms.tell("withheld", f"{s.stream} {message.first}", text)

    async def _listen(self, connection: Connection) -> None:
        batch_committed = self._topics.batch_committed(self._host)
        async for message in connection.messages():
            is_batch = message.topic == batch_committed
            try:
                answers = answers_to_batch(message.payload) if is_batch else [answer(message.payload)]
            except NOT_AN_ANSWER as error:
                await self._not_an_answer(message, error)
                continue
            now = time.monotonic()
            await self._carry_out(
                [effect for each in answers for effect in self.source.answer(*each[:-1], now, batches=each.batches)]
            )
            if is_batch:
                self.source.heard_batch()
            if not self.source.quiet:
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
            await self.alarms.tell("unreadable answer", "store", text)

    async def _alarm_of_store(self, effect: Effect) -> None:
        """Another store's answers are counted: whoever sends them may send without end."""
        if effect.stream is None:
            self.foreign += 1
            if not is_worth_telling(self.foreign):
                return
        await self.alarms.tell("store", effect.stream.stream if effect.stream else "store", effect.text)

    async def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            if effect.what == "through" and effect.stream is not None:  # nearly every one
                self._told.moved(effect.stream)
                if self.lag is not None:
                    self.lag.confirmed(effect.stream)
            elif effect.what == "pair":
                log.info("paired with a store", store=effect.text)
                self._told.paired(effect.text)
            elif effect.what == "epoch":
                if self._spool.epoch is not None:  # otherwise it is the first one ever heard of
                    log.warning("the store began a new epoch: every stream is asked for", epoch=effect.text)
                self._told.new_epoch(effect.text)
            elif effect.what == "alarm":
                await self._alarm_of_store(effect)
            elif effect.what == "receded" and effect.stream is not None:
                await self._spool.end_stream(effect.stream.number, "receded", effect.stream.why)
                self.on_store_ahead(effect.stream.instrument)
            elif effect.what == "original" and effect.stream is not None:
                log.info("a withheld original is in the store", stream=effect.stream.stream, seq=effect.seq)
                self._told.original_sent(effect.stream, effect.seq)
            elif effect.what == "withhold again":
                await self._withhold_again(effect, REFUSED_AGAIN)
        if self._told.due:
            await self.write_down()

    async def write_down(self) -> None:
        """Put what is confirmed into the spool's file."""
        await self._told.write_down()
