"""An installation of a test's own: its configuration in pieces, what holds its spool, and what the doctor finds there.

A fault is planted by an asynchronous generator. It makes everything well and yields; plants the fault and yields; and
clears up. So each fault is looked for twice: where it is not, and where it is.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from acquire.config import load
from acquire.doctor.checks import CHECKS
from acquire.doctor.examine import examine
from acquire.doctor.finding import Cause, Finding

HOLDS = "import fcntl, time; f = open({!r}, 'ab'); fcntl.flock(f, 2); print(flush=True); time.sleep(60)"
KEITHLEY = '[[instrument]]\nid = "{id}"\nmodel = "{model}"\nresource = "{resource}"\n'


@dataclass
class Installation:
    """Its folder and the pieces of its file; `tables` go to the end of it, instruments after them."""

    folder: Path
    broker: str = 'mode = "external"\nhost = "127.0.0.1"\nport = 1'
    spool: str = 'path = "spool.db"'
    store: str = 'url = "sqlite:///store.db"'
    tables: str = ""
    instruments: list[str] = field(default_factory=list)

    @property
    def spool_file(self) -> Path:
        return self.folder / "spool.db"

    @property
    def store_file(self) -> Path:
        return self.folder / "store.db"

    @property
    def file(self) -> Path:
        return self.folder / "clinic.toml"

    def instrument(
        self, resource: str, model: str = "keithley-6517b", name: str = "electrometer-1", **more: str
    ) -> None:
        """The only one there is from now on; `more` are its settings."""
        settings = "".join(f"{key} = {value}\n" for key, value in more.items())
        table = KEITHLEY.format(id=name, model=model, resource=resource)
        self.instruments = [table + (f"[instrument.settings]\n{settings}" if settings else "")]

    def write(self) -> Path:
        tables = [f"[broker]\n{self.broker}\n", f"[spool]\n{self.spool}\n", self.tables, *self.instruments]
        tables += [f"[store]\n{self.store}\n"] if self.store else []
        self.file.write_text('site = "field"\n' + "\n".join(tables))
        return self.file

    async def finds(self, cause: Cause, *ask: str) -> list[Finding]:
        """What the checks find that look for this cause, beside the test's loop."""
        checks = [each for each in CHECKS if cause in each.causes]
        done = await asyncio.to_thread(examine, load(self.write()), ask, checks)
        return [each for each in done.findings if each.cause in (cause, "not-looked-at")]

    @contextmanager
    def running(self) -> Iterator[int]:
        """Another process holds the lock of the spool, as its service does; gives its number."""
        lock = Path(f"{self.spool_file}.lock")
        lock.touch()
        words = [sys.executable, "-ISc", HOLDS.format(str(lock))]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
            try:
                assert process.stdout is not None
                process.stdout.readline()
                yield process.pid
            finally:
                process.kill()


@contextmanager
def holding(file: int | IO[bytes]) -> Iterator[int]:
    """Another process has this open; gives its number."""
    with subprocess.Popen(["sleep", "60"], stdin=file) as process:
        try:
            yield process.pid
        finally:
            process.kill()


Plant = Callable[[Installation], AsyncIterator[None]]


@dataclass(frozen=True)
class Fault:
    """says: what its sentence must hold, the remedy among it. ask: the instruments that are asked."""

    cause: Cause
    plant: Plant
    says: tuple[str, ...]
    ask: tuple[str, ...] = ()


FAULTS: list[Fault] = []


def planted(cause: Cause, *says: str, ask: tuple[str, ...] = ()) -> Callable[[Plant], Plant]:
    """Put a plant on the list that the test walks."""

    def put(plant: Plant) -> Plant:
        FAULTS.append(Fault(cause, plant, says, ask))
        return plant

    return put
