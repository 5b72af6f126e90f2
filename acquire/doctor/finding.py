"""A finding of the doctor: what is wrong, where, and how to mend it, in one sentence; and how bad each cause is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, get_args

Cause = Literal[
    # ports and what is on them
    "port-missing", "usb-identity", "port-forbidden", "port-held", "port-unlikely",
    "wrong-instrument", "no-answer", "not-asked", "instrument-state", "other-configuration", "instrument-silent",
    "reader-silent", "drop-folder",
    # the service, its files, its disks
    "service-down", "service-twice", "account", "place", "file-version", "file-damaged", "host-state", "store-state",
    "backlog", "withheld", "alarm", "backup-old", "disk-full", "disk-low", "inodes-low",
    # the broker and other listeners
    "broker-down", "broker-refuses", "certificate", "certificate-soon", "secret", "port-taken", "listener-missing",
    # clocks
    "clock-unsynchronised", "clock-set-back", "clock-ahead", "clock-apart", "machine-clock",
    # stock and people's things
    "calibration-over", "calibration-due", "detector-dose", "mail", "simulator", "accounts", "caution",
    "not-looked-at",
]  # fmt: skip
CAUSES: tuple[Cause, ...] = get_args(Cause)


class Degree(IntEnum):
    """How bad it is; the worst is the lowest."""

    STOPS = 0  # something cannot be measured, or what is measured gets lost or cannot be believed
    UNKNOWN = 1  # it could not be looked at: it may be any of the others
    SOON = 2  # it works, and will not for long, or would not after the next mishap
    LOOK = 3  # somebody should know


_SOON: tuple[Cause, ...] = (
    "port-unlikely", "reader-silent", "backlog", "withheld", "alarm", "backup-old", "disk-low", "inodes-low",
    "certificate-soon", "clock-unsynchronised", "clock-ahead", "calibration-due", "mail", "other-configuration",
)  # fmt: skip
_LOOK: tuple[Cause, ...] = ("machine-clock", "caution")
_UNKNOWN: tuple[Cause, ...] = ("not-looked-at", "not-asked")
DEGREES: Mapping[Cause, Degree] = (
    dict.fromkeys(CAUSES, Degree.STOPS)
    | dict.fromkeys(_UNKNOWN, Degree.UNKNOWN)
    | dict.fromkeys(_SOON, Degree.SOON)
    | dict.fromkeys(_LOOK, Degree.LOOK)
)


@dataclass(frozen=True, slots=True)
class Finding:
    """`where`: an instrument's id, a file, HOST:PORT or a machine. `says`: one sentence, with its remedy."""

    cause: Cause
    where: str
    says: str

    @property
    def degree(self) -> Degree:
        """How bad it is."""
        return DEGREES[self.cause]


class CannotTell(Exception):
    """Something could not be looked at: why, in a clause without a full stop."""


def worst_first(found: Iterable[Finding]) -> list[Finding]:
    """Each once; of one degree in the order in which they were found."""
    return sorted(dict.fromkeys(found), key=lambda each: each.degree)
