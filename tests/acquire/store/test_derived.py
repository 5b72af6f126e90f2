"""What is derived is derived once in a transaction, and never from what is no longer so."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from acquire.store.database import connect, one_moment, transaction
from acquire.store.derived import Left, leave, once, take

WRITE = "INSERT INTO alarm (raised_at, what, subject, message, last_at) VALUES ('t', 'w', ?, 'm', 't')"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(tmp_path / "store.db", create=True)) as made:
        yield made


class Asked:
    """How many alarms there are, and how often that was looked up."""

    def __init__(self, store: sqlite3.Connection) -> None:
        self.store, self.times = store, 0

    def count(self) -> int:
        return once(self.store, "alarms", self._look)

    def _look(self) -> int:
        self.times += 1
        (found,) = self.store.execute("SELECT count(*) FROM alarm").fetchone()
        return int(found)


def test_it_is_derived_once_in_a_moment_and_anew_in_the_next(store: sqlite3.Connection, tmp_path: Path) -> None:
    asked = Asked(store)
    with one_moment(store):
        assert (asked.count(), asked.count(), asked.times) == (0, 0, 1)
        with closing(connect(tmp_path / "store.db")) as other:
            other.execute(WRITE, ("1",))
        assert (asked.count(), asked.times) == (0, 1)
    with one_moment(store):
        assert (asked.count(), asked.times) == (1, 2)


def test_outside_of_a_transaction_nothing_is_kept(store: sqlite3.Connection, tmp_path: Path) -> None:
    asked = Asked(store)
    for n in range(3):
        assert (asked.count(), asked.times) == (n, n + 1)
        with closing(connect(tmp_path / "store.db")) as other:
            other.execute(WRITE, (str(n),))


def test_what_is_written_in_the_transaction_is_seen(store: sqlite3.Connection) -> None:
    asked = Asked(store)
    with transaction(store):
        assert (asked.count(), asked.count()) == (0, 0)
        store.execute(WRITE, ("1",))
        assert (asked.count(), asked.count(), asked.times) == (1, 1, 2)
    with transaction(store):
        assert (asked.count(), asked.times) == (1, 3)


def test_what_is_taken_back_is_forgotten(store: sqlite3.Connection) -> None:
    asked = Asked(store)
    with suppress(ZeroDivisionError), transaction(store):
        store.execute(WRITE, ("1",))
        assert asked.count() == 1
        raise ZeroDivisionError
    with transaction(store):
        assert asked.count() == 0
    with one_moment(store):
        store.execute(WRITE, ("1",))
        assert asked.count() == 1
    with one_moment(store):
        assert asked.count() == 0


def test_a_connection_of_somebody_else_is_asked_each_time(tmp_path: Path) -> None:
    connect(tmp_path / "store.db", create=True).close()
    with closing(sqlite3.connect(tmp_path / "store.db")) as plain:
        asked = Asked(plain)
        assert (asked.count(), asked.count(), asked.times) == (0, 0, 2)


def leaving(store: sqlite3.Connection, what: str) -> None:
    with transaction(store):
        store.execute(WRITE, (what,))
        left = Left.of(store, what)
    leave(store, left)


def taken(store: sqlite3.Connection) -> object:
    with transaction(store):
        return take(store)


def test_what_a_transaction_leaves_is_taken_once(store: sqlite3.Connection) -> None:
    assert taken(store) is None
    leaving(store, "1")
    assert (taken(store), taken(store)) == ("1", None)


def test_what_was_written_since_by_anybody_takes_it_away(store: sqlite3.Connection, tmp_path: Path) -> None:
    leaving(store, "1")
    store.execute(WRITE, ("2",))
    assert taken(store) is None
    leaving(store, "3")
    with closing(connect(tmp_path / "store.db")) as other:
        other.execute(WRITE, ("4",))
    assert taken(store) is None


def test_what_another_commits_before_it_is_left_takes_it_away(store: sqlite3.Connection, tmp_path: Path) -> None:
    with transaction(store):
        store.execute(WRITE, ("1",))
        left = Left.of(store, "1")
    with closing(connect(tmp_path / "store.db")) as other:
        other.execute(WRITE, ("2",))
    leave(store, left)
    assert taken(store) is None


def test_a_connection_of_somebody_else_is_left_nothing(tmp_path: Path) -> None:
    connect(tmp_path / "store.db", create=True).close()
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as plain:
        leaving(plain, "1")
        assert taken(plain) is None
