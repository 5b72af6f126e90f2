"""Rows that people made, held against the audit trail: every row against its entry, every entry against its rows.

The trail is walked once, its chain held on the way. All rows: what was seen is noted in a temporary table, so that
memory does not grow with the store. One session: its rows are known beforehand, and so are the entries that tell of it.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from typing import Annotated

import msgspec

from acquire.canonical import canonical
from acquire.store import audit
from acquire.store.canonical_rows import Key, Shape, shape
from acquire.store.record_tables import FILES, FITTED, OF_EVERY_SESSION, ORDER, PEOPLE, PLACED

Progress = Callable[[str, int, int], None]  # what, how many are done, of how many
EVERY = 1000


class HeldRows:
    """One pass over the trail; `changed` names the rows that do not hold once `verify` is through."""

    def __init__(self, connection: sqlite3.Connection, session: str | None, progress: Progress) -> None:
        self._connection = connection
        self._progress = progress
        self._shapes = {table: shape(connection, table) for table in PEOPLE}
        self._seen = _Seen(connection) if session is None else _SeenOfSession(connection, session, self._shapes)
        self.changed: set[tuple[str, Key]] = set()
        self.held = 0

    def verify(self) -> Iterator[str]:
        """One sentence for each entry and each row that does not hold."""
        entries, _ = audit.head(self._connection)
        with self._seen:
            for n, (entry, wrong) in enumerate(audit.walk(self._connection), start=1):
                if n % EVERY == 0:
                    self._progress("audit entries", n, max(n, entries))
                yield from wrong
                yield from self._rows_of(entry)
            for table, shaped in self._shapes.items():
                yield from self._added(table, shaped)

    def _rows_of(self, entry: audit.Entry) -> Iterator[str]:
        if not self._seen.may_concern(entry):
            return
        for table, key, digest in _named(entry):
            shaped = self._shapes.get(table)
            if shaped is not None and len(key) == len(shaped.key) and self._seen.concerns(entry, table, key):
                self._seen.note(table, key)
                self.held += 1
                if (wrong := self._wrong(shaped, key, digest)) is not None:
                    self.changed.add((table, key))
                    yield f"{wrong}; {entry['who']} made it (audit entry {entry['n']}, {entry['what']})."

    def _wrong(self, shaped: Shape, key: Key, digest: str) -> str | None:
        words = PEOPLE[shaped.table]
        row = self._connection.execute(shaped.by_key, key).fetchone()
        if row is None:
            named = words.named.format_map(dict(zip(shaped.key, key, strict=True)))
            return f"{_first_upper(named)} (table {shaped.table}) was deleted"
        return None if shaped.digest(row) == digest else f"{_said(shaped, row)} was changed"

    def _added(self, table: str, shaped: Shape) -> Iterator[str]:
        for key in self._seen.unseen(shaped):
            row = self._connection.execute(shaped.by_key, key).fetchone()
            if row is not None:
                self.changed.add((table, key))
                yield f"{_said(shaped, row)} was added: no audit entry tells of it."


class _Seen:
    """Every row that an entry told of, in a temporary table of this connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("DROP TABLE IF EXISTS temp.seen")
        self._connection.execute(
            "CREATE TEMPORARY TABLE seen (place TEXT, key BLOB, PRIMARY KEY (place, key)) WITHOUT ROWID"
        )

    def __exit__(self, *_: object) -> None:
        self._connection.execute("DROP TABLE IF EXISTS temp.seen")

    def may_concern(self, entry: audit.Entry) -> bool:
        return True

    def concerns(self, entry: audit.Entry, table: str, key: Key) -> bool:
        return True

    def note(self, table: str, key: Key) -> None:
        self._connection.execute("INSERT OR IGNORE INTO temp.seen VALUES (?, ?)", (table, canonical(key)))

    def unseen(self, shaped: Shape) -> Iterator[Key]:
        for row in self._connection.execute(shaped.keys):
            key = shaped.key_of(row)
            asked = (shaped.table, canonical(key))
            if (
                self._connection.execute("SELECT 1 FROM temp.seen WHERE place = ? AND key = ?", asked).fetchone()
                is None
            ):
                yield key


class _SeenOfSession(_Seen):
    """The rows of one session, its order and its files; and the entries that tell of it, by their subject."""

    def __init__(self, connection: sqlite3.Connection, session: str, shapes: dict[str, Shape]) -> None:
        super().__init__(connection)
        self._of_results = f"{session} "
        self._subjects = {session, *(str(row[0]) for row in connection.execute(ORDER, (session,)))}
        self._placed = {str(row[0]) for row in connection.execute(PLACED, (session,))}
        self._waiting: set[tuple[str, Key]] = {
            (table, shaped.key_of(row))
            for table, shaped in shapes.items()
            for row in connection.execute(f"{shaped.keys} WHERE {PEOPLE[table].of}", (session,))
        }
        self._waiting |= {("document", (str(row[0]),)) for row in connection.execute(FILES, (session,))}
        self._ours = set(self._waiting)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass

    def may_concern(self, entry: audit.Entry) -> bool:
        """An entry of other subjects may have brought a file that this session uses, too, or made an element."""
        rows = entry["rows"] or ""
        return self._tells(entry) or '"document"' in rows or any(f'"{table}"' in rows for table in OF_EVERY_SESSION)

    def concerns(self, entry: audit.Entry, table: str, key: Key) -> bool:
        told = self._tells(entry)
        if told and table == "attempt":
            self._subjects.add(str(key[0]))
        return told or table in OF_EVERY_SESSION or (table, key) in self._ours

    def _tells(self, entry: audit.Entry) -> bool:
        """Subjects: the session, its order, "session point" of a result, the measurement of an attempt, of a fit the
        element."""
        subject: str = entry["subject"]
        if entry["what"] == FITTED:
            return subject in self._placed
        return subject in self._subjects or subject.startswith(self._of_results)

    def note(self, table: str, key: Key) -> None:
        self._waiting.discard((table, key))

    def unseen(self, shaped: Shape) -> Iterator[Key]:
        yield from sorted(key for table, key in self._waiting if table == shaped.table)


def _named(entry: audit.Entry) -> list[audit.Sealed]:
    """The rows an entry names; none where it was changed into something that names none, which its hash shows."""
    try:
        named: list[audit.Sealed] = _rows.decode(entry["rows"] or "[]")
    except msgspec.DecodeError:
        return []
    return named


_int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_rows = msgspec.json.Decoder(list[tuple[str, tuple[_int64 | str, ...], str]])


def verify_files(connection: sqlite3.Connection, session: str | None, changed: set[tuple[str, Key]]) -> Iterator[str]:
    """Every file's bytes against the SHA-256 it is named by; not those that were found changed already."""
    where, of = (f"WHERE {PEOPLE['document'].of}", (session,)) if session is not None else ("", ())
    shaped = shape(connection, "document")
    for row in connection.execute(f"{shaped.select} {where}", of):
        key = shaped.key_of(row)
        if ("document", key) not in changed and hashlib.sha256(row["body"]).hexdigest() != key[0]:
            yield f"{_said(shaped, row)} was changed after it was added, and its audit entry was recomputed."


def _said(shaped: Shape, row: sqlite3.Row) -> str:
    return f"{_first_upper(PEOPLE[shaped.table].words.format_map(shaped.words(row)))} (table {shaped.table})"


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]
