"""Which files of a folder are due to be read: those that have stopped changing, and those whose waiting is over."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drivers.errors import LinkDown
from drivers.files.content import shown
from drivers.files.settings import FolderSettings

LONGEST_PAUSE_S = 60.0  # a file that cannot be read is tried again at least so often

State = tuple[int, int, int, int, int]


@dataclass(slots=True)
class Seen:
    """A file as it was last seen: since when it is so, and when to look into it (None: it has been read).

    stat: None where the system does not even tell that of it.
    """

    stat: os.stat_result | None
    since: float
    look_at: float | None
    failures: int = 0  # times it could not be read

    def is_still(self, path: Path) -> bool:
        """Whether the file is the one that was seen, unchanged: nothing was written while it was read."""
        try:
            return _state(path.lstat()) == _state(self.stat)
        except OSError:
            return False

    def done(self) -> None:
        """It has been read; nothing is to be looked for until it changes."""
        self.look_at = None

    def again(self, now: float, after_s: float) -> None:
        """It could not be read at `now` (monotonic seconds): try again after `after_s`, and ever later each time."""
        self.look_at = now + max(after_s, min(after_s * 2**self.failures, LONGEST_PAUSE_S))
        self.failures = min(self.failures + 1, 10)

    def wait(self, settings: FolderSettings) -> None:
        """Something in it is unfinished: look again when it changes, or when that has to be reported."""
        self.look_at = self.since + settings.settle_s + settings.give_up_s


class Watch:
    """The files of a folder and what became of each. Hidden files and folders are passed over; no link is followed."""

    def __init__(self, settings: FolderSettings) -> None:
        self._settings = settings
        self._seen: dict[str, Seen] = {}

    def forget(self) -> None:
        """Every file of the folder is looked into again, as if it were new."""
        self._seen.clear()

    @property
    def unreadable(self) -> int:
        """How many files could not be read the last time, and are tried again."""
        return sum(1 for seen in list(self._seen.values()) if seen.failures and seen.look_at is not None)

    def given_up(self, seen: Seen, now: float) -> bool:
        """Whether what is unfinished in a file is no longer waited for at `now` (monotonic seconds)."""
        return now - seen.since >= self._settings.settle_s + self._settings.give_up_s

    def due(self, folder: Path, now: float) -> Iterator[tuple[Path, Seen]]:
        """The files to be read at `now` (monotonic seconds), as they were written, one after the other.

        Of files that wait together run_10 would come before run_2 by name. Raises LinkDown for an unreadable folder.
        """
        try:
            names = sorted(each.name for each in folder.iterdir() if not each.name.startswith("."))
        except OSError as error:
            raise LinkDown(f"The folder {shown(str(folder))} cannot be read: {error.strerror}.") from error
        for gone in self._seen.keys() - set(names):
            del self._seen[gone]
        found = [(name, seen) for name in names if (seen := self._look(folder / name, now)) is not None]
        for name, seen in sorted(found, key=lambda each: _written(each[1])):
            if seen.look_at is not None and now >= seen.look_at:
                yield folder / name, seen

    def _look(self, path: Path, now: float) -> Seen | None:
        found: os.stat_result | None = None
        try:
            found = path.lstat()
        except FileNotFoundError:  # gone between listing and looking
            return None
        except OSError:
            pass  # it will be read, and that will say why it cannot be
        if found is not None and stat.S_ISDIR(found.st_mode):
            return None
        seen = self._seen.get(path.name)
        if seen is None or _state(seen.stat) != _state(found):
            seen = self._seen[path.name] = Seen(found, now, now + self._settings.settle_s)
        return seen


def _written(seen: Seen) -> int:
    """When it was last written, in ns of the folder's own clock."""
    return 0 if seen.stat is None else seen.stat.st_mtime_ns


def _state(found: os.stat_result | None) -> State | None:
    """What changes when a file is written, exchanged or replaced under its name."""
    if found is None:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
