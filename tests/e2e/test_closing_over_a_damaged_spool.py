"""A session does not close as if everything were there while readings lie in a damaged spool that was put aside."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from brokers import running_mosquitto
from bus_house import INSTRUMENT, House, house_in
from waiting import until

from acquire.spool.aside import give_up
from acquire.spool.file import left_aside
from acquire.spool.journal import Journal
from acquire.spool.rescue import adopt, salvage
from acquire.store.attribution import outstanding
from acquire.store.database import connect

PAGE = 4096


def damage(path: Path) -> None:
    """A small table of it, so that it shows at the start."""
    with closing(sqlite3.connect(path)) as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'confirmed'").fetchone()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with path.open("r+b") as file:
        file.seek((root - 1) * PAGE)
        file.write(b"\xa5" * PAGE)


def keeps_open(house: House) -> list[str]:
    with closing(connect(house.folder / "store.db")) as db:
        return outstanding(db, [INSTRUMENT], [])


@pytest.mark.parametrize("way_out", ["salvaged", "given up"])
async def test_it_waits_until_the_file_is_salvaged_or_given_up(tmp_path: Path, way_out: str) -> None:
    path = tmp_path / "spool.db"
    async with running_mosquitto(tmp_path) as broker, house_in(tmp_path, broker.endpoint) as house:
        await house.append(20)
        await house.settled()
        assert keeps_open(house) == []
        await house.stop_store()
        await house.append(30)
        await house.stop_source()
        damage(path)
        for _ in range(2):  # another start makes no difference
            await house.start_source()
            await house.stop_source()
        (aside,) = left_aside(path)
        await house.start_source()
        await house.start_store()
        await house.append(5)
        await house.confirmed(15)
        await until(lambda: "acquire spool status" in " ".join(keeps_open(house)), 15, "the session being kept open")
        await house.stop_source()
        if way_out == "salvaged":
            with closing(Journal(path, reserve=PAGE)) as journal:
                assert adopt(journal, salvage(aside)) == 1
        else:
            assert give_up(path, aside.name, "the test says so") == 1
            given = {(each.stream, each.seq) for each in house.emitted[20:50]}
            house.emitted = [each for each in house.emitted if (each.stream, each.seq) not in given]
        await house.start_source()
        await house.append(1)
        await house.settled()
        await house.append(1)  # what is said next, a heartbeat at the latest, says it
        await until(lambda: keeps_open(house) == [], 15, "the session being free to close")
