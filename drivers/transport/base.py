"""The byte-stream seam: four methods, whatever carries the bytes.

A transport knows nothing of messages, terminators or instruments. It is used by one task at a time (the link sees to
that). Closing it must unblock a pending read, whatever thread that read is in.
"""

from __future__ import annotations

from collections.abc import Callable
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


@runtime_checkable
class Passing(Protocol):
    """A transport whose bytes come in the event loop's own turn, and that can pass them on in that turn.

    Through read_some they come to whoever waits for them a turn later, and a turn of the loop costs a tenth of an
    exchange. How the line ends is told by read_some alone.
    """

    def pass_to(self, hear: Callable[[bytes], None]) -> Callable[[], bool]:
        """From now on until it is closed, hear() gets what arrives, in order after what read_some has given.

        Returns what tells whether the line is quiet: nothing has arrived that was not passed on, neither bytes nor the
        end of the line. It says False where that cannot be known without giving the loop its turns.
        """
