"""What a driver has of its line: it asks and sends. Everything that could go wrong by forgetting is done here.

Whatever `parse` refuses, a time-out in the middle, a byte that nobody asked for: the line is in doubt from then on, and
every further request raises ReplyTimeout until the engine has identified the instrument again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from drivers.errors import Declined, Garbled, InstrumentError, fault_of, shown
from drivers.link import Link
from drivers.replies import Line, Reply

T = TypeVar("T")
LINE = Line()


class Wire:
    """A driver's line. `heard` are the replies since the engine last cleared it; `name` is the resource."""

    def __init__(self, link: Link, timeout_s: float) -> None:
        self._link = link
        self._timeout_s = timeout_s
        self.name = link.name
        self.heard: list[bytes] = []

    async def ask(
        self, query: bytes, parse: Callable[[bytes], T], reply: Reply = LINE, *, timeout_s: float | None = None
    ) -> T:
        """Send a query and parse its reply.

        parse takes the reply's bytes; it raises Declined where the instrument says no in its own words, which leaves
        the line sound, and Garbled for anything that is not of the protocol. Raises those, ReplyTimeout and LinkDown.
        """
        raw = await self._link.exchange(query, reply, timeout_s=timeout_s or self._timeout_s)
        self.heard.append(raw)
        try:
            return parse(raw)
        except Declined:
            raise
        except InstrumentError:
            self._link.doubt(raw)
            raise
        except Exception as error:  # a parser may be anybody's
            self._link.doubt(raw)
            raise Garbled(str(fault_of(error, f"parsing '{shown(raw)}'")), raw) from error

    async def ask_twice(
        self, query: bytes, parse: Callable[[bytes], T], reply: Reply = LINE, *, timeout_s: float | None = None
    ) -> T:
        """Ask for what is kept, and by which readings are judged for hours: one damaged digit must not be it.

        Raises as `ask` does, and Garbled where the two answers are not the same.
        """
        first = await self.ask(query, parse, reply, timeout_s=timeout_s)
        if await self.ask(query, parse, reply, timeout_s=timeout_s) != first:
            raw = self.heard[-1]
            self._link.doubt(raw)
            raise Garbled(
                f"{shown(query)} was answered in two ways, '{shown(self.heard[-2])}' and '{shown(raw)}'.", raw
            )
        return first

    async def send(self, data: bytes) -> None:
        """Send something that has no reply. Raises ReplyTimeout, LinkDown."""
        await self._link.send(data)
