"""A large file read in stretches: its records with their keys, one after the other, while the file stays open."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

from drivers.files.content import Unreadable, open_plain, shown
from drivers.files.format import Format
from drivers.files.formats import HEAD, claims, stream_file
from drivers.files.keys import Keyed, Keys
from drivers.files.records import Rejected
from drivers.files.watch import Seen
from drivers.reading import Sample
from drivers.settings import Settings


class Stretches:
    """One file as it was seen. unfinished: something in it was left out that may be completed yet."""

    def __init__(
        self, path: Path, seen: Seen, fmt: Format, options: Settings, *, largest_mb: float, given_up: bool
    ) -> None:
        self.path = path
        self.seen = seen
        self.unfinished = False
        self.ended = False
        self._name = shown(path.name)
        self._given_up = given_up
        self._records = self._keyed(fmt, options, largest_mb)

    def next(self, is_new: Callable[[Keyed], bool], enough: Callable[[int], bool]) -> list[Keyed]:
        """The next that are new, until their number is `enough`. Raises Unreadable."""
        found: list[Keyed] = []
        for each in self._records:
            if is_new(each):
                found.append(each)
            if enough(len(found)):
                return found
        self.ended = True
        return found

    def close(self) -> None:
        """Let go of the file."""
        self._records.close()

    def _keyed(self, fmt: Format, options: Settings, largest_mb: float) -> Generator[Keyed, None, None]:
        keys = Keys(self._name)
        with open_plain(self.path, largest_mb, follow=False) as file:
            try:
                for each in stream_file(self._name, file, options, fmt):
                    if isinstance(each, Sample):
                        yield keys.of_sample(each)
                    elif isinstance(each, Rejected):
                        if self._given_up or not each.may_complete:
                            yield keys.of_rejected(each)
                        else:
                            self.unfinished = True
            except OSError as error:
                raise Unreadable(f"{self._name} cannot be read: {error.strerror or error}.") from error


def streams(path: Path, fmt: Format, largest_mb: float) -> bool:
    """Whether a file is read in stretches: its format can, and its beginning is of that format. Raises Unreadable."""
    if fmt.stream is None:
        return False
    with open_plain(path, largest_mb, follow=False) as file:
        try:
            return claims(fmt, file.read(HEAD))
        except OSError as error:
            raise Unreadable(f"{shown(path.name)} cannot be read: {error.strerror or error}.") from error
