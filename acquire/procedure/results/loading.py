"""The bodies of the readings that a selection names, held against their digests."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from acquire.canonical import parse
from acquire.errors import Refused
from acquire.procedure.methods.collected_charge import Body
from acquire.procedure.records.selection import Ref, Refs
from acquire.store import entries
from acquire.store.entries import Damaged

Bodies = Mapping[str, list[Body]]


def load(connection: sqlite3.Connection, ref: Ref) -> Body:
    """The decoded body of a selected reading. Raises Refused when its bytes are not those that were selected."""
    entry = entries.entry_at(connection, ref.stream, ref.seq)
    if entry is None or entry.digest != ref.digest:
        raise Refused(f"Entry {ref.seq} of stream {ref.stream} is not the one the result was made from.")
    if entry.status == "damaged":
        raise Damaged(ref.stream, ref.seq)
    body: Body = parse(entry.body)
    return body


def load_all(connection: sqlite3.Connection, refs: Iterable[Ref]) -> list[Body]:
    """Those of several, in their order."""
    return [load(connection, ref) for ref in refs]


def load_named(connection: sqlite3.Connection, named: Mapping[str, Refs]) -> dict[str, list[Body]]:
    """Those of several, by name."""
    return {name: load_all(connection, refs) for name, refs in named.items()}
