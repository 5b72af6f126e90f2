"""The process that fits: at the lowest priority, one curve at a time, ended with the pipe that feeds it.

`python -m acquire.fits.process` reads a line of JSON and answers with a line: ["curve", preset, name, body] with the
fit, ["inventory", name, text] with the elements it names.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any

import msgspec

from acquire.canonical import canonical
from acquire.errors import Refused
from acquire.fits.curves import fitted
from acquire.fits.materials import Known
from acquire.glow import preset_of
from acquire.procedure.documents.inventory import read_inventory

LOWEST = 19


def main() -> None:
    """Serve until the pipe ends."""
    with suppress(OSError, AttributeError):
        os.nice(LOWEST)
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(canonical(_answer(msgspec.json.decode(line, type=list[msgspec.Raw]))) + b"\n")
        sys.stdout.buffer.flush()


def _answer(asked: list[msgspec.Raw]) -> Any:
    what, *given = asked
    if msgspec.json.decode(what) == "inventory":
        return _elements(*(msgspec.json.decode(each, type=str) for each in given))
    preset, name, body = given
    return fitted(msgspec.json.decode(preset, type=str), msgspec.json.decode(name, type=str), bytes(body))


def _elements(name: str, text: str) -> list[Known]:
    """None of an inventory that this program cannot read: it was refused when the session was to begin."""
    try:
        found = read_inventory(text.encode(), name).element
    except Refused:
        return []
    return [Known(e.reader, e.read_as, e.element_index, e.id, e.material, _preset(e.material)) for e in found]


def _preset(material: str) -> str | None:
    found = preset_of(material)
    return None if found is None else found.name


if __name__ == "__main__":
    main()
