"""Faults of disks and of the files on them: small file systems, real spools and stores."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

from disks import read_only, tiny_disk
from installations import Installation, planted

from acquire import filesystem
from acquire.checking import Check
from acquire.spool.journal import Journal
from acquire.store.alarms import raise_alarm
from acquire.store.database import connect, transaction

Plants = AsyncIterator[None]
OLD = b'{"kind":"scalar","time":"2026-01-01T09:00:00.000000Z"}'


@contextmanager
def _spool_on(it: Installation, options: str) -> Iterator[Path]:
    with tiny_disk(it.folder, options) as disk:
        it.spool = f'path = "{disk}/spool.db"'
        yield disk


@planted(
    "disk-full", "The disk of the spool has ", " MiB left; below 64 MiB nothing more is taken safely: free some in "
)
async def a_full_disk(it: Installation) -> Plants:
    yield
    with _spool_on(it, "40m"):
        yield


@planted("disk-low", "The disk of the spool (", " MiB left: free some, or move it to a larger one.")
async def a_disk_that_is_nearly_full(it: Installation) -> Plants:
    yield
    with _spool_on(it, "300m"):
        yield


@planted("inodes-low", "can take ", " more files, however much room it has: remove some files there.")
async def a_disk_that_takes_no_more_files(it: Installation) -> Plants:
    yield
    with _spool_on(it, "1g,nr_inodes=200"):
        yield


@planted("place", "The spool cannot be kept where it is: in ", "it cannot be written (Read-only file system); mend the")
async def a_disk_that_is_read_only(it: Installation) -> Plants:
    with _spool_on(it, "1g") as disk:
        yield
        read_only(disk)
        yield


@planted("place", "is on a network file system (nfs4), where locks do not hold; use a local disk; mend the folder or")
async def a_network_file_system(it: Installation) -> Plants:
    """No server is here: the system's own table of mounts says nfs4 where it says tmpfs."""
    with _spool_on(it, "1g") as disk:
        yield
        said = filesystem.MOUNTS.read_text().splitlines()
        mounts = it.folder / "mountinfo"
        mounts.write_text("\n".join(line.replace("- tmpfs", "- nfs4") if str(disk) in line else line for line in said))
        with patch.object(filesystem.type_of, "__defaults__", (mounts,)):
            yield


@planted("file-version", "spool.db has schema 4000, this program knows ", "; use a newer program.")
async def a_spool_of_a_newer_program(it: Installation) -> Plants:
    Journal(it.spool_file, reserve=4096).close()
    yield
    _newer(it.spool_file)
    yield


@planted("file-version", "store.db has schema 4000, this program knows ", "; use a newer program.")
async def a_store_of_a_newer_program(it: Installation) -> Plants:
    connect(it.store_file, create=True).close()
    yield
    _newer(it.store_file)
    yield


def _newer(path: Path) -> None:
    import sqlite3  # noqa: PLC0415

    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 4000")


@planted("file-version", "store.db is no database; move it elsewhere, or name another place.")
async def something_else_where_the_store_should_be(it: Installation) -> Plants:
    yield
    it.store_file.write_text("Dear diary")
    yield


@planted("file-damaged", "store.db is damaged (", "): restore a backup (docs/service.md).")
async def a_damaged_store(it: Installation) -> Plants:
    connect(it.store_file, create=True).close()
    _check(it.store_file)
    yield
    with it.store_file.open("r+b") as file:
        file.seek(2 * 4096)
        file.write(b"\xff" * 4096 * 20)
    _check(it.store_file)
    yield


def _check(path: Path) -> None:
    check = Check(path)
    check._thread.join()


@planted("alarm", "Alarm of the store, two stores (", "the epoch changed twice; docs/service.md says what it means.")
async def an_alarm_of_today(it: Installation) -> Plants:
    with closing(connect(it.store_file, create=True)) as connection:
        with transaction(connection):
            raise_alarm(connection, "unreadable", "of last year", "a message could not be read")
            connection.execute("UPDATE alarm SET last_at = '2025-01-01T00:00:00.000000Z'")
        yield
        with transaction(connection):
            raise_alarm(connection, "two stores", "store", "the epoch changed twice")
        yield


@planted(
    "backlog", "3 entries of ", "wait for the store since 2026-01-01 09:00 UTC: start the service, which sends them;"
)
async def entries_that_wait(it: Installation) -> Plants:
    Journal(it.spool_file, reserve=4096).close()
    yield
    with closing(Journal(it.spool_file, reserve=4096)) as journal:
        journal.append([(journal.open_stream("electrometer-1").number, [(OLD, None)] * 3)])
    yield


@planted("backlog", "1 entries of ", "look at broker and store; nothing of them is lost.")
async def entries_that_wait_beside_the_service(it: Installation) -> Plants:
    """What came a moment ago is under way, and no backlog."""
    with closing(Journal(it.spool_file, reserve=4096)) as journal:
        row = journal.open_stream("electrometer-1")
        now = datetime.now(UTC).isoformat().encode()
        journal.append([(row.number, [(b'{"kind":"scalar","time":"' + now + b'"}', None)])])
    with it.running():
        yield
    it.spool_file.unlink()
    with closing(Journal(it.spool_file, reserve=4096)) as journal:
        journal.append([(journal.open_stream("electrometer-1").number, [(OLD, None)])])
    with it.running():
        yield


@planted(
    "withheld", "1 entries of ", "did not get through to the store: raise the broker's limit of a message, then `acqu"
)
async def an_entry_that_did_not_get_through(it: Installation) -> Plants:
    with it.running():
        yield
    with closing(Journal(it.spool_file, reserve=4096)) as journal:
        row = journal.open_stream("electrometer-1")
        journal.append([(row.number, [(OLD, None)])])
        journal.withhold(row.number, b'{"kind":"scalar"}', "too large")
        journal.new_epoch("e1", 0.0)
        journal.confirm([(row.number, 2, False)], "e1", 10.0)
    with it.running():
        yield


@planted(
    "backup-old",
    "The last backup of ",
    "is 20 days old, and spools keep what is confirmed for 14 days",
    "`acquire store",
)
async def a_backup_that_is_older_than_the_journals(it: Installation) -> Plants:
    with closing(connect(it.store_file, create=True)) as connection:
        for age in (12, 20):
            at = (datetime.now(UTC) - timedelta(days=age)).isoformat()
            connection.execute("UPDATE identity SET backed_up_at = ?", (at,))
            yield


@planted("backup-old", "is 20 days old and was never backed up, and spools keep what is confirmed for 14 days")
async def a_store_that_was_never_backed_up(it: Installation) -> Plants:
    with closing(connect(it.store_file, create=True)) as connection:
        yield
        at = (datetime.now(UTC) - timedelta(days=20)).isoformat()
        connection.execute(
            "INSERT INTO audit (n, at, who, what, subject, previous, hash) VALUES (1, ?, 'MP-1', 'x', 'y', '', 'z')",
            (at,),
        )
        yield
