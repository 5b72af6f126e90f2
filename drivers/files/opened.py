"""A reader's file, open, with the format that its content shows: read as a whole, or record by record if that can."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from drivers.errors import Misuse
from drivers.files.content import Unreadable, open_plain, rest_of, shown
from drivers.files.format import Format
from drivers.files.formats import HEAD, claims, parse_file, sniff, stream_file
from drivers.files.records import Rejected
from drivers.reading import Sample
from drivers.settings import Settings


class ReaderFile:
    """A file that somebody named. `format`: the one given, or that its content shows, or None.

    Raises Unreadable: also where two formats claim the content.
    """

    def __init__(self, path: Path, largest_mb: float, format: Format | None = None) -> None:
        self.name = shown(path.name)
        self._file = open_plain(path, largest_mb, follow=True)
        try:
            self._data = self._file.read(HEAD)
            self.format = format or self._sniffed()
            self._streams = self.format is not None and self.format.stream is not None
            if not self._streams or self.format is None or not claims(self.format, self._data):
                self._streams = False
                self._data = rest_of(self._file, self.name, largest_mb, self._data)
                self.format = format or self._sniffed()
        except OSError as error:
            self._file.close()
            raise Unreadable(f"{self.name} cannot be read: {error.strerror or error}.") from error
        except BaseException:
            self._file.close()
            raise

    def _sniffed(self) -> Format | None:
        try:
            return sniff(self._data)
        except Misuse as error:
            raise Unreadable(f"{self.name}: {error}") from error

    def readings(self, options: Settings | None) -> Iterator[Sample | Rejected | str]:
        """All it gives; a text is a note. Raises Unreadable, also for content that is not of the format."""
        try:
            if self._streams and self.format is not None and options is not None:
                self._file.seek(0)
                yield from stream_file(self.name, self._file, options, self.format)
            else:
                found = parse_file(self.name, self._data, options, self.format)
                yield from found.samples
                yield from found.rejected
                yield from found.notes
        except Misuse as error:
            raise Unreadable(str(error)) from error
        except OSError as error:
            raise Unreadable(f"{self.name} cannot be read: {error.strerror or error}.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()
