"""What has arrived outlasts the connection: asyncio's own reader drops it when the other end resets the line.

A serial server that refuses says why and hangs up ("Port already in use" of ser2net); when bytes of ours were on the
way to it, its hanging up is a reset.
"""

from __future__ import annotations

import asyncio


class Received(asyncio.StreamReader):
    """A stream reader that gives all bytes first and only then says how the line ended, in `ended_by`."""

    ended_by: Exception | None = None

    def set_exception(self, exc: Exception) -> None:
        """The line was lost: what has arrived can still be read, and after it comes the end of the stream."""
        self.ended_by = exc
        self.feed_eof()
