"""What would be on the disk if the power failed now: worked out from a trace of the system calls of a process.

A write counts from the moment that a sync of its file, begun after it, has come back. Of what was written and not
synced any part may be there or not, torn at the sectors of a disk: SQLite's own assumption about disks
(https://www.sqlite.org/atomiccommit.html, section 2). That a new file's name is on the disk is taken for granted.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

STRACE = ("strace", "-D", "-f", "-y", "-xx", "-s", "4000000", "-e", "trace=pwrite64,fsync,fdatasync,ftruncate,sendto")
SECTOR = 512

_CALL = re.compile(r'^(\d+) +(\w+)\((\d+)<([^>]*)>(?:, "([^"]*)")?(.*)$')
_RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>.*= (-?\d+)")


@dataclass(frozen=True)
class Write:
    """Bytes put at an offset of a file; no bytes: the file was cut off there."""

    at: int
    data: bytes | None


@dataclass
class Disk:
    """What is safe of each file, and what was written after that, in order."""

    safe: dict[str, bytearray] = field(default_factory=dict)
    unsafe: dict[str, list[Write]] = field(default_factory=dict)

    def write(self, path: str, write: Write) -> None:
        self.unsafe.setdefault(path, []).append(write)

    def sync(self, path: str, count: int) -> None:
        """The first `count` unsafe writes of a file are safe."""
        held = self.unsafe.setdefault(path, [])
        for write in held[:count]:
            _apply(self.safe.setdefault(path, bytearray()), write)
        del held[:count]

    def after_cut(self, chance: random.Random | None) -> dict[str, bytes]:
        """The files: what is safe, and with `chance` any part of the rest."""
        files = {path: bytearray(held) for path, held in self.safe.items()}
        if chance is not None:
            for path, writes in self.unsafe.items():
                for write in writes:
                    _apply_partly(files.setdefault(path, bytearray()), write, chance)
        return {path: bytes(held) for path, held in files.items()}


def _apply(file: bytearray, write: Write) -> None:
    if write.data is None:
        del file[write.at :]
        file.extend(bytes(write.at - len(file)))
    else:
        file.extend(bytes(max(0, write.at + len(write.data) - len(file))))
        file[write.at : write.at + len(write.data)] = write.data


def _apply_partly(file: bytearray, write: Write, chance: random.Random) -> None:
    fate = chance.choice(("there", "not there", "torn"))
    if write.data is None or fate != "torn":
        if fate == "there":
            _apply(file, write)
        return
    for first in range(0, len(write.data), SECTOR):
        if chance.random() < 0.5:
            _apply(file, Write(write.at + first, write.data[first : first + SECTOR]))


def replay(trace: Path) -> Iterator[tuple[Disk, bytes]]:
    """At everything that was sent: the disk at that moment, and the bytes sent."""
    disk = Disk()
    syncing: dict[str, tuple[str, int]] = {}  # by thread: the file, and how many of its writes came before
    for line in trace.read_text(encoding="latin-1").splitlines():
        if resumed := _RESUMED.match(line):
            thread, name, result = resumed.groups()
            if name in ("fsync", "fdatasync") and result == "0":
                disk.sync(*syncing.pop(thread))
        elif call := _CALL.match(line):
            thread, name, _, path, data, rest = call.groups()
            file = _bytes(path).decode()
            if name == "pwrite64":
                disk.write(file, Write(int(rest.split(",")[2].split(")")[0].split()[0]), _bytes(data)))
            elif name == "ftruncate":
                disk.write(file, Write(int(re.findall(r"\d+", rest)[0]), None))
            elif name == "sendto":
                yield disk, _bytes(data)
            elif "unfinished" in rest:
                syncing[thread] = (file, len(disk.unsafe.get(file, [])))
            elif rest.endswith("= 0"):
                disk.sync(file, len(disk.unsafe.get(file, [])))


def _bytes(escaped: str | None) -> bytes:
    return bytes.fromhex((escaped or "").replace("\\x", ""))


def put(files: dict[str, bytes], names: Sequence[str], folder: Path) -> None:
    """Write the files of these names, wherever they lay, into a folder, and nothing else of them."""
    for name in names:
        (folder / name).unlink(missing_ok=True)
        for path, content in files.items():
            if Path(path).name == name:
                (folder / name).write_bytes(content)
