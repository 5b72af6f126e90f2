"""What has arrived outlasts the connection: asyncio's own reader drops it when the other end resets the line.

A serial server that refuses says why and hangs up ("Port already in use" of ser2net); when bytes of ours were on the
way to it, its hanging up is a reset.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from typing import Any


class Received(asyncio.StreamReader):
    """A stream reader that gives all bytes first and only then says how the line ended, in `ended_by`.

    Bytes are passed to `hear`, where there is one, in the turn of the loop in which they arrive.
    """

    ended_by: Exception | None = None
    hear: Callable[[bytes], None] | None = None
    _buffer: bytearray  # of asyncio.StreamReader: what was not read yet
    _eof: bool
    _waiting: Any = None

    def watch(self, line: object) -> None:
        """The line that the bytes come from: a file descriptor, or what has one. Where the system has no poll() and
        the line no descriptor (Windows) it cannot be looked at.
        """
        if hasattr(select, "poll") and (isinstance(line, int) or hasattr(line, "fileno")):
            self._waiting = select.poll()
            self._waiting.register(line, select.POLLIN)

    def feed_data(self, data: Any) -> None:
        """Bytes have arrived."""
        if self.hear is None or self._buffer:  # what came first is read first
            super().feed_data(data)
        else:
            self.hear(data)

    def set_exception(self, exc: Exception) -> None:
        """The line was lost: what has arrived can still be read, and after it comes the end of the stream."""
        self.ended_by = exc
        self.feed_eof()

    def quiet(self) -> bool:
        """Whether nothing has arrived that was not passed on: neither here nor at the system."""
        return not (self._waiting is None or self._buffer or self._eof or self._waiting.poll(0))
