"""A service that is started on a disk that fails comes up, says so, and acquires as soon as the disk works."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest
from brokers import Mosquitto, running_mosquitto
from bus_house import TOPICS
from faulty_disk import FaultyDisk, on_disk
from processes import A_SERVICE, Process
from states import states_of, told
from waiting import until

from acquire.integrity import may_heal
from acquire.spool.file import left_aside
from acquire.spool.journal import Journal, SpoolError


def held(place: Path) -> int:
    with closing(sqlite3.connect(place / "store.db")) as db, suppress(sqlite3.OperationalError):
        return int(db.execute("SELECT coalesce(sum(through), 0) FROM stream").fetchone()[0])
    return 0  # it is being made


def source(place: Path) -> str:
    with closing(sqlite3.connect(place / "spool.db")) as db:
        return str(db.execute("SELECT source FROM meta").fetchone()[0])


@asynccontextmanager
async def stopped_house(folder: Path, disk: FaultyDisk) -> AsyncIterator[tuple[Mosquitto, Process, Path]]:
    """A house that has acquired before and was stopped: its broker, its service, and the folder of its files."""
    place = folder / "disk"
    place.mkdir()
    config = folder / "service.toml"
    async with running_mosquitto(folder) as broker:
        config.write_text(A_SERVICE.format(port=broker.port, disk=place))
        service = Process(folder, "service", "run", str(config), before=disk.before())
        await service.start()
        try:
            await until(lambda: (place / "store.db").exists() and held(place) > 5, 30, "readings in the store")
            assert await service.stop() == 0
            yield broker, service, place
        finally:
            await service.kill()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("calls", "error"),
    [("all", "EIO"), ("read", "EIO"), ("open", "EIO"), ("stat", "EIO"), ("write,create", "EROFS"), ("write", "ENOSPC")],
)
async def test_it_comes_up_says_so_and_acquires_when_the_disk_works(tmp_path: Path, calls: str, error: str) -> None:
    disk = FaultyDisk(tmp_path)
    async with stopped_house(tmp_path, disk) as (broker, service, place):
        before, was = held(place), source(place)
        disk.fails(calls, error, f"{place}/*")
        async with (
            states_of(broker, TOPICS.daemon_state) as host, states_of(broker, TOPICS.store_state) as store,
            states_of(broker, TOPICS.state("electrometer-1")) as instrument,
        ):  # fmt: skip
            await service.start()
            await told(host, "not-acquiring")
            await told(instrument, "not-acquiring")
            await told(store, "fault", "nothing is confirmed")
            disk.heals()
            await told(host, "ready")
            await told(instrument, "ready")
            await told(store, "ready")
            await until(lambda: held(place) > before + 20, 30, "readings in the store again")
        assert await service.stop() == 0
        assert "Traceback" not in service.log(), service.log()
        assert left_aside(place / "spool.db") == [], "nothing was taken for damaged"
        assert source(place) == was, "it is the file that lay there"


@pytest.mark.slow
async def test_it_stops_in_order_while_it_waits(tmp_path: Path) -> None:
    disk = FaultyDisk(tmp_path)
    async with stopped_house(tmp_path, disk) as (broker, service, place):
        disk.fails("all", "EIO", f"{place}/spool.db*")
        async with states_of(broker, TOPICS.daemon_state) as host:
            await service.start()
            await told(host, "not-acquiring", "its disk fails")
            assert await service.stop() == 0
            await told(host, "stopped")
        assert "Traceback" not in service.log(), service.log()


@pytest.mark.parametrize(("error", "heals"), [("EIO", True), ("EROFS", True), ("EACCES", False)])
def test_what_a_person_must_mend_is_not_waited_for(tmp_path: Path, error: str, heals: bool) -> None:
    """In a process of its own, whose disk refuses to open the file; also of a file that is not there."""
    Journal(tmp_path / "spool.db", reserve=4096).close()
    disk = FaultyDisk(tmp_path)
    with on_disk(disk, ASKED, str(tmp_path), finds=Path(__file__)) as ask:
        disk.fails("open", error, f"{tmp_path}/*.db")
        assert ask("spool.db") is heals
        assert ask("other.db") is False
    with pytest.raises(SpoolError) as taken:
        raise SpoolError("a wrong place")
    assert not may_heal(taken.value, tmp_path / "spool.db")


ASKED = """
from pathlib import Path
from acquire.integrity import may_heal
from acquire.spool.journal import Journal, SpoolError
def answer(name):
    path = Path(sys.argv[2]) / name
    try:
        Journal(path, reserve=4096).close()
    except (SpoolError, OSError) as error:
        return may_heal(error, path)
"""
