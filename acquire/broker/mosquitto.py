"""A Mosquitto of our own, on the loopback interface, for as long as we run."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from acquire.errors import Refused

STARTED_WITHIN_S = 10.0
STOPPED_WITHIN_S = 3.0

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
    _must_be_free(host, port)
    with tempfile.TemporaryDirectory(prefix="acquire-broker-") as folder:
        file = Path(folder) / "mosquitto.conf"
        file.write_text(CONFIGURATION.format(host=host, port=port))
        process = await asyncio.create_subprocess_exec(
            binary, "-c", str(file), stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        try:
            await _listening(process, host, port)
            yield
        finally:
            await _stop(process)


def _must_be_free(host: str, port: int) -> None:
    """Otherwise whoever listens there would be taken for our broker."""
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind((host, port))
        except OSError as error:
            text = (
                f"A broker cannot listen on {host}:{port}: {error.strerror}. Choose another port, or mode 'external'."
            )
            raise Refused(text) from error


async def _listening(process: asyncio.subprocess.Process, host: str, port: int) -> None:
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


async def _stop(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOPPED_WITHIN_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
