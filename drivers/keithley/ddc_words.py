"""The device-dependent commands of the 617 and 6512, pure: readings and status words in, facts out.

Sources: 6512 instruction manual, p. 3-16 to 3-19 (U0, U1, U2); 617 quick reference, as public drivers restate it
(commands, ranges, form of a reading). A status word is the model number and the digits that were programmed, without
blanks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from drivers.errors import Garbled
from drivers.reading import Flag
from drivers.strict_numbers import decimal, whole


@dataclass(frozen=True, slots=True)
class Function:
    """A function: its number behind F, what its readings begin with, quantity and unit, its ranges from R1 on."""

    number: int
    prefix: str
    unit: str
    ranges: tuple[float, ...]


FUNCTIONS = {
    "voltage": Function(0, "DCV", "V", (0.2, 2.0, 20.0, 200.0)),
    "current": Function(1, "DCA", "A", tuple(float(f"2e{n}") for n in range(-12, -1))),
    "resistance": Function(2, "OHM", "Ohm", tuple(float(f"2e{n}") for n in range(3, 12))),
    "charge": Function(3, "DCC", "C", (2e-10, 2e-9, 2e-8)),
}
ERRORS = ("illegal command", "illegal option", "not in remote", "trigger overrun", "number error")
_READING = re.compile(r"([NO])(DCV|DCA|OHM|DCC)([+-]\d\.\d{5}E[+-]\d{2})")
_STATUS = re.compile(
    r"(617|6512)(?P<function>\d)(?P<range>\d{2})(?P<zero_check>[01])(?P<zero_correct>[01])(?P<suppress>[01])"
    r"(?P<trigger>[0-7])(?P<operate>[01])(?P<read>[0-4])(?P<format>[0-2])(?P<display>[01])(?P<store>[0-7])"
    r"(?P<mask>\d{2})(?P<eoi>[0-3])[0-?]{2}"
)
_ERRORS = re.compile(r"(?:617|6512)([01]{5})0*")
AUTO = 0


@dataclass(frozen=True, slots=True)
class Status:
    """A U0 word: the model and, as whole numbers, what is programmed. range: 0 is autorange."""

    model: str
    function: int
    range: int
    zero_check: int
    zero_correct: int
    suppress: int
    trigger: int
    operate: int
    read: int
    format: int
    store: int

    @property
    def quantity(self) -> str | None:
        """What is measured; None for external feedback and V/I ohms, whose numbers have no unit of their own."""
        return next((name for name, each in FUNCTIONS.items() if each.number == self.function), None)


def parse_status(line: bytes) -> Status:
    """Reply to U0X. Raises Garbled for anything that is no status word of a 617 or 6512."""
    found = _STATUS.fullmatch(line.decode("latin-1").strip())
    if found is None:
        raise Garbled("The reply to U0X is no status word of a 617 or 6512.", line)
    told = {name: whole(found[name]) for name in Status.__slots__ if name != "model"}
    return Status(model=found[1], **told)


def parse_errors(line: bytes) -> list[str]:
    """Reply to U1X, which clears them: what went wrong since it was last asked. Raises Garbled."""
    found = _ERRORS.fullmatch(line.decode("latin-1").strip())
    if found is None:
        raise Garbled("The reply to U1X is no error word of a 617 or 6512.", line)
    return [said for said, bit in zip(ERRORS, found[1], strict=True) if bit == "1"]


def parse_reading(line: bytes) -> tuple[str, float | None, tuple[Flag, ...]]:
    """A reading with its prefix: quantity, value in its unit, flags. Raises Garbled."""
    found = _READING.fullmatch(line.decode("latin-1").strip())
    if found is None:
        raise Garbled("Not a reading of a 617 or 6512.", line)
    quantity = next(name for name, each in FUNCTIONS.items() if each.prefix == found[2])
    value = decimal(found[3])
    if found[1] == "O":
        return quantity, None, (Flag.OVERLOAD,)
    if abs(value) > max(FUNCTIONS[quantity].ranges) * (1 + 1e-4):
        raise Garbled(f"'{found[3]}' is beyond every range of {quantity}, and no overflow.", line)
    return quantity, value or 0.0, ()


def range_number(quantity: str, range_si: float | None) -> int:
    """What stands behind R for a full scale in the function's unit; 0 for autorange.

    Raises ValueError in one sentence for one that is larger than them all.
    """
    if range_si is None:
        return AUTO
    ranges = FUNCTIONS[quantity].ranges
    for number, full_scale in enumerate(ranges, 1):
        if range_si <= full_scale * (1 + 1e-9):
            return number
    raise ValueError(f"the largest range of {quantity} is {ranges[-1]:g} {FUNCTIONS[quantity].unit}, not {range_si:g}")
