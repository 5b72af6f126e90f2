"""What one instrument gave, into its stream: in one commit a take, and a gap for what a full spool kept out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import groupby

from acquire.canonical import utc_now
from acquire.instruments.entries import LARGEST_BODY, gap_body, reading_body
from acquire.spool.journal import SpoolError, SpoolFull
from acquire.spool.recorder import Recorder
from acquire.spool.stream import Stream
from drivers import Flag, Instrument, Reading

SPOOL_FULL = "spool full"
SPOOL_LOST = "the spool's file was damaged or taken away"


class Intake:
    """Since start: `appended` counts the entries of readings, `unparsed` those of them that hold what was not
    understood.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.appended = 0
        self.unparsed = 0
        self._recorder = recorder
        self._full_since: str | None = None
        self._why = SPOOL_FULL
        self._missed = 0  # readings that came while the spool took none and will not come again
        self._handed: tuple[asyncio.Future[int], int] | None = None  # what is being committed, and how many readings

    async def keep(self, device: Instrument, stream: Stream, readings: Sequence[Reading]) -> None:
        """Append readings; only then does the device hear that they are safe. Raises SpoolError."""
        before = self.appended
        self._count_unparsed(readings)
        try:
            await self._append(stream, readings)
        except SpoolError as error:
            self._refused(error)
            if not device.comes_again:
                self._missed += len(readings) - (self.appended - before)
            raise
        if readings:
            await device.confirm()

    async def hand_over(self, device: Instrument, stream: Stream, readings: Sequence[Reading]) -> None:
        """Give readings to the spool once those handed over before are safe; settle() waits for these.

        Where may_hand_over() says so. Raises SpoolError.
        """
        if self._handed is not None:
            try:
                await self.settle()
            except SpoolError:
                self._missed += len(readings)
                raise
        bodies = [(reading_body(reading), None) for reading in readings]
        if any(len(body) > LARGEST_BODY for body, _ in bodies):
            await self.keep(device, stream, readings)
        elif bodies:
            self._count_unparsed(readings)
            self._handed = self._recorder.hand_over(stream, bodies), len(bodies)

    async def settle(self) -> None:
        """Wait until what was handed over is safe. Raises SpoolError."""
        handed, self._handed = self._handed, None
        if handed is None:
            return
        try:
            await handed[0]
        except SpoolError as error:
            self._refused(error)
            self._missed += handed[1]
            raise
        self.appended += handed[1]

    async def gap(self, stream: Stream, reason: str, count: int | None, since: str) -> None:
        """Readings that were not taken; count None where nobody knows how many. Raises SpoolError."""
        try:
            await self._recorder.append(stream, [(gap_body(reason, count, since), None)])
        except SpoolError as error:
            self._refused(error)
            raise

    def _count_unparsed(self, readings: Sequence[Reading]) -> None:
        for each in readings:
            if each.kind == "unparsed" and Flag.STALE not in each.flags:  # what was set aside was understood
                self.unparsed += 1

    def _refused(self, error: SpoolError) -> None:
        self._full_since = self._full_since or utc_now()
        self._why = SPOOL_FULL if isinstance(error, SpoolFull) else SPOOL_LOST

    async def begin(self, stream: Stream) -> None:
        """What the spool kept out of the stream before stands first in this one. Raises SpoolError."""
        if self._full_since is not None:
            since, missed = self._full_since, self._missed
            await self.gap(stream, self._why, missed, since)
            self._full_since, self._missed = None, 0

    async def _append(self, stream: Stream, readings: Sequence[Reading]) -> None:
        """Only what is too large to be sent is withheld, one by one."""
        bodies = [reading_body(reading) for reading in readings]
        for too_large, run in groupby(bodies, lambda body: len(body) > LARGEST_BODY):
            group = list(run)
            if too_large:
                for body in group:
                    await self._recorder.withhold(stream, body, f"larger than {LARGEST_BODY} bytes")
            else:
                await self._recorder.append(stream, [(body, None) for body in group])
            self.appended += len(group)


def may_hand_over(device: Instrument) -> bool:
    """Whether the device may be asked for more while what it gave is being committed: it is asked without a pause, need
    not hear that its readings are safe, and gives none again.
    """
    hears = type(device).confirm is not Instrument.confirm
    return device.poll_interval_s == 0 and not (hears or device.comes_again or device.speaks_unasked)
