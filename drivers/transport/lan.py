"""What the protocols of instruments on a LAN have in common on the event loop: opening, and what has arrived."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from drivers.errors import LinkDown
from drivers.transport.plain import plain
from drivers.transport.received import Received


class LanTransport:
    """`_lost` says why nothing can be sent; None while it is open. resource: its name in sentences."""

    def __init__(self, resource: str) -> None:
        self._resource = resource
        self._reader: Received | None = None
        self._lost: LinkDown | None = LinkDown(f"{resource} is not open.")

    async def read_some(self) -> bytes:
        """What is there; at least one byte. Raises LinkDown when all that came before the end has been given."""
        data = await self._reader.read(65536) if self._reader is not None else b""
        if data:
            return data
        raise self._lost or LinkDown(f"{self._resource} is not open.")

    def pass_to(self, hear: Callable[[bytes], None]) -> Callable[[], bool]:
        """hear() gets what the instrument says, in the loop's turn in which it arrives. Raises LinkDown."""
        if self._reader is None:
            raise LinkDown(f"{self._resource} is not open.")
        self._reader.hear = hear
        return self._reader.quiet

    @asynccontextmanager
    async def _opening(self, within_s: float) -> AsyncIterator[None]:
        """Raises LinkDown, naming why it cannot be opened."""
        try:
            async with asyncio.timeout(within_s):
                yield
        except TimeoutError as error:
            raise LinkDown(f"{self._resource} cannot be opened: no answer in {within_s:g} s.") from error
        except (OSError, UnicodeError) as error:  # UnicodeError: what can be no name of a host
            raise LinkDown(f"{self._resource} cannot be opened: {plain(error)}.") from error
