"""Which process is which, from /proc (man 5 proc): a number alone may be another process by now.

On a system without /proc nothing is known of any process, and then nothing is done to one either.
"""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
LISTENS = "0A"  # TCP_LISTEN, as /proc/net/tcp writes a socket's state
LONGEST = 120  # characters shown of a command
ANOTHER_USERS = "a process of another user"


@dataclass(frozen=True, slots=True)
class Process:
    """A process by its number and when it began (clock ticks since boot): together they are not used twice."""

    pid: int
    began: int

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The process that runs under this number now; None where there is none, or it has ended and only waits."""
        try:
            after_name = (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            return None
        ended = not after_name or after_name[0] in "ZX"
        return None if ended else cls(pid, int(after_name[19]))

    @property
    def runs(self) -> bool:
        """Whether it is still there."""
        return Process.of(self.pid) == self

    @property
    def command(self) -> list[str]:
        """Its command line; empty where it is not told."""
        try:
            return (PROC / str(self.pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
        except OSError:
            return []


def stop(process: Process, command: list[str], within_s: float) -> bool:
    """Stop a process if it is the one meant, by number, beginning and command; whether it was and is gone.

    A handle is taken before it is looked at, so that what is signalled is what was looked at (man 2 pidfd_open).
    """
    try:
        handle = os.pidfd_open(process.pid)
    except (OSError, AttributeError):  # it has ended; or a system that has no such handles
        return False
    try:
        if not process.runs or process.command != command:
            return False
        return any(_ended(handle, each, within_s) for each in (signal.SIGTERM, signal.SIGKILL))
    finally:
        os.close(handle)


def _ended(handle: int, how: signal.Signals, within_s: float) -> bool:
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(handle, how)
    waiting = select.poll()  # a handle of a high number is too much for select()
    waiting.register(handle, select.POLLIN)
    return bool(waiting.poll(int(1000 * within_s)))


def listening_on(port: int) -> str | None:
    """Who listens on a TCP port of this machine, "process 12 (mosquitto -c x)", as far as it can be seen."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
    if not sockets:
        return None
    for folder in PROC.glob("[0-9]*"):
        if sockets & _files_of(folder):
            return named(int(folder.name))
    return ANOTHER_USERS


def named(pid: int) -> str:
    """A process for people: "process 12 (mosquitto -c x)"."""
    return f"process {pid} ({ascii(' '.join(Process(pid, 0).command)[:LONGEST])[1:-1]})"


def _inodes(port: int) -> set[str]:
    found: set[str] = set()
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (PROC / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                    found.add(fields[9])
    return found


def _files_of(folder: Path) -> set[str]:
    files: set[str] = set()
    with suppress(OSError):
        for each in (folder / "fd").iterdir():
            with suppress(OSError):
                files.add(str(each.readlink()))
    return files
