"""A drop folder as an instrument: whatever a reader's software puts there becomes readings, once.

A file is read when it has not changed for a settling time. Records are known by what they say, so a file that grows,
shrinks, is copied, renamed or written again gives only what is new. What was taken is journaled when the daemon
confirms that it is in the spool: a crash in between reads again instead of losing. What cannot be read is told once,
and the others go on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import create_model

from drivers.commands import CommandSpec
from drivers.errors import LinkDown, Misuse
from drivers.files.beside import beside
from drivers.files.content import Unreadable, read_whole, shown
from drivers.files.format import Format
from drivers.files.formats import options_of, parse_file, stranger
from drivers.files.journal import Journal, is_journal, tried
from drivers.files.keys import Keyed, keyed, sentence_key
from drivers.files.records import FileReadings, Piece, Rejected, new
from drivers.files.settings import FolderSettings
from drivers.files.stretches import Stretches, streams
from drivers.files.watch import Seen, Watch
from drivers.instrument import Identity, Instrument, Outcome
from drivers.model import Model
from drivers.reading import Flag, Reading, Sample, at_host
from drivers.settings import Settings
from drivers.stamping import HostClock


class ReadAgain(Settings):
    """Which file of the folder, by its name."""

    file: str


READ_AGAIN = CommandSpec(
    "read-again", "take a file of the folder once more, by the settings as they are now", ReadAgain, "_again",
    while_measuring=True, passive=True,
)  # fmt: skip
PREFIX = "dir:"
ENOUGH = 500  # readings of one take; the files that are left come with the next
ENOUGH_S = 5.0
PATIENCE = 10.0  # a file that cannot be read, and takes long to say so, is left alone for so many times as long


def folder_model(fmt: Format) -> Model:
    """The model of a drop folder for a format: its settings are those of every drop folder and the format's options."""
    return Model(
        name=fmt.name,
        vendor=fmt.vendor,
        title=fmt.title,
        transports=("dir:PATH",),
        quantities=fmt.quantities,
        settings=_settings(fmt),
        driver=fmt,
        verified=fmt.verified,
        assumed=fmt.assumed,
    )


def _settings(fmt: Format) -> type[Settings]:
    return create_model(
        f"{fmt.name.title().replace('-', '')}Settings",
        __base__=(FolderSettings, fmt.options),
        __doc__=f"Settings of a drop folder of {fmt.name} files.",
    )


def folder_of(resource: str) -> Path:
    """The folder that a resource dir:PATH names. Raises Misuse."""
    path = resource.removeprefix(PREFIX)
    if not resource.startswith(PREFIX) or not path:
        raise Misuse(f"Files are read from a folder: give dir:PATH, not '{resource}'.")
    return Path(path)


def journal_of(settings: FolderSettings, folder: Path) -> Path:
    """Where the folder's journal is: as set, or beside the folder."""
    return settings.journal or folder.absolute().with_name(f".{folder.absolute().name}.taken")


def check_folder(settings: FolderSettings, path: Path) -> list[str]:
    """What would keep a drop folder from being read, a sentence each; tries it and leaves nothing behind.

    Where the folder itself is missing, nothing is known of a journal that lies beside it.
    """
    missing = list(_no_folder(path))
    if missing and settings.journal is None:
        return missing
    return missing + list(_no_journal(journal_of(settings, path), leave=False))


def _no_folder(path: Path) -> Iterator[str]:
    try:
        if not path.is_dir():
            yield f"There is no folder {shown(str(path))}; make it, or mend the resource."
            return
        next(path.iterdir(), None)
    except OSError as error:
        yield f"The folder {shown(str(path))} cannot be read: {error.strerror}."


def _no_journal(path: Path, *, leave: bool) -> Iterator[str]:
    try:
        tried(path, leave=leave)
    except OSError as error:
        yield _unwritable(path, error)


def _unwritable(path: Path, error: OSError) -> str:
    return (
        f"The journal {shown(str(path))} cannot be written ({error.strerror or error}): without it every file would be"
        " stored again and again; set `journal` to a place that can be written."
    )


class FolderInstrument(Instrument):
    """A folder that a reader's software writes into. `clock`: monotonic seconds, for tests that step it."""

    def __init__(
        self, model: Model, resource: str, settings: FolderSettings, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(model, resource)
        self.folder = folder_of(resource)
        self.settings = settings
        self._format: Format = model.driver
        declared = [name for name in self._format.options.model_fields if hasattr(settings, name)]
        self._options: Settings = options_of(self._format, {name: getattr(settings, name) for name in declared})
        self._clock = clock
        self._host_clock = HostClock()
        self._journal = Journal(journal_of(settings, self.folder))
        self._watch = Watch(settings)
        self._given: dict[str, None] = {}  # keys of the last take, until it is confirmed
        self._told: set[str] = set()
        self._stretches: Stretches | None = None  # a large file that is half given
        self._one_at_a_time = threading.Lock()  # a cancelled take goes on in its thread

    @property
    def poll_interval_s(self) -> float:
        """As set: seconds between two looks into the folder."""
        return self.settings.poll_interval_s

    @property
    def comes_again(self) -> bool:
        """The files stay where they are, and what was not confirmed is read again after the next open()."""
        return True

    @property
    def unreadable_files(self) -> int:
        """As the last looks into the folder found them."""
        return self._watch.unreadable

    async def open(self) -> Identity:
        """The folder and its journal must be there. A file says nothing certain of the reader's serial number.

        Raises LinkDown naming which of them is not.
        """
        await beside(self.folder, self._open)
        return Identity(self.model.vendor, self.model.name, "", "", b"")

    def _open(self) -> None:
        with self._one_at_a_time:
            missing = next(_no_folder(self.folder), None)
            if missing is not None:
                raise LinkDown(missing)
            try:
                self._journal.open()
            except OSError as error:
                raise LinkDown(_unwritable(self._journal.path, error)) from error
            self._watch.forget()
            self._let_go()
            self._host_clock.begin()
            self._given, self._told = {}, set()

    async def recover(self) -> Identity:
        """Nothing to drain in a folder; what was not confirmed comes again. Raises LinkDown."""
        return await self.open()

    async def close(self) -> None:
        """Nothing is held open but a large file that is half read, unless a look into the folder is still under way."""
        if self._one_at_a_time.acquire(blocking=False):
            try:
                self._let_go()
            finally:
                self._one_at_a_time.release()

    async def take(self) -> Sequence[Reading]:
        """Readings of whatever is new and has settled. Call confirm() when they are in the spool.

        Raises LinkDown where the folder cannot be read.
        """
        return await beside(self.folder, self._look)

    def commands(self) -> Mapping[str, CommandSpec]:
        """`read-again`: what a file of the folder holds by the settings as they are now, taken once more."""
        return {READ_AGAIN.name: READ_AGAIN}

    async def run_command(self, name: str, parameters: Mapping[str, Any]) -> Outcome:
        """Instrument.run_command. Raises Misuse also for a file that is not in the folder or cannot be read."""
        if name != READ_AGAIN.name:
            return await super().run_command(name, parameters)
        asked = ReadAgain.model_validate(parameters)
        readings = await beside(self.folder, lambda: self._again(asked.file))
        return Outcome({"file": asked.file, "readings": len(readings)}, readings)

    def _again(self, name: str) -> list[Reading]:
        """Every reading of a file, whether it was taken before or not. Raises Misuse."""
        path = self.folder / name
        if path.name != name or not path.is_file():
            raise Misuse(f"There is no file {shown(name)} in {shown(str(self.folder))}.")
        with self._one_at_a_time:
            try:
                parsed = self._parsed(shown(name), read_whole(path, self.settings.largest_file_mb, follow=False))
            except Unreadable as error:
                raise Misuse(str(error)) from None
            if not parsed.samples:
                raise Misuse(f"{shown(name)} holds no reading by the settings as they are now.")
            stamp = self._host_clock.now()
            return [at_host(each, each.raw, stamp.time, stamp.monotonic_s, *stamp.flags) for each in parsed.samples]

    async def confirm(self) -> None:
        """The readings of the last take are in the spool: they are not read again.

        A journal that cannot be written now is told with the next take and tried again with each.
        """
        await beside(self.folder, self._confirmed)

    def _confirmed(self) -> None:
        with self._one_at_a_time:
            self._journal.remember(self._given)
            self._given = {}
            try:
                self._journal.write()
            except OSError:
                return  # kept in memory; _journaled tells it

    def _look(self) -> list[Reading]:
        with self._one_at_a_time:
            self._given = {}
            if self._stretches is not None and not self._stretches.seen.is_still(self._stretches.path):
                self._let_go()
            found = list(self._journaled())
            began = self._clock()
            for path, seen in self._watch.due(self.folder, self._clock()):
                found += self._file(path, seen)
                if len(found) >= ENOUGH or self._clock() - began >= ENOUGH_S:
                    break
            if not found:
                return []
            stamp = self._host_clock.now()
            return [at_host(each, each.raw, stamp.time, stamp.monotonic_s, *stamp.flags) for each in found]

    def _journaled(self) -> Iterator[Sample]:
        """Try again what could not be written; told when it fails, once until it works again."""
        key = sentence_key("journal")
        try:
            self._journal.write()
            self._told.discard(key)
        except OSError as error:
            if key not in self._told:
                self._told.add(key)
                yield _notice(f"{_unwritable(self._journal.path, error)} Until then this process remembers it.")

    def _file(self, path: Path, seen: Seen) -> list[Sample]:
        began = self._clock()
        if seen.stat is not None and is_journal(self._journal.path, seen.stat):
            seen.done()
            return []
        try:
            if self._is_half_given(seen) or streams(path, self._format, self.settings.largest_file_mb):
                return self._stretch(path, seen)
            data = read_whole(path, self.settings.largest_file_mb, follow=False)
        except Unreadable as error:
            self._let_go()
            took = self._clock() - began
            seen.again(self._clock(), max(PATIENCE * took, self.poll_interval_s))
            return list(self._tell(str(error)))
        return self._whole(path, seen, data) if seen.is_still(path) else []

    def _stretch(self, path: Path, seen: Seen) -> list[Sample]:
        """What is new in a large file, as far as one take has room; it goes on there with the next."""
        began = self._clock()
        at = self._stretches
        if at is None or not self._is_half_given(seen):
            self._let_go()
            given_up = self._watch.given_up(seen, began)
            most = self.settings.largest_file_mb
            at = Stretches(path, seen, self._format, self._options, largest_mb=most, given_up=given_up)
            self._stretches = at
        found = at.next(self._is_fresh, lambda n: n >= ENOUGH or self._clock() - began >= ENOUGH_S)
        still = seen.is_still(path)
        if at.ended or not still:
            self._let_go()
        if at.ended and still:
            seen.wait(self.settings) if at.unfinished else seen.done()
        return list(self._fresh(found)) if still else []

    def _is_half_given(self, seen: Seen) -> bool:
        return self._stretches is not None and self._stretches.seen is seen

    def _let_go(self) -> None:
        if self._stretches is not None:
            self._stretches.close()
            self._stretches = None

    def _whole(self, path: Path, seen: Seen, data: bytes) -> list[Sample]:
        parsed = self._parsed(shown(path.name), data)
        given_up = self._watch.given_up(seen, self._clock())
        rejected = [each for each in parsed.rejected if given_up or not each.may_complete]
        if len(rejected) < len(parsed.rejected):
            seen.wait(self.settings)
        else:
            seen.done()
        return list(self._fresh(keyed(parsed, rejected)))

    def _parsed(self, name: str, data: bytes) -> FileReadings:
        if not data:
            empty = new(name, self._format.name, data)
            empty.rejected.append(Rejected(Piece(0, data), f"{name} is empty.", may_complete=True))
            return empty
        try:
            return parse_file(name, data, self._options, self._format)
        except Misuse as error:
            return stranger(name, data, f"{error} Its beginning is kept.")

    def _fresh(self, records: Iterable[Keyed]) -> Iterator[Sample]:
        for each in records:
            if self._is_fresh(each):
                self._given[each.key] = None
                yield each.sample

    def _is_fresh(self, record: Keyed) -> bool:
        return record.key not in self._given and not ({record.key} | record.earlier) & self._journal.taken

    def _tell(self, sentence: str) -> Iterator[Sample]:
        """Something about a file that is not read, once, also over restarts."""
        key = sentence_key(sentence)
        if key not in self._told and key not in self._journal.taken:
            self._told.add(key)
            self._given[key] = None
            yield _notice(sentence)


def _notice(sentence: str) -> Sample:
    """Something that people must know and that is no record: it has no bytes."""
    return Sample(kind="unparsed", quantity="file", unit="1", flags=(Flag.UNPARSED,), note=sentence)
