"""Whether one reading of an electrometer can follow another, pure: by its reading number and the instrument's clock.

A reply has no check sum; these two numbers come with each and go on together.
"""

from __future__ import annotations

from drivers.keithley.parsed import Parsed

LINE_HZ = 61.0  # a conversion lasts its power line cycles at least, at 60 Hz and a clock that is a little off
LONGEST_S = 10.0  # a conversion; the slowest ones captured came every 1.3 s
SLACK_S = 0.02


def out_of_order(last: Parsed | None, now: Parsed, nplc: float) -> str | None:
    """What is wrong with the order of two replies by reading number and time stamp, or None. Both back: a restart.

    A clock that begins anew while readings are counted on was set back by hand.

    The instrument converts without a pause. So many numbers later so many conversions must have passed, each of
    `nplc` power line cycles at least and LONGEST_S at most.
    """
    if last is None or last.reading_number is None or now.reading_number is None:
        return None
    shortest_s = nplc / LINE_HZ
    more = now.reading_number - last.reading_number
    if more == 0:
        return f"The reading number {now.reading_number} has come before"
    if last.elapsed_s is None or now.elapsed_s is None:
        return None
    later_s = now.elapsed_s - last.elapsed_s
    if later_s < 0 and (more < 0 or 0 <= now.elapsed_s < LONGEST_S):
        return None
    if more < 0 or not more * shortest_s - SLACK_S <= later_s <= (more + 1) * LONGEST_S:
        return f"The reading number went {more:+d} while the instrument's clock went {later_s:+g} s"
    return None
