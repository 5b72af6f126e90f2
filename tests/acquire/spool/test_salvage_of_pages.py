"""Salvage of a spool whose trees are damaged: everything that lies on an undamaged page comes back."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from layouts import BY_KEY, IN_ORDER, LAYOUTS, LEAF_INDEX, PAGE, cells, inner, lay, leaves

from acquire.canonical import canonical
from acquire.checksum import seed
from acquire.spool import entries
from acquire.spool.journal import Journal
from acquire.spool.rescue import adopt, salvage
from acquire.spool.scan import Scan

each_layout = pytest.mark.parametrize("layout", LAYOUTS)


def body(dice: random.Random, number: int) -> bytes:
    length = dice.choice((40, 200, 200, 200, 900, 7000))
    return canonical({"kind": "scalar", "value": number, "text": dice.randbytes(length // 2).hex()})


def filled(
    path: Path, dice: random.Random, count: int = 3000, layout: str = IN_ORDER
) -> dict[int, tuple[bytes, str | None]]:
    """A stream of entries, some larger than a page, with markers and originals; nothing of it in the log."""
    lay(path, layout)
    bodies = [(body(dice, n), f"m-{n}" if n % 100 == 0 else None) for n in range(count)]
    with closing(Journal(path, reserve=PAGE)) as journal:
        number = journal.open_stream("electrometer-1").number
        for first in range(0, count, 50):
            journal.append([(number, bodies[first : first + 50])])
        journal.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return dict(enumerate(bodies, start=1))


@each_layout
@pytest.mark.parametrize("number", range(6))
def test_damaged_inner_pages_cost_nothing_but_what_lies_on_them(tmp_path: Path, number: int, layout: str) -> None:
    dice = random.Random(number)
    path = tmp_path / "spool.db"
    appended = filled(path, dice, layout=layout)
    content = bytearray(path.read_bytes())
    ways = inner(content, layout)
    assert len(ways) > (30 if layout == BY_KEY else 5)
    hurt = [ways[0], *dice.sample(ways, dice.randrange(1, len(ways)))]
    lost = sum(cells(content, at) for at in set(hurt)) if layout == BY_KEY else 0
    for at in hurt:
        emptied = bytes([LEAF_INDEX]) + bytes(PAGE - 1)
        content[at : at + PAGE] = dice.choice((emptied, bytes(PAGE), b"\xa5" * PAGE, dice.randbytes(PAGE)))
    path.write_bytes(content)
    (found,) = salvage(path)
    assert len(found.bodies) == len(appended) - lost
    assert found.bodies.items() <= appended.items(), "each as it was appended, markers with their measurement"
    assert found.damaged == sorted(appended.keys() - found.bodies.keys())


@each_layout
@pytest.mark.parametrize("number", range(3))
def test_of_damaged_leaves_too_all_others_come_back(tmp_path: Path, number: int, layout: str) -> None:
    """Every inner page is gone, and some of the leaves: as many entries are lost as lay on these, or went on there."""
    dice = random.Random(number)
    path = tmp_path / "spool.db"
    appended = filled(path, dice, 1500, layout)
    content = bytearray(path.read_bytes())
    ways, ends = inner(content, layout), dice.sample(leaves(content, layout), 20)
    lost = sum(cells(content, at) for at in ([*ways, *ends] if layout == BY_KEY else ends))
    for at in [*ways, *ends]:
        content[at : at + PAGE] = dice.randbytes(PAGE)
    path.write_bytes(content)
    (found,) = salvage(path)
    assert len(found.bodies) == len(appended) - lost
    assert found.bodies.items() <= appended.items()


@each_layout
def test_without_its_first_page_everything_comes_back(tmp_path: Path, layout: str) -> None:
    """SQLite does not open it at all."""
    path = tmp_path / "spool.db"
    appended = filled(path, random.Random(7), 500, layout)
    with closing(Journal(path, reserve=PAGE)) as journal:
        source, stream = journal.source, journal.streams()[0].stream
    content = bytearray(path.read_bytes())
    content[:PAGE] = b"\xa5" * PAGE
    path.write_bytes(content)
    (found,) = salvage(path)
    assert (found.bodies, found.damaged) == (appended, [])
    assert (found.source, found.stream, found.instrument) == (source, stream, "electrometer-1")
    with closing(Journal(tmp_path / "new.db", reserve=PAGE)) as new:
        assert adopt(new, [found]) == 1
        assert len(new.read(1, 1, 1000, 10**8)) == 500


def test_originals_are_found_too(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    original = canonical({"kind": "curve", "points": "ab" * 9000})
    with closing(Journal(path, reserve=PAGE)) as journal:
        number = journal.open_stream("reader-1").number
        assert journal.withhold(number, original, "too large") == 1
        stream = journal.streams()[0].stream
    content = bytearray(path.read_bytes())
    content[:PAGE] = b"\xa5" * PAGE
    path.write_bytes(content)
    (found,) = salvage(path)
    ((held, reason),) = found.withheld.values()
    assert (held, reason) == (entries.held(seed(stream), 1, original), "too large")


@each_layout
def test_a_bit_flipped_on_a_page_is_not_believed(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "spool.db"
    filled(path, random.Random(3), 200, layout)
    content = bytearray(path.read_bytes())
    for at in inner(content, layout):
        content[at : at + PAGE] = bytes(PAGE)
    at = content.index(b'"text":"', leaves(content, layout)[3]) + 10
    path.write_bytes(content)
    (before,) = salvage(path)
    content[at] ^= 1
    path.write_bytes(content)
    (after,) = salvage(path)
    (gone,) = before.bodies.keys() - after.bodies.keys()
    assert gone in after.damaged
    assert after.bodies.items() <= before.bodies.items()


@each_layout
def test_what_was_taken_back_does_not_come_back(tmp_path: Path, layout: str) -> None:
    """Rows that were deleted lie on free pages with checksums that fit; what is appended under their seq is another."""
    path = tmp_path / "spool.db"
    filled(path, random.Random(4), 1000, layout)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA secure_delete = OFF")
        db.execute("DELETE FROM entry WHERE seq > 10")
        db.commit()
        assert db.execute("PRAGMA freelist_count").fetchone()[0] > 50
    stream = next(iter(Scan(path).streams.values()))
    assert sorted(seq for seq, _, _ in Scan(path).entries(stream.number, stream.stream)) == list(range(1, 11))


@pytest.mark.parametrize("first_page", [bytes(PAGE), b"\xa5" * PAGE])
def test_without_its_first_page_what_is_only_in_the_log_comes_back(tmp_path: Path, first_page: bytes) -> None:
    """A service that was killed leaves its newest entries in the log; SQLite does not open the file to read it."""
    path, killed = tmp_path / "spool.db", tmp_path / "killed.db"
    appended = filled(path, random.Random(8), 300)
    with closing(Journal(path, reserve=PAGE)) as journal:
        (first,) = journal.streams()
        second = journal.open_stream("electrometer-2").number
        journal.append([(second, [(canonical({"kind": "scalar", "value": n}), None) for n in range(40)])])
        for part in ("", "-wal"):
            shutil.copyfile(f"{path}{part}", f"{killed}{part}")
    content = bytearray(killed.read_bytes())
    assert b"electrometer-2" not in content, "it is in the log alone"
    content[:PAGE] = first_page
    killed.write_bytes(content)
    before = Path(f"{killed}-wal").read_bytes()
    old, new = salvage(killed)
    assert (old.stream, old.bodies, old.damaged) == (first.stream, appended, [])
    assert (new.instrument, new.head, new.damaged, len(new.bodies)) == ("electrometer-2", 40, [], 40)
    assert (killed.read_bytes(), Path(f"{killed}-wal").read_bytes()) == (content, before), "nothing was changed"
