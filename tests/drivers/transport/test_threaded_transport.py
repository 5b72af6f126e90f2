"""Blocking libraries that hang, or fail as nobody foresaw, keep nobody waiting."""

from __future__ import annotations

import asyncio
import threading

import pytest

from drivers import LinkDown
from drivers.transport import threaded
from drivers.transport.threaded import ThreadedTransport


class Stubborn(ThreadedTransport):
    """A library whose read returns only when the port is closed under it, or fails as nobody foresaw."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__("The stubborn port")
        self.error = error
        self.reading, self.closed = threading.Event(), threading.Event()

    def blocking_open(self) -> None:
        """Opens."""

    def blocking_write(self, data: bytes) -> None:
        """Never reached."""

    def blocking_read(self) -> bytes:
        self.reading.set()
        if self.error is not None:
            raise self.error
        self.closed.wait()
        raise OSError("closed")

    def blocking_close(self) -> None:
        self.closed.set()


async def test_hang_a_read_that_never_returns_is_unblocked_by_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threaded, "CLOSED_WITHIN_S", 0.1)
    transport = Stubborn()
    await transport.open()
    await asyncio.to_thread(transport.reading.wait, 5)
    writing = asyncio.create_task(transport.write(b"x"))
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await transport.close()
        with pytest.raises(LinkDown):
            await writing


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_an_error_nobody_foresaw_in_the_port_thread_leaves_nobody_waiting() -> None:
    transport = Stubborn(KeyError("unforeseen"))
    await transport.open()
    async with asyncio.timeout(5):
        with pytest.raises(LinkDown, match="an error in this program"):
            await transport.read_some()
    await transport.close()
