"""A Mosquitto of our own, on the loopback interface, for as long as we run.

It has a session of its own, so that a Ctrl-C meant for us does not end it while its clients say their last words. It is
started again when it ends by itself. It ends with us: orderly where we end orderly, by the system where we are
killed and it can (setpriv; the kernel forgets that of a Mosquitto that gives up root's rights), at our next start
otherwise (acquire.broker.orphans).
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from acquire.backoff import BackOff
from acquire.broker.orphans import PREFIX, STOPPED_WITHIN_S, note
from acquire.errors import Refused
from acquire.log import Log

log = Log("broker")

STARTED_WITHIN_S = 10.0

# Anonymous clients are let in because nobody but this machine can reach the listener. Nothing is persisted: the spool
# and the store carry the promise, not the broker. Nagle off: it costs 40 ms a round trip with delayed acknowledgement.
CONFIGURATION = """\
listener {port} {host}
allow_anonymous true
set_tcp_nodelay true
persistence false
max_queued_messages 10000
log_dest stderr
log_type error
"""


@asynccontextmanager
async def spawned(binary: str, host: str, port: int) -> AsyncIterator[None]:
    """Run the binary with a configuration of ours; stop it at the end. Raises Refused."""
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        ours = _Ours(binary, host, port, Path(folder))
        await ours.start()
        keeping = asyncio.create_task(ours.keep(), name="mosquitto")
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            await ours.stop()


class _Ours:
    def __init__(self, binary: str, host: str, port: int, folder: Path) -> None:
        self._where = (host, port)
        self._folder = folder
        file = folder / "mosquitto.conf"
        file.write_text(CONFIGURATION.format(host=host, port=port))
        self._command = [binary, "-c", str(file)]
        self._process: Process | None = None
        self._said = ""

    async def start(self) -> None:
        """Raises Refused where it does not come to listen; it is not left running then."""
        dies_with_us = ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []
        process = await asyncio.create_subprocess_exec(
            *dies_with_us, *self._command, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, start_new_session=True
        )
        self._process = process
        try:
            note(self._folder, process.pid, self._command)
            await _listening(process, *self._where)
        except BaseException:
            await self.stop()
            raise

    async def keep(self) -> None:
        """Start it again whenever it ends by itself, until cancelled. What it says is logged."""
        again, told = BackOff(0.25, 4.0), False
        while True:
            if self._process is not None:
                code = await self._ended(self._process)
                log.error("mosquitto ended by itself; it is started again", code=code, why=self._said or None)
            await asyncio.sleep(again.next_s())
            try:
                await self.start()
                again.worked()
                told = False
                log.info("mosquitto runs again")
            except (Refused, OSError) as error:
                if not told:
                    log.warning("mosquitto cannot be started again; it is tried on", why=str(error))
                told = True

    async def _ended(self, process: Process) -> int:
        """Its pipe is read all the time: one that is full would hold the broker up."""
        assert process.stderr is not None
        while line := await process.stderr.read(4096):
            self._said = line.decode(errors="replace").strip()[-300:]
            log.warning("mosquitto says", what=self._said)
        return await process.wait()

    async def stop(self) -> None:
        """Orderly, and by force where that takes too long."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOPPED_WITHIN_S):
                await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _listening(process: Process, host: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + STARTED_WITHIN_S
    while loop.time() < until:
        if process.returncode is not None:
            said = await process.stderr.read() if process.stderr else b""
            why = said.decode(errors="replace").strip().splitlines()
            raise Refused(f"mosquitto stopped at once on {host}:{port}: {why[-1] if why else 'no reason given'}.")
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            await writer.wait_closed()
            return
        await asyncio.sleep(0.02)
    raise Refused(f"mosquitto does not listen on {host}:{port} after {STARTED_WITHIN_S:g} s.")
