"""The formats there are, by entry point "acquire.formats", and parsing a file with the one that knows it.

A format may be anybody's: what it raises becomes a sentence, and never stops the other formats or the other files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, BinaryIO

import msgspec
from pydantic import ValidationError

from drivers.errors import Misuse
from drivers.files.format import Format
from drivers.files.records import (
    KEPT_OF_RECORD,
    KEPT_OF_STRANGER,
    ORIGIN,
    FileReadings,
    Piece,
    Rejected,
    flaw,
    new,
    origin,
)
from drivers.files.settings import FolderSettings
from drivers.plain_words import plain
from drivers.reading import Sample
from drivers.settings import Settings

GROUP = "acquire.formats"
HEAD = 65536  # bytes by which a format that streams recognises its files
PACKED = ((b"\x1f\x8b", "gzip"), (b"PK\x03\x04", "zip"), (b"BZh", "bzip2"), (b"\xfd7zXZ", "xz"), (b"7z\xbc\xaf", "7z"))


@cache
def _found() -> tuple[dict[str, Format], tuple[str, ...]]:
    formats: dict[str, Format] = {}
    sentences = []
    for entry in sorted(entry_points(group=GROUP), key=lambda each: (each.name, each.value)):
        try:
            formats[entry.name] = _loaded(entry, formats)
        except Exception as error:
            why = str(error) or type(error).__name__
            sentences.append(f"The file format '{entry.name}' ({entry.value}) cannot be used: {why}.")
    return formats, tuple(sentences)


def _loaded(entry: EntryPoint, others: Mapping[str, Format]) -> Format:
    if entry.name in others:
        raise Misuse("another package has a format of that name")
    loaded = entry.load()
    if not isinstance(loaded, Format):
        raise Misuse(f"it is a {type(loaded).__name__}, not a drivers.files.Format")
    if loaded.name != entry.name:
        raise Misuse(f"it calls itself '{loaded.name}', which is not the name of its entry point")
    taken = sorted(set(loaded.options.model_fields) & set(FolderSettings.model_fields))
    if taken:
        raise Misuse(f"its option '{taken[0]}' is the name of a drop folder's setting")
    return loaded


def formats() -> Mapping[str, Format]:
    """All formats that can be used, by name. Those that cannot are named by `problems`."""
    return _found()[0]


def problems() -> tuple[str, ...]:
    """A sentence for each entry point that gives no usable format."""
    return _found()[1]


def forget() -> None:
    """Look for entry points again at the next call: a package has come or gone."""
    _found.cache_clear()


def claims(fmt: Format, data: bytes) -> bool:
    """Whether a format recognises the content; one that raises does not."""
    try:
        return bool(fmt.detect(data))
    except Exception:
        return False


def sniff(data: bytes) -> Format | None:
    """The one format that recognises a file's content, or None. Raises Misuse when more than one does."""
    found = [each for each in formats().values() if each.sniffed and claims(each, data)]
    if len(found) > 1:
        names = " and ".join(each.name for each in found)
        raise Misuse(f"Its content is taken for {names} alike; say which it is.")
    return found[0] if found else None


def parse_file(
    name: str, data: bytes, options: Mapping[str, Any] | Settings | None = None, format: Format | None = None
) -> FileReadings:
    """Parse a reader's file with the format that recognises it, or with the one that is given.

    options: as the format declares them. Raises Misuse, one sentence, for wrong options and for content that is not of
    the format given, of none that is known, or of two. Whatever a format does wrong is in what it rejects.
    """
    chosen = format or sniff(data)
    if chosen is None:
        known = f"known are {', '.join(formats())}"
        raise Misuse(f"{name} is no reader file that is known here{_looks_like(data, None)}; {known}.")
    given = options if isinstance(options, Settings) else options_of(chosen, options or {})
    return _sound(name, data, _guarded(chosen, name, data, given))


def stream_file(name: str, file: BinaryIO, options: Settings, format: Format) -> Iterator[Sample | Rejected | str]:
    """What a file of a format that streams gives, one after the other; the file is open at its beginning.

    Of parse_file this is the same in the same order. Raises OSError where the file cannot be read.
    """
    if format.stream is None:
        raise Misuse(f"{format.name} reads a file as a whole.")
    number = 0
    try:
        for each in format.stream(name, file, options):
            number += isinstance(each, Sample)
            yield _checked(name, number, each) if not isinstance(each, Rejected | str) else each
    except OSError:
        raise
    except Exception as error:
        why = f"{name} cannot be read further: the format {format.name} failed ({type(error).__name__}: {error})."
        yield Rejected(Piece(0, b""), why)


def options_of(fmt: Format, given: Mapping[str, Any]) -> Settings:
    """A format's options from plain values. Raises Misuse that says which is wrong and what there is."""
    try:
        return fmt.options.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        allowed = ", ".join(fmt.options.model_fields) or "none"
        what = f"Option {where}" if where else "Options"
        raise Misuse(f"{what} of {fmt.name}: {plain(first)}. Its options are: {allowed}.") from error


def _guarded(fmt: Format, name: str, data: bytes, options: Settings) -> FileReadings:
    try:
        known = fmt.detect(data)
        found = fmt.parse(name, data, options) if known else new(name, fmt.name, data)
        gave = _not_as_agreed(found)
    except Exception as error:
        known, gave = True, f"{type(error).__name__}: {error}"
    if not known:
        raise Misuse(f"{name} is not a {fmt.name} file{_looks_like(data, fmt)}.")
    if gave:
        found = new(name, fmt.name, data)
        why = f"{name} cannot be read: the format {fmt.name} failed ({gave})."
        found.rejected.append(Rejected(Piece(0, data), why))
    return found


def _not_as_agreed(found: object) -> str:
    """What is wrong with the type of what a format gave; empty where nothing is."""
    if not isinstance(found, FileReadings):
        return f"it gave a {type(found).__name__}, not FileReadings"
    for each in found.rejected:
        if not (isinstance(each, Rejected) and isinstance(each.reason, str) and isinstance(each.piece.raw, bytes)):
            return f"it rejected a {type(each).__name__}, not a Rejected of text and bytes"
    return ""


def _sound(name: str, data: bytes, found: FileReadings) -> FileReadings:
    """Samples that cannot go on are rejected ones, each by itself; the others have their bytes and their origin."""
    samples: list[Sample] = []
    for number, sample in enumerate(found.samples, start=1):
        checked = _checked(name, number, sample, data)
        if isinstance(checked, Rejected):
            found.rejected.append(checked)
        else:
            samples.append(checked)
    found.samples = samples
    return found


def _checked(name: str, number: int, sample: Sample, data: bytes = b"") -> Sample | Rejected:
    """A sample with raw bytes and an origin, or why it cannot go on.

    Where the format gives no bytes, the file as it is stands for the record.
    """
    why = flaw(sample)
    if why is not None:
        raw = getattr(sample, "raw", b"") or data
        return Rejected(Piece(0, raw), f"{name}, reading {number}: {why[0]}.", flags=why[1])
    if sample.raw and sample.origin.keys() >= ORIGIN:
        return sample
    where = origin(name, Piece(0, sample.raw or data)) | sample.origin
    return msgspec.structs.replace(sample, raw=sample.raw or data[:KEPT_OF_RECORD], origin=where)


def _looks_like(data: bytes, besides: Format | None) -> str:
    packed = next((what for start, what in PACKED if data.startswith(start)), None)
    if packed:
        return f": it is packed ({packed}); unpack it, nothing is unpacked here"
    others = [each.name for each in formats().values() if each is not besides and each.sniffed and claims(each, data)]
    return f" but looks like {' or '.join(others)}" if others else ""


def stranger(name: str, data: bytes, why: str) -> FileReadings:
    """A file that is not of its folder's format: nothing but its beginning is kept, and why."""
    found = new(name, "", data)
    found.rejected.append(Rejected(Piece(0, data), why, kept=KEPT_OF_STRANGER))
    return found
