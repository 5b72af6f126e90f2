"""A body that was changed where it lay is never sent: it is kept aside, named and counted, and its neighbours go on."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from acquire.canonical import canonical, parse
from acquire.spool import entries, originals, rescue
from acquire.spool.journal import Journal, stand_in
from acquire.spool.status import status

FLIPS = 3000


def body(n: int) -> bytes:
    return canonical({"kind": "scalar", "quantity": "charge", "unit": "C", "value": 1.035e-11 * n, "raw": f"{n:+08d}"})


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path / "spool.db", reserve=4096)) as journal:
        journal.db.execute("PRAGMA synchronous=OFF")
        yield journal


def flip(journal: Journal, column: str, seq: int, bit: int) -> None:
    (held,) = journal.db.execute(f"SELECT {column} FROM entry WHERE seq = ?", (seq,)).fetchone()
    if isinstance(held, bytes):
        changed: bytes | int = held[: bit // 8] + bytes([held[bit // 8] ^ 1 << bit % 8]) + held[bit // 8 + 1 :]
    else:
        changed = held ^ 1 << bit % 32
    with journal.db:
        journal.db.execute(f"UPDATE entry SET {column} = ? WHERE seq = ?", (changed, seq))


def test_no_flipped_bit_of_a_waiting_body_is_ever_sent(journal: Journal) -> None:
    chance = random.Random(77331)
    row = journal.open_stream("electrometer-1")
    bodies = [body(n) for n in range(1, FLIPS + 1)]
    journal.append([(row.number, [(each, None) for each in bodies])])
    for seq in range(1, FLIPS + 1, 2):
        flip(journal, "body", seq, chance.randrange(8 * len(bodies[seq - 1])))
    read = journal.read(row.number, 1, FLIPS, 10**9)
    stands = stand_in(b"", "damaged")
    assert [each.body for each in read[1::2]] == bodies[1::2], "the neighbours go on"
    assert {each.body for each in read[::2]} == {stands}
    assert journal.db.execute("SELECT count(*) FROM withheld WHERE reason = 'damaged'").fetchone() == (FLIPS // 2,)


@pytest.mark.parametrize("column", ["body", "checksum"])
def test_what_is_damaged_is_kept_aside_named_and_not_sent_again_by_anybody(journal: Journal, column: str) -> None:
    row = journal.open_stream("electrometer-1")
    journal.append([(row.number, [(body(1), None), (body(2), None)])])
    flip(journal, column, 1, 77)
    first = journal.read(row.number, 1, 9, 10**6)
    assert journal.read(row.number, 1, 9, 10**6) == [first[0]._replace(damaged=False), first[1]], "the same every time"
    assert parse(first[0].body)["reason"] == "damaged"
    said = status(journal.path)
    assert [(each["seq"], each["reason"]) for each in said["withheld"]] == [(1, "damaged")]
    assert [each["what"] for each in said["alarms"]] == ["damaged entry"]
    assert originals.ask(journal.db) == [], "it is no original any more"
    assert originals.original_of(journal.db, row.number, 1) is None or column == "checksum"


def test_a_body_under_another_seq_does_not_fit(journal: Journal) -> None:
    row = journal.open_stream("electrometer-1")
    journal.append([(row.number, [(body(1), None), (body(2), None)])])
    with journal.db:
        journal.db.execute("UPDATE entry SET seq = 3 - seq + 10 WHERE stream = 1")
        journal.db.execute("UPDATE entry SET seq = seq - 10 WHERE stream = 1")
    assert [each.damaged for each in journal.read(row.number, 1, 9, 10**6)] == [True, True]


def test_a_damaged_marker_is_no_marker(journal: Journal) -> None:
    row = journal.open_stream("electrometer-1")
    journal.append([(row.number, [(canonical({"kind": "marker", "mark": "begin"}), "m")])])
    assert [each.mark for each in journal.markers("m")] == ["begin"]
    flip(journal, "body", 1, 40)
    assert journal.markers("m") == []


def test_a_damaged_original_is_not_sent_as_if_it_were_one(journal: Journal) -> None:
    row = journal.open_stream("electrometer-1")
    journal.withhold(row.number, body(1), "too large")
    assert originals.original_of(journal.db, row.number, 1) is not None
    with journal.db:
        journal.db.execute("UPDATE withheld SET body = ?", (body(2),))
    assert originals.original_of(journal.db, row.number, 1) is None


def test_a_glow_curve_is_packed_and_comes_out_as_it_went_in(journal: Journal) -> None:
    curve = canonical(
        {"kind": "glow-curve", "axes": {"signal": {"unit": "{count}", "values": [float(n % 97) for n in range(400)]}}}
    )
    row = journal.open_stream("reader-1")
    journal.append([(row.number, [(curve, None)])])
    (length,) = journal.db.execute("SELECT length(body) FROM entry").fetchone()
    assert length < len(curve) / 2
    assert journal.read(row.number, 1, 1, 0)[0].body == curve
    flip(journal, "body", 1, 8 * (length // 2))
    assert journal.read(row.number, 1, 1, 0)[0].damaged


def test_what_an_earlier_version_appended_is_sent_and_salvaged_without_a_checksum(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    with closing(Journal(path, reserve=4096)) as journal:
        row = journal.open_stream("electrometer-1")
        journal.append([(row.number, [(body(1), None)])])
        for statement in (
            "DROP TABLE aside", "ALTER TABLE withheld DROP COLUMN checksum", "ALTER TABLE entry DROP COLUMN checksum",
            "PRAGMA user_version = 3",
        ):  # fmt: skip
            journal.db.execute(statement)
    (found,) = rescue.salvage(path)
    assert found.bodies == {1: (body(1), None)}
    with closing(Journal(path, reserve=4096)) as journal:
        (entry,) = journal.read(row.number, 1, 9, 10**6)
        assert (entry.body, entry.damaged) == (body(1), False)
        assert entry == entries.held(journal._seed(row.number), 1, body(1))


def test_salvage_takes_nothing_that_was_changed(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    with closing(Journal(path, reserve=4096)) as journal:
        row = journal.open_stream("electrometer-1")
        journal.append([(row.number, [(body(n), None) for n in (1, 2, 3)])])
        flip(journal, "body", 2, 200)
    (found,) = rescue.salvage(path)
    assert (sorted(found.bodies), found.damaged) == ([1, 3], [2])
    with closing(Journal(tmp_path / "new.db", reserve=4096)) as new:
        assert rescue.adopt(new, [found]) == 1
        read = new.read(1, 1, 9, 10**6)
        assert [each.body for each in read] == [body(1), stand_in(b"", "damaged"), body(3)]
        assert not any(each.damaged for each in read)


def test_an_entry_costs_at_most_a_quarter_more_than_its_body(tmp_path: Path) -> None:
    each = canonical({"kind": "scalar", "text": "x" * 209})
    assert len(each) == 236
    with closing(Journal(tmp_path / "spool.db", reserve=4096)) as journal:
        row = journal.open_stream("electrometer-1")
        for _ in range(40):
            journal.append([(row.number, [(each, None)] * 500)])
        journal.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        with closing(sqlite3.connect(journal.path)) as db:
            (pages,) = db.execute(
                "SELECT (SELECT * FROM pragma_page_count) - (SELECT * FROM pragma_freelist_count)"
            ).fetchone()
            (size,) = db.execute("PRAGMA page_size").fetchone()
    assert pages * size / 20_000 <= 1.25 * len(each)
