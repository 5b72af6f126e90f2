"""Spool and store are checked at the start and once a day beside their use; by a stepped clock, without waiting."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from acquire import checking
from acquire.canonical import canonical
from acquire.checking import AGAIN_S, DAY_S, Check, Checks, last_check, sentence
from acquire.integrity import findings
from acquire.spool.file import left_aside
from acquire.spool.health import Health
from acquire.spool.journal import Journal
from acquire.spool.status import status
from acquire.store.database import connect
from acquire.store.served import NotServed, ServedFile

PAGE = 4096


class Clock:
    """Monotonic time that the test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def wait(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.002)


def some_file(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE one (a)")
        db.execute("CREATE TABLE two (a)")
        db.commit()
    return path


def filled_spool(path: Path) -> None:
    with closing(Journal(path, reserve=PAGE)) as journal:
        number = journal.open_stream("electrometer-1").number
        bodies = [(canonical({"kind": "scalar", "value": n, "text": "x" * 500}), None) for n in range(300)]
        journal.append([(number, bodies)])


def damage_a_leaf(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    content = path.read_bytes()
    leaves = [at for at in range(0, len(content), PAGE) if content[at : at + PAGE].count(b'"value"') > 3]
    with path.open("r+b") as file:
        file.seek(leaves[5])
        file.write(b"\xa5" * PAGE)


def test_the_next_one_comes_a_day_after_the_last_by_the_monotonic_clock_alone(tmp_path: Path) -> None:
    clock = Clock()
    checks = Checks(some_file(tmp_path / "some.db"), clock)
    checks.begin()
    for _ in range(3):
        wait(lambda: not checks.are_under_way)
        check = checks.ended()
        assert check is not None
        assert (check.finding, check.failed) == (None, None)
        clock.now += DAY_S - 1
        assert (checks.ended(), checks.are_under_way, checks._check) == (None, False, None)
        clock.now += 1
        assert checks.ended() is None
        assert checks._check is not None
    checks.rest()


def test_one_that_could_not_be_made_is_made_again_after_an_hour(tmp_path: Path) -> None:
    clock = Clock()
    checks = Checks(tmp_path / "not-there.db", clock)
    checks.begin()
    wait(lambda: not checks.are_under_way)
    check = checks.ended()
    assert check is not None
    assert check.finding is None
    assert "unable to open" in str(check.failed)
    some_file(tmp_path / "not-there.db")
    clock.now += AGAIN_S
    assert checks.ended() is None
    wait(lambda: not checks.are_under_way)
    again = checks.ended()
    assert again is not None
    assert again.failed is None


def test_the_daily_one_goes_table_by_table_and_holds_no_transaction_while_it_rests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = some_file(tmp_path / "some.db")
    pieces: list[tuple[str | None, bool]] = []

    def note(connection: sqlite3.Connection, table: str | None = None) -> list[str]:
        pieces.append((table, connection.in_transaction))
        return findings(connection, table)

    monkeypatch.setattr(checking, "findings", note)
    for gently, wanted in ((False, [None]), (True, ["one", "two"])):
        pieces.clear()
        check = Check(path, gently=gently)
        wait(lambda check=check: check.done)
        assert pieces == [(each, False) for each in wanted]


def test_damage_that_came_after_the_start_is_found_the_next_day_and_the_spool_begun_anew(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "spool.db"
    filled_spool(path)
    with closing(Journal(path, reserve=PAGE)) as journal, closing(Health(journal, clock)) as health:
        wait(lambda: health.look() or last_check(path))
        assert sentence(status(path)["checked"]).endswith(": sound.")
        damage_a_leaf(path)
        health.look()
        assert left_aside(path) == [], "nobody has come across it"
        clock.now += DAY_S + 1
        wait(lambda: health.look() or left_aside(path))
        assert "spool.damaged-1.db" in str(health.notice)
        assert status(path)["checked"] is None, "the new file was not checked yet"


def test_damage_that_came_after_the_start_is_found_the_next_day_and_the_store_confirms_nothing(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "store.db"
    with closing(connect(path, create=True)) as db:
        db.execute("INSERT INTO alarm (raised_at, what, subject, message, last_at) VALUES (1, 2, 3, 4, 5)")
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_alarm_1'").fetchone()
    served = ServedFile(path, lambda connection, is_new: None, clock=clock)
    served.open()
    wait(lambda: served.look() or last_check(path))
    served.use(lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
    with path.open("r+b") as file:
        file.seek((root - 1) * PAGE)
        file.write(b"\x0a\x00\x00\x00\x00\x10\x00\x00")  # an empty leaf of an index
    served.look()
    assert served.trouble is None
    clock.now += DAY_S + 1
    wait(lambda: served.look() or served.trouble)
    assert "is damaged" in str(served.trouble)
    with pytest.raises(NotServed):
        served.use(lambda connection: None)
    assert "it is damaged (" in sentence(last_check(path))
    served.close()


def test_what_is_written_down_is_of_the_file_that_was_checked(tmp_path: Path) -> None:
    path = some_file(tmp_path / "some.db")
    assert last_check(path) is None
    assert "has not been checked yet" in sentence(last_check(path))
    check = Check(path)
    wait(lambda: check.done)
    said = last_check(path)
    assert said is not None
    assert (said["finding"], said["failed"], said["took_s"] >= 0) == (None, None, True)
    some_file(tmp_path / "other.db").replace(path)
    assert last_check(path) is None
    path.with_name("some.db.checked").write_bytes(b"\xff")
    assert last_check(path) is None


@pytest.mark.parametrize("second", [[], ["row 3 missing"]])
def test_what_is_found_once_while_a_disk_fails_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: list[str]
) -> None:
    """SQLite calls a file malformed too where its disk fails for a moment: it counts when it is found again."""
    said = iter([sqlite3.DatabaseError("database disk image is malformed"), second])

    def found(_connection: sqlite3.Connection, _table: str | None = None) -> list[str]:
        each = next(said)
        if isinstance(each, sqlite3.Error):
            each.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise each
        return each

    monkeypatch.setattr(checking, "findings", found)
    check = Check(some_file(tmp_path / "some.db"))
    wait(lambda: check.done)
    assert (check.finding, check.failed) == ("; ".join(second) or None, None)
