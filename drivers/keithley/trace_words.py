"""The instrument's own buffer (TRACe), pure: what :TRAC:DATA? says, taken apart, and when each reading was converted.

Sources: 6517B reference manual, sections 8 and 14 (:TRACe; elements of format and buffer must match; the relative time
stamp of the first buffered reading is zero); 6514, 6485 and 6487 manuals, on the buffer; 6430 manual, p. 17-101.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from drivers.errors import Garbled
from drivers.keithley.parsed import Parsed
from drivers.keithley.scpi import Setting

BUFFER_FULL = 1 << 9  # of the measurement event register, the same in every model (6517B, 6514, 6487 and 6430 manuals)
IDLE = 1 << 10  # of the operation condition register: the trigger model has come to its end
FIRST_S = 1e-3  # the first stamp is zero; the finest tick of any of them is below
OVERLAP_S = 0.05  # time stamps of the running clock have seven digits: 10 ms where it is over 10000 s


@dataclass(frozen=True, kw_only=True)
class Trace:
    """How a model's buffer is set. instead: other values of settings that are sent anyway, by header.

    timer: the layer whose timer can pace the conversions. width: fields of one reading in the reply; size: its bytes
    at most, which bounds how long a reply may take.
    """

    settings: tuple[Setting, ...]
    width: int
    size: int
    timer: str
    instead: tuple[tuple[str, bool | float | str], ...] = ()

    def paced(self, every_s: float | None, points: int) -> list[Setting]:
        """So many conversions, as fast as they come or one every so many seconds by the instrument's own timer."""
        if every_s is None or self.timer == ":TRIG":
            timed = [] if every_s is None else [Setting(":TRIG:SOUR", "TIM"), Setting(":TRIG:TIM", every_s)]
            return [*timed, Setting(":TRIG:COUN", points)]
        layer = self.timer
        return [
            Setting(f"{layer}:SOUR", "TIM"), Setting(f"{layer}:TIM", every_s),
            Setting(f"{layer}:COUN", points), Setting(":TRIG:COUN", 1),
        ]  # fmt: skip


def split(line: bytes, width: int, count: int) -> list[bytes]:
    """The reading strings of a reply to :TRAC:DATA?. Raises Garbled unless they are `count` of `width` fields each."""
    fields = line.split(b",")
    if len(fields) != width * count:
        raise Garbled(f"{len(fields)} elements came where {count} buffered readings of {width} were asked for.", line)
    return [b",".join(fields[at : at + width]) for at in range(0, len(fields), width)]


def offset(last: Parsed | Garbled, newest: Parsed) -> float | None:
    """The running clock in s at the buffer's first reading; None where the two clocks cannot be joined.

    last: the last one stored; newest: as :SENS:DATA? gives it, with the running clock. They must be the same reading.
    """
    if isinstance(last, Garbled) or last.elapsed_s is None or newest.elapsed_s is None:
        return None
    same = (last.value, last.flags, last.quantity) == (newest.value, newest.flags, newest.quantity)
    return newest.elapsed_s - last.elapsed_s if same else None


def check_stamps(stored: Sequence[Parsed | Garbled], line: bytes) -> None:
    """Raises Garbled unless the stamps begin at zero and rise. What was not understood has none."""
    stamps = [each.elapsed_s for each in stored if isinstance(each, Parsed) and each.elapsed_s is not None]
    first = stored[0]
    from_zero = isinstance(first, Garbled) or first.elapsed_s is None or abs(first.elapsed_s) <= FIRST_S
    if not from_zero or any(b < a for a, b in pairwise(stamps)):
        raise Garbled("The time stamps of the buffer do not rise from zero.", line)
