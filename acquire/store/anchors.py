"""Anchors: the newest hashes of a store's chains, kept where whoever can write the store cannot.

A chain made anew from its beginning, or cut at its end together with the rows it told of, holds in itself. It does not
hold against what was printed, sent or written elsewhere before.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from acquire.canonical import canonical, utc_now
from acquire.errors import FileProblem
from acquire.store import audit
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
    return Anchor(store, utc_now(), audit.head(connection), (0, audit.FIRST))


def read(path: Path) -> Iterator[tuple[int, Anchor]]:
    """Each line of an anchor file with its number; blank lines are skipped. Raises FileProblem, naming the line."""
    try:
        size = path.stat().st_size
        body = path.read_bytes() if path.is_file() and size <= MOST_BYTES else None
    except OSError as error:
        raise FileProblem(f"{path}: the anchor file cannot be read: {error.strerror}.") from error
    if body is None:
        raise FileProblem(f"{path} is no anchor file: a regular file of at most {MOST_BYTES} bytes is allowed.")
    for number, text in enumerate(body.splitlines(), start=1):
        if text.strip():
            yield number, parsed(text, f"{path}, line {number}")


def parsed(text: bytes, where: str) -> Anchor:
    """One line. Raises FileProblem where it is none."""
    try:
        found = msgspec.json.decode(text, type=Anchor)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FileProblem(f"{where} is no anchor: {error}. `acquire store anchor --json` prints one.") from error
    if not all(n >= 0 and _HASH.fullmatch(hash_) for n, hash_ in (found.audit, found.seal)):
        raise FileProblem(f"{where} is no anchor: a number and 64 hexadecimal digits are expected of each chain.")
    return found


@dataclass(slots=True)
class Held:
    """How many lines were held against the chains; what did not hold is said by `hold`."""

    lines: int = 0


def hold(connection: sqlite3.Connection, path: Path, held: Held) -> Iterator[str]:
    """Hold the chains against every line of a file: one sentence for the first line of each kind that does not hold.

    Raises FileProblem.
    """
    store, _ = identity(connection)
    wrong: dict[str, list[int]] = {}
    for number, line in read(path):
        held.lines += 1
        for sentence in _against(connection, store, line):
            wrong.setdefault(sentence, []).append(number)
    for sentence, numbers in wrong.items():
        more = f" and {len(numbers) - 1} more" if len(numbers) > 1 else ""
        yield f"{path}, line {numbers[0]}{more}: {sentence}"


def holds(connection: sqlite3.Connection, line: Anchor) -> str | None:
    """Why one anchor does not hold, None where it does."""
    store, _ = identity(connection)
    return next(_against(connection, store, line), None)


def _against(connection: sqlite3.Connection, store: str, line: Anchor) -> Iterator[str]:
    if line.store != store:
        yield f"it is an anchor of the store {line.store}, and this is {store}."
        return
    for (table, chain), (n, hash_) in zip(_CHAINS, (line.audit, line.seal), strict=True):
        found = _hash_of(connection, table, n)
        if found is None:
            yield f"the {chain} was cut, or an older copy put back: it had an entry {n} then."
        elif found != hash_:
            yield f"the {chain} was recomputed: its entry {n} had another hash then."


def _hash_of(connection: sqlite3.Connection, table: str, n: int) -> str | None:
    if n == 0:
        return audit.FIRST
    row = connection.execute(f"SELECT hash FROM {table} WHERE n = ?", (n,)).fetchone()
    return str(row["hash"]) if row else None
