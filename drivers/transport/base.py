"""The byte-stream seam: four methods, whatever carries the bytes.

A transport knows nothing of messages, terminators or instruments. It is used by one task at a time (the link sees to
that). Closing it must unblock a pending read, whatever thread that read is in.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Transport(Protocol):
    """open, write, read_some, close."""

    async def open(self) -> None:
        """Take the port exclusively. Raises LinkDown with a plain sentence when it cannot be had."""

    async def write(self, data: bytes) -> None:
        """Send all of data. Raises LinkDown when the port is gone."""

    async def read_some(self) -> bytes:
        """Wait for at least one byte and return what is there. Raises LinkDown at end of stream or loss.

        What arrived before the end is given first: it may say why. Must be cancellable: after cancellation no byte that
        arrives later may be lost to the next read_some.
        """

    async def close(self) -> None:
        """Release the port. Never raises, may be called twice; a pending read_some ends with LinkDown."""
