"""What a person must know of: in the log, and in the spool for `acquire spool status`; the same one now and then."""

from __future__ import annotations

import time

from acquire.log import Log
from acquire.spool.journal import SpoolError
from acquire.spool.spool import Spool

log = Log("publisher")

EVERY_S = 10.0


class Alarms:
    """Of one spool."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._told: dict[tuple[str, str], float] = {}

    async def tell(self, what: str, subject: str, message: str) -> None:
        """A sentence about a subject; never raises for a disk that takes nothing."""
        now = time.monotonic()
        if now - self._told.get((what, subject), -EVERY_S) < EVERY_S:
            return
        self._told[what, subject] = now
        log.error(message)
        try:
            await self._spool.call(lambda j: j.alarm(what, subject, message))
        except SpoolError as error:
            log.warning("the alarm could not be kept", why=str(error))
