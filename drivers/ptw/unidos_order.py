"""What MV replies of a UNIDOS say together, pure: one that cannot be of the same measurement in the same range.

The protocol has no check sum. In one range the instrument resolves one step, so it writes as many decimals with a
prefix as before; and one moment of its clock has one integral. The first follows from published examples and is assumed
of every unit.
"""

from __future__ import annotations

from drivers.ptw.unidos_words import Measured

RUNNING = frozenset({"MEAS", "INT", "AUTO_MEAS"})


class InOrder:
    """Holds one reply against the ones before it. What is remembered is the newest.

    So a damaged reply that could not be noticed spoils the next one at most.
    """

    def __init__(self) -> None:
        self._decimals: dict[tuple[int, str, str | None, str], int] = {}
        self._before: Measured | None = None

    def flaw(self, m: Measured, range_: str | None) -> str | None:
        """What is wrong with a reply, without a full stop, or None. `range_`: that was in force for it."""
        before, self._before = self._before, m
        return self._other_decimals(m, range_) or _two_of_one_moment(before, m)

    def _other_decimals(self, m: Measured, range_: str | None) -> str | None:
        wrong = None
        for n, written in enumerate(m.written):
            if written is None:  # a zero may be written shorter
                continue
            prefix, decimals = written
            key = n, m.rate_unit, range_, prefix
            known = self._decimals.get(key, decimals)
            self._decimals[key] = decimals
            if known != decimals:
                what = ("the integral", "the rate")[n]
                wrong = f"MV gives {what} with {decimals} decimals; it had {known} in this range with this prefix"
        return wrong


def _two_of_one_moment(before: Measured | None, m: Measured) -> str | None:
    """A reply that is the one before, damaged: doubled, or the end of it. One that is the same says nothing new."""
    if before is None or before.state != m.state or m.state not in RUNNING or before.time_s != m.time_s:
        return None
    if None in (before.integral, m.integral) or before.integral == m.integral:
        return None
    return f"MV gives {m.integral:g} {m.unit} at {m.time_s:g} s, where it gave {before.integral:g} {before.unit} before"
