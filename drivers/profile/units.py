"""The units that a profile may name: UCUM codes of this field, with a prefix or without."""

from __future__ import annotations

UNITS = (
    "C", "A", "V", "Ohm", "Gy", "Sv", "s", "min", "K", "Cel", "Pa", "%", "1", "{counts}", "J", "W", "Gy/s", "Gy/min",
    "Gy/h", "Sv/h", "C/s",
)  # fmt: skip
PREFIXES = {"f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "c": -2, "h": 2, "k": 3, "M": 6, "G": 9, "T": 12}
_ALONE = frozenset({"min", "Cel", "%", "1", "{counts}"})  # they take no prefix
ALLOWED = f"{', '.join(UNITS)}, with or without one of {', '.join(PREFIXES)} before it"


def split(unit: str) -> tuple[int, str] | None:
    """(the power of ten, the unit without prefix); None for what is no unit that is known here."""
    if unit in UNITS:
        return 0, unit
    if unit[:1] in PREFIXES and unit[1:] in UNITS and unit[1:] not in _ALONE:
        return PREFIXES[unit[0]], unit[1:]
    return None


def unknown(unit: str) -> str:
    """What is said of a text that is no unit; a micro sign is what people write for the u of UCUM."""
    meant = unit.replace("\u00b5", "u").replace("\u03bc", "u")
    hint = f"; did you mean '{meant}'?" if meant != unit and split(meant) else ";"
    return f"'{unit}' is no unit that is known here{hint} allowed are {ALLOWED}"


def power_between(written: str, kept: str) -> int | None:
    """The power of ten from the unit in a reply to the one that is kept; None where they are not of one kind."""
    one, other = split(written), split(kept)
    return None if one is None or other is None or one[1] != other[1] else one[0] - other[0]
