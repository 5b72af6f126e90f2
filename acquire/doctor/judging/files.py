"""What spool and store say of themselves: version, damage, what waits, alarms, and how old the last backup is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from acquire.doctor.finding import Finding

WAITS = timedelta(minutes=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class FileSeen:
    """stranger: it is of a newer program, or no database, a sentence. damage: what the last check of it found.

    alarms: (what, sentence, when) of the last day.
    """

    what: str
    file: str
    stranger: str | None = None
    damage: str | None = None
    alarms: tuple[tuple[str, str, datetime], ...] = ()


def of_file(seen: FileSeen) -> Iterator[Finding]:
    """Findings of one database."""
    if seen.stranger is not None:
        yield Finding("file-version", seen.file, seen.stranger)
    if seen.damage is not None:
        mend = "`acquire spool salvage` reads what is left" if seen.what == "spool" else "restore a backup"
        yield Finding("file-damaged", seen.file, f"{seen.file} is damaged ({seen.damage}): {mend} (docs/service.md).")
    for what, message, at in seen.alarms:
        yield Finding(
            "alarm",
            seen.file,
            f"Alarm of the {seen.what}, {what} ({at:%Y-%m-%d %H:%M} UTC): {message.rstrip('.')}; docs/service.md says"
            " what it means.",
        )


@dataclass(frozen=True, slots=True)
class BacklogSeen:
    """unconfirmed: entries the store has not confirmed, since the oldest of which was appended. withheld: entries."""

    file: str
    now: datetime
    is_running: bool
    unconfirmed: int = 0
    since: datetime | None = None
    withheld: int = 0


def of_backlog(seen: BacklogSeen) -> Iterator[Finding]:
    """Findings of what waits in a spool."""
    waits = seen.since is None or seen.now - seen.since > WAITS
    if seen.unconfirmed and (waits or not seen.is_running):
        since = f" since {seen.since:%Y-%m-%d %H:%M} UTC" if seen.since else ""
        mend = "look at broker and store" if seen.is_running else "start the service, which sends them"
        says = f"{seen.unconfirmed} entries of {seen.file} wait for the store{since}: {mend}; nothing of them is lost."
        yield Finding("backlog", seen.file, says)
    if seen.withheld:
        yield Finding(
            "withheld",
            seen.file,
            f"{seen.withheld} entries of {seen.file} did not get through to the store: raise the broker's limit of a"
            " message, then `acquire spool resend`.",
        )


@dataclass(frozen=True, slots=True)
class BackupSeen:
    """backed_up: when the store was last copied by `acquire store backup`; begun: its oldest entry."""

    file: str
    now: datetime
    retention: timedelta
    margin: timedelta
    backed_up: datetime | None
    begun: datetime | None


def of_backup(seen: BackupSeen) -> Iterator[Finding]:
    """Whether the journals of the spools could still fill up what a restored backup misses."""
    taken = seen.backed_up or seen.begun
    if taken is None or seen.now - taken <= seen.retention - seen.margin:
        return
    age = (seen.now - taken) / DAY
    of = f"The last backup of {seen.file} is {age:.0f} days old" if seen.backed_up else (
        f"{seen.file} is {age:.0f} days old and was never backed up"
    )  # fmt: skip
    yield Finding(
        "backup-old",
        seen.file,
        f"{of}, and spools keep what is confirmed for {seen.retention / DAY:g} days, so a restore would lose readings:"
        " `acquire store backup FILE`, and the timer dosimetry-acquire-backup.",
    )
