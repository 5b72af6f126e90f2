"""Whether the kernel's clock follows a time service: the one thing of NTP that can be known without a network."""

from __future__ import annotations

import ctypes
import os

from acquire.doctor.finding import CannotTell

UNSYNCHRONISED = 0x40  # STA_UNSYNC of <linux/timex.h>


class _Timex(ctypes.Structure):
    """The beginning of struct timex (man 2 adjtimex); what follows is room."""

    _fields_ = (
        ("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long), ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long), ("status", ctypes.c_int), ("rest", ctypes.c_char * 256),
    )  # fmt: skip


def is_synchronised() -> bool:
    """Whether the kernel's clock follows something. With `modes` 0 nothing is set. Raises CannotTell."""
    said = _Timex()
    try:
        failed = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(said)) < 0
    except (OSError, AttributeError) as error:  # another system
        raise CannotTell("the kernel does not say whether the clock is synchronised") from error
    if failed:
        raise CannotTell(
            f"the kernel does not say whether the clock is synchronised ({os.strerror(ctypes.get_errno())})"
        )
    return not said.status & UNSYNCHRONISED
