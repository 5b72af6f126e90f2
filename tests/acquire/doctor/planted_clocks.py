"""Faults of clocks. What the kernel says is given here (test_doctor_beside_others.py asks a real one)."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from installations import Installation, planted
from planned import planned
from scenario_a import demo_file

from acquire.doctor.looking import clock
from acquire.procedure.session.clock_offsets import compare_clock
from acquire.procedure.session.session import Session, start_session
from acquire.store.database import connect

Plants = AsyncIterator[None]


@planted("clock-unsynchronised", "Nothing keeps this computer's clock right", "`timedatectl set-ntp true` or chrony.")
async def no_time_service(it: Installation) -> Plants:
    it.instrument("tcp:127.0.0.1:1")
    with patch.object(clock, "is_synchronised", lambda: True):
        yield
    with patch.object(clock, "is_synchronised", lambda: False):
        yield


@planted(
    "clock-set-back", "the newest entry of the store is of ", "it was set back; set the clock right before anything"
)
async def the_clock_was_set_back(it: Installation) -> Plants:
    with closing(connect(it.store_file, create=True)) as connection:
        yield
        at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        connection.execute(
            "INSERT INTO audit (n, at, who, what, subject, previous, hash) VALUES (1, ?, 'MP-1', 'x', 'y', '', 'z')",
            (at,),
        )
        yield


@planted(
    "clock-ahead", "run-7.ASC was written on ", "which is still to come: set the clock of the computer that wrote it"
)
async def a_readers_computer_is_ahead(it: Installation) -> Plants:
    folder = it.folder / "winrems"
    folder.mkdir()
    it.instrument("dir:winrems", "winrems", "tld-reader-1")
    (folder / "run-7.ASC").touch()
    yield
    os.utime(folder / "run-7.ASC", (time.time() + 7200,) * 2)
    yield


@planted("machine-clock", "Nobody has compared the clock of LA-1 with this computer's: `acquire session clock s-")
async def a_machine_whose_clock_nobody_compared(it: Installation) -> Plants:
    with planned(it) as connection:
        session = _start(connection)
        now = datetime.now(UTC).isoformat()
        compare_clock(connection, session, session.plan.machine, now, now, "MD-1")
        yield
    it.store_file.unlink()
    with planned(it) as connection:
        _start(connection)
        yield


def _start(connection: sqlite3.Connection) -> Session:
    files = {each: demo_file(f"{each}.toml") for each in ("calibrations", "inventory")}
    return start_session(connection, "ORD-A-1", "MD-1", **files)
