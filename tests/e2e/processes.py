"""Real processes of the real command, to be killed at any moment."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from command_line import begun
from waiting import until

ACQUIRE = Path(sys.executable).with_name("acquire")

# One simulated electrometer, spool and store in the folder `disk`, the broker on `port`.
A_SERVICE = """
site = "clinic"
[broker]
mode = "external"
port = {port}
[spool]
path = "{disk}/spool.db"
[store]
url = "sqlite:///{disk}/store.db"
[[simulator]]
id = "sim"
model = "keithley-6517b"
listen = "tcp:127.0.0.1:0"
seed = 1
speed = 20
[[instrument]]
id = "electrometer-1"
model = "keithley-6517b"
resource = "simulator:sim"
settings = {{ function = "charge", range_si = 2e-8, nplc = 0.01, timeout_s = 0.5 }}
"""


class Process:
    """An `acquire` command that runs until it is told to stop or killed.

    Where words stand before it (a library, a namespace) it is the installed command, else it is forked from a process
    that has the program already.
    """

    def __init__(self, folder: Path, name: str, *arguments: str, before: Sequence[str] = ()) -> None:
        self._words, self._before = arguments, before
        self._out, self._log = folder / f"{name}.out", folder / f"{name}.log"
        self._process: asyncio.subprocess.Process | BaseProcess | None = None
        self.first_line: dict[str, Any] = {}

    async def start(self, *, reads_first_line: bool = False) -> None:
        for each in (self._out, self._log):
            each.touch()
        said = self._out.stat().st_size
        if self._before:
            with self._out.open("ab") as out, self._log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *self._before, str(ACQUIRE), *self._words, stdout=out, stderr=log
                )
        else:
            self._process = begun(*self._words, out=self._out, err=self._log)
        if reads_first_line:
            await until(lambda: b"\n" in self._out.read_bytes()[said:], what="its first line")
            self.first_line = json.loads(self._out.read_bytes()[said:].splitlines()[0])

    async def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            if self.ended() is None:
                self._process.kill()
            await self._reap()

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """A signal that is to end it, and the exit code."""
        self.send(number)
        return await self._reap()

    def send(self, number: int) -> None:
        """A signal: SIGSTOP freezes it."""
        assert self._process is not None
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def ended(self) -> int | None:
        """The exit code, where it has ended."""
        assert self._process is not None
        if isinstance(self._process, BaseProcess):
            return self._process.exitcode
        return self._process.returncode

    async def _reap(self) -> int:
        await until(lambda: self.ended() is not None, what="its end")
        code = self.ended()
        assert code is not None
        return code

    def log(self) -> str:
        return self._log.read_text(errors="replace")


async def ask(address: str, question: dict[str, Any]) -> dict[str, Any]:
    """One question to a simulator's back door."""
    host, port = address.removeprefix("tcp:").rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(json.dumps(question).encode() + b"\n")
    answer = json.loads(await asyncio.wait_for(reader.readline(), 10))
    writer.close()
    await writer.wait_closed()
    assert isinstance(answer, dict)
    return answer
