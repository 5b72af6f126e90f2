"""What one reading string says, whichever grammar it is written in."""

from __future__ import annotations

from dataclasses import dataclass, field

from drivers.reading import Flag

SENTINEL = 9.9e37  # overflow and out of limit
SENTINEL_NAN = 9.91e37  # not a number; of the 6517 it means zero check


@dataclass(frozen=True, slots=True)
class Parsed:
    """`value` is None where a flag or a sentinel forbids a number; `quantity` None where the string does not say it.

    elapsed_s: the instrument's own running clock; clock: its calendar clock, ISO 8601; source_v: voltage source in V.
    ambient: temperature and humidity by name, in their unit; None without a sensor. others: elements that are kept as
    text. full_scale: of the range that the number's own form tells, in its unit.
    """

    value: float | None
    quantity: str | None
    unit: str | None
    flags: tuple[Flag, ...]
    elapsed_s: float | None = None
    clock: str | None = None
    reading_number: int | None = None
    source_v: float | None = None
    ambient: tuple[tuple[str, float | None], ...] = ()
    others: tuple[str, ...] = ()
    full_scale: float | None = field(default=None, compare=False)
