"""A source, a store and the worst broker there can be, in one thread and without waiting.

The real journal, the real source protocol and the real ingest; only the network and the clock are the test's. Any
message may be lost, doubled, delayed without bound or overtaken; both ends may die at any commit and be restored.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

from invariants import Emitted, check_invariants

from acquire.bus.names import Topics
from acquire.canonical import canonical, parse
from acquire.checksum import seed
from acquire.instruments.entries import gap_body, marker_body
from acquire.spool import encoding, originals, pruning, rescue
from acquire.spool.entries import Held, held
from acquire.spool.journal import Journal, stand_in
from acquire.spool.source import Limits, NextMessage, Source, Stream
from acquire.spool.unsent import Unsent
from acquire.store.copies import begin_epoch
from acquire.store.database import connect, migrate, transaction
from acquire.store.entries import Entry, walked
from acquire.store.ingest import Watermark, ingest
from acquire.store.seals import verify_streams

TOPICS = Topics("clinic")
INSTRUMENT = "electrometer-1"
SMALL_MEMORY = 1000  # bytes of what is not sent yet: less than the campaign appends
SMALL = Limits(batch_entries=3, stream_messages=2, source_messages=4, heartbeat_s=5.0)
RETENTION_S = 3 * 86400.0
MARGIN_S = 86400.0
PASS_S = 3600.0


def reading(number: int, *, poison: bool = False) -> bytes:
    """A reading entry with its number as value; a poisoned one has a text where a number belongs."""
    value: object = "poison" if poison else float(number)
    return canonical(
        {
            "kind": "scalar",
            "quantity": "charge",
            "unit": "C",
            "value": value,
            "time": "2027-02-03T09:12:00.000000Z",
            "monotonic_s": float(number),
            "raw": f"+{number:07d}",
        }
    )


def to_send(source: Source, message: NextMessage, bodies: Iterable[bytes]) -> bytes:
    """A message of the source with these bodies, whatever its spool holds."""
    first = message.first
    return encoding.readings(
        source, message, [held(seed(message.stream.stream), n, b) for n, b in enumerate(bodies, first)]
    )


def new_store() -> sqlite3.Connection:
    """An empty store in memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    migrate(connection)
    return connection


@dataclass
class World:
    """Everything, and the operations that may happen to it."""

    path: Path
    store: sqlite3.Connection = field(default_factory=new_store)
    now: float = 0.0
    to_store: list[bytes] = field(default_factory=list)
    to_source: list[Watermark] = field(default_factory=list)
    emitted: list[Emitted] = field(default_factory=list)
    measurement: str | None = None
    numbers: int = 0
    excused: set[tuple[str, int]] = field(default_factory=set)
    alarms: list[str] = field(default_factory=list)
    pass_at: float = 0.0
    pass_query: str | None = None
    put_back: bool = False  # a store file was put back by hand and it may not have been noticed
    takes_no_originals: bool = False  # the broker drops them
    older_spool: bool = False  # a spool was put back: it may have told the store other ends before

    def __post_init__(self) -> None:
        self.start_source()

    # --- the source ---------------------------------------------------------------------------------------------------

    def start_source(self) -> None:
        self.journal = Journal(self.path, reserve=4096)
        self.journal.db.execute("PRAGMA synchronous=OFF")  # power cuts are not simulated here
        journal = self.journal
        self.source = Source(
            journal.source, journal.store, journal.epoch, journal.streams(), SMALL, aside=journal.aside.streams_of
        )
        self.unsent = Unsent(SMALL_MEMORY)
        self.stream: Stream | None = None
        self.measurement = None

    def crash_source(self) -> None:
        self.journal.close()
        self.start_source()

    def lose_link(self) -> None:
        if self.stream is not None:
            self.journal.end_stream(self.stream.number, "link-lost")
            self.source.ended(self.stream.stream, "link-lost")
            self.stream = self.measurement = None

    def append(self, body: bytes, measurement: str | None = None) -> None:
        if self.stream is None:
            self.stream = self.source.opened(self.journal.open_stream(INSTRUMENT))
        ((seq, (checksum,)),) = self.journal.append([(self.stream.number, [(body, measurement)])])
        self.unsent.keep(self.stream.stream, seq, [Held(body, checksum)])
        self.source.appended(self.stream.number, seq)
        truth = self.measurement if measurement is None else None
        self.emitted.append(Emitted(self.stream.stream, seq, body, truth, measurement is not None))

    def append_reading(self, *, poison: bool = False) -> None:
        self.numbers += 1
        self.append(reading(self.numbers, poison=poison))

    def append_withheld(self) -> None:
        """An original over the limit: kept at the source, and its stand-in sent."""
        if self.stream is None:
            self.stream = self.source.opened(self.journal.open_stream(INSTRUMENT))
        self.numbers += 1
        body = reading(self.numbers)
        seq = self.journal.withhold(self.stream.number, body, "too large")
        self.source.appended(self.stream.number, seq)
        stands = stand_in(body, "too large")
        self.emitted.append(Emitted(self.stream.stream, seq, stands, self.measurement, original=body))

    def resend(self) -> None:
        """`acquire spool resend` beside the running service."""
        originals.ask(self.journal.db)
        wanted = originals.to_send(self.journal.db)
        for s in self.source.streams.values():
            self.source.resend(s.stream, wanted.get(s.number, ()))

    def append_gap(self) -> None:
        self.numbers += 1
        self.append(gap_body("no reply", 1, f"since {self.numbers}"))

    def begin(self) -> None:
        self.numbers += 1
        new = str(uuid5(NAMESPACE_OID, str(self.numbers)))
        self.append(marker_body("begin", new, "S-1", "irradiate"), new)
        self.measurement = new

    def end(self) -> None:
        if self.measurement is not None and self.stream is not None:
            self.append(marker_body("end", self.measurement, "S-1", "irradiate"), self.measurement)
            self.measurement = None

    def send(self) -> bool:
        """One message of the source, if it has one to send now."""
        turn = self.source.next(self.now)
        if turn is None:
            return False
        if turn.replace:
            self.replace(turn)
            return True
        limits = self.source.limits
        entries: list[Held] = []
        if turn.original:
            original = originals.original_of(self.journal.db, turn.stream.number, turn.first)
            assert original is not None, "an original is to be sent and not held"
            entries = [original]
        elif turn.entries:
            wanted = (turn.first, turn.most, limits.batch_bytes)
            lies = self.journal.read(turn.stream.number, *wanted)
            entries = self.unsent.take(turn.stream.stream, *wanted) or lies
            assert entries == lies[: len(entries)], "memory and file differ"
            assert entries, "what is to be sent is not held"
        payload = encoding.readings(self.source, turn, entries)
        self.source.sent(turn, len(entries), len(payload), self.now)
        if not (turn.original and self.takes_no_originals):
            self.to_store.append(payload)
        return True

    def replace(self, turn: NextMessage) -> None:
        s = turn.stream
        self.journal.replace(s.number, turn.first, "refused")
        self.source.replaced(turn)
        for n, e in enumerate(self.emitted):
            if (e.stream, e.seq) == (s.stream, turn.first):
                self.emitted[n] = replace(e, body=stand_in(e.body, "refused"), original=e.body)

    # --- pruning ------------------------------------------------------------------------------------------------------

    def begin_pass(self) -> None:
        self.pass_at = self.now
        self.pass_query = self.source.begin_pass(list(self.source.streams))

    def prune(self) -> int:
        """Whatever has been answered in this pass (at most an hour) and is old enough: the keeper's work."""
        gone = 0
        if self.source.query != self.pass_query or self.now - self.pass_at > PASS_S:
            return 0
        for stream, upto in pruning.prunable(self.journal, RETENTION_S, self.now).items():
            s = self.source.streams[stream]
            oldest = pruning.prune(self.journal, stream, min(upto, s.told))
            gone += oldest - s.oldest
            self.source.pruned(stream, oldest)
        if all(s.told >= 0 for s in self.source.streams.values()):
            self.source.originals_dropped(pruning.note_pass(self.journal, RETENTION_S, self.now))
        return gone

    # --- copies of the spool ------------------------------------------------------------------------------------------

    def copy_spool(self, to: Path) -> None:
        copy = sqlite3.connect(to)
        self.journal.db.backup(copy)
        copy.close()

    def put_spool_back(self, copy: Path) -> None:
        """`acquire spool restore`: what the copy does not hold is not promised any more."""
        self.journal.close()
        rescue.restore(self.path, copy)
        self.start_source()
        held = {(s.stream, seq) for s in self.journal.streams() for seq in range(s.oldest, s.head + 1)}
        self.excused |= {(e.stream, e.seq) for e in self.emitted} - held
        self.older_spool = True

    def hear(self, answer: Watermark) -> None:
        """The source takes an answer, and the journal what follows from it, as the publisher would."""
        effects = self.source.answer(answer.stream, answer.through, answer.store, answer.epoch, answer.query, self.now)
        for effect in effects:
            if effect.what == "pair":
                self.journal.pair(effect.text)
            elif effect.what == "epoch":
                if self.journal.new_epoch(effect.text, self.now):
                    self.alarms.append("two stores")
            elif effect.what == "alarm":
                self.alarms.append(effect.text)
            elif effect.what == "receded" and effect.stream is not None:
                self.journal.end_stream(effect.stream.number, "receded")
                if self.stream is effect.stream:
                    self.stream = self.measurement = None
            elif effect.what == "original" and effect.stream is not None:
                with self.journal.writing() as db:
                    originals.confirm(db, effect.stream.number, effect.seq, self.now)
            elif effect.what == "withhold again" and effect.stream is not None:
                with self.journal.writing() as db:
                    originals.withhold_again(db, effect.stream.number, effect.seq, "refused again")
            elif effect.what == "through" and effect.stream is not None:
                s = effect.stream
                self.journal.confirm([(s.number, s.through, s.end_heard)], self.source.epoch, self.now)

    def reconnect(self, *, wiped: bool) -> None:
        self.source.connected()
        if wiped:
            self.to_store.clear()
            self.to_source.clear()

    # --- the store ----------------------------------------------------------------------------------------------------

    def deliver(self, payload: bytes) -> None:
        self.to_source += ingest(self.store, "clinic", [(TOPICS.readings(INSTRUMENT), payload)]).answers

    def backup(self) -> sqlite3.Connection:
        copy = sqlite3.connect(":memory:", isolation_level=None)
        copy.row_factory = sqlite3.Row
        self.store.backup(copy)
        return copy

    def restore(self, backup: sqlite3.Connection) -> None:
        """As `acquire store restore` does it: the old content, a new epoch."""
        backup.backup(self.store)
        with transaction(self.store):
            begin_epoch(self.store)

    def restore_by_hand(self, backup: sqlite3.Connection) -> None:
        """The same epoch: nobody says so."""
        backup.backup(self.store)
        self.put_back = True

    def replace_store(self) -> None:
        """`acquire store create --replaces`: what is older than the journal is lost, and shown as lost."""
        name = self.store.execute("SELECT store FROM identity").fetchone()["store"]
        empty = new_store()
        empty.execute("UPDATE identity SET store = ?", (name,))
        empty.backup(self.store)
        empty.close()
        self.pass_query = None  # a pass that was answered by the old one may still end: not promised, not explored
        held = {(s.stream, seq) for s in self.journal.streams() for seq in range(s.oldest, s.head + 1)}
        self.excused |= {(e.stream, e.seq) for e in self.emitted} - held

    def flow(self) -> bool:
        """One fair round: all that can be sent arrives and is answered. Whether anything was sent."""
        while self.send():
            pass
        messages, self.to_store = self.to_store, []
        for payload in messages:
            self.deliver(payload)
        answers, self.to_source = self.to_source, []
        for answer in answers:
            self.hear(answer)
        self.now += 1.0
        return bool(messages)

    # --- what must hold -----------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Invariants 1 to 7 of docs/noloss.md section 8, and what the source has in mind beside what it wrote."""
        check_invariants(self.journal.db, self.store, self.emitted, excused=self.excused, put_back=self.put_back)
        unsettled = [s for s in self.source.streams.values() if not s.settled]
        assert self.source.all_settled == (not unsettled)
        for s in self.source.streams.values():
            newest = max(o.number for o in self.source.streams.values() if o.instrument == s.instrument)
            mine = [o for o in unsettled if o.instrument == s.instrument]
            others = [o for o in mine if o.number != newest or o.source is not None]
            aside = self.journal.aside.streams_of(s.instrument, self.source.epoch)
            assert self.source.unconfirmed_streams(s) == len(others) + aside

    def settle(self) -> None:
        """Faults stop, what was under way is gone: fair rounds, after which all must be confirmed.

        Every second time the connection stays up, so that the timers alone must notice the loss. A store that was put
        back by hand is noticed by the next heartbeat or, where only older streams show it, by the daily pass.
        """
        self.to_store.clear()
        self.to_source.clear()
        if self.numbers % 2:
            self.source.connected()
        if self.put_back:
            self.begin_pass()
        noticed_by = self.now + 2 * SMALL.heartbeat_s  # a store that was restored meanwhile
        for _ in range(400):
            if not self.flow() and self.now > noticed_by and all(s.settled for s in self.source.streams.values()):
                break
        for s in self.source.streams.values():
            assert s.settled, f"stream {s.number} never settles: {s}"
            gaps = [seq for seq in range(1, s.oldest) if not self._row(s.stream, seq)]
            assert not gaps, "neither kept here nor there"
            row = self.store.execute("SELECT * FROM stream WHERE stream = ?", (s.stream,)).fetchone()
            assert s.head == 0 or (row is not None and row["through"] >= s.head), f"stream {s.number} is not stored"
            if s.ended is not None and not self.older_spool:
                assert (s.head == 0 and row is None) or row["ended"] == s.ended
        self.put_back = False
        self.check()
        assert list(verify_streams(self.store)) == [], "what the store holds is what it sealed"

    def _row(self, stream: str, seq: int) -> Entry | None:
        return next(walked(self.store, stream, seq, seq), None)


def open_store(path: Path) -> sqlite3.Connection:
    """A store on disk, made if missing."""
    return connect(path, create=True)


def said(payload: bytes) -> dict[str, object]:
    """A message, decoded."""
    value = parse(payload)
    assert isinstance(value, dict)
    return value
