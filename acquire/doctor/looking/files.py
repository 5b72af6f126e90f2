"""What spool and store say of themselves, read from their files beside a service that writes them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from acquire.beforehand import foreign, newest_store
from acquire.canonical import parse
from acquire.checking import last_check
from acquire.config import SpoolConfig
from acquire.doctor.case import Case
from acquire.doctor.finding import CannotTell
from acquire.doctor.judging.files import BacklogSeen, BackupSeen, FileSeen
from acquire.doctor.judging.states import SilenceSeen
from acquire.doctor.looking.ports import instrument
from acquire.packing import unpacked
from acquire.spool import originals
from acquire.spool.file import SCHEMA as SPOOL_SCHEMA
from acquire.spool.status import unconfirmed
from acquire.store.copies import MARGIN
from acquire.store.entries import KIND
from drivers import Driver, Settings, WireSettings
from drivers.registry import model

DAY = timedelta(days=1)
YEAR = timedelta(days=365)
READS_WITHIN_S = 2.0


def spool_read_only(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing. Raises sqlite3.Error."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=READS_WITHIN_S)
    connection.row_factory = sqlite3.Row
    return connection


def store_read_only(path: Path) -> sqlite3.Connection:
    """The same of a store, where it is of this program's version: nothing is made newer. Raises CannotTell."""
    connection = spool_read_only(path)
    try:
        (schema,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    if schema != newest_store():
        connection.close()
        raise CannotTell(
            f"{path} has schema {schema} and this program knows {newest_store()}; an older one the service brings up to"
            " date"
        )
    return connection


def look_at_file(case: Case, what: str) -> FileSeen:
    """Of the spool or the store, where there is one. Raises sqlite3.Error."""
    path, known = (case.loaded.spool, SPOOL_SCHEMA) if what == "spool" else (case.loaded.store, newest_store())
    assert path is not None
    if not path.exists():
        return FileSeen(what, str(path))
    stranger = foreign(path, known)
    damage = (last_check(path) or {}).get("finding")
    if stranger is not None or damage is not None:
        return FileSeen(what, str(path), stranger, damage)
    with closing(spool_read_only(path)) as db:
        return FileSeen(what, str(path), alarms=_alarms(db))


def _alarms(db: sqlite3.Connection) -> tuple[tuple[str, str, datetime], ...]:
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'alarm'").fetchone() is None:
        return ()
    since = (datetime.now(UTC) - DAY).isoformat()
    rows = db.execute(
        "SELECT what, message, last_at FROM alarm WHERE last_at > ? ORDER BY last_at DESC LIMIT 5", (since,)
    )
    return tuple((row["what"], row["message"], datetime.fromisoformat(row["last_at"])) for row in rows)


def look_at_backlog(case: Case, _: str) -> BacklogSeen:
    """What waits in the spool. Raises sqlite3.Error, CannotTell."""
    path, now = case.loaded.spool, datetime.now(UTC)
    assert path is not None
    running = case.processes.is_running
    if not path.exists() or foreign(path, SPOOL_SCHEMA) is not None:
        return BacklogSeen(str(path), now, running)
    with closing(spool_read_only(path)) as db:
        streams = unconfirmed(db)
        since = [at for each in streams if (at := _appended(db, each["number"], each["through"] + 1)) is not None]
        waits = sum(each["entries"] for each in streams)
        return BacklogSeen(str(path), now, running, waits, min(since, default=None), len(originals.listed(db)))


def _appended(db: sqlite3.Connection, stream: int, seq: int) -> datetime | None:
    """When an entry was made, by what it says itself; None where it does not say, or is no longer there."""
    row = db.execute(
        "SELECT body FROM entry WHERE stream = ? AND seq >= ? ORDER BY seq LIMIT 1", (stream, seq)
    ).fetchone()
    if row is None:
        return None
    try:
        said: dict[str, Any] = parse(unpacked(row["body"]))
        return datetime.fromisoformat(said.get("time") or said["to"]).astimezone(UTC)
    except (ValueError, KeyError, TypeError):
        return None


def look_at_backup(case: Case, _: str) -> BackupSeen:
    """When the store was last copied. Raises sqlite3.Error, CannotTell."""
    path, kept = case.loaded.store, case.loaded.config.spool
    assert path is not None
    days = SpoolConfig.model_fields["retention_days"].default if kept is None else kept.retention_days
    backed_up = begun = None
    if path.exists() and foreign(path, newest_store()) is None:
        with closing(store_read_only(path)) as db:
            (backed_up,) = db.execute("SELECT backed_up_at FROM identity").fetchone()
            (begun,) = db.execute("SELECT min(at) FROM (SELECT min(first_heard) AS at FROM streams UNION ALL"
                                  " SELECT at FROM audit WHERE n = 1)").fetchone()  # fmt: skip
    return BackupSeen(
        str(path), datetime.now(UTC), timedelta(days=days), MARGIN, backed_up and datetime.fromisoformat(backed_up),
        begun and datetime.fromisoformat(begun),
    )  # fmt: skip


def look_at_silence(case: Case, name: str) -> SilenceSeen:
    """When an instrument last gave something, by the spool; and its rhythm, by the store. Raises sqlite3.Error."""
    each, spool = instrument(case, name), case.loaded.spool
    settings = model(each.model).settings.model_validate(dict(each.settings))
    folder = each.resource.removeprefix("dir:") if each.resource.startswith("dir:") else None
    every_s = _every_s(each.model, settings)
    last, is_open = (None, False) if spool is None or not spool.exists() else _last(spool, name)
    days = () if every_s is not None else _days(case.loaded.store, name)
    if days and (last is None or days[-1] > last):
        last = days[-1]
    running = case.processes.is_running
    return SilenceSeen(name, datetime.now(UTC), every_s, is_open and running, last, days, folder)


def _every_s(of: str, settings: Settings) -> float | None:
    """How often an instrument is asked; None where it speaks by itself or its files are waited for."""
    kind = model(of).driver
    asked = isinstance(kind, type) and issubclass(kind, Driver) and isinstance(settings, WireSettings)
    return settings.poll_interval_s if asked and isinstance(settings, WireSettings) else None


def _last(spool: Path, name: str) -> tuple[datetime | None, bool]:
    """When the newest entry of an instrument was made, and whether its stream goes on."""
    with closing(spool_read_only(spool)) as db:
        row = db.execute(
            "SELECT number, head, ended FROM stream WHERE instrument = ? ORDER BY number DESC LIMIT 1", (name,)
        ).fetchone()
        return (None, False) if row is None else (_appended(db, row["number"], row["head"]), row["ended"] is None)


def _days(store: Path | None, name: str) -> tuple[datetime, ...]:
    """The days of the last year on which the store received something of a reader, oldest first."""
    if store is None or not store.exists() or foreign(store, newest_store()) is not None:
        return ()
    since = int((datetime.now(UTC) - YEAR).timestamp() * 1e6)
    with closing(store_read_only(store)) as db:
        rows = db.execute(
            "SELECT max(r.at) AS at FROM received r WHERE r.at > ? AND r.number IN (SELECT e.received FROM streams s"
            " JOIN entries e ON e.stream = s.number WHERE s.instrument = ? AND e.kind NOT IN (?, ?))"
            " GROUP BY r.at / 86400000000 ORDER BY at",
            (since, name, KIND["gap"], KIND["marker"]),
        )
        return tuple(datetime.fromtimestamp(row["at"] / 1e6, UTC) for row in rows)
