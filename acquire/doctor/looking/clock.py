"""This computer's clock: what the kernel says of it, and moments that are still to come."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from acquire.config_instruments import FOLDER
from acquire.doctor.case import Case
from acquire.doctor.judging.clock import ClockSeen, MachineSeen
from acquire.doctor.looking.files import store_read_only
from acquire.doctor.looking.kernel_clock import is_synchronised
from acquire.doctor.looking.people import arrangement
from acquire.procedure.session.clock_offsets import clock_of
from acquire.procedure.session.doctor import newest_entry
from acquire.procedure.session.planning import get_plan

MOST_FILES = 1000  # of a folder
OVER = ("CALCULATED", "CANCELLED")


def look_at_clock(case: Case, _: str) -> ClockSeen:
    """Whether it is synchronised is asked where anything real is measured. Raises CannotTell, sqlite3.Error."""
    files = sorted(_latest(case))
    follows = is_synchronised() if arrangement(case).is_clinical else None
    return ClockSeen(datetime.now(UTC), follows, _newest_entry(case), tuple(files))


def _newest_entry(case: Case) -> datetime | None:
    store = case.loaded.store
    if store is None or not store.exists():
        return None
    with closing(store_read_only(store)) as connection:
        return newest_entry(connection)


def _latest(case: Case) -> Iterator[tuple[str, datetime]]:
    """The configuration, the databases, and of each drop folder the newest file."""
    loaded = case.loaded
    for path in (loaded.path, loaded.spool, loaded.store):
        if path is not None:
            with suppress(OSError):
                yield str(path), _written(path)
    for each in loaded.config.instrument:
        if each.resource.startswith(FOLDER):
            with suppress(OSError):
                folder = loaded.beside(Path(each.resource.removeprefix(FOLDER)))
                found = [(_written(Path(entry.path)), entry.path) for entry in _some(folder)]
                if found:
                    at, name = max(found)
                    yield name, at


def _some(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return [each for each, _ in zip(entries, range(MOST_FILES), strict=False)]


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def machines(case: Case, _: str) -> list[MachineSeen]:
    """The machines of sessions that go on and are no simulations, each once. Raises sqlite3.Error."""
    store = case.loaded.store
    if store is None or not store.exists():
        return []
    found: dict[str, MachineSeen] = {}
    with closing(store_read_only(store)) as connection:
        for row in connection.execute("SELECT id, order_id, plan_version FROM session WHERE NOT simulated").fetchall():
            state = connection.execute(
                "SELECT state FROM session_state WHERE session = ? ORDER BY n DESC LIMIT 1", (row["id"],)
            ).fetchone()
            if state is None or state["state"] in OVER:
                continue
            machine = get_plan(connection, row["order_id"], row["plan_version"]).machine
            compared = clock_of(connection, machine)
            found[machine] = MachineSeen(machine, None if compared is None else compared.says, row["id"])
    return [*found.values()]
