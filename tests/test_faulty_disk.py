"""The disk that fails does what its tests rely on: what is named fails, with that error, until it heals."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from faulty_disk import FaultyDisk

TRIES = """
import os, sys
from pathlib import Path
folder, file = Path(sys.argv[1]), Path(sys.argv[1]) / "spool.db"
fd = os.open(file, os.O_RDWR | os.O_CREAT)
os.write(fd, b"x" * 100)
tries = {
    "read": lambda: os.pread(fd, 1, 0), "write": lambda: os.pwrite(fd, b"y", 0), "sync": lambda: os.fsync(fd),
    "open": lambda: os.close(os.open(file, os.O_RDONLY)), "create": lambda: os.close(os.open(file, os.O_RDWR)),
    "list": lambda: os.listdir(folder), "stat": lambda: os.stat(file),
}
for line in sys.stdin:
    failed = []
    for name, run in tries.items():
        try:
            run()
        except OSError as error:
            failed.append(f"{name}:{error.errno}")
    print(" ".join(failed), flush=True)
"""


@pytest.mark.parametrize(
    ("calls", "error", "failed"),
    [
        ("write,sync", "EIO", "write:5 sync:5"),
        ("read", "EIO", "read:5"),
        ("create,write", "EROFS", "write:30 create:30"),
        ("open", "EACCES", "open:13 create:13"),
        ("list,stat", "EIO", "list:5 stat:5"),
        ("write", "ENOSPC", "write:28"),
    ],
)
def test_what_is_named_fails_until_it_heals(tmp_path: Path, calls: str, error: str, failed: str) -> None:
    place = tmp_path / "place"
    place.mkdir()
    disk = FaultyDisk(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", TRIES, str(place)], env=disk.env(), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip

    def tried() -> str:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        return process.stdout.readline().strip()

    assert tried() == ""
    disk.fails(calls, error, f"{place}*")
    assert tried() == failed
    disk.heals()
    assert tried() == ""
    disk.fails("all", "EIO", f"{tmp_path}/elsewhere*")
    assert tried() == ""
    process.communicate(timeout=10)
    assert process.returncode == 0
