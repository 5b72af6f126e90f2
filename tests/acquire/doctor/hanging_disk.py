"""A file system of which every answer is waited for without end: one in user space (fuse) that nobody serves."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MS_NOSUID, MNT_DETACH = 2, 2


@contextmanager
def hanging_disk(place: Path) -> Iterator[Path]:
    """Mounted there; whoever waits for it is let go with an error at the end. Needs root and /dev/fuse."""
    libc = ctypes.CDLL(None, use_errno=True)
    place.mkdir()
    door = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={door},rootmode=40000,user_id=0,group_id=0".encode()
    if libc.mount(b"nobody", bytes(place), b"fuse", MS_NOSUID, options) != 0:
        os.close(door)
        raise OSError(ctypes.get_errno(), f"a file system that hangs cannot be mounted at {place}")
    try:
        yield place
    finally:
        os.close(door)
        libc.umount2(bytes(place), MNT_DETACH)
