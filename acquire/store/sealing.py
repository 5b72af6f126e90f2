"""Writing seals: what becomes of the streams, said once and chained over the whole store.

A seal is written, in the transaction that makes it true, when a stream begins and ends, at markers, at latest every
1000 entries or 60 s of a live stream, and for everything that is put in the place of something else. What each says:
docs/adr/0014-store-rows-and-seals.md.
"""

from __future__ import annotations

import hashlib
import sqlite3
from typing import Any, NamedTuple

from acquire.canonical import canonical, utc_now
from acquire.rows import insert_rows
from acquire.store import clock
from acquire.store.streams import Life, Stream, life

EVERY_ENTRIES = 1000
EVERY_S = 60.0


class Seal(NamedTuple):
    """A row of `seal`, in the order of its columns."""

    n: int
    at: str
    what: str
    stream: int | None
    seq: int | None
    through: int | None
    chain: bytes | None
    detail: str
    previous: str
    hash: str

    @property
    def made(self) -> str:
        """The hash that its content gives."""
        chain = self.chain.hex() if self.chain is not None else None
        said = [*self[:6], chain, self.detail, self.previous]
        return hashlib.sha256(canonical(said)).hexdigest()


def before_the_first(store: str) -> str:
    """What the first seal follows: made of the store's id, so that the id is held too."""
    return hashlib.sha256(canonical(["store", store])).hexdigest()


def facts_of_end(stream: Stream) -> dict[str, Any]:
    """What is sealed of a stream's end; nothing while it is open."""
    if stream.ended is None:
        return {"ended": None}
    return {"ended": stream.ended, "why": stream.why, "final": stream.final, "head": stream.head}


class Sealing:
    """The seals of one transaction. `keep` writes them; without it there are none."""

    def __init__(self, connection: sqlite3.Connection, of: Life | None = None, at: str | None = None) -> None:
        self._connection = connection
        self._life = of
        self._last: tuple[int, str] | None = None
        self._waiting: list[Seal] = []
        self.at = at or utc_now()
        self.now_s = clock.monotonic_s()  # when this transaction began

    def add(self, what: str, stream: Stream | None = None, seq: int | None = None, **detail: Any) -> int:
        """Returns the number of the seal."""
        if stream is None:
            return self._put(what, None, None, None, None, detail)
        stream.sealed, stream.sealed_s = stream.through, self.now_s
        return self._put(what, stream.number, seq, stream.through, stream.chain, detail)

    def keep(self) -> None:
        """Write them."""
        if self._waiting:
            insert_rows(self._connection, "seal", self._waiting)
            self._waiting = []

    def _put(
        self, what: str, stream: int | None, seq: int | None, through: int | None, chain: bytes | None, detail: Any
    ) -> int:
        n, previous = self._newest()
        text = canonical(detail).decode()
        open_ = Seal(n + 1, self.at, what, stream, seq, through, chain, text, previous, "")
        seal = open_._replace(hash=open_.made)
        self._waiting.append(seal)
        self._last = seal.n, seal.hash
        return seal.n

    def _newest(self) -> tuple[int, str]:
        if self._last is None:
            row = self._connection.execute("SELECT n, hash FROM seal ORDER BY n DESC LIMIT 1").fetchone()
            if row is not None:
                self._last = int(row[0]), str(row[1])
            else:
                of = self._life or life(self._connection)
                self._last = 0, before_the_first(of.store)
                self._put("store", None, None, None, None, {"epoch": of.epoch})
        return self._last

    def is_due(self, stream: Stream) -> bool:
        """Whether a live stream has gone on for so long since its last seal."""
        behind = stream.through - stream.sealed
        return behind >= EVERY_ENTRIES or (behind > 0 and not 0 <= self.now_s - stream.sealed_s < EVERY_S)


def hash_of(*said: object) -> str:
    """SHA-256 of the canonical JSON of what is said, in hexadecimal; bytes as themselves, at the end."""
    plain = [each for each in said if not isinstance(each, bytes)]
    content = b"".join(each for each in said if isinstance(each, bytes))
    return hashlib.sha256(canonical(plain) + content).hexdigest()
