"""Files of a database that belong together: moved as one, and made durable where they lie."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

PARTS = ("", "-wal", "-shm")


def move_aside(path: Path, why: str, taken: Collection[str] = ()) -> Path:
    """Rename a database with its log out of the way, keeping it; returns its new name, NAME.WHY-N.SUFFIX."""
    aside = free_name(path, why, taken)
    for part in PARTS:
        each = path.with_name(path.name + part)
        if each.exists():
            each.rename(aside.with_name(aside.name + part))
    return aside


def free_name(path: Path, why: str, taken: Collection[str] = ()) -> Path:
    """A name beside a database that nothing has, NAME.WHY-N.SUFFIX; not one that is `taken`."""
    n = 1
    while (free := path.with_name(f"{path.stem}.{why}-{n}{path.suffix}")).exists() or free.name in taken:
        n += 1
    return free


def clear(path: Path, why: str) -> Path | None:
    """Put aside what lies at a path, also a log whose database is gone: it would be taken for that of the next one.

    Returns where the database lies now; None where there was none.
    """
    was_there = path.exists()
    if not any(path.with_name(path.name + part).exists() for part in PARTS):
        return None
    aside = move_aside(path, why)
    return aside if was_there else None


def remove(path: Path) -> None:
    """Take away a database that was just begun and could not be made, with its log."""
    for part in PARTS:
        path.with_name(path.name + part).unlink(missing_ok=True)


def put_in_place(made: Path, path: Path) -> None:
    """Make a finished, closed file durable and give it its name."""
    sync(made)
    made.rename(path)
    sync(path.parent)


def replace(path: Path, text: str) -> None:
    """Write a small file of ours as a whole: whoever reads it meanwhile sees the one before, or this one."""
    made = path.with_name(f".{path.name}.part")
    made.write_text(text)
    put_in_place(made, path)


def sync(path: Path) -> None:
    """Have the disk keep a file, or the names in a folder. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
