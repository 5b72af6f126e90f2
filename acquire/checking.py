"""The check of a whole database beside its use: at once when it is opened, and once a day from then on.

It has a thread and a read-only connection of its own, so whoever appends never waits for it. The one at the start is
one statement, so that damage is found soon. The daily one goes table by table, each in a transaction of its own, and
rests after each as long as it took: it takes at most half of a disk that others want, and the log can be emptied in
between. What came of the last one lies beside the database, NAME.checked, for whoever asks; what came of the last
`acquire store verify` of a whole store, NAME.verified.
"""

from __future__ import annotations

import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import msgspec

from acquire.canonical import canonical, utc_now
from acquire.integrity import findings, identity_of, is_damage
from acquire.log import Log
from acquire.private import private

log = Log("check")

DAY_S = 86400.0
AGAIN_S = 3600.0  # after one that could not be made
LONGEST_REST_S = 60.0
NICE = 10  # of the thread that checks: it takes what the others leave


class Check:
    """One check. Read `done` first: then `finding` (what is wrong, in SQLite's words; None: nothing) and `failed` (why
    the check could not be made; None: it could). `gently`: table by table, with rests.
    """

    def __init__(self, path: Path, *, gently: bool = False) -> None:
        self.finding: str | None = None
        self.failed: str | None = None
        self._path = path
        self._gently = gently
        self._given_up = threading.Event()
        self._connection: sqlite3.Connection | None = None
        self._thread = threading.Thread(target=self._run, name=f"check-{path.name}", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether it is over."""
        return not self._thread.is_alive()

    def cancel(self) -> None:
        """Give it up and wait for its end."""
        self._given_up.set()
        while self._thread.is_alive():
            if self._connection is not None:
                with suppress(sqlite3.ProgrammingError):  # just closed
                    self._connection.interrupt()
            self._thread.join(0.05)

    def _run(self) -> None:
        with suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        begun = time.monotonic()
        self._judge()
        if self.finding is not None and not self._given_up.is_set():
            self._judge()
        if not self._given_up.is_set():
            _write_down(self._path, time.monotonic() - begun, self.finding, self.failed)

    def _judge(self) -> None:
        """A disk that fails meanwhile makes SQLite find damage as well: a finding is one that is made twice, by two
        connections.
        """
        self.finding = self.failed = None
        try:
            self.finding = self._found()
        except sqlite3.Error as error:
            if is_damage(error):
                self.finding = str(error)
            else:
                self.failed = str(error)

    def _found(self) -> str | None:
        uri = f"{self._path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, check_same_thread=False)) as self._connection:
            for piece in _tables(self._connection) if self._gently else (None,):
                begun = time.monotonic()
                if self._given_up.is_set():
                    return None
                if found := findings(self._connection, piece):
                    return "; ".join(found)
                if self._gently:
                    self._given_up.wait(min(time.monotonic() - begun, LONGEST_REST_S))
        return None


def _tables(connection: sqlite3.Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]


class Checks:
    """Of one database: `begin` makes one now, the next comes by itself a day after the last one's end (monotonic)."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._check: Check | None = None
        self._due = math.inf

    @property
    def are_under_way(self) -> bool:
        """Whether one is being made."""
        return self._check is not None and not self._check.done

    def begin(self, *, gently: bool = False) -> None:
        """Make one now; one that is being made is given up for it."""
        self.rest()
        self._check = Check(self._path, gently=gently)

    def rest(self) -> None:
        """Give up what is being made; the next one is due in a day."""
        check, self._check = self._check, None
        if check is not None:
            check.cancel()
        self._due = self._clock() + DAY_S

    def ended(self) -> Check | None:
        """The one that has come to its end since this was asked last. To be asked again and again: a new one begins."""
        check = self._check
        if check is None:
            if self._clock() >= self._due:
                self.begin(gently=True)
            return None
        if not check.done:
            return None
        self._check = None
        self._due = self._clock() + (DAY_S if check.failed is None else AGAIN_S)
        if check.failed is not None:
            log.warning("a database could not be checked", path=str(self._path), why=check.failed)
        elif check.finding is None:
            log.info("a database was checked and is sound", path=str(self._path))
        return check


# --- what came of it ------------------------------------------------------------------------------------------------


CHECKED, VERIFIED = ".checked", ".verified"


def _write_down(path: Path, took_s: float, finding: str | None, failed: str | None) -> None:
    """For `last_check`."""
    _note(path, CHECKED, {"at": utc_now(), "took_s": round(took_s, 3), "finding": finding, "failed": failed})


def note_verified(path: Path, problems: int) -> None:
    """For `last_verified`: a store was verified as a whole just now, and so many problems were found."""
    _note(path, VERIFIED, {"at": utc_now(), "problems": problems})


def _note(path: Path, kind: str, said: dict[str, Any]) -> None:
    """Beside the database; a disk that does not take it is no reason for anything."""
    with suppress(OSError):
        made = path.with_name(f"{path.name}{kind}.part")
        made.unlink(missing_ok=True)
        private(made).write_bytes(canonical({**said, "file": identity_of(path)}))
        made.replace(path.with_name(path.name + kind))


def last_check(path: Path) -> dict[str, Any] | None:
    """The last check of the file that lies there; None where there was none, or nobody knows.

    "at" (UTC), "took_s" (seconds), "finding" (None: nothing is wrong), "failed" (why it could not be made, or None).
    """
    return _noted(path, CHECKED)


def last_verified(path: Path) -> dict[str, Any] | None:
    """The last `acquire store verify` of all of the store that lies there: "at" (UTC), "problems" (how many it found).

    None where there was none, or nobody knows.
    """
    return _noted(path, VERIFIED)


def _noted(path: Path, kind: str) -> dict[str, Any] | None:
    try:
        said = msgspec.json.decode(path.with_name(path.name + kind).read_bytes(), type=dict[str, Any])
        here = identity_of(path)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return said if here is not None and said.pop("file", None) == list(here) else None


def sentence(said: dict[str, Any] | None) -> str:
    """The same for people."""
    if said is None:
        return "It has not been checked yet; a running service checks it when it starts, and once a day."
    if said.get("failed") is not None:
        return f"It could not be checked on {said['at']}: {said['failed']}."
    if said.get("finding") is not None:
        return f"Checked on {said['at']}: it is damaged ({said['finding']})."
    return f"Checked on {said['at']}: sound."
