"""What lies in the spool's file: plain synchronous SQLite, used by the spool's own thread alone.

How the file is opened, and what becomes of a damaged one, is in acquire.spool.file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from acquire.canonical import canonical, digest, parse, utc_now
from acquire.checksum import seed
from acquire.log import Log
from acquire.rows import insert_rows, update_rows
from acquire.spool import entries, originals
from acquire.spool.disk_budget import DEFAULT_LIMIT, RESERVE, DiskBudget
from acquire.spool.entries import Appended, Held
from acquire.spool.errors import SpoolDamaged, SpoolError, SpoolFull
from acquire.spool.file import SpoolFile
from acquire.spool.originals import DAMAGED

__all__ = ["Journal", "MarkerAt", "OpenStream", "SpoolDamaged", "SpoolError", "SpoolFull", "StreamRow", "stand_in"]

log = Log("spool")
Groups = Iterable[tuple[int, Sequence[tuple[bytes, str | None]]]]

LONGEST_WHY = 300  # characters of the sentence kept with the end of a stream
TWO_STORES_WITHIN_S = 3600.0  # a second change of epoch within this says that two stores of one record are live
NO_PRUNING_FOR_S = 86400.0
CONFIRMED_EVERY_S = 3600.0


@dataclass(frozen=True, slots=True)
class StreamRow:
    """A stream as the file has it."""

    number: int
    stream: str
    instrument: str
    head: int
    oldest: int
    ended: str | None
    end_heard: int
    through: int
    epoch: str | None
    source: str | None = None  # of a salvaged stream, where it is not this spool's own
    why: str | None = None  # the sentence of the fault that ended it, where one did
    resend: tuple[int, ...] = ()  # seqs whose withheld originals are to be sent again ...
    resent: tuple[int, ...] = ()  # ... and those that the store has confirmed in this epoch


@dataclass(slots=True)
class OpenStream:
    """A stream that takes entries: this process alone writes them, so its head need not be read."""

    seed: int
    head: int


@dataclass(frozen=True, slots=True)
class MarkerAt:
    """Where a measurement's marker lies."""

    stream: str
    seq: int
    mark: str
    ended: str | None


class Journal(SpoolFile):
    """One spool file, opened exclusively. Bytes: `limit` is its budget, `reserve` is kept for the last words.

    Every method that writes raises SpoolFull where the disk takes no more, SpoolError for what else is refused.
    `on_ended(number, ended, why)` is called for an end that could not be written when it came and is written now.
    """

    def __init__(self, path: Path, *, limit: int = DEFAULT_LIMIT, reserve: int = RESERVE) -> None:
        self._open_streams: dict[int, OpenStream] = {}
        self._owed_ends: dict[int, tuple[str, str | None]] = {}
        self.on_ended: Callable[[int, str, str | None], None] = lambda number, ended, why: None
        super().__init__(path, DiskBudget(path, limit, reserve))

    def _begun_anew(self, store: str | None) -> None:
        self._open_streams.clear()
        self._owed_ends.clear()
        if store is not None:
            self.pair(store)

    def _take_back(self) -> None:
        heads = [(number, stream.head) for number, stream in self._open_streams.items()]
        with self.writing():
            self.db.executemany("DELETE FROM entry WHERE stream = ? AND seq > ?", heads)
            self.db.executemany("DELETE FROM withheld WHERE stream = ? AND seq > ?", heads)
            self.db.executemany("UPDATE stream SET head = min(head, ?2) WHERE number = ?1", heads)

    def streams(self) -> list[StreamRow]:
        """All streams held, in order of creation."""
        rows = self.db.execute(
            "SELECT number, stream, instrument, head, oldest, ended, end_heard, through, epoch, source, why"
            " FROM stream ORDER BY number"
        ).fetchall()
        resend, resent = originals.to_send(self.db), originals.sent(self.db)
        return [replace(StreamRow(*row), resend=resend.get(row[0], ()), resent=resent.get(row[0], ())) for row in rows]

    def open_stream(self, instrument: str) -> StreamRow:
        """A new stream for an instrument: one connection epoch, seq from 1 (docs/noloss.md section 1)."""
        stream = str(uuid4())
        number = self.last_number + 1
        with self.writing():
            self.db.execute(
                "INSERT INTO stream (number, stream, instrument) VALUES (?, ?, ?)", (number, stream, instrument)
            )
        self.last_number = number
        self._open_streams[number] = OpenStream(seed(stream), 0)
        return StreamRow(number, stream, instrument, 0, 1, None, 0, 0, None)

    def append(self, groups: Groups, *, urgent: bool = False) -> list[Appended]:
        """Append (stream number, [(body, measurement of a marker or None)]) groups in one commit; their first seqs and
        checksums (rule 3.2).

        `urgent` entries (end markers) may go over the budget and into the reserve. Raises SpoolError for a stream that
        has ended or does not exist, SpoolFull when there is no room: nothing of any group is written then.
        """
        held = list(groups)
        if urgent:
            return self._with_reserve(lambda: self._append(held))
        self._refuse_when_full(sum(len(body) for _, bodies in held for body, _ in bodies))
        return self._append(held)

    def _append(self, groups: Groups) -> list[Appended]:
        heads: dict[int, int] = {}
        rows: list[entries.Row] = []
        appended: list[Appended] = []
        for number, bodies in groups:
            stream = self._open_streams.get(number)
            if stream is None:
                raise SpoolError("an entry came for a stream that has ended; it belongs to a new one.")
            head = heads.get(number, stream.head)
            made = entries.rows(number, stream.seed, head + 1, bodies)
            appended.append(Appended(head + 1, [row.checksum for row in made]))
            heads[number] = head + len(made)
            rows += made
        with self.writing():
            insert_rows(self.db, entries.TABLE, rows)
            update_rows(self.db, "stream", ("head",), "number", [(head, number) for number, head in heads.items()])
        for number, head in heads.items():
            self._open_streams[number].head = head
        return appended

    def _refuse_when_full(self, more: int) -> None:
        self.budget.check(self.db, more)
        if self.budget.full is not None:
            raise SpoolFull(f"spool full: {self.budget.full}.")

    def has_room(self) -> bool:
        """Whether entries are taken, or taken again (rule 3.9): there is room, and the disk works."""
        if self.budget.full is None and not self.disk_failed and not self._owed_ends:
            return True
        try:
            if self._aside_said is not None:
                self.begin_anew("")
            elif self.disk_failed:
                self.reopen()
            with self._refusals():
                has_room = self.budget.settle(self.db)
            if has_room:
                self._write_owed_ends()
        except SpoolFull:
            return False
        return has_room

    def withhold(self, number: int, body: bytes, reason: str) -> int:
        """Keep an original that cannot be sent; an entry of kind `withheld` takes its seq. Returns the seq (rule 3.8).

        Raises SpoolFull, SpoolError for a stream that has ended.
        """
        self._refuse_when_full(len(body))
        stream = self._open_streams.get(number)
        if stream is None:
            raise SpoolError("an entry came for a stream that has ended; it belongs to a new one.")
        seq = stream.head + 1
        with self.writing():
            insert_rows(
                self.db, entries.TABLE, entries.rows(number, stream.seed, seq, [(stand_in(body, reason), None)])
            )
            self.db.execute("UPDATE stream SET head = ? WHERE number = ?", (seq, number))
            originals.keep(self.db, number, seq, entries.held(stream.seed, seq, body), reason)
        stream.head = seq
        return seq

    def replace(self, number: int, seq: int, reason: str) -> None:
        """Withhold an entry that was appended already and is refused on its way (rule 3.8)."""
        for entry in self.read(number, seq, 1, 0):
            if not entry.damaged:
                self._keep_aside(number, seq, entry, reason, stand_in(entry.body, reason))

    def _keep_aside(self, number: int, seq: int, original: Held, reason: str, stands: bytes) -> None:
        stand = entries.held(self._seed(number), seq, stands)
        with self.writing():
            originals.keep(self.db, number, seq, original, reason)
            self.db.execute(
                "UPDATE entry SET body = ?, checksum = ? WHERE stream = ? AND seq = ?",
                (stand.body, stand.checksum, number, seq),
            )

    def _seed(self, number: int) -> int:
        (stream,) = self.db.execute("SELECT stream FROM stream WHERE number = ?", (number,)).fetchone()
        return seed(stream)

    def end_stream(self, number: int, ended: str, why: str | None = None) -> None:
        """Set how a stream ended, once, with the sentence of the fault; a later end does not replace the first."""
        said = (ended, why[:LONGEST_WHY] if why else None, number)

        def end() -> None:
            with self.writing():
                self.db.execute("UPDATE stream SET ended = ?, why = ? WHERE number = ? AND ended IS NULL", said)

        try:
            self._with_reserve(end)
        except SpoolError:
            if number in self._open_streams:
                self._owed_ends.setdefault(number, (ended, why))
            raise
        self._open_streams.pop(number, None)

    def _write_owed_ends(self) -> None:
        """Streams whose end the disk did not take end now; they must not stay open for the store."""
        for number, (ended, why) in list(self._owed_ends.items()):
            self.end_stream(number, ended, why)
            del self._owed_ends[number]
            self.on_ended(number, ended, why)

    def read(self, number: int, first: int, max_entries: int, max_bytes: int) -> list[Held]:
        """Entries of seq `first`, first+1, ... at most max_entries and max_bytes, but always one if `first` is held.

        One that does not fit its checksum was changed where it lay: it is kept aside and named, and its stand-in is
        given in its place, also where the disk takes nothing just now.
        """
        found: list[Held] = []
        size = 0
        held = self.db.execute(
            "SELECT seq, body, checksum FROM entry WHERE stream = ? AND seq >= ? ORDER BY seq LIMIT ?",
            (number, first, max_entries),
        ).fetchall()
        mixed = self._seed(number) if held else 0
        for seq, body, checksum in held:
            if seq != first + len(found):  # pruned meanwhile
                break
            entry = entries.opened(mixed, seq, body, checksum)
            if entry.damaged:
                entry = self._withhold_damaged(number, seq, entry)
            size += entry.size
            if found and size > max_bytes:
                break
            found.append(entry)
        return found

    def made_at(self, number: int, seq: int) -> datetime | None:
        """When an entry was made, by the host's clock as it stands in its body; None where that is not to be read."""
        row = self.db.execute("SELECT body FROM entry WHERE stream = ? AND seq = ?", (number, seq)).fetchone()
        try:
            said = parse(row[0]) if row is not None else {}
            told = said.get("time") or said.get("to")
            return datetime.fromisoformat(told) if told else None
        except (ValueError, AttributeError, TypeError):  # it was changed where it lay
            return None

    def _withhold_damaged(self, number: int, seq: int, entry: Held) -> Held:
        """Its stand-in says the digest of nothing, so that no store takes what is kept here for the original."""
        stands = stand_in(b"", DAMAGED)
        with suppress(SpoolError):
            self._keep_aside(number, seq, entry, DAMAGED, stands)
            (stream,) = self.db.execute("SELECT stream FROM stream WHERE number = ?", (number,)).fetchone()
            text = f"entry {seq} of stream {stream} does not fit its checksum: it is kept aside and not sent."
            log.error(text)
            self.alarm("damaged entry", f"{stream} {seq}", text)
        return entries.held(self._seed(number), seq, stands)._replace(damaged=True)

    def markers(self, measurement: str) -> list[MarkerAt]:
        """Markers of a measurement in any stream, in order of appending."""
        rows = self.db.execute(
            "SELECT e.stream, s.stream, e.seq, s.ended FROM entry e JOIN stream s ON s.number = e.stream"
            " WHERE e.measurement = ? ORDER BY s.number, e.seq",
            (measurement,),
        ).fetchall()
        marks = [(parse(self.read(row[0], row[2], 1, 0)[0].body).get("mark"), row) for row in rows]
        return [MarkerAt(stream, seq, mark, ended) for mark, (_, stream, seq, ended) in marks if mark is not None]

    def pair(self, store: str) -> None:
        """Remember the store this spool belongs to. Nothing is confirmed by it yet (rule 3.5)."""
        with self.writing():
            self.db.execute("UPDATE meta SET store = ?, epoch = NULL, epoch_at = NULL", (store,))
            self._forget_confirmed(None)
        self.store, self.epoch = store, None

    def new_epoch(self, epoch: str, uptime_s: float) -> bool:
        """The store began a new life, or went back: nothing is confirmed any more (rule 5c).

        Returns True when it is the second change of epoch within an hour: two stores of one record answer, and
        nothing is pruned until a day has passed without another.
        """
        with self.writing():
            known, changed_at = self.db.execute("SELECT epoch, epoch_at FROM meta").fetchone()
            changed = known is not None and known != epoch
            two = changed and changed_at is not None and uptime_s - changed_at < TWO_STORES_WITHIN_S
            self.db.execute("UPDATE meta SET epoch = ?", (epoch,))
            if changed:
                self.db.execute("UPDATE meta SET epoch_at = ?", (uptime_s,))
            if two:
                self.db.execute("UPDATE meta SET no_pruning_before = ?", (uptime_s + NO_PRUNING_FOR_S,))
            self._forget_confirmed(epoch)
        self.epoch = epoch
        return two

    def _forget_confirmed(self, epoch: str | None) -> None:
        self.db.execute("UPDATE stream SET through = 0, end_heard = 0, epoch = ?", (epoch,))
        self.db.execute("DELETE FROM confirmed")
        originals.forget_confirmed(self.db)

    def confirm(self, marks: Iterable[tuple[int, int, bool]], epoch: str | None, uptime_s: float) -> None:
        """Write down (stream number, through, end heard), and when it was first confirmed, at most one row an hour."""
        with self.writing():
            for number, through, end_heard in marks:
                known = self.db.execute(
                    "UPDATE stream SET through = max(through, ?), end_heard = ?, epoch = ? WHERE number = ?",
                    (through, int(end_heard), epoch, number),
                ).rowcount
                if known:  # otherwise it lay in a file that is aside by now
                    self._note_confirmed(number, through, uptime_s)
            self.db.execute("UPDATE meta SET uptime_s = ?", (uptime_s,))
        self.uptime_s = uptime_s

    def _note_confirmed(self, number: int, through: int, uptime_s: float) -> None:
        """The newest row moves along until it is an hour younger than the one before: never older than the truth."""
        rows = self.db.execute(
            "SELECT through, uptime_s FROM confirmed WHERE stream = ? ORDER BY through DESC LIMIT 2", (number,)
        ).fetchall()
        if rows and rows[0][0] >= through:
            return
        if len(rows) == 2 and rows[0][1] - rows[1][1] < CONFIRMED_EVERY_S:
            self.db.execute("DELETE FROM confirmed WHERE stream = ? AND through = ?", (number, rows[0][0]))
        self.db.execute("INSERT INTO confirmed VALUES (?, ?, ?)", (number, through, uptime_s))

    def alarm(self, what: str, subject: str, message: str) -> None:
        """Note an alarm for a person, counted when it comes again."""
        now = utc_now()
        with self.writing():
            self.db.execute(
                "INSERT INTO alarm VALUES (?1, ?2, ?3, 1, ?4, ?4) ON CONFLICT (what, subject) DO UPDATE"
                " SET count = count + 1, message = excluded.message, last_at = excluded.last_at",
                (what, subject, message, now),
            )


def stand_in(body: bytes, reason: str) -> bytes:
    """The entry that stands for an original the source cannot send (docs/noloss.md section 2)."""
    return canonical({"kind": "withheld", "reason": reason, "bytes": len(body), "sha256": digest(body).hex()})
