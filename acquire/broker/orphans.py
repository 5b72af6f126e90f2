"""A Mosquitto of ours whose service was killed lives on and holds its port: at the next start it is known again.

Each of ours has a folder with its configuration and a note of who it is and whose it is (`process.json`). It is stopped
only where its owner is gone and the process under its number began when ours did and has our command line, with that
folder in it: nobody else's process ever fits.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acquire.broker.processes import Process, stop

PREFIX = "acquire-broker-"
NOTE = "process.json"
STOPPED_WITHIN_S = 3.0


@dataclass(frozen=True, slots=True)
class Note:
    """A Mosquitto of ours, its command, and the service that started it."""

    process: Process
    command: list[str]
    owner: Process

    def write(self, folder: Path) -> None:
        """Put it into the Mosquitto's own folder, whole or not at all. Raises OSError."""
        said = {"process": _pair(self.process), "command": self.command, "owner": _pair(self.owner)}
        new = folder / f"{NOTE}.new"
        new.write_text(json.dumps(said))
        new.replace(folder / NOTE)

    @classmethod
    def read(cls, folder: Path) -> Note | None:
        """What a folder of ours notes; None where it notes nothing that can be read."""
        try:
            said: dict[str, Any] = json.loads((folder / NOTE).read_text())
            return cls(Process(*said["process"]), list(said["command"]), Process(*said["owner"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _pair(process: Process) -> list[int]:
    return [process.pid, process.began]


def note(folder: Path, pid: int, command: list[str]) -> None:
    """Write down that this process is ours. Where processes cannot be told apart, nothing is. Raises OSError."""
    process, owner = Process.of(pid), Process.of(os.getpid())
    if process is not None and owner is not None:
        Note(process, command, owner).write(folder)


def stop_orphans() -> list[int]:
    """Stop every Mosquitto of ours whose service is gone, and take its folder away; returns their process ids."""
    stopped = []
    for folder, found in _noted():
        if found.owner.runs:
            continue
        if stop(found.process, found.command, STOPPED_WITHIN_S):
            stopped.append(found.process.pid)
        shutil.rmtree(folder, ignore_errors=True)
    return stopped


def owner_of(port: int) -> int | None:
    """The service whose Mosquitto is to listen on this port, where it is one of ours and lives."""
    for folder, found in _noted():
        with_port = f"listener {port} "
        if found.owner.runs and with_port in (folder / "mosquitto.conf").read_text(errors="replace"):
            return found.owner.pid
    return None


def _noted() -> Iterator[tuple[Path, Note]]:
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if _is_ours(folder) and (found := Note.read(folder)) is not None:
            yield folder, found


def _is_ours(folder: Path) -> bool:
    """Made by this user and closed to others: what stands in it was not put there by somebody else."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022
