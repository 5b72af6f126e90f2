"""This computer's clock, by what can be known of it here; and how far the clocks of treatment machines are from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from acquire.doctor.finding import Finding
from acquire.procedure.session.doctor import set_back

AHEAD = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ClockSeen:
    """synchronised: what the kernel says (man 2 adjtimex); None: it is not asked, nothing real is measured.

    newest_entry: of the store's audit trail. files: (file, when it was last written), of files that are written here
    and of those that readers' computers write.
    """

    now: datetime
    synchronised: bool | None = None
    newest_entry: datetime | None = None
    files: tuple[tuple[str, datetime], ...] = ()


def of_clock(seen: ClockSeen) -> Iterator[Finding]:
    """Findings of this computer's clock."""
    if seen.synchronised is False:
        yield Finding(
            "clock-unsynchronised",
            "this computer",
            "Nothing keeps this computer's clock right (the kernel says that it is not synchronised): turn a time"
            " service on, `timedatectl set-ntp true` or chrony.",
        )
    for stop in set_back(seen.newest_entry, seen.now):
        says = f"{stop.rstrip('.')}; set the clock right before anything is measured."
        yield Finding("clock-set-back", "this computer", says)
    for file, at in seen.files:
        if at > seen.now + AHEAD:
            yield Finding(
                "clock-ahead",
                file,
                f"{file} was written on {at:%Y-%m-%d %H:%M} UTC, which is still to come: set the clock of the computer"
                " that wrote it, or this one's.",
            )


@dataclass(frozen=True, slots=True)
class MachineSeen:
    """A treatment machine of open sessions, and a sentence of when its clock was compared; None: nobody did."""

    machine: str
    compared: str | None
    session: str


def of_machine(seen: MachineSeen) -> Iterator[Finding]:
    """Findings of a machine's clock."""
    if seen.compared is None:
        yield Finding(
            "machine-clock",
            seen.machine,
            f"Nobody has compared the clock of {seen.machine} with this computer's: `acquire session clock"
            f" {seen.session}` writes down what both show.",
        )
