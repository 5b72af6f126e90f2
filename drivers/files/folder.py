"""A drop folder as an instrument: whatever a reader's software puts there becomes readings, once.

A file is looked at when it has not changed for a settling time. Records are known by the digest of their bytes, so a
file that grows, is copied or renamed gives only what is new. What was taken is written to a journal only when the
daemon confirms that it is in the spool: a crash in between reads again instead of losing.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from drivers.driver import Driver, Identity, Settings
from drivers.errors import LinkDown, Misuse
from drivers.files.records import FileReadings, Piece, Rejected, as_unparsed
from drivers.files.sniff import sniff
from drivers.reading import Reading

PREFIX = "dir:"


class FolderSettings(Settings):
    """Settings of every drop folder. journal: where taken records are remembered (default: beside the folder)."""

    journal: Path | None = None
    settle_s: float = Field(1.0, ge=0, le=600)
    give_up_s: float = Field(60.0, ge=0, le=86400, description="an unfinished last line is reported after this")
    poll_interval_s: float = Field(1.0, gt=0, le=3600)


@dataclass(slots=True)
class _Seen:
    size: int
    mtime_ns: int
    since: float
    taken: bool = False


class DropFolder(Driver):
    """Base of the file drivers: subclasses say how their files are parsed."""

    settings_model = FolderSettings
    sniffed: str

    def __init__(self, resource: str, settings: FolderSettings, trace: object = None, transport: object = None) -> None:
        if not resource.startswith(PREFIX):
            raise Misuse(f"{self.info.model} reads files from a folder: give dir:PATH, not '{resource}'.")
        self.folder = Path(resource.removeprefix(PREFIX))
        self.settings = settings
        self.poll_interval_s = settings.poll_interval_s
        self._journal = settings.journal or self.folder.with_name(f".{self.folder.name}.taken")
        self._taken: set[str] = set()
        self._pending: list[str] = []
        self._seen: dict[str, _Seen] = {}

    @abstractmethod
    def parse(self, name: str, data: bytes) -> FileReadings:
        """Parse one file's content. Never raises for bad content: that is rejected, with its bytes."""

    async def open(self) -> Identity:
        """The folder must exist. A file says nothing certain of the reader's serial number."""
        await asyncio.to_thread(self._open)
        return Identity(self.info.vendor, self.info.model, "", "", b"")

    def _open(self) -> None:
        if not self.folder.is_dir():
            raise LinkDown(f"There is no folder {self.folder}; make it, or mend the resource.")
        if self._journal.exists():
            self._taken = set(self._journal.read_text().split())

    async def recover(self) -> Identity:
        """Nothing to drain in a folder."""
        return await self.open()

    async def close(self) -> None:
        """Nothing is held open."""

    async def poll(self) -> Sequence[Reading]:
        """Readings of whatever is new and has settled. Call confirm() when they are safe."""
        return await asyncio.to_thread(self._look)

    async def confirm(self) -> None:
        """The readings of the last poll are in the spool: remember their records."""
        if self._pending:
            await asyncio.to_thread(self._remember)

    def _remember(self) -> None:
        with self._journal.open("a") as file:
            file.write("".join(f"{each}\n" for each in self._pending))
        self._taken.update(self._pending)
        self._pending = []

    def _look(self) -> list[Reading]:
        self._pending = []
        found: list[Reading] = []
        try:
            paths = sorted(p for p in self.folder.iterdir() if p.is_file() and not p.name.startswith("."))
        except OSError as error:
            raise LinkDown(f"The folder {self.folder} cannot be read: {error.strerror}.") from error
        for path in paths:
            seen = self._settled(path)
            if seen is not None:
                found += self._take(path, seen)
        return found

    def _settled(self, path: Path) -> _Seen | None:
        """The file's state when it is time to read it: unchanged for the settling time, and not read since."""
        try:
            stat = path.stat()
        except OSError:  # gone between listing and looking
            return None
        now = time.monotonic()
        seen = self._seen.get(path.name)
        if seen is None or (seen.size, seen.mtime_ns) != (stat.st_size, stat.st_mtime_ns):
            seen = self._seen[path.name] = _Seen(stat.st_size, stat.st_mtime_ns, now)
        return seen if not seen.taken and now - seen.since >= self.settings.settle_s else None

    def _take(self, path: Path, seen: _Seen) -> list[Reading]:
        data = path.read_bytes()
        given_up = time.monotonic() - seen.since >= self.settings.settle_s + self.settings.give_up_s
        if sniff(data) != self.sniffed:
            whole = Rejected(Piece(0, data), f"{path.name} is not a {self.info.model} file; its beginning is kept.")
            seen.taken = True
            return self._new(path.name, [as_unparsed(path.name, whole)])
        parsed = self.parse(path.name, data)
        waiting = [r for r in parsed.rejected if r.later and not given_up]
        seen.taken = not waiting
        rejected = [as_unparsed(path.name, r) for r in parsed.rejected if r not in waiting]
        return self._new(path.name, [*parsed.readings, *rejected])

    def _new(self, name: str, readings: list[Reading]) -> list[Reading]:
        """Those whose record has not been taken. Two equal lines of one file are two records: they are numbered."""
        fresh, counts = [], dict[str, int]()
        for reading in readings:
            record = f"{reading.origin['sha256']}/{reading.element_index}"
            counts[record] = counts.get(record, 0) + 1
            key = hashlib.sha256(f"{name if reading.kind == 'unparsed' else ''}/{record}/{counts[record]}".encode())
            if key.hexdigest() not in self._taken:
                fresh.append(reading)
                self._pending.append(key.hexdigest())
        return fresh
