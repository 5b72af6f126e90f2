"""The file of a store under a running worker: damaged, removed, replaced, on a disk that fails; and the way back."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from faulty_disk import FaultyDisk, on_disk
from test_hostile_messages import count, envelope, give, reading

from acquire.checking import Check
from acquire.files import PARTS
from acquire.store import copies
from acquire.store.alarms import raise_alarm
from acquire.store.database import StoreError, connect, identity, transaction
from acquire.store.served import NotServed, ServedFile


class Served:
    """A file that is served, looked at as often as the test wants."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.opened: list[bool] = []
        self.file = ServedFile(path, lambda _, is_new: self.opened.append(is_new))
        self.file.open()

    def give(self, first: int = 1, number: int = 20, size: int = 0) -> int:
        """How far the store confirms."""
        readings = [reading(first + n, note="x" * size) for n in range(number)]
        said = envelope(stream="s-1", source="a", readings=readings, first_seq=first, head=first + number - 1)
        (answer,) = self.file.use(lambda connection: give(connection, said)).answers
        return answer.through

    def looks_until(self, wanted: Callable[[str | None], bool]) -> None:
        """Look until the trouble is as wanted."""
        until = time.monotonic() + 20
        while not wanted(self.file.trouble):
            assert time.monotonic() < until, self.file.trouble
            self.file.look()
            time.sleep(0.005)

    def identity(self) -> tuple[str, str]:
        return self.file.use(identity)

    def checked(self) -> None:
        """Wait for the end of the check that was begun with the opening."""
        while self.file._checks.are_under_way:
            time.sleep(0.005)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path / "store.db")
    yield made
    made.file.close()


def filled(path: Path) -> Path:
    """A store with an alarm, so that an index of a small table has a row."""
    with closing(connect(path, create=True)) as db, transaction(db):
        raise_alarm(db, "test", "x", "to have one")
    return path


def emptied_index(path: Path) -> Path:
    """An index that has lost its rows: every table is whole, and what is asked by that index is not found."""
    with closing(sqlite3.connect(filled(path), isolation_level=None)) as db:
        (root,) = db.execute(
            "SELECT rootpage FROM sqlite_master WHERE type = 'index' AND tbl_name = 'alarm'"
        ).fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\x0a\x00\x00\x00\x00" + (size % 65536).to_bytes(2, "big") + b"\x00")  # an empty leaf
    return path


def overwritten(served: Served) -> None:
    """Every page but the first overwritten under the open file, its log emptied into it before."""
    assert served.file.connection is not None
    served.file.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    size = served.path.stat().st_size
    with served.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))


def backed_up(served: Served) -> Path:
    backup = served.path.with_name("b.db")
    copies.backup(served.path, backup)
    return backup


def test_an_emptied_index_is_found_beside_the_serving_and_ends_it(tmp_path: Path) -> None:
    path = emptied_index(tmp_path / "store.db")
    made = Served(path)
    made.checked()
    with pytest.raises(
        NotServed, match=r"store\.db is damaged \(.*index.*\): nothing is confirmed.*`acquire store restore"
    ):
        made.give()
    made.file.look()
    with pytest.raises(NotServed):
        made.give()
    made.file.close()


def test_serving_begins_before_the_check_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = emptied_index(tmp_path / "store.db")
    may_end = threading.Event()
    found = Check._found
    monkeypatch.setattr(Check, "_found", lambda self: may_end.wait(20) and found(self))
    made = Served(path)
    assert made.give(number=5) == 5
    may_end.set()
    made.checked()
    with pytest.raises(NotServed):
        made.give(first=6)
    made.file.close()


def test_pages_overwritten_under_it_end_the_confirming_and_a_restore_is_served_by_itself(served: Served) -> None:
    assert served.give(number=200, size=500) == 200
    backup = backed_up(served)
    with pytest.raises(StoreError, match="a service is serving it"):
        copies.restore(served.path, backup, retention=None)
    overwritten(served)
    with pytest.raises(sqlite3.DatabaseError, match="malformed"):
        served.give(first=201)
    assert "nothing is confirmed while it is checked" in str(served.file.trouble)
    served.looks_until(lambda trouble: trouble is not None and "is damaged" in trouble)
    with pytest.raises(NotServed):
        served.give(first=201)
    restored = copies.restore(served.path, backup, retention=None)
    assert restored.aside is not None, "the damaged one is kept"
    served.looks_until(lambda trouble: trouble is None)
    assert served.opened == [True, True]
    assert served.give(first=201) == 220
    assert served.identity() == (restored.store, restored.epoch)


def test_a_damaged_file_mended_in_its_place_is_checked_before_it_confirms(tmp_path: Path) -> None:
    path = emptied_index(tmp_path / "store.db")
    made = Served(path)
    made.checked()
    made.looks_until(lambda trouble: trouble is not None and "is damaged" in trouble)
    with closing(sqlite3.connect(path)) as db:
        db.execute("REINDEX")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    made.looks_until(lambda trouble: trouble is None)
    assert made.give() == 20
    made.file.close()


def test_one_that_cannot_even_be_opened_does_not_hold_the_start_up(tmp_path: Path) -> None:
    path = filled(tmp_path / "store.db")
    path.write_bytes(path.read_bytes()[:100] + b"\xa5" * 20_000)
    made = Served(path)
    made.looks_until(lambda trouble: trouble is not None and "is damaged" in trouble)
    with pytest.raises(NotServed):
        made.give()
    made.file.close()


@pytest.mark.parametrize("what", ["removed", "all removed", "replaced", "renamed"])
def test_a_file_that_is_no_longer_there_is_noticed_before_the_answer_and_its_content_kept(
    served: Served, what: str
) -> None:
    served.give()
    backup = backed_up(served)
    served.give(first=21)
    if what == "removed":
        served.path.unlink()
    elif what == "all removed":
        for part in PARTS:
            served.path.with_name(served.path.name + part).unlink()
    elif what == "replaced":
        shutil.copy(backup, served.path.with_name("other.db"))
        served.path.with_name("other.db").replace(served.path)
    else:
        served.path.rename(served.path.with_name("elsewhere.db"))
    with pytest.raises(NotServed, match=r"store\.db.* was removed or replaced.* is kept as .*store\.removed-1\.db"):
        served.give(first=41)
    with closing(connect(served.path.with_name("store.removed-1.db"))) as kept:
        assert count(kept, "entry") == 40
    assert what == "replaced" or not served.path.with_name("store.db-wal").exists(), "its log is not left for the next"
    if what == "renamed":
        with closing(connect(served.path.with_name("elsewhere.db"))) as there:
            assert count(there, "entry") == 40, "what was only in the log is in the file"
    if what != "replaced":
        served.file.look()
        assert "There is no store at" in str(served.file.trouble)
        copies.restore(served.path, served.path.with_name("store.removed-1.db"), retention=None)
    served.looks_until(lambda trouble: trouble is None)
    assert served.opened == [True, True]
    through = 20 if what == "replaced" else 40
    assert served.give(first=through + 1) == through + 20


def test_a_log_that_was_removed_alone_is_noticed_and_nothing_is_lost(served: Served) -> None:
    served.give()
    served.path.with_name("store.db-wal").unlink()
    with pytest.raises(NotServed, match=r"store\.db-wal in .* was removed or replaced"):
        served.give(first=21)
    served.looks_until(lambda trouble: trouble is None)
    assert served.opened == [True, False], "it is the same file"
    assert served.give(first=21) == 40


def test_it_is_noticed_without_a_message(served: Served) -> None:
    served.path.unlink()
    served.file.look()
    assert "removed or replaced" in str(served.file.trouble)


FAULTS = """
import atexit, sqlite3
from pathlib import Path
from test_served_file import Served
served = Served(Path(sys.argv[2]))
atexit.register(served.file.close)
through = 0
def answer(question):
    global through
    if question == "look":
        served.file.look()
        return served.file.trouble
    try:
        through = served.give(first=through + 1, number=3, size=2000)
    except sqlite3.Error as error:
        return f"{type(error).__name__}: {error}"
    return through
"""


@pytest.mark.parametrize(
    ("calls", "error", "says"),
    [
        ("write,sync", "EIO", "cannot be"),
        ("sync", "EIO", "cannot be"),
        ("write,create", "EROFS", "cannot be"),
        ("write", "ENOSPC", "full"),
        ("all", "EIO", "cannot be"),
        ("read,write", "EIO", "cannot be"),
    ],
)
def test_after_a_fault_of_the_disk_it_goes_on_by_itself(tmp_path: Path, calls: str, error: str, says: str) -> None:
    disk = FaultyDisk(tmp_path)
    with on_disk(disk, FAULTS, str(tmp_path / "store.db"), finds=Path(__file__)) as ask:
        assert (ask("give"), ask("give")) == (3, 6)
        disk.fails(calls, error, f"{tmp_path}/store.db*")
        for _ in range(2):
            assert isinstance(ask("give"), str)
            assert says in ask("look")
        disk.heals()
        until = time.monotonic() + 20
        while ask("look") is not None:
            assert time.monotonic() < until
            time.sleep(0.01)
        assert ask("give") == 9, "nothing was written that was not confirmed, and nothing was lost"
    with closing(sqlite3.connect(tmp_path / "store.db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
