"""Places of a template that a person has still to fill: no clinical value has a default, so a template asks for each.

A place is a text of its own, `"FILL name kind: what it is"`; the kind is text, number, date or flag. A document with
one left is refused with one sentence that lists them all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from acquire.errors import FileProblem

PLACE = re.compile(r'"FILL (?P<name>[a-z0-9_]+) (?P<kind>text|number|date|flag): (?P<says>[^"\n]*)"')
_LISTED = 40


@dataclass(frozen=True, slots=True)
class Place:
    """A value to be filled in: its name, the kind of it, what it is, and the lines in which it stands."""

    name: str
    kind: str
    says: str
    lines: tuple[int, ...]


def places(text: str) -> list[Place]:
    """Every value that a document asks for, each name once, in the order of the lines."""
    found: dict[str, Place] = {}
    for n, line in enumerate(text.splitlines(), start=1):
        if not line.lstrip().startswith("#"):
            for each in PLACE.finditer(line):
                before = found[each["name"]].lines if each["name"] in found else ()
                found[each["name"]] = Place(each["name"], each["kind"], each["says"], (*before, n))
    return [*found.values()]


def must_be_filled(body: bytes, name: str) -> None:
    """Raises FileProblem, one sentence, for a document in which a value is still asked for."""
    if b'"FILL ' not in body:
        return
    left = places(body.decode("utf-8", "replace"))
    if left:
        said = [f"{p.name} (line {', '.join(map(str, p.lines))}: {p.says})" for p in left[:_LISTED]]
        more = f"; and {len(left) - _LISTED} more" if len(left) > _LISTED else ""
        raise FileProblem(f"{name} still asks for {len(left)} value(s): {'; '.join(said)}{more}.")
