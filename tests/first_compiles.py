"""Where several processes collect the same tests, the first of them compiles for all: in a fresh clone that takes as
long as all the rest of collecting, and each would do it for itself.

Imported by all of them before anything else, it goes on at once in the first, and in the others when that one has said
`collected()`. What is compiled is of one environment, whose folder is what they lock.
"""

from __future__ import annotations

import fcntl
import os
import sys
from contextlib import ExitStack

_holding = ExitStack()


def _in_turn() -> None:
    folder = os.open(sys.prefix, os.O_RDONLY)
    _holding.callback(os.close, folder)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(folder, fcntl.LOCK_SH)


def collected() -> None:
    """The others may go on."""
    _holding.close()


if "PYTEST_XDIST_WORKER" in os.environ:
    _in_turn()
