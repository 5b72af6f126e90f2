"""What all SCPI electrometers of this maker say alike, pure: identification, registers, settings.

Sources: 6517B reference manual (6517B-901-01 Rev C), 6514 and 6485 instruction manuals; captured replies of real units.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from drivers.errors import Garbled
from drivers.ieee488 import Idn
from drivers.strict_numbers import decimal, whole

LINE_FAULTS = range(800, 809)  # +800 to +808: what was sent over RS-232 did not arrive whole (6517B manual, appendix B)
INFINITE = 9.9e37
UNDEFINED_HEADER = -113

_IDN = re.compile(r"KEITHLEY INSTRUMENTS INC\.,MODEL (\w+),(\w+),([\x20-\x7e]+)", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,2})?", re.ASCII)


def parse_idn(line: bytes) -> Idn:
    """Reply to *IDN? (IEEE 488.2). Raises Garbled when another maker's instrument answers."""
    found = _IDN.fullmatch(line.decode("latin-1").strip())
    if found is None:
        raise Garbled("The reply to *IDN? is not that of a Keithley instrument.", line)
    return Idn(found[1], found[2], " ".join(found[3].split()))


def parse_register(line: bytes) -> int:
    """A register or a count, 0 to 65535, written as a whole number. Raises Garbled."""
    text = line.strip().removeprefix(b"+")
    if not re.fullmatch(rb"[0-9]{1,5}", text) or whole(text.decode()) > 0xFFFF:
        raise Garbled("A whole number from 0 to 65535 was expected.", line)
    return whole(text.decode())


def parse_answers(line: bytes, count: int) -> list[str]:
    """One reply line to `count` queries in one message, joined by semicolons (6514 manual). Raises Garbled."""
    answers = [each.strip() for each in line.decode("latin-1").split(";")]
    if len(answers) != count or not all(answers):
        raise Garbled(f"{len(answers)} answers came where {count} settings were asked for.", line)
    return answers


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its header, what is sent, and how its read-back is held against that.

    as_range: the value is what must be measurable; the instrument takes its lowest range for it and says that range's
    upper end, up to 2.1 times a decade (6514 and 6517B manuals, :RANGe[:UPPer]).
    asked: whether it is read back.
    leftover: it takes back what another program may have set; a unit that does not know the header has no such state.
    """

    header: str
    value: bool | float | str
    as_range: bool = False
    asked: bool = True
    leftover: bool = False

    @property
    def command(self) -> str:
        """The command that sets it, as it is sent."""
        if isinstance(self.value, bool):
            return f"{self.header} {int(self.value)}"
        return (
            f"{self.header} {self.value}".rstrip() if isinstance(self.value, str) else f"{self.header} {self.value:g}"
        )

    def agrees(self, answer: str) -> bool:
        """Whether the instrument's answer is what was set."""
        if isinstance(self.value, str) and self.value != "INF":
            return _same_word(self.value, answer)
        got = in_force(answer)
        if isinstance(got, str):
            return False
        if self.value == "INF":
            return got >= INFINITE
        wanted = float(self.value)
        if self.as_range:
            return wanted * (1 - 1e-6) <= got <= wanted * 10.6
        return abs(got - wanted) <= 1e-3 * abs(wanted)


def leftover(header: str, value: bool | float | str, *, asked: bool = True) -> Setting:
    """A setting that takes back what another program may have set; its value is in the instrument's own unit."""
    return Setting(header, value, asked=asked, leftover=True)


def in_force(answer: str) -> float | str:
    """An answer as a number where it is one."""
    return decimal(answer) if _NUMBER.fullmatch(answer) else answer.strip("\"'")


def _same_word(wanted: str, answer: str) -> bool:
    """Short and long forms of a word are the same: 'CHAR' and "CHARge", VOLT and VOLTage:DC."""
    one, other = (text.strip("\"' ").upper() for text in (wanted, answer))
    return bool(one) and (other.startswith(one) or one.startswith(other)) and bool(other)


Terminator = Literal["LF", "CR", "CRLF"]
TERMINATORS: dict[Terminator, bytes] = {"LF": b"\n", "CR": b"\r", "CRLF": b"\r\n"}
