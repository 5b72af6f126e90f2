"""A reader's file format, as a value: how it is recognised by its content, how it is parsed, what its options are.

Any package offers one under the entry point "acquire.formats"; it is then read by `acquire import` and, as a model of
its own name, by a drop folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from drivers.files.records import FileReadings, Rejected
from drivers.model import Quantity, Verified
from drivers.reading import Sample
from drivers.settings import Settings


class NoOptions(Settings):
    """A format that needs to be told nothing."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """One format.

    detect(data): whether a file's content (bytes, whole) is of this format; never looks at a name, never raises.
    parse(name, data, options): its samples, in their order; never raises for bad content, that is rejected with its
    bytes. It is pure: no clock, no folder, and the same content gives the same.
    stream(name, file, options), of formats whose files may be large: the same, one after the other, from a file open at
    its beginning; a text is a note. It holds a few MB, whatever the file has. Then detect must be content with a file's
    first 64 KiB.
    sniffed: False where the content cannot tell it; it is then read only where it is named.
    """

    name: str
    vendor: str
    title: str
    quantities: tuple[Quantity, ...]
    detect: Callable[[bytes], bool]
    parse: Callable[[str, bytes, Any], FileReadings]
    stream: Callable[[str, BinaryIO, Any], Iterator[Sample | Rejected | str]] | None = None
    sniffed: bool = True
    options: type[Settings] = NoOptions
    verified: tuple[Verified, ...] = ()
    assumed: tuple[str, ...] = ()
