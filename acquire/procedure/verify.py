"""Checking a store from its bytes: digests, the audit chain, and every result calculated again."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator

from acquire.canonical import canonical, digest, parse
from acquire.errors import Refused
from acquire.procedure import audit
from acquire.procedure.doses import FORMULA, calculate
from acquire.procedure.inputs import prepare
from acquire.store import streams
from acquire.store.entries import HIGHEST, between


def verify_store(connection: sqlite3.Connection) -> list[str]:
    """One sentence for each thing that does not hold; empty when the store is what it was."""
    return [
        *_entries(connection),
        *_documents(connection),
        *audit.verify(connection),
        *_results(connection),
    ]


def _entries(connection: sqlite3.Connection) -> Iterator[str]:
    """Every entry's bytes against its checksum; what is lost has neither."""
    for stream in streams.every(connection):
        for entry in between(connection, stream.stream, 1, HIGHEST):
            if entry.status == "damaged":
                yield f"Entry {entry.seq} of stream {stream.stream} was changed after it was stored."


def _documents(connection: sqlite3.Connection) -> Iterator[str]:
    for row in connection.execute("SELECT sha256, kind, name, body FROM document ORDER BY added_at, sha256"):
        if hashlib.sha256(row["body"]).hexdigest() != row["sha256"]:
            yield f"The {row['kind']} file {row['name']} was changed after it was added."


def _results(connection: sqlite3.Connection) -> Iterator[str]:
    """Readings and factors out of the stored bytes, through the formula, against what is stored: bit for bit."""
    for row in connection.execute("SELECT * FROM result ORDER BY session, point, version"):
        name = f"Result {row['point']} v{row['version']} of session {row['session']}"
        if digest(row["inputs"]).hex() != row["inputs_sha256"] or digest(row["output"]).hex() != row["output_sha256"]:
            yield f"{name} was changed after it was stored."
            continue
        if row["formula"] != FORMULA:
            yield f"{name} was calculated with '{row['formula']}'; this program has '{FORMULA}' and cannot repeat it."
            continue
        try:
            inputs = canonical(prepare(connection, parse(row["selection"])))
        except Refused as refused:
            yield f"{name} cannot be calculated again: {refused}"
            continue
        if inputs != row["inputs"]:
            yield f"{name}: the readings and factors it names give other inputs than it was made from."
        elif canonical(calculate(parse(inputs))) != row["output"]:
            yield f"{name}: the same inputs give another result now."
