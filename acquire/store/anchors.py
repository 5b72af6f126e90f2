"""Anchors: the newest hashes of a store's chains, kept where whoever can write the store cannot.

A chain made anew from its beginning, or cut at its end together with the rows it told of, holds in itself. It does not
hold against what was printed, sent or written elsewhere before.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from acquire.canonical import canonical, utc_now
from acquire.errors import FileProblem
from acquire.store import audit, seals
from acquire.store.database import identity

MOST_BYTES = 64 * 1024 * 1024  # of an anchor file: about 250,000 lines
_HASH = re.compile(r"[0-9a-f]{64}")
_CHAINS = (("audit", "audit trail"), ("seal", "seals of the streams"))

Place = tuple[int, str]  # number and hash of an entry of a chain; (0, sixty-four zeros): none yet


class Anchor(msgspec.Struct, frozen=True):
    """The newest audit entry and the newest seal of the streams, of one store (its id), at one moment (UTC)."""

    store: str
    at: str
    audit: Place
    seal: Place

    @property
    def plain(self) -> dict[str, object]:
        """As it is printed, sent and written."""
        return {"store": self.store, "at": self.at, "audit": list(self.audit), "seal": list(self.seal)}

    @property
    def line(self) -> bytes:
        """One line of an anchor file: canonical JSON."""
        return canonical(self.plain) + b"\n"


def anchor(connection: sqlite3.Connection) -> Anchor:
    """The anchor of what the store holds now."""
    store, _ = identity(connection)
    return Anchor(store, utc_now(), audit.head(connection), seals.head(connection))


def read(path: Path) -> Iterator[tuple[int, Anchor | str]]:
    """Each line of an anchor file with its number: the anchor, or why it is none. Blank lines are skipped.

    Raises FileProblem where there is no such file, or it is no regular one of at most 64 MiB.
    """
    try:
        size = path.stat().st_size
        body = path.read_bytes() if path.is_file() and size <= MOST_BYTES else None
    except OSError as error:
        raise FileProblem(f"{path}: the anchor file cannot be read: {error.strerror}.") from error
    if body is None:
        raise FileProblem(f"{path} is no anchor file: a regular file of at most {MOST_BYTES} bytes is allowed.")
    for number, text in enumerate(body.splitlines(), start=1):
        if text.strip():
            yield number, parsed(text)


def parsed(text: bytes) -> Anchor | str:
    """One line of an anchor file, or why it is none."""
    try:
        found = msgspec.json.decode(text, type=Anchor)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return f"it is no anchor: {error}."
    if not all(n >= 0 and _HASH.fullmatch(hash_) for n, hash_ in (found.audit, found.seal)):
        return "it is no anchor: of each chain a number and 64 hexadecimal digits are expected."
    return found


def hold(connection: sqlite3.Connection, lines: Iterable[tuple[int, Anchor | str]]) -> Iterator[str]:
    """Hold the chains against the lines of a file: for each thing that does not hold, a sentence of its first line."""
    first: dict[str, str] = {}
    more: Counter[str] = Counter()
    number = 0
    for number, line in lines:
        for kind, sentence in [("none", line)] if isinstance(line, str) else against(connection, line):
            first.setdefault(kind, f"line {number}: {sentence}")
            more[kind] += 1
    for kind, sentence in first.items():
        yield sentence if more[kind] == 1 else f"{sentence} So say {more[kind]} lines."
    if number == 0:
        yield "it has no line; nothing is held against it."


def against(connection: sqlite3.Connection, line: Anchor) -> Iterator[tuple[str, str]]:
    """What of one anchor does not hold: its kind and a sentence."""
    store, _ = identity(connection)
    if line.store != store:
        yield "store", f"it is of the store {line.store}, and this is {store}."
        return
    for (table, chain), (n, hash_) in zip(_CHAINS, (line.audit, line.seal), strict=True):
        found = _hash_of(connection, table, n)
        if found is None:
            yield f"{table} cut", f"the {chain} had an entry {n} on {line.at}; it was cut, or an older copy put back."
        elif found != hash_:
            why = "it was recomputed, or an older copy went on."
            yield f"{table} recomputed", f"entry {n} of the {chain} had another hash on {line.at}; {why}"


def _hash_of(connection: sqlite3.Connection, table: str, n: int) -> str | None:
    if n == 0:
        return audit.FIRST
    row = connection.execute(f"SELECT hash FROM {table} WHERE n = ?", (n,)).fetchone()
    return str(row["hash"]) if row else None
