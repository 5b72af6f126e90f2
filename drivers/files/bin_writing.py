"""Writing BINX files of version 6 to 8, byte for byte as the published structure has them, texts and reserves filled
with zeros. What was read can be written again; PREVIOUS, LENGTH and NPOINTS are made here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence

from drivers.errors import Misuse
from drivers.files.bin_layout import LAYOUTS, MOST_POINTS, Layout

WRITTEN = (6, 7, 8)
MADE_HERE = frozenset({"VERSION", "LENGTH", "PREVIOUS", "NPOINTS"})

Field = bytes | str | float
Described = tuple[int, Mapping[str, Field], Sequence[int]]


def written(records: Iterable[Described], first: int = 1) -> Iterator[bytes]:
    """The bytes of each record in turn, of (version, fields, counts).

    fields: by the names of the structure (LTYPE, SAMPLE, LOW, ...); a text is text or Latin-1 bytes, and what is left
    out is 0 or empty. VERSION, LENGTH, PREVIOUS and NPOINTS are made here, whatever is said of them. counts: whole
    numbers of 32 bits. first: the number of the first record, for sentences. Raises Misuse, which names the record, the
    field and what is allowed.
    """
    previous = 0
    for number, (version, fields, counts) in enumerate(records, start=first):
        data = _record(f"Record {number}", version, fields, counts, previous)
        previous = len(data)
        yield data


def _record(where: str, version: int, fields: Mapping[str, Field], counts: Sequence[int], previous: int) -> bytes:
    if version not in WRITTEN:
        raise Misuse(f"{where}: version {version} is not written; there are {', '.join(map(str, WRITTEN))}.")
    layout = LAYOUTS[version]
    unknown = sorted(set(fields) - set(layout.names))
    if unknown:
        raise Misuse(f"{where}: version {version} has no field {unknown[0]}; it has {', '.join(layout.names)}.")
    if len(counts) > MOST_POINTS:
        raise Misuse(f"{where} has {len(counts)} counts; at most {MOST_POINTS} are written.")
    made = {"VERSION": version, "LENGTH": layout.size + 4 * len(counts), "PREVIOUS": previous, "NPOINTS": len(counts)}
    said = {name: value for name, value in fields.items() if name not in MADE_HERE} | made
    values = [_value(where, layout, name, said.get(name)) for name in layout.names]
    try:
        return layout.struct.pack(*values) + struct.pack(f"<{len(counts)}i", *counts)
    except (struct.error, OverflowError, TypeError) as error:
        raise Misuse(f"{where}: a count is no whole number of 32 bits ({error}).") from error


def _value(where: str, layout: Layout, name: str, value: Field | None) -> Field:
    """A field as its struct takes it. Raises Misuse for a value that does not fit, which would be cut in silence."""
    code = layout.codes[name]
    if code.endswith("p"):
        return _text(where, name, value or b"", int(code[:-1]) - 1)
    try:
        struct.pack(f"<{code}", value or 0)
    except (struct.error, OverflowError, TypeError) as error:
        raise Misuse(f"{where}: {name} cannot be {value!r} ({error}).") from error
    return value or 0


def _text(where: str, name: str, value: Field, most: int) -> bytes:
    try:
        data = value if isinstance(value, bytes) else str(value).encode("latin-1")
    except UnicodeEncodeError as error:
        raise Misuse(f"{where}: {name} holds a character that is not Latin-1.") from error
    if len(data) > most:
        raise Misuse(f"{where}: {name} has {len(data)} characters; there is room for {most}.")
    return data
