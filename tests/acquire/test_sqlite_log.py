"""A log read by itself gives the pages that SQLite would put into the file, and loses no more than what is damaged."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from acquire.sqlite_log import FRAME, HEADER, Log, log_of
from acquire.sqlite_pages import Pages, records_of

PAGE = 4096


@pytest.fixture
def logged(tmp_path: Path) -> Iterator[Path]:
    """A file with 60 rows in it, and 40 later ones and a deletion in its log; a copy of both as they lie there."""
    path = tmp_path / "open.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(f"PRAGMA page_size={PAGE}")
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA wal_autocheckpoint=0")
        db.execute("CREATE TABLE t (a TEXT, b BLOB)")
        put(db, range(60))
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        for n in range(60, 100):
            put(db, [n])
        db.execute("DELETE FROM t WHERE rowid <= 10")
        yield copied(path, tmp_path / "copy.db")


def put(db: sqlite3.Connection, numbers: range | list[int]) -> None:
    rows = [(f"row {n}", random.Random(n).randbytes(700)) for n in numbers]
    db.execute("BEGIN")
    db.executemany("INSERT INTO t VALUES (?, ?)", rows)
    db.execute("COMMIT")


def copied(path: Path, to: Path) -> Path:
    for part in ("", "-wal"):
        shutil.copyfile(f"{path}{part}", f"{to}{part}")
    return to


def wal(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def checkpointed(path: Path) -> bytes:
    """The file as SQLite makes it of both."""
    both = copied(path, path.with_name("checkpointed.db"))
    with closing(sqlite3.connect(both)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return both.read_bytes()


def numbers(path: Path) -> list[int]:
    found = (r.values[0] for r in records_of(path) if len(r.values) == 2)
    return sorted(int(str(text).split()[1]) for text in found)


def frames(path: Path) -> int:
    return (wal(path).stat().st_size - HEADER) // (FRAME + PAGE)


def flip(path: Path, at: int) -> None:
    content = bytearray(wal(path).read_bytes())
    content[at] ^= 1
    wal(path).write_bytes(content)


def frame(n: int) -> int:
    """Where frame n begins, from 0."""
    return HEADER + n * (FRAME + PAGE)


def test_each_page_is_what_sqlite_would_put_into_the_file(logged: Path) -> None:
    whole, log = checkpointed(logged), log_of(wal(logged).read_bytes())
    pages = Pages.of(logged.read_bytes(), log)
    assert (log.size, pages.count * PAGE) == (PAGE, len(whole))
    assert b"".join(bytes(pages.page(n)) for n in range(1, pages.count + 1)) == whole
    assert numbers(logged) == list(range(10, 100))


def test_what_was_not_committed_is_not_there(logged: Path) -> None:
    at = frame(frames(logged) - 1)
    content = wal(logged).read_bytes()
    assert content[at + 4 : at + 8] != bytes(4), "the last frame is a commit"
    wal(logged).write_bytes(content[:at])
    assert numbers(logged) == list(range(100)), "without it the deletion never was"
    assert Pages.of(logged.read_bytes(), log_of(content[:at])).count > 0


def test_a_log_that_was_begun_again_gives_nothing_of_before(tmp_path: Path) -> None:
    """SQLite writes from its beginning again; behind that lie frames of before, with another salt."""
    path = tmp_path / "open.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE t (a TEXT, b BLOB)")
        for n in range(30):
            put(db, [n])
        db.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
        db.execute("DELETE FROM t WHERE rowid > 5")
        copy = copied(path, tmp_path / "copy.db")
    log = log_of(wal(copy).read_bytes())
    assert len(log.at) < frames(copy)
    assert numbers(copy) == list(range(5))


@pytest.mark.parametrize("offset", [FRAME, FRAME + PAGE - 1, 0, 5])
def test_a_bit_that_flipped_costs_its_frame_and_no_other(logged: Path, offset: int) -> None:
    """Of the content, or of what the header says of it."""
    whole = log_of(wal(logged).read_bytes())
    flip(logged, frame(frames(logged) // 2) + offset)
    left = log_of(wal(logged).read_bytes())
    assert left.count == whole.count
    assert whole.at.items() - left.at.items() <= {
        (page, at) for page, at in whole.at.items() if at == frame(frames(logged) // 2) + FRAME
    }


def test_a_checksum_that_flipped_costs_its_frame_and_the_next(logged: Path) -> None:
    whole, n = log_of(wal(logged).read_bytes()), frames(logged) // 2
    flip(logged, frame(n) + 16)
    left = log_of(wal(logged).read_bytes())
    hurt = {frame(n) + FRAME, frame(n + 1) + FRAME}
    assert {at for _, at in whole.at.items() - left.at.items()} <= hurt
    assert not hurt & set(left.at.values())


@pytest.mark.parametrize("at", [0, 4, 8, 16, 24, 31])
def test_a_log_whose_header_is_damaged_gives_nothing(logged: Path, at: int) -> None:
    flip(logged, at)
    log = log_of(wal(logged).read_bytes())
    assert at == 4 or log == Log()
    assert log.at == {}


def test_noise_and_what_is_cut_off_raise_nothing(logged: Path) -> None:
    content = wal(logged).read_bytes()
    for length in (0, 1, HEADER - 1, HEADER, HEADER + FRAME, len(content) - 1):
        log = log_of(content[:length])
        assert all(at + PAGE <= length for at in log.at.values())
    for seed in range(50):
        assert log_of(random.Random(seed).randbytes(9000)) == Log()


def test_a_page_that_is_in_no_whole_frame_gives_nothing(logged: Path) -> None:
    """The file was never so long: what lay there was in a frame that is damaged."""
    whole = log_of(wal(logged).read_bytes())
    last = whole.at[whole.count]
    flip(logged, last)
    assert set(numbers(logged)) < set(range(10, 100))


def test_both_byte_orders_are_read(logged: Path) -> None:
    """4.2: of the magic number the last bit says how the words are added up; here as it is written elsewhere."""
    content = bytearray(wal(logged).read_bytes())
    whole = log_of(bytes(content))
    content[3] ^= 1
    resummed(content)
    again = log_of(bytes(content))
    assert (again.at, again.count) == (whole.at, whole.count)


def resummed(content: bytearray) -> None:
    """Every checksum anew, as section 4.2 has it, big-endian."""

    def add(part: bytes, one: int, two: int) -> tuple[int, int]:
        for n in range(0, len(part), 8):
            one = (one + int.from_bytes(part[n : n + 4], "big") + two) % 2**32
            two = (two + int.from_bytes(part[n + 4 : n + 8], "big") + one) % 2**32
        return one, two

    def write(at: int, pair: tuple[int, int]) -> None:
        content[at : at + 8] = pair[0].to_bytes(4, "big") + pair[1].to_bytes(4, "big")

    pair = add(bytes(content[:24]), 0, 0)
    write(24, pair)
    for at in range(HEADER, len(content) - PAGE, FRAME + PAGE):
        pair = add(bytes(content[at : at + 8]) + bytes(content[at + FRAME : at + FRAME + PAGE]), *pair)
        write(at + 16, pair)
