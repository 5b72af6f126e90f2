"""Cutting a stream of bytes into frames at their terminators. Pure: bytes in, frames out, whatever the chunks."""

from __future__ import annotations

import re


class Framer:
    """Collects bytes and returns complete frames without their terminator.

    Any of `terminators` ends a frame; CR LF counts as one even when it arrives in two pieces. More than `limit` bytes
    without a terminator raise OverflowError; its args are those bytes, which are forgotten, and the frames that were
    complete before them.
    """

    def __init__(self, terminators: tuple[bytes, ...] = (b"\r\n", b"\n", b"\r"), limit: int = 65536) -> None:
        self._pattern = re.compile(b"|".join(re.escape(t) for t in sorted(terminators, key=len, reverse=True)))
        self._split = b"\r\n" in terminators and b"\r" in terminators
        self._limit = limit
        self._buffer = bytearray()
        self._after_cr = False

    def reset(self) -> None:
        """Begin anew, as on a fresh connection."""
        self._buffer.clear()
        self._after_cr = False

    @property
    def pending(self) -> bytes:
        """The beginning of a frame that is not complete yet."""
        return bytes(self._buffer)

    def clear(self) -> bytes:
        """Forget the unfinished frame; returns it.

        That the last frame ended in CR is not forgotten: its LF may still be on the way and must not become an empty
        frame, which would be taken for the next reply.
        """
        left, self._buffer = bytes(self._buffer), bytearray()
        return left

    def feed(self, data: bytes) -> list[bytes]:
        """Take some bytes; returns the frames they completed, oldest first."""
        if self._after_cr and data:
            data = data.removeprefix(b"\n")
            self._after_cr = False
        self._buffer += data
        frames = []
        start = 0
        for found in self._pattern.finditer(self._buffer):
            frames.append(bytes(self._buffer[start : found.start()]))
            start = found.end()
        if start == len(self._buffer) and self._split and self._buffer.endswith(b"\r"):
            self._after_cr = True
        del self._buffer[:start]
        if len(self._buffer) > self._limit:
            raise OverflowError(self.clear(), frames)
        return frames
