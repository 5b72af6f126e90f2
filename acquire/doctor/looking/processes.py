"""Who has a port, a file or a connection open, from /proc (man 5 proc), without opening any of them.

To be looked at first: root sees every process, and the account that it becomes afterwards only its own.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from acquire.broker.processes import PROC, named
from acquire.config import Loaded
from acquire.doctor.case import Processes
from acquire.doctor.judging.ports import User
from acquire.spool.status import is_running
from acquire.store.copies import is_served
from drivers import Misuse
from drivers.places import local_place

ESTABLISHED, LISTENS = "01", "0A"  # as /proc/net/tcp writes a socket's state
Pids = dict[str, set[int]]


@dataclass(slots=True)
class _Open:
    """Processes by what they have open: devices by their number, files by path, sockets by inode."""

    devices: dict[int, set[int]] = field(default_factory=dict)
    files: Pids = field(default_factory=dict)
    writers: Pids = field(default_factory=dict)
    sockets: Pids = field(default_factory=dict)
    parents: dict[int, int] = field(default_factory=dict)
    hidden: bool = False


def look_at_processes(loaded: Loaded) -> Processes:
    """Everything that later checks must know of processes."""
    found = _everything()
    service = _service(loaded, found)
    spool = loaded.spool
    writers = () if spool is None else sorted(found.writers.get(str(spool.resolve()), set()) - {os.getpid()})
    return Processes(
        service=service,
        is_running=bool(service) or _is_locked(loaded),
        ports={each.id: tuple(_users(each.resource, found, service)) for each in loaded.config.instrument},
        files=tuple((str(spool), User(pid, named(pid), pid in service)) for pid in writers),
        all_seen=not found.hidden,
    )


def listening(port: int) -> set[int]:
    """The processes that listen on a TCP port; 0 for one that cannot be seen."""
    inodes = {inode for inode, state, local, _ in _connections() if state == LISTENS and local[1] == port}
    sockets = _everything().sockets if inodes else {}
    return set().union(*(sockets.get(each, {0}) for each in inodes))


def _is_locked(loaded: Loaded) -> bool:
    """Whether somebody has a lock whose processes cannot be seen: another account, another container."""
    if loaded.spool is not None and is_running(loaded.spool):
        return True
    return loaded.store is not None and is_served(loaded.store)


def _service(loaded: Loaded, found: _Open) -> frozenset[int]:
    """Who has the lock of spool or store open, and what it started: whoever did not get it has closed it again."""
    locks = [path.with_name(path.name + ".lock") for path in (loaded.spool, loaded.store) if path is not None]
    own = set().union(*(found.files.get(str(each.resolve()), set()) for each in locks))
    grown = own
    while grown:
        grown = {pid for pid, parent in found.parents.items() if parent in own} - own
        own |= grown
    return frozenset(own)


def _lockers(device: Path) -> set[int]:
    """Who locks a device, as serial libraries do, seen by every account: a line of /proc/locks is "1: FLOCK ADVISORY
    WRITE pid major:minor:inode 0 EOF".
    """
    try:
        inode = str(device.stat().st_ino)
        lines = [line.split() for line in (PROC / "locks").read_text().splitlines()]
    except OSError:
        return set()
    locks = [each for each in lines if len(each) > 5 and each[1] == "FLOCK"]
    found = {int(each[4]) for each in locks if each[5].split(":")[-1] == inode}
    return {pid for pid in found if pid > 0 and _may_have(pid, device)}


def _may_have(pid: int, device: Path) -> bool:
    """Inodes of several file systems are alike: where its files can be seen, one of them must be the device."""
    try:
        return any(str(each.readlink()) == str(device.resolve()) for each in (PROC / str(pid) / "fd").iterdir())
    except OSError:
        return True


def _users(resource: str, found: _Open, service: frozenset[int]) -> Iterator[User]:
    try:
        place = local_place(resource)
    except Misuse:
        return
    pids: set[int] = set()
    if place.device is not None:
        with suppress(OSError):
            number = place.device.stat().st_rdev
            pids = found.devices.get(number, set()) | _lockers(place.device) if number else set()
    elif place.remote is not None:
        pids = _connected(*place.remote, found.sockets)
    for pid in sorted(pids - {os.getpid()}):
        yield User(pid, named(pid), pid in service)


def _everything() -> _Open:
    found = _Open()
    for folder in PROC.glob("[0-9]*"):
        pid = int(folder.name)
        with suppress(OSError, IndexError, ValueError):  # it may have ended
            found.parents[pid] = int((folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
        try:
            files = [*(folder / "fd").iterdir()]
        except PermissionError:
            found.hidden = True
            continue
        except OSError:
            continue
        for each in files:
            with suppress(OSError):
                _note(found, pid, each, str(each.readlink()))
    return found


def _note(found: _Open, pid: int, descriptor: Path, link: str) -> None:
    """Only devices are looked at themselves: a file may lie on a file system that hangs."""
    if link.startswith("socket:["):
        found.sockets.setdefault(link.removeprefix("socket:[").rstrip("]"), set()).add(pid)
    elif link.startswith("/dev/"):
        found.devices.setdefault(descriptor.stat().st_rdev, set()).add(pid)
    elif link.startswith("/"):
        found.files.setdefault(link, set()).add(pid)
        if _writes(descriptor):
            found.writers.setdefault(link, set()).add(pid)


def _writes(descriptor: Path) -> bool:
    """Opened to be written into: the flags of /proc/PID/fdinfo are octal, O_RDONLY is 0."""
    said = (descriptor.parent.with_name("fdinfo") / descriptor.name).read_text()
    flags = next(line.split()[1] for line in said.splitlines() if line.startswith("flags:"))
    return bool(int(flags, 8) & os.O_ACCMODE)


def _connected(host: str, port: int, sockets: Mapping[str, set[int]]) -> set[int]:
    """Who is connected to an address. A name is not looked up, which could take long; localhost is known."""
    address = "127.0.0.1" if host == "localhost" else host
    inodes = [inode for inode, state, _, remote in _connections() if state == ESTABLISHED and remote == (address, port)]
    return set().union(*(sockets.get(each, set()) for each in inodes))


def _connections() -> Iterator[tuple[str, str, tuple[str, int], tuple[str, int]]]:
    """(inode, state, local, remote) of every TCP socket."""
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (PROC / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                yield fields[9], fields[3], _address(fields[1]), _address(fields[2])


def _address(text: str) -> tuple[str, int]:
    """Words of four bytes, each as this machine has them; of IPv4 in IPv6 the former."""
    host, _, port = text.partition(":")
    raw = bytes.fromhex(host)
    raw = b"".join(raw[n : n + 4][::-1] for n in range(0, len(raw), 4))
    if len(raw) == 16 and raw.startswith(bytes(10) + b"\xff\xff"):
        raw = raw[12:]
    return socket.inet_ntop(socket.AF_INET6 if len(raw) == 16 else socket.AF_INET, raw), int(port, 16)
