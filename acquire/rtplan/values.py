"""Single values of a data set, each checked: a number that is none is a sentence with its keyword."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from acquire.errors import Refused
from acquire.printable import printable

MOST_ITEMS = 2000  # of one sequence: an arc has some 200 control points, a sliding window some 600
LONGEST = 200


class NotAsDicom(Refused):
    """A value that is not as the standard has it."""


def items(of: Any, keyword: str) -> Iterator[Any]:
    """The items of a sequence, none where it is not there. Raises NotAsDicom for one that is none, or too long."""
    found = getattr(of, keyword, None)
    if found is None:
        return
    if not hasattr(found, "__len__") or isinstance(found, str | bytes):
        raise NotAsDicom(f"{keyword} is no sequence")
    if len(found) > MOST_ITEMS:
        raise NotAsDicom(f"{keyword} has {len(found)} items; more than {MOST_ITEMS} are not read")
    yield from found


def text(of: Any, keyword: str) -> str:
    """A text with its blanks joined and hidden characters shown; empty where there is none."""
    found = getattr(of, keyword, None)
    return printable(" ".join(str(found).split()))[:LONGEST] if found not in (None, "") else ""


def number(of: Any, keyword: str) -> float | None:
    """A finite number, None where it is not stated. Raises NotAsDicom."""
    found = getattr(of, keyword, None)
    if found is None or found == "":
        return None
    try:
        value = float(found)
    except (TypeError, ValueError) as error:
        raise NotAsDicom(f"{keyword} is '{printable(str(found))[:40]}', which is no number") from error
    if not math.isfinite(value) or abs(value) > 1e9:
        raise NotAsDicom(f"{keyword} is {value:g}, which no plan has")
    return value


def whole(of: Any, keyword: str) -> int:
    """A whole number that must be there. Raises NotAsDicom."""
    value = number(of, keyword)
    if value is None or value != int(value):
        raise NotAsDicom(f"{keyword} must be a whole number")
    return int(value)


def some(of: Any, keyword: str) -> int | None:
    """A whole number, None where it is not stated."""
    return None if number(of, keyword) is None else whole(of, keyword)


def must(of: Any, keyword: str) -> float:
    """A number above 0 that must be there. Raises NotAsDicom."""
    value = number(of, keyword)
    if value is None or value <= 0:
        raise NotAsDicom(f"{keyword} must be a number above 0")
    return value


def place_mm(of: Any, keyword: str) -> tuple[float, float, float] | None:
    """Three coordinates in mm, None where they are not stated. Raises NotAsDicom."""
    found = getattr(of, keyword, None)
    if found is None or found == "":
        return None
    try:
        x, y, z = (float(each) for each in found)
    except (TypeError, ValueError) as error:
        raise NotAsDicom(f"{keyword} must be three numbers") from error
    if not all(math.isfinite(each) for each in (x, y, z)):
        raise NotAsDicom(f"{keyword} must be three numbers")
    return x, y, z


def centimetres(mm: float | None) -> float | None:
    """Millimetres of the file in cm."""
    return None if mm is None else round(mm / 10, 6)
