"""A file system of a test's own, so that full is full."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


def read_only(place: Path) -> None:
    """From now on nothing can be written there."""
    subprocess.run(["mount", "-o", "remount,ro", place], check=True)


@contextlib.contextmanager
def tiny_disk(folder: Path, size: str) -> Iterator[Path]:
    """A tmpfs of a few MiB. Mounting needs root: elsewhere the test is skipped, in continuous integration it fails."""
    place = folder / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        cannot = pytest.fail if os.environ.get("CI") else pytest.skip
        cannot(f"A tmpfs cannot be mounted here ({done.stderr.strip()}); run as root to test a disk that is full.")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)
