"""The spool's file beside a running acquisition: damaged, removed, replaced, on a disk that fails."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from faulty_disk import FaultyDisk, on_disk

from acquire.canonical import canonical, parse
from acquire.checking import Check
from acquire.spool.aside import give_up
from acquire.spool.file import left_aside
from acquire.spool.health import Health, HostState
from acquire.spool.journal import Journal, SpoolDamaged, SpoolError, SpoolFull
from acquire.spool.rescue import adopt, salvage
from acquire.spool.spool import Spool

RESERVE = 4096
LEAF = 0x0D  # the first byte of a page of a table with its rows (sqlite.org, "File Format", 1.6)


def body(number: int) -> bytes:
    return canonical({"kind": "scalar", "value": number, "text": "x" * 500})


class Watched:
    """A journal with its health, as the spool's thread has them."""

    def __init__(self, path: Path) -> None:
        self.journal = Journal(path, reserve=RESERVE)
        self.health = Health(self.journal)
        self.said: list[str] = []
        self.ended: list[tuple[int, str, str | None]] = []
        self.journal.on_begun_anew = self.said.append
        self.journal.on_ended = lambda *said: self.ended.append(said)
        self.number = self.open_stream()

    def open_stream(self) -> int:
        return self.health.run(lambda j: j.open_stream("electrometer-1")).number

    def append(self, count: int = 1, number: int | None = None) -> list[int]:
        groups = [(number or self.number, [(body(n), None) for n in range(count)])]
        return [each.first for each in self.health.run(lambda j: j.append(groups))]

    def looks_until(self, wanted: Callable[[], object]) -> None:
        until = time.monotonic() + 20
        while not wanted():
            assert time.monotonic() < until
            self.health.look()
            time.sleep(0.005)

    def close(self) -> None:
        self.health.close()
        self.journal.close()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path / "spool.db")
    yield made
    made.close()


def overwrite_entries(path: Path, *, also_last: bool = True) -> None:
    """Pages that hold entries, but for the first ones; without the last ones, what is appended does not meet them."""
    with closing(sqlite3.connect(path, timeout=20)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    content = path.read_bytes()
    starts = range(0, len(content), 4096)
    leaves = [at for at in starts if content[at] == LEAF and content[at : at + 4096].count(b'"value"') > 3]
    with path.open("r+b") as file:
        for at in leaves[20 : None if also_last else -20]:
            file.seek(at)
            file.write(b"\xa5" * 4096)


def a_damaged_spool(path: Path) -> None:
    journal = Journal(path, reserve=RESERVE)
    number = journal.open_stream("electrometer-1").number
    journal.pair("the store")
    journal.append([(number, [(body(n), None) for n in range(1000)])])
    journal.close()
    overwrite_entries(path, also_last=False)


def ends(path: Path) -> list[str | None]:
    with closing(sqlite3.connect(path)) as db:
        return [row[0] for row in db.execute("SELECT ended FROM stream ORDER BY number")]


def alarms(journal: Journal) -> dict[str, str]:
    return dict(journal.db.execute("SELECT what, message FROM alarm").fetchall())


# --- the check beside the running ---------------------------------------------------------------------------------


async def test_acquisition_begins_before_the_check_is_over_and_goes_on_in_a_new_file_when_it_finds_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "spool.db"
    a_damaged_spool(path)
    may_end = threading.Event()
    found = Check._found
    monkeypatch.setattr(Check, "_found", lambda self: may_end.wait(20) and found(self))
    spool = await Spool.open(path, reserve=RESERVE)
    told: list[str] = []
    spool.on_begun_anew.append(lambda: told.append(spool.source))
    old = spool.source
    row = await spool.open_stream("electrometer-2")
    assert await spool.append(row.number, [(body(1), None)]) == 1
    may_end.set()
    while not told:
        await spool.look()
    assert told == [spool.source] != [old]
    assert spool.store == "the store", "it is paired as the old one was"
    with pytest.raises(SpoolError, match="has ended"):
        await spool.append(row.number, [(body(2), None)])
    new = await spool.open_stream("electrometer-2")
    assert new.number > row.number, "no late entry for a stream of the old file finds one here"
    assert await spool.append(new.number, [(body(2), None)]) == 1
    (aside,) = left_aside(path)
    assert ends(aside) == ["crash", "crash"]
    assert "spool.damaged-1.db" in (await spool.call(alarms))["damaged"]
    assert "spool.damaged-1.db" in str(spool.notice)
    aside.rename(tmp_path / "kept-elsewhere.db")
    await spool.look()
    assert "the store may not have all of it" in str(spool.notice), "moving it elsewhere says nothing of what it held"
    assert spool.streams_aside("electrometer-1", spool.epoch) == 1
    assert give_up(path, "spool.damaged-1.db", "it was a drill") == 2
    await spool.look()
    assert (spool.notice, spool.streams_aside("electrometer-1", spool.epoch)) == (None, 0)
    await spool.close()


def test_a_start_reads_no_page_of_the_entries(tmp_path: Path) -> None:
    """What is large is checked beside the running: the start does not even see that all of it is damaged."""
    path = tmp_path / "spool.db"
    a_damaged_spool(path)
    journal = Journal(path, reserve=RESERVE)
    assert journal.moved_aside is None
    assert [s.head for s in journal.streams()] == [1000]
    journal.close()


def test_damaged_small_tables_are_seen_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    a_damaged_spool(path)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 20 * 4096)
    journal = Journal(path, reserve=RESERVE)
    assert journal.moved_aside == tmp_path / "spool.damaged-1.db"
    assert "acquire spool salvage" in alarms(journal)["damaged"]
    assert journal.streams() == []
    journal.close()


# --- found by SQLite ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", ["read", "append"])
def test_a_page_overwritten_under_it_puts_the_file_aside_and_begins_a_new_one(watched: Watched, at: str) -> None:
    watched.append(1000)
    source = watched.journal.source
    overwrite_entries(watched.journal.path)
    meet = {
        "read": lambda: watched.health.run(lambda j: j.read(watched.number, 1, 1000, 10**7)),
        "append": lambda: watched.append(1000),
    }
    with pytest.raises(SpoolDamaged, match=r"is kept as spool\.damaged-1\.db, and a new one was begun"):
        meet[at]()
    assert len(watched.said) == 1
    assert watched.journal.source != source
    number = watched.open_stream()
    assert number > watched.number
    assert watched.append(number=number) == [1]
    (aside,) = left_aside(watched.journal.path)
    (left,) = salvage(aside)
    assert (left.source, left.ended, left.head >= 1000) == (source, "crash", True)
    assert 0 < len(left.bodies) < 1000
    assert adopt(watched.journal, [left]) == 1


def test_what_is_malformed_once_and_not_on_a_connection_opened_anew_is_no_damage(watched: Watched) -> None:
    watched.append(5)
    said = iter([True])

    def work(journal: Journal) -> int:
        if next(said, False):
            with closing(sqlite3.connect(":memory:")) as db:
                db.execute("CREATE TABLE t (a)")
                db.execute("PRAGMA writable_schema = ON")
                db.execute("UPDATE sqlite_master SET rootpage = 99")
                db.execute("PRAGMA writable_schema = RESET")
                db.execute("SELECT * FROM t").fetchall()
        return len(journal.read(watched.number, 1, 100, 10**6))

    assert watched.health.run(work) == 5
    assert watched.said == []
    assert watched.append() == [6], "the stream goes on"


# --- taken away ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["removed", "replaced", "renamed"])
def test_a_file_that_was_taken_away_is_begun_anew_and_what_it_held_is_kept(watched: Watched, what: str) -> None:
    path = watched.journal.path
    watched.append(50)
    if what == "removed":
        path.unlink()
    elif what == "replaced":
        foreign = path.with_name("other.db")
        Journal(foreign, reserve=RESERVE).close()
        foreign.replace(path)
    else:
        path.rename(path.with_name("elsewhere.db"))
    watched.health.look()
    assert len(watched.said) == 1
    assert "was removed or replaced while it was in use" in watched.said[0]
    assert ("What was found in its place is spool.found-1.db" in watched.said[0]) == (what == "replaced")
    with pytest.raises(SpoolError, match="has ended"):
        watched.append()
    number = watched.open_stream()
    assert watched.append(3, number=number) == [1]
    assert path.exists()
    if what == "renamed":
        assert sorted(salvage(path.with_name("elsewhere.db"))[0].bodies) == list(range(1, 51)), "its log is in it"
    kept = path.with_name("spool.removed-1.db")
    watched.looks_until(kept.exists)
    (left,) = salvage(kept)
    assert (left.ended, sorted(left.bodies)) == ("crash", list(range(1, 51)))
    assert adopt(watched.journal, [left]) == 1
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_commits_notice_it_by_themselves(watched: Watched) -> None:
    watched.append()
    watched.journal.path.unlink()
    watched.looks_until(lambda: watched.health.glance() or watched.said)


def test_a_log_that_was_removed_alone_is_mended_and_the_stream_goes_on(watched: Watched) -> None:
    watched.append(50)
    watched.journal.path.with_name("spool.db-wal").unlink()
    watched.health.look()
    assert watched.said == []
    assert watched.append(5) == [51]
    watched.journal.close()
    with closing(sqlite3.connect(watched.journal.path)) as db:
        assert db.execute("SELECT count(*) FROM entry").fetchone() == (55,)


# --- a disk that fails --------------------------------------------------------------------------------------------

FAULTS = """
import atexit
from pathlib import Path
from test_damaged_file import Watched
from acquire.spool.journal import SpoolError, SpoolFull
watched = Watched(Path(sys.argv[2]))
atexit.register(watched.close)
def answer(question):
    if question == "look":
        watched.health.look()
        return watched.journal.has_room()
    try:
        if question == "append":
            return watched.append()[0]
        if question == "end":
            watched.health.run(lambda j: j.end_stream(watched.number, "spool-full"))
            return "ended"
        if question == "open":
            watched.number = watched.open_stream()
            return "opened"
        if question == "ended":
            return watched.ended
        if question == "held":
            rows = watched.journal.streams()
            return [len(watched.health.run(lambda j: j.read(row.number, 1, 100, 10**6))) for row in rows]
    except SpoolFull as error:
        return f"full: {error}"
    except SpoolError as error:
        return f"error: {error}"
"""


@pytest.mark.parametrize(
    ("calls", "error"),
    [
        ("write,sync", "EIO"),
        ("sync", "EIO"),
        ("write,create", "EROFS"),
        ("write", "ENOSPC"),
        ("all", "EIO"),
        ("read,write", "EIO"),
    ],
)
def test_after_a_fault_of_the_disk_streams_end_and_new_ones_are_taken_by_themselves(
    tmp_path: Path, calls: str, error: str
) -> None:
    disk = FaultyDisk(tmp_path)
    path = tmp_path / "spool.db"
    with on_disk(disk, FAULTS, str(path), finds=Path(__file__)) as ask:
        assert [ask("append"), ask("append"), ask("look")] == [1, 2, True]
        disk.fails(calls, error, f"{path}*")
        for _ in range(2):
            assert str(ask("append")).startswith("full: spool full: the spool's disk")
            assert not ask("look")
        assert str(ask("end")).startswith("full:"), "its end cannot be written"
        assert str(ask("open")).startswith("full:")
        assert ask("ended") == []
        disk.heals()
        assert ask("look"), "it works again by itself"
        assert ask("ended") == [[1, "spool-full", None]], "and the end that was owed is written and told"
        assert ask("open") == "opened"
        assert [ask("append"), ask("append")] == [1, 2]
        assert ask("held") == [2, 2], "what was refused is not there"
    assert ends(path) == ["spool-full", None]
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("SELECT head FROM stream").fetchall() == [(2,), (2,)]


async def test_the_state_of_the_host_says_it_and_says_when_it_is_over(tmp_path: Path) -> None:
    spool = await Spool.open(tmp_path / "spool.db", reserve=RESERVE)
    host = HostState(spool, "dosimetry/v1/clinic/daemon/state")
    assert (host.presence.state().state, host.presence.state().why) == ("ready", None)
    await spool.call(lambda j: setattr(j.budget, "full", "the test says so"))
    with pytest.raises(SpoolFull):
        await spool.append((await spool.open_stream("e")).number, [(body(1), None)])
    assert "the test says so" in str(spool.trouble)
    host.look()
    assert host.presence.state().state == "not-acquiring"
    assert "the test says so" in str(host.presence.state().why)
    await spool.look()
    host.look()
    assert (host.presence.state().state, host.presence.state().why) == ("ready", None)
    assert host.presence.changed.is_set()
    await spool.close()


def test_entries_read_as_they_were_appended(watched: Watched) -> None:
    watched.append(2)
    held = watched.health.run(lambda j: j.read(watched.number, 1, 10, 10**6))
    assert [parse(each.body)["value"] for each in held] == [0, 1]
