"""What the instruments' runners write through: every entry is safe in the spool before anything else happens to it.

The recorder writes, the publisher sends (acquire.spool.publisher), which hears of every entry from the spool itself.
"""

from __future__ import annotations

import asyncio

from acquire.spool.publisher import Publisher
from acquire.spool.spool import Bodies, Spool
from acquire.spool.stream import Stream


class Recorder:
    """One for each spool, for all instruments of the host."""

    def __init__(self, spool: Spool, publisher: Publisher) -> None:
        self._spool = spool
        self._publisher = publisher

    async def open_stream(self, instrument: str) -> Stream:
        """Begin a stream: one connection epoch of an instrument, seq from 1 (docs/noloss.md section 1).

        Raises SpoolFull when the disk takes no more, SpoolError when the spool cannot be used.
        """
        return self._publisher.opened(await self._spool.open_stream(instrument))

    async def append(self, stream: Stream, bodies: Bodies, *, urgent: bool = False) -> int:
        """Append (canonical body, measurement of a marker or None) entries; returns the first seq once they are
        committed (rule 3.2).

        `urgent` ones (end markers) may use the reserve (rule 3.9). What has been handed over is appended and sent even
        when the caller is cancelled meanwhile. Raises SpoolFull when there is no room, SpoolError for a stream that
        has ended: nothing is appended then.
        """
        return await self._spool.append(stream.number, bodies, urgent=urgent)

    def hand_over(self, stream: Stream, bodies: Bodies) -> asyncio.Future[int]:
        """The same, for whoever waits later: the future has the first seq once they are committed, and raises then.

        What is appended afterwards comes after them.
        """
        return self._spool.append(stream.number, bodies)

    async def withhold(self, stream: Stream, body: bytes, reason: str) -> int:
        """Keep an original that is too large to send; its stand-in takes the seq, which is returned (rule 3.8).

        Raises SpoolFull or SpoolError; nothing is kept then.
        """
        seq = await self._spool.withhold(stream.number, body, reason)
        self._publisher.withheld(stream, seq)
        return seq

    async def end_stream(self, stream: Stream, ended: str, why: str | None = None) -> None:
        """End a stream: its head is final now. `ended` is one of the words of docs/noloss.md section 1, `why` the
        sentence of the fault, kept with it.

        A second end changes nothing. Raises SpoolError when it could not be written.
        """
        await self._spool.end_stream(stream.number, ended, why)
        self._publisher.ended(stream, ended, why)
