"""Fault kill-at-commit: both ends die at every commit of spool and store, just before it and just after it.

A forked child lives through a fixed history on real files and is ended with os._exit at the n-th point; the parent
starts again from the files and holds the invariants of docs/noloss.md section 8 against what it said it had done.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from invariants import Emitted, check_settled
from network import INSTRUMENT, RETENTION_S, World, open_store

from acquire.spool.journal import Journal, SpoolFull
from acquire.store.copies import begin_epoch
from acquire.store.database import transaction

DIED, LIVED = 9, 0


class Death:
    """Counts the moments before and after each COMMIT, and ends the process at the n-th."""

    def __init__(self, at: int) -> None:
        self._left = at
        self._committed = False

    def watch(self, connection: sqlite3.Connection) -> None:
        connection.set_trace_callback(self._statement)

    def _statement(self, sql: str) -> None:
        commit = sql.lstrip().upper().startswith("COMMIT")
        if commit or self._committed:
            self._left -= 1
            if self._left == 0:
                os._exit(DIED)
        self._committed = commit


class Diary:
    """What the child did, on a file that survives it: the intention before, the fact after."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def write(self, what: str, e: Emitted | None = None) -> None:
        line = {"what": what}
        if e is not None:
            line |= {"stream": e.stream, "seq": str(e.seq), "body": e.body.decode(), "truth": e.truth or ""}
            line |= {"original": e.original.decode()} if e.original is not None else {}
        self._file.write(json.dumps(line).encode() + b"\n")


def live(folder: Path, death: Death | None) -> None:
    """The history: readings, a measurement, a withheld original that is sent again, a lost link, a full spool, a
    prune pass, a restore."""
    store = open_store(folder / "store.db")
    store.execute("PRAGMA synchronous=OFF")  # processes die here, not machines
    world = World(folder / "spool.db", store=store)
    diary = Diary(folder / "diary")
    if death is not None:
        death.watch(world.journal.db)
        death.watch(store)

    def did(action: Callable[[], object]) -> None:
        diary.write("begins")
        action()
        for e in world.emitted[did.told :]:  # type: ignore[attr-defined]
            diary.write("emitted", e)
        did.told = len(world.emitted)  # type: ignore[attr-defined]

    did.told = 0  # type: ignore[attr-defined]
    did(world.append_reading)
    world.flow()
    world.flow()
    did(world.begin)
    for _ in range(4):
        did(world.append_reading)
        world.flow()
    did(world.append_withheld)
    did(world.end)
    world.flow()
    did(world.resend)
    world.flow()
    world.flow()
    world.lose_link()
    did(world.append_reading)
    world.reconnect(wiped=True)
    world.flow()
    did(world.begin)
    did(world.append_reading)
    end_full(world)
    did(world.append_gap)
    world.flow()
    world.flow()
    world.now += RETENTION_S + 86400
    world.begin_pass()
    world.flow()
    world.prune()
    with transaction(store):
        begin_epoch(store)
    did(world.append_reading)
    for _ in range(6):
        world.flow()


def end_full(world: World) -> None:
    """What a full spool does to a stream: the reading is not taken, the measurement and the stream are ended."""
    world.journal.budget.full = "the test says so"
    with suppress(SpoolFull):
        world.append_reading()
    world.journal.budget.full = None
    world.end()
    if world.stream is not None:
        world.journal.end_stream(world.stream.number, "spool-full")
        world.source.ended(world.stream.stream, "spool-full")
        world.stream = None


def in_child(folder: Path, at: int) -> int:
    """The exit code of a child that dies at a point, or lives."""
    child = os.fork()
    if child == 0:
        try:
            live(folder, Death(at))
        except BaseException:
            os._exit(3)
        os._exit(LIVED)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def after(folder: Path) -> None:
    """Start again from the files; every invariant, and everything that was acknowledged."""
    store = open_store(folder / "store.db")
    store.execute("PRAGMA synchronous=OFF")  # processes die here, not machines
    written = (folder / "diary").read_bytes() if (folder / "diary").exists() else b""
    lines = [json.loads(line) for line in written.splitlines()]
    done = [_emitted(x) for x in lines if "stream" in x]
    known = {(e.stream, e.seq) for e in done}
    world = World(folder / "spool.db", store=store)
    world.emitted = list(done)
    for s in world.journal.streams():  # appended, and died before it could say so
        for n, (body, *_) in enumerate(world.journal.read(s.number, s.oldest, 10**6, 10**9)):
            if (s.stream, s.oldest + n) not in known:
                world.emitted.append(Emitted(s.stream, s.oldest + n, body))
    assert len(world.emitted) - len(done) <= 3
    truths = {e.truth for e in done} - {None}
    for n, e in enumerate(world.emitted):  # an unacknowledged reading belongs to whatever was open then
        if e not in done and truths and b'"kind":"scalar"' in e.body:
            world.emitted[n] = Emitted(e.stream, e.seq, e.body, _open_before(e, world.emitted))
    world.now = 10 * RETENTION_S
    world.check()
    world.append_reading()
    world.settle()
    check_settled(world.journal.db, store)
    world.journal.close()
    store.close()


def _emitted(line: dict[str, str]) -> Emitted:
    original = line["original"].encode() if "original" in line else None
    return Emitted(line["stream"], int(line["seq"]), line["body"].encode(), line["truth"] or None, original=original)


def _open_before(e: Emitted, emitted: list[Emitted]) -> str | None:
    current = None
    for other in sorted((o for o in emitted if o.stream == e.stream and o.seq < e.seq), key=lambda o: o.seq):
        if b'"kind":"marker"' in other.body:
            mark = json.loads(other.body)
            current = mark["measurement"] if mark["mark"] == "begin" else None
    return current


@pytest.mark.slow
def test_kill_at_commit_every_one(tmp_path: Path) -> None:
    points = 0
    while True:
        points += 1
        folder = tmp_path / str(points)
        folder.mkdir()
        code = in_child(folder, points)
        assert code in (DIED, LIVED), f"the history itself failed: {code}"
        after(folder)
        if code == LIVED:
            break
    print(f"\nkilled at {points - 1} points of spool and store")
    assert points > 80


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
def test_killed_while_the_file_is_made(tmp_path: Path, at: int) -> None:
    """Creating a spool is a few statements; whichever is the last, the next start makes it whole."""
    path = tmp_path / "spool.db"
    child = os.fork()
    if child == 0:
        connect = sqlite3.connect
        death = Death(at)

        def watched(*args: object, **kwargs: object) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*args, **kwargs)  # type: ignore[call-overload]
            death.watch(connection)
            return connection

        sqlite3.connect = watched  # type: ignore[assignment]
        Journal(path, reserve=4096).open_stream(INSTRUMENT)
        os._exit(LIVED)
    os.waitpid(child, 0)
    journal = Journal(path, reserve=4096)
    row = journal.open_stream(INSTRUMENT)
    assert journal.append([(row.number, [(b"{}", None)])])[0].first == 1
    assert journal.db.execute("SELECT count(*) FROM meta").fetchone() == (1,)
    assert journal.moved_aside is None
    journal.close()
