"""A port whose library hangs, for whoever must be able to let go of it."""

from __future__ import annotations

import threading

from drivers.transport.threaded import ThreadedTransport


class Hangs(ThreadedTransport):
    """A library that comes back from no read, and not from closing either, until it is let go."""

    def __init__(self) -> None:
        super().__init__("The hanging port")
        self.let_go, self.reading = threading.Event(), threading.Event()
        self.written: list[bytes] = []

    def blocking_open(self) -> None:
        """Opens."""

    def blocking_write(self, data: bytes) -> None:
        self.written.append(data)

    def blocking_read(self) -> bytes:
        self.reading.set()
        self.let_go.wait()
        return b""

    def blocking_close(self) -> None:
        self.let_go.wait()
