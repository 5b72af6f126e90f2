"""Calibrations as the store has them in force, and what the detectors of the newest inventory have received."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime

from acquire.doctor.case import Case
from acquire.doctor.judging.stock import CalibrationSeen, DoseSeen
from acquire.doctor.looking.files import store_read_only
from acquire.errors import Refused
from acquire.procedure.documents.calibrations import Calibrations, read_calibrations
from acquire.procedure.documents.inventory import Inventory, read_inventory
from acquire.procedure.methods.detector_needs import dose_so_far
from acquire.procedure.session.planning import files_of_plan
from acquire.procedure.stock.file_coefficients import standing_of
from acquire.procedure.stock.issued import issued
from acquire.procedure.stock.received import received_by

Files = tuple[Calibrations, Inventory]


def today() -> date:
    """By UTC, as calibrations are dated."""
    return datetime.now(UTC).date()


def calibrations(case: Case, _: str) -> list[CalibrationSeen]:
    """Those in force of what the newest inventory owns, and of the stock. Raises sqlite3.Error, CannotTell."""
    store, day = case.loaded.store, today()
    if store is None or not store.exists():
        return []
    with closing(store_read_only(store)) as connection:
        return [*_of_files(connection, day), *_of_stock(connection, day)]


def _of_files(connection: sqlite3.Connection, day: date) -> Iterator[CalibrationSeen]:
    files = newest_files(connection)
    if files is None:
        return
    _, inventory = files
    owned = {each.id for each in inventory.instrument} | {each.id for each in inventory.detector}  # readers, too
    for name in sorted(owned):
        for known in standing_of(connection, name):
            until = date.fromisoformat(known.content["valid_until"])
            yield CalibrationSeen(known.calibration, name, until, day)


def _of_stock(connection: sqlite3.Connection, day: date) -> Iterator[CalibrationSeen]:
    """The newest of each batch on each reader, and of each thing that it issues."""
    newest = {(each.batch, each.reader, each.has_coefficient): each for each in issued(connection)}
    for each in newest.values():
        yield CalibrationSeen(each.id, f"batch {each.batch} on {each.reader}", each.terms.valid_until, day)


def doses(case: Case, _: str) -> list[DoseSeen]:
    """Of every detector of the newest inventory. Raises sqlite3.Error, CannotTell."""
    store = case.loaded.store
    if store is None or not store.exists():
        return []
    with closing(store_read_only(store)) as connection:
        files = newest_files(connection)
        return [] if files is None else [*_doses(connection, *files, today())]


def _doses(connection: sqlite3.Connection, given: Calibrations, inventory: Inventory, day: date) -> Iterator[DoseSeen]:
    for detector in inventory.detector:
        for each in given.calibration:
            if each.of == detector.id and each.valid_from <= day <= each.valid_until:
                try:
                    dose_so_far(received_by(connection, detector), each)
                except Refused as reason:
                    yield DoseSeen(detector.id, str(reason))
                else:
                    yield DoseSeen(detector.id, None)


def newest_files(connection: sqlite3.Connection) -> Files | None:
    """(calibrations, inventory) with which the newest plan came in; None where there is none."""
    row = connection.execute(
        "SELECT p.order_id, p.version FROM plan p JOIN plan_files f USING (order_id, version)"
        " ORDER BY p.audit_entry DESC NULLS LAST, p.added_at DESC, p.version DESC LIMIT 1"
    ).fetchone()
    found = None if row is None else files_of_plan(connection, row["order_id"], row["version"])
    if found is None:
        return None
    (name_c, body_c), (name_i, body_i) = found
    return read_calibrations(body_c, name_c), read_inventory(body_i, name_i)
