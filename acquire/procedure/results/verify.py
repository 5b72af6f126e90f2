"""Checking a store from its bytes: file, schema, the rows people made, files, results, streams, anchors.

All of the store in one pass that holds little in memory, or one session with what belongs to it. Everything is read as
it was at one moment, while the service goes on writing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from acquire.canonical import canonical, digest, parse
from acquire.dosimetry import DosimetryError
from acquire.errors import Refused
from acquire.procedure.methods import releases
from acquire.procedure.methods.doses import calculate, parsed_inputs
from acquire.procedure.records.selection import selection_of
from acquire.procedure.results.inputs import prepare
from acquire.procedure.signing.verify import verify_signatures
from acquire.procedure.stock.verify import verify_calibrations
from acquire.store import anchors
from acquire.store.database import one_moment
from acquire.store.entries import entry_count
from acquire.store.record_tables import AUDIT, PEOPLE
from acquire.store.schema import verify_file, verify_indexes, verify_schema
from acquire.store.sealed_rows import EVERY, HeldRows, Progress, verify_files
from acquire.store.seals import Window, verify_streams

APART = 2000  # seqs between two runs of a stream
MOST = 1000  # sentences; whoever has more needs the backup, not the list


@dataclass(slots=True)
class Counted:
    """How much was held against something: entries of streams, rows people made, results, lines of an anchor file."""

    entries: int = 0
    rows: int = 0
    results: int = 0
    anchors: int = 0


def quiet(what: str, done: int, of: int) -> None:
    """Tells nobody how far it is."""


def verify_store(
    connection: sqlite3.Connection,
    *,
    session: str | None = None,
    anchor: Path | None = None,
    counted: Counted | None = None,
    progress: Progress = quiet,
) -> list[str]:
    """One sentence for each thing that does not hold, a thousand at most; empty when the store is what it was.

    `session`: only what belongs to it, with the whole audit chain. `anchor`: a file whose every line must hold.
    `counted` is counted up. Raises Refused for a session that never was, FileProblem for a file that is no anchor.
    """
    if session is not None:
        _must_be_known(connection, session)
    counted = counted or Counted()
    with one_moment(connection):
        found = list(islice(_readable("The store", _problems(connection, session, counted, progress)), MOST))
        if anchor is not None:
            lines = list(anchors.read(anchor))
            counted.anchors = len(lines)
            found.extend(f"Anchor {anchor}, {wrong}" for wrong in anchors.hold(connection, lines))
    return [*found, f"There may be more; these are the first {MOST}."] if len(found) >= MOST else found


def _problems(
    connection: sqlite3.Connection, session: str | None, counted: Counted, progress: Progress
) -> Iterator[str]:
    """The file first: what a damaged file says of itself is worth little."""
    rows = HeldRows(connection, session, progress)
    progress("the file", 0, 1)
    yield from _readable("The file", verify_file(connection, None if session is None else (*PEOPLE, AUDIT, "streams")))
    yield from verify_schema(connection)
    yield from _readable("Rows that people made", rows.verify())
    counted.rows = rows.held
    yield from _readable("Files", verify_files(connection, session, rows.changed))
    of = None if session is None else windows_of(connection, session)
    yield from _readable("The streams", _entries(connection, of, counted, progress))
    yield from _readable("Indexes", verify_indexes(connection, of or {}))
    yield from _readable("Calibrations", verify_calibrations(connection, rows.changed))
    yield from _readable("Signatures", verify_signatures(connection, session))
    yield from _readable("Results", _results(connection, session, rows.changed, counted, progress))


def _readable(what: str, found: Iterator[str]) -> Iterator[str]:
    """What was found until the database could not read on: somebody wrote what no program writes, or it is damaged."""
    try:
        yield from found
    except sqlite3.DatabaseError as error:
        yield f"{what} cannot be read to the end: {error}."


def _must_be_known(connection: sqlite3.Connection, session: str) -> None:
    """A session that was deleted is told of in the audit trail."""
    told = "SELECT 1 FROM session WHERE id = ?1 UNION SELECT 1 FROM audit WHERE subject = ?1"
    if connection.execute(told, (session,)).fetchone() is None:
        raise Refused(f"There is no session {session}, and no audit entry tells of one.")


def windows_of(connection: sqlite3.Connection, session: str) -> dict[str, list[Window]]:
    """By stream, the runs of seqs in which a session's markers are and the readings its results were made from."""
    found: dict[str, set[int]] = {}
    for row in connection.execute(
        "SELECT m.stream, m.seq FROM attempt_mark m JOIN attempt a USING (measurement)"
        " WHERE a.session = ? AND m.stream IS NOT NULL",
        (session,),
    ):
        found.setdefault(str(row["stream"]), set()).add(row["seq"])
    for row in connection.execute("SELECT selection FROM result WHERE session = ?", (session,)):
        with suppress(ValueError):  # of a row that was changed, which its seal shows
            for stream, seq in _named(parse(row["selection"])):
                found.setdefault(stream, set()).add(seq)
    return {stream: _runs(sorted(seqs)) for stream, seqs in found.items()}


def _named(value: Any) -> Iterator[tuple[str, int]]:
    if isinstance(value, dict):
        if isinstance(value.get("stream"), str) and isinstance(value.get("seq"), int):
            yield value["stream"], value["seq"]
        for each in value.values():
            yield from _named(each)
    elif isinstance(value, list):
        for each in value:
            yield from _named(each)


def _runs(seqs: Sequence[int]) -> list[Window]:
    """What is close together is verified in one go."""
    found: list[Window] = []
    for seq in seqs:
        if found and seq - found[-1][1] <= APART:
            found[-1] = (found[-1][0], seq)
        else:
            found.append((seq, seq))
    return found


def _entries(
    connection: sqlite3.Connection, of: Mapping[str, Sequence[Window]] | None, counted: Counted, progress: Progress
) -> Iterator[str]:
    """Every stream against its seals, and every entry's bytes against its checksum."""
    counted.entries += entry_count(connection, of)
    yield from verify_streams(connection, of, progress, of)


def _results(
    connection: sqlite3.Connection,
    session: str | None,
    changed: Collection[tuple[str, Any]],
    counted: Counted,
    progress: Progress,
) -> Iterator[str]:
    """Calculated again, but for those that were found changed already."""
    keys = connection.execute(
        "SELECT session, point, version FROM result WHERE ?1 IS NULL OR session = ?1 ORDER BY session, point, version",
        (session,),
    ).fetchall()
    counted.results = len(keys)
    for n, key in enumerate(keys):
        if n % (EVERY // 100) == 0:
            progress("results", n, len(keys))
        if ("result", tuple(key)) not in changed:
            where = "SELECT * FROM result WHERE session = ? AND point = ? AND version = ?"
            yield from _result(connection, connection.execute(where, tuple(key)).fetchone())


def _result(connection: sqlite3.Connection, row: sqlite3.Row) -> Iterator[str]:
    """Readings and factors out of the stored bytes, through the formula, against what is stored: bit for bit."""
    name = f"Result {row['point']} v{row['version']} of session {row['session']}"
    if digest(row["inputs"]).hex() != row["inputs_sha256"] or digest(row["output"]).hex() != row["output_sha256"]:
        yield f"{name} was changed after it was stored, and its audit entry was recomputed."
        return
    if not releases.is_here(row["formula"]):
        yield (
            f"{name} was calculated with '{row['formula']}', which is not here; this program has"
            f" {' and '.join(repr(each) for each in releases.RELEASES)} and cannot repeat it."
        )
        return
    try:
        inputs = canonical(prepare(connection, selection_of(parse(row["selection"])), row["formula"]).plain())
        output = canonical(calculate(parsed_inputs(parse(inputs), row["formula"]), row["formula"]).plain())
    except (Refused, DosimetryError) as refused:
        yield f"{name} cannot be calculated again: {refused}"
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        yield f"{name} cannot be calculated again: what it names is no content of a result ({error!r})."
    else:
        if inputs != row["inputs"]:
            yield f"{name}: the readings and factors it names give other inputs than it was made from."
        elif output != row["output"]:
            yield f"{name}: the same inputs give another result now."
