"""What a file put aside holds and the store may not have is told as `older`, until a person has dealt with it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import command_line
import pytest

from acquire.canonical import canonical
from acquire.spool import aside, rescue
from acquire.spool.file import left_aside
from acquire.spool.health import Health
from acquire.spool.journal import Journal, SpoolError
from acquire.spool.source import Source

EPOCH = "e-1"
PAGE = 4096


def body(number: int) -> bytes:
    return canonical({"kind": "scalar", "value": number, "text": "x" * 200})


def opened(path: Path) -> Journal:
    return Journal(path, reserve=4096)


def filled(path: Path, *, through: int = 0) -> None:
    """Two instruments with ten entries each, confirmed up to `through` in the store's epoch."""
    with closing(opened(path)) as journal:
        journal.pair("the-store")
        journal.new_epoch(EPOCH, 0.0)
        for instrument in ("e-1", "e-2"):
            number = journal.open_stream(instrument).number
            journal.append([(number, [(body(n), None) for n in range(10)])])
            journal.confirm([(number, through, True)], EPOCH, 0.0)


def damage(path: Path, table: str) -> None:
    """The root page of a table is overwritten."""
    with closing(sqlite3.connect(path)) as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with path.open("r+b") as file:
        file.seek((root - 1) * PAGE)
        file.write(b"\xa5" * PAGE)


def older(journal: Journal, instrument: str, epoch: str | None = EPOCH) -> int:
    """What a message of a new stream of this instrument says."""
    rows = [*journal.streams(), journal.open_stream(instrument)]
    source = Source(journal.source, journal.store, epoch, rows, aside=journal.aside.streams_of)
    return source.unconfirmed_streams(source.streams[rows[-1].stream])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


def test_streams_of_a_file_found_damaged_at_the_start_are_older_also_after_another_start(path: Path) -> None:
    filled(path, through=9)
    damage(path, "confirmed")
    for _ in range(2):
        with closing(opened(path)) as journal:
            assert [each.name for each in left_aside(path)] == ["spool.damaged-1.db"]
            assert [journal.aside.streams_of(each, EPOCH) for each in ("e-1", "e-2", "e-3")] == [1, 1, 0]
            assert older(journal, "e-1") >= 1


def test_what_the_store_has_in_its_epoch_is_not_older_and_is_when_the_store_began_another(path: Path) -> None:
    filled(path, through=10)
    damage(path, "confirmed")
    with closing(opened(path)) as journal:
        assert (older(journal, "e-1"), older(journal, "e-1", "e-2"), older(journal, "e-1", None)) == (0, 1, 1)
        with closing(Health(journal)) as health:
            assert "may not have all of it" in str(health.notice), "the new file has not heard of the epoch yet"
            journal.new_epoch(EPOCH, 0.0)
            health.look()
            assert "The store has what the damaged" in str(health.notice)


def test_a_file_whose_list_of_streams_is_damaged_is_older_for_every_instrument(path: Path) -> None:
    filled(path, through=10)
    damage(path, "stream")
    with closing(opened(path)) as journal:
        assert [older(journal, each) for each in ("e-1", "e-3")] == [1, 1]


def test_a_list_of_streams_with_a_row_less_than_its_index_is_not_believed(path: Path) -> None:
    filled(path, through=10)
    with closing(sqlite3.connect(path)) as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'stream'").fetchone()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with path.open("r+b") as file:
        file.seek((root - 1) * PAGE + 3)
        file.write(b"\x00\x00")  # no cells
    with closing(opened(path)) as journal:
        assert older(journal, "e-3") == 1


def test_damage_beside_the_running_counts_at_once_and_what_the_store_told_last_is_noted(path: Path) -> None:
    filled(path, through=5)
    with closing(opened(path)) as journal:
        streams = [row.stream for row in journal.streams()]
        journal.begin_anew("the test says so")
        assert [older(journal, each) for each in ("e-1", "e-2")] == [1, 1]
        with journal.writing() as db:
            aside.confirmed(db, [(streams[0], 10)], EPOCH)
        journal.look_aside()
        assert [older(journal, each) for each in ("e-1", "e-2")] == [0, 1]


def test_what_was_removed_counts_before_its_content_is_kept(path: Path) -> None:
    filled(path)
    with closing(opened(path)) as journal:
        path.unlink()
        journal.begin_anew("it was removed")
        assert journal.aside.files(EPOCH) == ["spool.removed-1.db"]
        assert older(journal, "e-1") == 1


def test_it_is_carried_on_when_the_next_file_is_damaged_too_and_the_first_is_elsewhere(path: Path) -> None:
    filled(path)
    with closing(opened(path)) as journal:
        journal.begin_anew("once")
        path.with_name("spool.damaged-1.db").rename(path.with_name("elsewhere"))
        journal.open_stream("e-3")
        journal.begin_anew("twice")
        assert journal.aside.files(EPOCH) == ["spool.damaged-1.db"], "the name is not used again"
        assert older(journal, "e-1") == 1
        journal.begin_anew("three times")
    damage(path, "alarm")
    with closing(opened(path)) as journal:
        assert older(journal, "e-2") == 1


def test_a_file_that_an_earlier_version_put_aside_is_found(path: Path) -> None:
    filled(path)
    path.rename(path.with_name("spool.damaged-1.db"))
    with closing(opened(path)) as journal:
        assert older(journal, "e-1") == 1


def test_one_that_is_given_up_and_lies_there_still_is_not_found_again(path: Path) -> None:
    filled(path)
    with closing(opened(path)) as journal:
        journal.begin_anew("the test says so")
        assert aside.give_up(path, "spool.damaged-1.db", "a drill") == 2
    with closing(opened(path)) as journal, closing(Health(journal)) as health:
        assert (older(journal, "e-1"), health.notice) == (0, None)
        with pytest.raises(SpoolError, match=r"nothing of spool\.damaged-1\.db waits .* what waits: nothing"):
            aside.give_up(path, "spool.damaged-1.db", "a drill")


def acquire(*arguments: str) -> tuple[int, Any]:
    ran = command_line.acquire(*arguments, "--json")
    return ran.returncode, json.loads(ran.stdout) if ran.returncode == 0 else ran.stderr


def test_salvage_ends_it_and_its_streams_count_as_the_spools_own(path: Path) -> None:
    filled(path, through=4)
    with closing(opened(path)) as journal:
        journal.begin_anew("the test says so")
    place = ("--spool", str(path))
    _, said = acquire("spool", "status", *place)
    assert sorted((s["instrument"], s["head"], s["state"]) for s in said["aside"]) == [
        ("e-1", 10, "waits for a person"), ("e-2", 10, "waits for a person"),
    ]  # fmt: skip
    code, said = acquire("spool", "salvage", str(path.with_name("spool.damaged-1.db")), "--adopt", *place)
    assert (code, said["adopted"], said["knows_its_streams"]) == (0, 2, True)
    assert {s["state"] for s in acquire("spool", "status", *place)[1]["aside"]} == {"salvaged"}
    with closing(opened(path)) as journal:
        assert journal.aside.files(EPOCH) == []
        rows = journal.streams()
        source = Source(journal.source, journal.store, EPOCH, rows, aside=journal.aside.streams_of)
        assert source.unconfirmed_streams(source.streams[rows[0].stream]) == 1, "though it is the newest here"
        assert older(journal, "e-1") == 1, "it is in the spool and not confirmed"


def test_salvage_of_a_file_that_may_have_held_more_does_not_end_it(path: Path) -> None:
    """Its rows can be read, and do not fit its index."""
    filled(path)
    damage(path, "sqlite_autoindex_stream_1")
    opened(path).close()
    place = ("--spool", str(path))
    file = str(path.with_name("spool.damaged-1.db"))
    code, said = acquire("spool", "salvage", file, "--adopt", *place)
    assert (code, said["adopted"], said["knows_its_streams"]) == (0, 2, False)
    assert acquire("spool", "give-up", file, *place)[0] == 2, "why must be said"
    assert older_of(path) == 1
    assert acquire("spool", "give-up", file, "--reason", "nothing more to be had, J. D.", *place)[1]["streams"] == 1
    assert older_of(path) == 0
    assert rescue.knows_its_streams(Path(file)) is False


def older_of(path: Path) -> int:
    with closing(opened(path)) as journal:
        return journal.aside.streams_of("e-9", EPOCH)


# --- a spool put back from an older copy ----------------------------------------------------------------------------


def put_back(path: Path, *, after: int = 5) -> None:
    """A copy is taken, both streams go on, others begin, and the copy is put back."""
    copy = path.with_name("copy.db")
    with closing(opened(path)) as journal:
        numbers = [s.number for s in journal.streams()] or [journal.open_stream(each).number for each in ("e-1", "e-2")]
        journal.append([(number, [(body(n), None) for n in range(after)]) for number in numbers])
        with closing(sqlite3.connect(copy)) as to:
            journal.db.backup(to)
        journal.append([(numbers[0], [(body(99), None)])])
        journal.open_stream("e-3")
    rescue.restore(path, copy)


def test_what_a_copy_took_the_place_of_is_older_until_a_person_has_dealt_with_it(path: Path) -> None:
    put_back(path)
    for _ in range(2):
        with closing(opened(path)) as journal:
            assert [each.name for each in left_aside(path)] == ["spool.before-restore-1.db"]
            counted = {each: journal.aside.streams_of(each, EPOCH) for each in ("e-1", "e-2", "e-3", "e-4")}
            assert counted == {"e-1": 1, "e-2": 0, "e-3": 0, "e-4": 0}, "of e-2 the copy holds all"
            (waiting,) = [s for s in aside.listed(journal.db, EPOCH) if s["state"] == "waits for a person"]
            assert (waiting["instrument"], waiting["head"]) == ("e-1", 6)
    assert aside.give_up(path, "spool.before-restore-1.db", "the day was repeated") >= 1
    with closing(opened(path)) as journal:
        assert journal.aside.streams_of("e-1", EPOCH) == 0


def test_a_whole_stream_that_the_copy_does_not_know_can_be_salvaged_and_the_rest_still_waits(path: Path) -> None:
    copy = path.with_name("copy.db")
    with closing(opened(path)) as journal:
        number = journal.open_stream("e-1").number
        journal.append([(number, [(body(1), None)])])
        with closing(sqlite3.connect(copy)) as to:
            journal.db.backup(to)
        journal.append([(number, [(body(2), None)]), (journal.open_stream("e-2").number, [(body(3), None)])])
    rescue.restore(path, copy)
    file = path.with_name("spool.before-restore-1.db")
    with closing(opened(path)) as journal:
        assert [journal.aside.streams_of(each, EPOCH) for each in ("e-1", "e-2")] == [1, 1]
        assert rescue.adopt(journal, rescue.salvage(file)) == 1
        with journal.writing() as db:
            aside.salvaged(db, file.name, whole=True)
        journal.look_aside()
        assert [journal.aside.streams_of(each, EPOCH) for each in ("e-1", "e-2")] == [1, 0]
        assert journal.aside.files(EPOCH) == [file.name]


def test_what_the_store_has_of_the_file_before_is_not_waited_for(path: Path) -> None:
    with closing(opened(path)) as journal:
        journal.pair("the-store")
        journal.new_epoch(EPOCH, 0.0)
    copy = path.with_name("copy.db")
    shutil.copyfile(path, copy)
    filled(path, through=10)
    rescue.restore(path, copy)
    with closing(opened(path)) as journal:
        assert [journal.aside.streams_of("e-1", epoch) for epoch in (EPOCH, "another")] == [0, 1]


def test_a_copys_newest_stream_is_older_too_until_it_is_confirmed(path: Path) -> None:
    """When the copy was put back another one was the newest: a session may not close without this one."""
    copy = path.with_name("copy.db")
    filled(path, through=5)
    shutil.copyfile(path, copy)
    rescue.restore(path, copy)
    with closing(opened(path)) as journal:
        source = Source(journal.source, journal.store, EPOCH, journal.streams(), aside=journal.aside.streams_of)
        assert [source.unconfirmed_streams(s) for s in source.streams.values()] == [1, 1]
        assert {s.source for s in journal.streams()} == {journal.source}
