"""A disk that fails and heals under a running process, by a small library that the process is started with.

    disk = FaultyDisk(tmp_path)
    process = subprocess.Popen([...], env=disk.env())
    disk.fails("write,sync", "EIO", f"{tmp_path}/spool.db*")     # from now on; the process goes on running
    disk.heals()

What can be refused, and how it is written, is said at the head of faulty_disk.c. The library is compiled once a run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from preload import compiled

SOURCE = Path(__file__).with_suffix(".c")


def library() -> Path:
    """The library, compiled."""
    return compiled(SOURCE, "dl", "pthread")


class FaultyDisk:
    """One control file, for every process that is started with `env()`."""

    def __init__(self, folder: Path) -> None:
        self._control = folder / "faulty-disk"
        self._rules: list[str] = []

    def env(self) -> dict[str, str]:
        """The environment of a process that is to have this disk."""
        return {**os.environ, "LD_PRELOAD": str(library()), "FAULTY_DISK": str(self._control)}

    def before(self) -> list[str]:
        """The words before a command that is to have this disk, where an environment cannot be given."""
        return ["env", f"LD_PRELOAD={library()}", f"FAULTY_DISK={self._control}"]

    def fails(self, calls: str, error: str, pattern: Path | str) -> None:
        """From the next call on; added to what fails already."""
        self._rules.append(f"{calls} {error} {pattern}\n")
        self._write()

    def heals(self) -> None:
        """Nothing fails any more."""
        self._rules.clear()
        self._write()

    def _write(self) -> None:
        new = self._control.with_name(self._control.name + ".new")
        new.write_text("".join(self._rules))
        new.replace(self._control)


BEGINS = """
import json, sys
import structlog
sys.path[:0] = json.loads(sys.argv[1])
structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=sys.stderr))
"""
SERVES = """
print("ready", flush=True)
for line in sys.stdin:
    print(json.dumps(answer(line.strip())), flush=True)
"""


@contextmanager
def on_disk(disk: FaultyDisk, code: str, *arguments: str, finds: Path) -> Iterator[Callable[[str], Any]]:
    """A process on this disk whose `code` defines answer(question), and a function that asks it.

    The code has `arguments` in sys.argv[2:] and imports from the folder of the test `finds` and from tests/. At the end
    it must stop in order, and must not have logged a traceback.
    """
    paths = json.dumps([str(finds.parent), str(SOURCE.parent)])
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            [sys.executable, "-c", BEGINS + code + SERVES, paths, *arguments], env=disk.env(), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
        ) as process,
    ):  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None

        def said() -> str:
            log.seek(0)
            return log.read()

        assert process.stdout.readline() == "ready\n", said()

        def ask(question: str) -> Any:
            process.stdin.write(question + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            assert line, said()
            return json.loads(line)

        yield ask
        process.stdin.close()
        assert process.wait(20) == 0, said()
        assert "Traceback" not in said(), said()
