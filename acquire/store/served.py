"""The file of a store that is served: watched, given up when it is damaged or gone, and opened again by itself.

A store that is known to be damaged, or whose file lies there no longer, confirms nothing: the spools keep what comes
until it is served again (docs/noloss.md section 6). While it is given up its lock is free, so that a person can put a
backup in its place. Everything here but `trouble` is for the store's one thread.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

from acquire.checking import Checks
from acquire.files import free_name, put_in_place
from acquire.integrity import DISK, Files, code_of, is_damage, may_heal, version_of, write_nothing
from acquire.log import Log
from acquire.once import Once
from acquire.private import private
from acquire.store.copies import lock
from acquire.store.database import StoreDamaged, StoreError, connect

log = Log("store")
T = TypeVar("T")

WAY_OUT = "Put a backup in its place with `acquire store restore`; it is served again by itself then."


class NotServed(sqlite3.OperationalError):
    """The store cannot be used now: one plain sentence. An error of SQLite's, as whoever uses a store is ready for."""


class ServedFile:
    """`opened(connection, is_new)` is called for each connection; is_new: the file was not served before.

    `trouble` is why nothing is confirmed, in a sentence, or None.
    """

    def __init__(
        self,
        path: Path,
        opened: Callable[[sqlite3.Connection, bool], None],
        *,
        create: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.trouble: str | None = None
        self.connection: sqlite3.Connection | None = None
        self._path = path
        self._create = create
        self._opened = opened
        self._lock: BinaryIO | None = None
        self._files: Files | None = None
        self._checks = Checks(path, clock)
        self._was_unreadable = False  # the disk failed: what it did to the file is looked for
        self._must_check = False  # nothing is confirmed before the check is over
        self._told = Once()
        self._damaged: tuple[int, ...] | None = None  # the version of the file that was found damaged

    def open(self) -> None:
        """Open it for the first time. Raises StoreError; of a damaged one only when it is used.

        A disk that fails is told of, and the file is opened when it does not fail any more (look).
        """
        try:
            self._connect(create=self._create)
        except StoreDamaged as error:
            self._doubt(error)
        except (sqlite3.Error, StoreError, OSError) as error:
            self._let_go()
            if may_heal(error, self._path):
                why = str(error).rstrip(".")
                self._tell(f"The store {self._path} cannot be opened ({why}): nothing is confirmed until it can be.")
            elif isinstance(error, sqlite3.Error):
                raise StoreError(f"{self._path} cannot be opened as a store: {error}.") from error
            else:
                raise
        except BaseException:
            self._let_go()
            raise

    def use(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` does with the connection; on return the file is the one it was done to, and not known as damaged.

        Raises sqlite3.Error: NotServed, or what `work` raises. Nothing may be answered then.
        """
        self._must_be_sound()
        assert self.connection is not None
        try:
            done = work(self.connection)
        except sqlite3.Error as error:
            self._failed(error)
            raise
        self._must_be_sound()
        return done

    def look(self) -> None:
        """To be called every second: notices what has become of the file, and opens it again once it can be used."""
        try:
            if self.connection is None:
                self._open_again()
            else:
                self._must_be_sound()
                if self.trouble is not None:
                    write_nothing(self.connection)
                    self._over()
        except NotServed:
            pass  # told when it began
        except sqlite3.Error as error:
            self._failed(error)
        except StoreError as error:
            self._tell(f"{str(error).rstrip('.')}: nothing is confirmed until it can be.")
        except OSError as error:
            self._tell(
                f"The store {self._path} cannot be used ({error.strerror}): nothing is confirmed until it can be."
            )

    def close(self) -> None:
        """Close the file, let go of its lock, end its check."""
        self._checks.rest()
        self._disconnect()
        self._let_go()

    # --- opening ----------------------------------------------------------------------------------------------------

    def _connect(self, *, create: bool = False) -> None:
        if self._lock is None:
            self._lock = lock(self._path, alone=False)
        connection = connect(self._path, create=create)
        try:
            write_nothing(connection)  # so that its log is there as well
            files = Files.of(self._path)
            is_new = self._files is None or files.parts[0] != self._files.parts[0]
            self._opened(connection, is_new)
        except BaseException as error:
            connection.close()
            if is_damage(error):
                raise StoreDamaged(f"{self._path} cannot be opened as a store: {error}.") from error
            raise
        self.connection, self._files = connection, files
        if is_new or self._was_unreadable:
            self._was_unreadable = False
            self._checks.begin()

    def _open_again(self) -> None:
        if self._must_check and not self._is_checked():
            return
        version = version_of(self._path)
        if version is None:
            self._let_go()
            self._tell(f"There is no store at {self._path} any more: nothing is confirmed. {WAY_OUT}")
            return
        if self._damaged is not None and version == self._damaged:
            return
        if self._damaged is not None and version[:2] == self._damaged[:2]:  # the same file, written to by somebody
            self._damaged, self._must_check = None, True
            self._checks.begin()
            return
        self._damaged = None
        try:
            self._connect()
        except StoreDamaged as error:
            self._doubt(error)
            return
        self._over()

    def _is_checked(self) -> bool:
        """Whether the check that must be over is, and lets the file be opened."""
        if self._checks.are_under_way:
            return False
        check = self._checks.ended()
        if check is None or check.failed is not None:
            self._checks.begin()
            return False
        self._must_check = False
        if check.finding is not None:
            self._give_up(check.finding)
            return False
        return True

    # --- what can be wrong ------------------------------------------------------------------------------------------

    def _must_be_sound(self) -> None:
        """Raises NotServed where nothing may be confirmed."""
        if self.connection is not None:
            self._look_at_check()
            self._look_at_files()
        if self.connection is None:
            raise NotServed(self.trouble or f"the store {self._path} is closed")

    def _look_at_check(self) -> None:
        check = self._checks.ended()
        if check is not None and check.finding is not None:
            self._disconnect()
            self._give_up(check.finding)

    def _look_at_files(self) -> None:
        if self._files is None or self.connection is None:
            return
        try:
            moved = self._files.moved()
        except OSError as error:
            self._disconnect()
            self._tell(f"The store {self._path} cannot be seen any more ({error.strerror}): nothing is confirmed.")
            return
        if not moved:
            return
        kept, files = None, self._files
        with suppress(sqlite3.Error):  # what is only in the log, which we have in any case: into the file with it
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        if self._path.name in moved:  # what is there next is another file, whatever its inode
            kept, self._files = _keep_content(self.connection, self._path), None
        self._disconnect()
        if self._path.name in moved:
            with suppress(OSError):
                files.remove_logs()
        self._let_go()
        names = " and ".join(moved)
        where = f" What it held is kept as {kept}." if kept is not None else ""
        self._tell(f"{names} in {self._path.parent} was removed or replaced: nothing is confirmed.{where} {WAY_OUT}")

    def _failed(self, error: sqlite3.Error) -> None:
        if isinstance(error, NotServed):
            return
        if is_damage(error):
            self._disconnect()
            self._doubt(error)
        elif code_of(error) in DISK:  # SQLite keeps some of these for a connection's whole life
            self._was_unreadable = True
            self._disconnect()
            self._tell(f"The store {self._path} cannot be used ({error}): nothing is confirmed until it can be.")
        elif code_of(error) == sqlite3.SQLITE_FULL:
            self._tell(f"The disk of the store {self._path} is full: nothing is confirmed until there is room.")

    def _doubt(self, error: Exception) -> None:
        """SQLite calls the file malformed; a disk that cannot be read makes it say so as well. The check decides."""
        self._must_check = True
        self._checks.begin()
        self._tell(f"The store {self._path} seems damaged ({error}): nothing is confirmed while it is checked.")

    def _give_up(self, finding: str) -> None:
        with suppress(OSError):
            self._damaged = version_of(self._path)
        self._files = None
        self._let_go()
        self._tell(f"The store {self._path} is damaged ({finding}): nothing is confirmed. {WAY_OUT}")

    def _disconnect(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _let_go(self) -> None:
        held, self._lock = self._lock, None
        if held is not None:
            held.close()

    def _tell(self, trouble: str) -> None:
        self.trouble = trouble
        if self._told.is_new(trouble):
            log.error(trouble)

    def _over(self) -> None:
        self.trouble = None
        if self._told.is_over():
            log.info("the store is served again", path=str(self._path))


def _keep_content(connection: sqlite3.Connection, path: Path) -> Path | None:
    """The content of a file that was removed while it was open, as a file again; None where that cannot be done."""
    kept = free_name(path, "removed")
    made = kept.with_name(kept.name + ".part")
    try:
        made.unlink(missing_ok=True)
        connection.execute("VACUUM INTO ?", (str(private(made)),))
        put_in_place(made, kept)
    except (sqlite3.Error, OSError) as error:
        log.warning("what was in the store could not be kept", why=str(error))
        with suppress(OSError):
            made.unlink(missing_ok=True)
        return None
    return kept
