"""From reading strings to samples: what can follow what was before, and what is not as it was set.

A reply has no check sum. A duplicate, a clock that went back, a number of another range or another function are seen
here, for every model the same; each number is kept with what is said against it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any

from drivers.errors import Garbled
from drivers.keithley.parsed import Parsed
from drivers.keithley.reply_order import out_of_order
from drivers.reading import Also, Flag, Sample

RECENT = 16  # replies among which a duplicate is looked for
OVER = 2.1  # times a decade: what a range reaches at most (6514 and 6517B manuals, :RANGe[:UPPer])
AMBIENT_UNITS = {"temperature": "Cel", "humidity": "%"}
CLOCK_WRAPS_S = 99999.0  # the numeric family's time stamp begins anew after 99999.99 s (6514 manual)


class Readings:
    """Of one instrument. functions: quantity to (SCPI function, unit); in_force: what it says it is set to.

    quantity: what it is set to measure. range_set: its range as it was sent, which counts where it did not say what is
    in force. reaches: by quantity, times a decade. restarted: a sentence once its clock went back, as a restart does.
    """

    def __init__(
        self, functions: Mapping[str, tuple[str, str]], nplc: float, reaches: Mapping[str, float] | None = None
    ) -> None:
        self._functions = functions
        self._reaches = reaches or {}
        self.range_set: float | None = None
        self._nplc = nplc
        self._recent: deque[bytes] = deque(maxlen=RECENT)
        self.begin(next(iter(functions)))

    def begin(self, quantity: str) -> None:
        """It was set up: what was before says nothing of what comes."""
        self.quantity = quantity
        self.in_force: dict[str, Any] = {}
        self.restarted = ""
        self.last: Parsed | None = None
        self._doubted: Parsed | None = None

    def sample(self, parsed: Parsed, line: bytes) -> Sample:
        """The next reading, in its order. Raises Garbled for one that has come before or can follow none."""
        if line in self._recent:
            raise Garbled("A reading that has come before, time stamp and all.", line)
        self._recent.append(line)
        before = self._follows(parsed, line)
        restarted = self._noticed_restart(before, parsed)
        return self.stored(parsed, line, f"restarted: {self.restarted}" if restarted else None)

    def stored(self, parsed: Parsed, line: bytes, said: str | None = None) -> Sample:
        """One of those that come together, whose order is known otherwise. said: what speaks against it."""
        quantity = parsed.quantity or self.quantity
        unit = parsed.unit or self._functions[quantity][1]
        notes = [f"further elements: {', '.join(parsed.others)}"] if parsed.others else []
        if quantity != self.quantity:
            notes.append(f"{quantity} came where {self.quantity} was set")
        other = self._other_range(parsed) if quantity == self.quantity else None
        notes += [each for each in (said, other) if each]
        by_hand = quantity != self.quantity or self.restarted or other
        return Sample(
            quantity=quantity, unit=unit, value=parsed.value, raw=line, elapsed_s=parsed.elapsed_s, clock=parsed.clock,
            flags=(*parsed.flags, Flag.CHANGED_BY_HAND) if by_hand else parsed.flags, range=self._range_in_force(),
            also=_further(parsed), note="; ".join(notes) or None,
        )  # fmt: skip

    def _follows(self, parsed: Parsed, line: bytes) -> Parsed | None:
        """The reply that this one follows, None for the first. Raises Garbled where it can follow none.

        One that could not is remembered beside the last good one: where the next fits to it, it was the good one.
        """
        known = [each for each in (self.last, self._doubted) if each is not None]
        wrong = [out_of_order(each, parsed, self._nplc) for each in known]
        if wrong and None not in wrong:
            self._doubted = parsed
            raise Garbled(f"{wrong[0]}: a lost, doubled or damaged reply.", line)
        self.last, self._doubted = parsed, None
        return known[wrong.index(None)] if known else None

    def _range_in_force(self) -> str | None:
        header = f"SENS:{self._functions[self.quantity][0]}:RANG"
        if self.in_force.get(f"{header}:AUTO") == 1:
            return "auto"
        found = self.in_force.get(header)
        return f"{found:g}" if isinstance(found, float) else None

    def _other_range(self, parsed: Parsed) -> str | None:
        """A sentence where the number is of another range than the one in force, or beyond it; None where it fits.

        It may be right (somebody changed the range by hand) or one damaged digit: the number is kept, and no
        calculation believes it.
        """
        set_to = self.in_force.get(f"SENS:{self._functions[self.quantity][0]}:RANG", self.range_set)
        if self._range_in_force() == "auto" or not isinstance(set_to, float) or not set_to > 0:
            return None
        decade = 10.0 ** math.floor(math.log10(set_to) + 1e-9)
        if parsed.full_scale is not None and not 0.5 < parsed.full_scale / (2 * decade) < 2:
            return f"the number is of the range {parsed.full_scale:g}; {set_to:g} was set"
        most = self._reaches.get(self.quantity, OVER) * decade * (2 if Flag.RELATIVE in parsed.flags else 1)
        if parsed.value is not None and abs(parsed.value) > most * (1 + 1e-9):
            return f"the number is over 105 % of the range {set_to:g} that was set"
        return None

    def _noticed_restart(self, last: Parsed | None, parsed: Parsed) -> bool:
        """The instrument's clock gone back, and its reading number where it has one: its settings are gone then."""
        if last is None or last.elapsed_s is None or parsed.elapsed_s is None or parsed.elapsed_s >= last.elapsed_s:
            return False
        numbered = parsed.reading_number is not None and last.reading_number is not None
        if numbered and (parsed.reading_number or 0) > (last.reading_number or 0):
            return False
        if not numbered and last.elapsed_s > CLOCK_WRAPS_S - 100:
            return False
        self.restarted = f"its clock went from {last.elapsed_s:g} s to {parsed.elapsed_s:g} s"
        return True


def _further(parsed: Parsed) -> dict[str, Also]:
    found: dict[str, Also] = {}
    if parsed.reading_number is not None:
        found["reading-number"] = Also(value=float(parsed.reading_number), unit="1")
    if parsed.source_v is not None:
        found["source-voltage"] = Also(value=parsed.source_v, unit="V")
    found |= {name: Also(value=value, unit=AMBIENT_UNITS[name]) for name, value in parsed.ambient}
    return found
