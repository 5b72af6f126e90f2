"""Records read page by page are the rows that SQLite wrote, and no bytes whatever break the reading."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from acquire.sqlite_pages import Pages, Value, records_of


def some_value(dice: random.Random) -> Value:
    return dice.choice(
        [
            None, 0, 1, dice.randrange(-(2 ** dice.randrange(1, 63)), 2 ** dice.randrange(1, 63)), dice.random(),
            "é" * dice.randrange(300), dice.randbytes(dice.randrange(300)), dice.randbytes(dice.randrange(20_000)),
        ]
    )  # fmt: skip


@pytest.mark.parametrize("page_size", [512, 1024, 4096, 65536])
@pytest.mark.parametrize("vacuum", ["NONE", "INCREMENTAL"])
def test_they_are_the_rows_of_tables_with_and_without_rowid(tmp_path: Path, page_size: int, vacuum: str) -> None:
    dice = random.Random(page_size)
    path = tmp_path / "some.db"
    rows = [tuple(some_value(dice) for _ in range(4)) for _ in range(300)]
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA page_size = {page_size}")
        db.execute(f"PRAGMA auto_vacuum = {vacuum}")
        db.execute("CREATE TABLE rowid (a, b, c, d)")
        db.execute("CREATE TABLE keyed (key INTEGER PRIMARY KEY, a, b, c, d) WITHOUT ROWID")
        db.executemany("INSERT INTO rowid (rowid, a, b, c, d) VALUES (?, ?, ?, ?, ?)",
                       [(n - 150, *row) for n, row in enumerate(rows)])  # fmt: skip
        db.executemany("INSERT INTO keyed VALUES (?, ?, ?, ?, ?)", [(n, *row) for n, row in enumerate(rows)])
        db.commit()
    found = list(records_of(path))
    by_rowid = {r.rowid: r.values for r in found if r.rowid is not None and len(r.values) == 4}
    assert by_rowid == {n - 150: row for n, row in enumerate(rows)}
    keyed = {r.values[0]: r.values[1:] for r in found if r.rowid is None and len(r.values) == 5}
    assert keyed == dict(enumerate(rows))


@pytest.mark.parametrize("vacuum", ["NONE", "INCREMENTAL"])
def test_what_was_deleted_is_not_found(tmp_path: Path, vacuum: str) -> None:
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA secure_delete = OFF")  # a default of some builds
        db.execute(f"PRAGMA auto_vacuum = {vacuum}")
        db.execute("CREATE TABLE t (a TEXT)")
        db.executemany("INSERT INTO t VALUES (?)", [(f"row {n} {'x' * 300}",) for n in range(2000)])
        db.commit()
        db.execute("DELETE FROM t WHERE rowid > 100")
        db.commit()
        assert db.execute("PRAGMA freelist_count").fetchone()[0] > 100
    assert b"row 1500 " in path.read_bytes(), "its bytes still lie there"
    assert len([r for r in records_of(path) if r.rowid is not None and len(r.values) == 1]) == 100


def test_no_bytes_break_it(tmp_path: Path) -> None:
    """Half a file, a file of noise, a file with noise in it, no file at all: it gives what it gives, and ends."""
    dice = random.Random(5)
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (a TEXT)")
        db.executemany("INSERT INTO t VALUES (?)", [("x" * dice.randrange(6000),) for _ in range(200)])
        db.commit()
    whole = path.read_bytes()
    for _ in range(300):
        content = bytearray(whole[: dice.randrange(len(whole))])
        for _ in range(dice.choice((0, 1, 50, 5000)) if content else 0):
            content[dice.randrange(len(content))] = dice.randrange(256)
        assert all(len(r.values) < 2000 for r in Pages.of(bytes(content)).records())
        noise = b"".join(bytes([kind]) + dice.randbytes(4095) for kind in (2, 5, 10, 13))
        assert len(list(Pages.of(noise).records())) < 100
    path.write_bytes(b"")
    assert list(records_of(path)) == []
